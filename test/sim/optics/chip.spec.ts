import { describe, expect, test } from 'vitest'
import { svdCoreLayout } from '../../../core/mesh-layout.ts'
import { fabricateChip } from '../../../sim/optics/chip.ts'
import type { ChipTruth } from '../../../sim/optics/chip.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'
import { statistics } from '../../support/statistics.ts'

const layout = svdCoreLayout(8, 2)
const what = defaultImperfections()

function collect(value: (chip: ChipTruth) => ArrayLike<number>): number[] {
  return Array.from({ length: 30 }, (_, seed) => Array.from(value(fabricateChip(layout, what, seed)))).flat()
}

const mzisOf = (chip: ChipTruth): ChipTruth['first'][number][] => [...chip.first, ...chip.sigma, ...chip.second]
const lossDb = (fieldRatio: number): number => -20 * Math.log10(fieldRatio)

describe('a fabricated chip', () => {
  test('is the same chip for the same seed and another one for another', () => {
    expect(fabricateChip(layout, what, 5)).toEqual(fabricateChip(layout, what, 5))
    const [five, six] = [fabricateChip(layout, what, 5), fabricateChip(layout, what, 6)]
    for (const key of ['first', 'sigma', 'second', 'offsetRad', 'piPowerMw'] as const)
      expect(five[key]).not.toEqual(six[key])
  })

  test('its splitters err by 0.02 rad (σ) around π/4', () => {
    const angles = statistics(collect((chip) => mzisOf(chip).flatMap(({ alphaRad, betaRad }) => [alphaRad, betaRad])))
    expect(Math.abs(angles.mean)).toBeLessThan(angles.meanTolerance)
    expect(Math.abs(angles.sigma - 0.02)).toBeLessThan(angles.sigmaTolerance)
  })

  test('its interferometers lose 0.10 dB, spread by 0.01 dB', () => {
    const losses = statistics(collect((chip) => mzisOf(chip).map(({ fieldRatio }) => lossDb(fieldRatio))))
    expect(Math.abs(losses.mean - 0.1)).toBeLessThan(losses.meanTolerance)
    expect(Math.abs(losses.sigma - 0.01)).toBeLessThan(losses.sigmaTolerance)
  })

  test('its heaters need 21.4 mW for π, spread by 5 %', () => {
    const powers = statistics(collect(({ piPowerMw }) => piPowerMw))
    expect(Math.abs(powers.mean - 21.4)).toBeLessThan(powers.meanTolerance)
    expect(Math.abs(powers.sigma - 0.05 * 21.4)).toBeLessThan(powers.sigmaTolerance)
  })

  test('its phases at 0 V are anywhere on the circle', () => {
    const offsets = collect(({ offsetRad }) => offsetRad)
    expect(Math.min(...offsets)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...offsets)).toBeLessThan(2 * Math.PI)
    for (const project of [Math.cos, Math.sin]) {
      const { mean, meanTolerance } = statistics(offsets.map(project))
      expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    }
  })

  test('never gains light, however wide its losses spread', () => {
    const chip = fabricateChip(layout, { ...what, mziLossDb: 0, mziLossSpreadDb: 0.5 }, 1)
    for (const { fieldRatio } of mzisOf(chip)) expect(fieldRatio).toBeLessThanOrEqual(1)
  })

  test('a mean of the splitters moves all of them alike, and no other device', () => {
    const [chip, moved] = [fabricateChip(layout, what, 3), fabricateChip(layout, { ...what, splitterMeanRad: 0.06 }, 3)]
    for (const [i, mzi] of mzisOf(moved).entries()) {
      expect(mzi.alphaRad).toBeCloseTo(mzisOf(chip)[i]!.alphaRad + 0.06, 15)
      expect(mzi.betaRad).toBeCloseTo(mzisOf(chip)[i]!.betaRad + 0.06, 15)
      expect(mzi.fieldRatio).toBe(mzisOf(chip)[i]!.fieldRatio)
    }
    expect(moved.offsetRad).toEqual(chip.offsetRad)
  })

  test('worse splitters are the same splitters, worse: no other device changes', () => {
    const [chip, worse] = [
      fabricateChip(layout, what, 3),
      fabricateChip(layout, { ...what, splitterSigmaRad: 0.04 }, 3),
    ]
    for (const [i, mzi] of mzisOf(worse).entries()) {
      expect(mzi.alphaRad).toBeCloseTo(2 * mzisOf(chip)[i]!.alphaRad, 15)
      expect(mzi.fieldRatio).toBe(mzisOf(chip)[i]!.fieldRatio)
    }
    expect(worse.offsetRad).toEqual(chip.offsetRad)
    expect(worse.piPowerMw).toEqual(chip.piPowerMw)
    expect(worse.crosstalk).toEqual(chip.crosstalk)
  })
})

describe('thermal crosstalk', () => {
  const { crosstalk } = fabricateChip(layout, { ...what, crosstalkNeighbour: 0.015, crosstalkDecayPitch: 2 }, 1)
  const count = layout.heaters.length
  const share = (victim: number, aggressor: number): number => crosstalk.share(victim, aggressor)

  test('leaves a heater its own phase, whole', () => {
    for (const heater of layout.heaters.keys()) expect(share(heater, heater)).toBe(1)
  })

  test('is 1.5 % one pitch away and falls by e every two pitches', () => {
    const { first } = layout
    const [phi, theta] = [first.phi[0]!, first.theta[0]!]
    expect(share(phi, theta)).toBeCloseTo(0.015, 15)
    // The next interferometer of the same waveguides is two columns on: four pitches.
    const next = layout.mzis.findIndex(({ column, top }) => column === 2 && top === 0)
    expect(share(phi, first.phi[next]!)).toBeCloseTo(0.015 * Math.exp(-3 / 2), 15)
    // Diagonal neighbours: one column (two pitches) on and one waveguide down.
    const below = layout.mzis.findIndex(({ column, top }) => column === 1 && top === 1)
    expect(share(phi, first.phi[below]!)).toBeCloseTo(0.015 * Math.exp(-(Math.sqrt(5) - 1) / 2), 15)
  })

  test('is mutual', () => {
    for (let victim = 0; victim < count; victim += 7) {
      for (let from = 0; from < count; from += 5) expect(share(victim, from)).toBe(share(from, victim))
    }
  })
})
