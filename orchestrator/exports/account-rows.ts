import { BOUNDARIES } from '../ledger/boundaries.ts'
import type { Boundary, Joules } from '../ledger/boundaries.ts'
import type { EnergyAccount, RunEnergy } from '../ledger/energy.ts'
import type { Cell } from './export-content.ts'

/** One entry of a run's account, in one row. */
interface Entry {
  readonly entry: string
  readonly name: string | null
  readonly macs: number | null
  readonly seconds: number | null
  readonly joules: Partial<Joules>
  readonly uncertaintyJ: Partial<Joules>
}

/** What a row of the account says, cell by cell; of each boundary its energy and how far it may be off. */
export const ACCOUNT_COLUMNS = {
  entry: 'job: the product; else what of it or of the run: component, heading, part, tile or lane',
  name: 'which of them; of the job the layer that it is of',
  macs: 'multiply-accumulates that were asked for',
  seconds: 'time on the bench’s clock',
} as const

/** The account as a run keeps it, entry by entry; nothing of a run without one. */
export function accountRows(result: unknown, layer: string | undefined): readonly (readonly Cell[])[] {
  const { energy } = (result ?? {}) as { readonly energy?: Partial<EnergyAccount & RunEnergy> }
  if (energy === undefined) return []
  return entriesOf(energy, layer ?? null).map(({ entry, name, macs, seconds, joules, uncertaintyJ }) => [
    ...[entry, name, macs, seconds],
    ...BOUNDARIES.flatMap((boundary) => [joules[boundary] ?? null, uncertaintyJ[boundary] ?? null]),
  ])
}

function entriesOf(energy: Partial<EnergyAccount>, layer: string | null): readonly Entry[] {
  const { boundaries, shares = [], headings = [], benchSeconds = null, macs = null } = energy
  const none = { macs: null, seconds: null, uncertaintyJ: {} }
  const job = boundaries && {
    ...{ entry: 'job', name: layer, macs, seconds: benchSeconds },
    joules: byBoundary(boundaries, ({ joules }) => joules),
    uncertaintyJ: byBoundary(boundaries, ({ uncertainty }) => uncertainty.joules),
  }
  const parts = (['part', 'tile', 'lane'] as const).flatMap((entry) =>
    (energy[`${entry}s`] ?? []).map((part) => ({ ...none, ...part, entry })),
  )
  return [
    ...(job ? [job] : []),
    ...shares.map(({ component, boundary, joules, uncertaintyJ }) => ({
      ...none,
      ...{ entry: 'component', name: component },
      ...{ joules: { [boundary]: joules }, uncertaintyJ: { [boundary]: uncertaintyJ } },
    })),
    ...headings.map(({ heading, ...of }) => ({ ...none, ...of, entry: 'heading', name: heading })),
    ...parts,
  ]
}

function byBoundary<Of extends { readonly boundary: Boundary }>(
  all: readonly Of[],
  value: (of: Of) => number,
): Partial<Joules> {
  return Object.fromEntries(all.map((of) => [of.boundary, value(of)]))
}
