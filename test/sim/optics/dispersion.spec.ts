import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { meshCoreLayout } from '../../../core/mesh-layout.ts'
import { fabricateChip } from '../../../sim/optics/chip.ts'
import { dispersedChips } from '../../../sim/optics/dispersion.ts'
import { MeshOptics } from '../../../sim/optics/mesh-optics.ts'
import type { MeshImperfections } from '../../../sim/optics/parameters/mesh-parameters.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'
import { statistics } from '../../support/statistics.ts'

const CHANNELS = [193.1, 193.2, 193.6]
const chipsOf = (changes: Partial<MeshImperfections>, size = 4) => {
  const what = defaultImperfections(changes)
  const chip = fabricateChip(meshCoreLayout(size, CHANNELS.length), what, 1)
  return { chip, lanes: dispersedChips(chip, CHANNELS, what, 1) }
}

describe('dispersion of a mesh core', () => {
  test('is none by default: all lanes share one chip, and its fold', () => {
    const { chip, lanes } = chipsOf({})
    expect(new Set(lanes).size).toBe(1)
    expect(lanes[0]).toEqual({ chip, phasesRad: undefined })
  })

  test('turns each arm by 2π·n_g·ΔL·Δf/c: 1 µm is 8.8 mrad over 100 GHz, and five times that over 500', () => {
    const [first, second, third] = chipsOf({ pathMismatchUm: 1 }, 32).lanes
    expect(first!.phasesRad).toBeUndefined()
    const { mean, meanTolerance, sigma, sigmaTolerance } = statistics(second!.phasesRad!)
    expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - (2 * Math.PI * 4.2e-6 * 1e11) / 299_792_458)).toBeLessThan(sigmaTolerance)
    for (const [heater, rad] of second!.phasesRad!.entries()) expect(third!.phasesRad![heater]).toBeCloseTo(5 * rad, 9)
  })

  test('turns all splitters by their slope, and leaves losses alone', () => {
    const { chip, lanes } = chipsOf({ splitterDispersionRadPerThz: 0.01 })
    for (const [k, mzi] of lanes[2]!.chip.second.entries()) {
      expect(mzi.alphaRad).toBeCloseTo(chip.second[k]!.alphaRad + 0.005, 12)
      expect(mzi.betaRad).toBeCloseTo(chip.second[k]!.betaRad + 0.005, 12)
      expect(mzi.fieldRatio).toBe(chip.second[k]!.fieldRatio)
    }
  })

  test('makes lanes see different matrices, each losing no more light than the other', () => {
    const lossless = { mziLossDb: 0, mziLossSpreadDb: 0, tapRatio: 0.0001, muxCentreErrorGhz: 0 }
    const seen = (changes: Partial<MeshImperfections>): Float64Array[] => {
      const what = defaultImperfections({ ...lossless, inputLossSpreadDb: 0, ...changes })
      const core = new MeshOptics(3, [193.1, 193.3], what, 1, new VirtualClock())
      const powers = (lane: number): Float64Array =>
        core.tapPowersMw({
          powersMw: Float64Array.from([0, 1], (of) => (of === lane ? 1 : 0)),
          frequenciesThz: Float64Array.of(193.1, 193.3),
          fieldRe: Float64Array.of(1, 0, 0, 1, 0, 0),
          fieldIm: new Float64Array(6),
        })
      return [powers(0), powers(1)]
    }
    const total = (powers: Float64Array): number => powers.reduce((sum, mw) => sum + mw, 0)
    const apart = ([a, b]: Float64Array[]): number => Math.max(...a!.map((mw, i) => Math.abs(mw - b![i]!))) / total(a!)
    const [flat, dispersed] = [seen({}), seen({ pathMismatchUm: 20 })]
    expect(apart(flat)).toBeLessThan(1e-9)
    expect(apart(dispersed)).toBeGreaterThan(0.01)
    expect(total(dispersed[1]!) / total(flat[1]!)).toBeCloseTo(1, 9)
  })
})
