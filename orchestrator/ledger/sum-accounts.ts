import { boundaryEnergies, HEADINGS, rootOfSquares, topsOf } from './energy.ts'
import type { EnergyAccount, HeadingEnergy } from './energy.ts'
import { joulesBy } from './boundaries.ts'

/** The account of one core's part of a job. */
export interface CoreAccount {
  readonly core: string
  readonly energy: EnergyAccount
}

/**
 * The account of a job that several cores did side by side: energies and operations add up, and its time is that of
 * the core that took longest. Entries keep their own and bear the name of their core.
 */
export function sumAccounts(cores: readonly CoreAccount[]): EnergyAccount {
  const benchSeconds = Math.max(...cores.map(({ energy }) => energy.benchSeconds))
  const macs = cores.reduce((sum, { energy }) => sum + energy.macs, 0)
  const named = <Key extends 'parts' | 'tiles' | 'lanes'>(key: Key): EnergyAccount[Key] =>
    cores.flatMap(({ core, energy }) => energy[key].map((part) => ({ ...part, name: `${core}: ${part.name}` })))
  const ofCores = <Entry extends { readonly component: string }>(
    entriesOf: (energy: EnergyAccount) => readonly Entry[],
  ): readonly Entry[] =>
    cores.flatMap(({ core, energy }) =>
      entriesOf(energy).map((entry) => ({ ...entry, component: `${core}: ${entry.component}` })),
    )
  const shares = ofCores(({ shares }) => shares)
  return {
    ...{ benchSeconds, macs, tops: topsOf(macs, benchSeconds), shares },
    boundaries: boundaryEnergies(shares, macs),
    headings: headingsOf(cores),
    ...{ parts: named('parts'), tiles: named('tiles'), lanes: named('lanes'), silent: ofCores(({ silent }) => silent) },
  }
}

function headingsOf(cores: readonly CoreAccount[]): readonly HeadingEnergy[] {
  return HEADINGS.flatMap((heading): HeadingEnergy[] => {
    const same = cores.flatMap(({ energy }) => energy.headings.filter((one) => one.heading === heading))
    if (same.length === 0) return []
    return [
      {
        heading,
        seconds: Math.max(...same.map(({ seconds }) => seconds)),
        joules: joulesBy((boundary) => same.reduce((sum, { joules }) => sum + joules[boundary], 0)),
        uncertaintyJ: joulesBy((boundary) => rootOfSquares(same.map(({ uncertaintyJ }) => uncertaintyJ[boundary]))),
      },
    ]
  })
}
