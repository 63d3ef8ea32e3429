import { describe, expect, test } from 'vitest'
import { energyTable, runEnergyText } from '../../cli/energy-table.ts'
import type { StoredEnergy } from '../../cli/energy-table.ts'
import { PAPER } from '../../cli/matmul-job.ts'
import { joulesBy } from '../../orchestrator/ledger/boundaries.ts'
import type { PowerShare } from '../../orchestrator/ledger/energy.ts'

/** As runs of earlier versions have it. */
const EARLIER: StoredEnergy = {
  benchSeconds: 2,
  macs: 1000,
  tops: 1e-9,
  shares: [
    { component: 'whole bench', boundary: 'wall-plug', powerW: 900, source: 'measured', from: 'mains meter' },
    { component: 'DAC and ADC', boundary: 'converters', powerW: 5e-8, source: 'modelled', from: 'a formula' },
  ],
  boundaries: [
    { boundary: 'wall-plug', joules: 1800, milliwattPerTops: 9e14, femtojoulePerMac: 1.8e15, topsPerWatt: 1.1e-12 },
  ],
  reference: PAPER,
}

const lineOf = (lines: readonly string[], word: string): string => lines.find((line) => line.includes(word)) ?? ''

describe('the table of a run’s energy', () => {
  test('shows runs of earlier versions, which knew no errors, as far as they go', () => {
    const lines = energyTable(EARLIER)
    expect(lineOf(lines, 'wall-plug')).toMatch(/wall-plug +1800 +9\.000e\+14 +1\.800e\+15 +1\.100e-12 +–$/)
    expect(lineOf(lines, 'whole bench')).toMatch(/900 +– +wall-plug +measured +mains meter$/)
    expect(lines.join('\n')).not.toMatch(/undefined|NaN|time for|MODELLED/)
  })

  test('says of each figure how far it may be off, from how many readings, and what the time was for', () => {
    const known = {
      joules: 1800,
      uncertaintyJ: 18,
      accuracy: 'class 1',
      readings: 3,
      measuredSeconds: 2,
      modelledSeconds: 0,
    }
    const share = { ...EARLIER.shares[0]!, ...known }
    const figures = { joules: 18, milliwattPerTops: 9e12, femtojoulePerMac: 1.8e13, topsPerWatt: 1.1e-14 }
    const heading = {
      heading: 'warm-up',
      seconds: 31,
      joules: joulesBy(() => 7),
      uncertaintyJ: joulesBy(() => 1),
    } as const
    const lines = energyTable({
      ...EARLIER,
      shares: [share],
      boundaries: [{ ...EARLIER.boundaries[0]!, uncertainty: figures }],
      headings: [heading],
    })
    expect(lineOf(lines, '1.100e-12')).toMatch(/ 1 %$/)
    expect(lineOf(lines, 'whole bench')).toMatch(/1 % +wall-plug +measured, 3 readings +mains meter; class 1$/)
    expect(lineOf(lines, 'warm-up')).toMatch(/warm-up +31 +7 +7 +7 +7$/)
  })

  test('says loudly which seconds are modelled because a meter was silent', () => {
    const silent = [{ component: 'whole bench', fromSeconds: 33.25, toSeconds: 40.25, powerW: 901.5 }]
    const said =
      /MODELLED, because the meter did not answer: whole bench, 7 s from 33\.25 s on, at its mean of 901\.5 W/
    expect(energyTable({ ...EARLIER, silent }).join('\n')).toMatch(said)
    const shares: PowerShare[] = []
    expect(runEnergyText({ headings: [], shares, silent }).join('\n')).toMatch(said)
  })
})
