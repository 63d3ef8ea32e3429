import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meshCoreLayout, svdCoreLayout } from '../../../core/mesh-layout.ts'
import { fabricateChip } from '../../../sim/optics/chip.ts'
import type { ChipTruth } from '../../../sim/optics/chip.ts'
import type { CoreForm } from '../../../core/mesh-design.ts'
import type { MeshImperfections } from '../../../sim/optics/parameters/mesh-parameters.ts'
import { mziMatrix } from '../../../sim/optics/mzi.ts'
import { chipTransfer } from '../../../sim/optics/transfer.ts'
import { diagonal, distance, embed, identity, nonUnitarity, times } from '../../support/complex.ts'
import type { Square } from '../../support/complex.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'

type Losses = Pick<MeshImperfections, 'mziLossDb' | 'mziLossSpreadDb'>

const lossless = { mziLossDb: 0, mziLossSpreadDb: 0, tapRatio: 0 }

function fabricate(size: number, changes: Partial<MeshImperfections>, seed = 1): ChipTruth {
  return fabricateChip(svdCoreLayout(size, 1), defaultImperfections(changes), seed)
}

/** A phase for every heater: the attenuators wide open, all others anywhere. */
function openPhases({ layout }: ChipTruth, draw: (heater: number) => number): Float64Array {
  const phases = Float64Array.from(layout.heaters, (_, heater) => draw(heater))
  for (const theta of layout.sigma.theta) phases[theta] = 0
  return phases
}

const columnPower = ({ size, re, im }: Square, column: number): number => {
  let power = 0
  for (let row = 0; row < size; row++) power += re[row * size + column]! ** 2 + im[row * size + column]! ** 2
  return power
}

const sizes = fc.integer({ min: 2, max: 9 })
const seeds = fc.nat(1000)
const scatter = (seed: number) => (heater: number) => 7 * Math.sin(1 + heater * 12.9898 + seed)

describe('the folded chip', () => {
  test('is unitary without losses, with attenuators that open fully', () => {
    fc.assert(
      fc.property(sizes, seeds, (size, seed) => {
        const chip = fabricate(size, { ...lossless, splitterSigmaRad: 0 }, seed)
        const { toTaps, through } = chipTransfer(chip, openPhases(chip, scatter(seed)))
        expect(nonUnitarity(toTaps)).toBeLessThan(1e-13)
        expect(nonUnitarity(through)).toBeLessThan(1e-13)
      }),
      { numRuns: 30 },
    )
  })

  test('up to the taps is unitary without losses, whatever the splitters are', () => {
    const chip = fabricate(8, { ...lossless, splitterSigmaRad: 0.2 })
    expect(nonUnitarity(chipTransfer(chip, openPhases(chip, scatter(1))).toTaps)).toBeLessThan(1e-13)
  })

  test('with losses and taps gives out less light than it gets, by what its elements lose', () => {
    const chip = fabricate(8, { splitterSigmaRad: 0, mziLossDb: 0.1, mziLossSpreadDb: 0, tapRatio: 0.01 })
    const { through } = chipTransfer(chip, openPhases(chip, scatter(2)))
    // Each mesh has 8 columns; light on the edges meets fewer interferometers. One attenuator in any case.
    const most = 0.99 * 10 ** (-0.01 * (4 + 1 + 4))
    const least = 0.99 * 10 ** (-0.01 * (8 + 1 + 8))
    for (let input = 0; input < 8; input++) {
      expect(columnPower(through, input)).toBeLessThan(most)
      expect(columnPower(through, input)).toBeGreaterThan(least)
    }
  })

  test('passes nothing through attenuators at π', () => {
    const chip = fabricate(5, { ...lossless, splitterSigmaRad: 0 })
    const phases = openPhases(chip, scatter(3))
    for (const theta of chip.layout.sigma.theta) phases[theta] = Math.PI
    const { toTaps, through } = chipTransfer(chip, phases)
    expect(Math.hypot(...through.re, ...through.im)).toBeLessThan(1e-14)
    expect(columnPower(toTaps, 0)).toBeCloseTo(1, 13)
  })

  test('attenuators that err can neither open nor shut fully', () => {
    const chip = fabricate(6, { ...lossless, splitterSigmaRad: 0.1 })
    const phases = openPhases(chip, scatter(4))
    const open = chipTransfer(chip, phases).through
    for (const theta of chip.layout.sigma.theta) phases[theta] = Math.PI
    const shut = chipTransfer(chip, phases).through
    for (let input = 0; input < 6; input++) {
      expect(columnPower(open, input)).toBeLessThan(1)
      expect(columnPower(open, input)).toBeGreaterThan(0.8)
      expect(columnPower(shut, input)).toBeGreaterThan(0)
      expect(columnPower(shut, input)).toBeLessThan(0.2)
    }
  })

  test('equals the product of all its elements, multiplied one by one in the order of the light', () => {
    const chip = fabricate(5, {}, 7)
    const { layout } = chip
    const phases = Float64Array.from(layout.heaters, (_, heater) => scatter(5)(heater))
    const t = new Float64Array(8)
    const mesh = (from: Square, mzis: ChipTruth['first'], heaters: typeof layout.first): Square =>
      layout.mzis.reduce((matrix, { top }, k) => {
        mziMatrix(mzis[k]!, phases[heaters.theta[k]!]!, phases[heaters.phi[k]!]!, t)
        return times(embed(5, top, t), matrix)
      }, from)
    const taps = mesh(identity(5), chip.first, layout.first)
    const passed = chip.sigma.map((mzi, waveguide) => {
      mziMatrix(mzi, phases[layout.sigma.theta[waveguide]!]!, phases[layout.sigma.phi[waveguide]!]!, t)
      return [t[4]! * chip.tapFieldRatio, t[5]! * chip.tapFieldRatio] as const
    })
    const sigma = diagonal(
      passed.map(([re]) => re),
      passed.map(([, im]) => im),
    )
    const whole = mesh(times(sigma, taps), chip.second, layout.second)
    const folded = chipTransfer(chip, phases)
    expect(distance(folded.toTaps, taps)).toBeLessThan(1e-14)
    expect(distance(folded.through, whole)).toBeLessThan(1e-14)
  })
})

describe.each(['clements', 'reck'] as const)('a mesh arranged as in %s', (arrangement) => {
  describe.each(['plain', 'three-splitter', 'crossing'] as const)('of %s interferometers', (mzi) => {
    const built = (size: number, seed: number, form: CoreForm = 'svd', losses: Losses = lossless): ChipTruth =>
      fabricateChip(
        meshCoreLayout(size, 1, { arrangement, mzi, form }),
        defaultImperfections({ ...losses, splitterSigmaRad: 0.1 }),
        seed,
      )

    test('alone, as a unitary core, keeps all light without losses and makes none with them', () => {
      fc.assert(
        fc.property(sizes, seeds, (size, seed) => {
          const kept = built(size, seed, 'unitary')
          expect(nonUnitarity(chipTransfer(kept, openPhases(kept, scatter(seed))).through)).toBeLessThan(1e-13)
          const lossy = built(size, seed, 'unitary', { mziLossDb: 0.2, mziLossSpreadDb: 0.05 })
          const { through } = chipTransfer(lossy, openPhases(lossy, scatter(seed)))
          for (let input = 0; input < size; input++) expect(columnPower(through, input)).toBeLessThan(1)
        }),
        { numRuns: 10 },
      )
    })

    test('alone is the first mesh of the core of two, and has no taps', () => {
      const [one, two] = [built(6, 5, 'unitary'), built(6, 5)]
      expect(one.first).toEqual(two.first)
      expect([one.sigma, one.second, one.tapPowerRatio]).toEqual([[], [], 0])
      const phases = openPhases(two, scatter(5))
      const alone = new Float64Array(one.layout.heaters.length)
      for (const kind of ['phi', 'theta'] as const) {
        for (const [k, heater] of one.layout.first[kind].entries()) alone[heater] = phases[two.layout.first[kind][k]!]!
      }
      expect(distance(chipTransfer(one, alone).through, chipTransfer(two, phases).toTaps)).toBe(0)
    })

    test('is unitary without losses, whatever the splitters are', () => {
      fc.assert(
        fc.property(sizes, seeds, (size, seed) => {
          const chip = built(size, seed)
          expect(nonUnitarity(chipTransfer(chip, openPhases(chip, scatter(seed))).toTaps)).toBeLessThan(1e-13)
        }),
        { numRuns: 10 },
      )
    })

    test('is reciprocal: light from behind meets the transpose', () => {
      const size = 6
      const chip = built(size, 3)
      const { layout } = chip
      const phases = openPhases(chip, scatter(3))
      const splitter = (angleRad: number): Square => {
        const [c, s] = [Math.cos(angleRad), Math.sin(angleRad)]
        return embed(2, 0, Float64Array.of(c, 0, 0, s, 0, s, c, 0))
      }
      const upper = (phaseRad: number): Square => diagonal([Math.cos(phaseRad), 1], [Math.sin(phaseRad), 0])
      let backwards = identity(size)
      // Light from behind meets the last device first, and in each of them the last splitter first.
      for (let k = layout.mzis.length - 1; k >= 0; k--) {
        const { alphaRad, betaRad, thirdRad } = chip.first[k]!
        const { re, im } = [
          splitter(Math.PI / 4 + betaRad),
          upper(phases[layout.first.theta[k]!]!),
          splitter(Math.PI / 4 + alphaRad),
          upper(phases[layout.first.phi[k]!]!),
          splitter(thirdRad ?? 0),
        ].reduce((met, next) => times(next, met))
        const device = Float64Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? re : im)[at >> 1]!)
        backwards = times(embed(size, layout.mzis[k]!.top, device), backwards)
      }
      expect(distance(transpose(backwards), chipTransfer(chip, phases).toTaps)).toBeLessThan(1e-13)
    })
  })
})

function transpose({ size, re, im }: Square): Square {
  const from = (at: number): number => (at % size) * size + Math.floor(at / size)
  return { size, re: re.map((_, at) => re[from(at)]!), im: im.map((_, at) => im[from(at)]!) }
}
