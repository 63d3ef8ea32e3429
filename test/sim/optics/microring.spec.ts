import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bankOutputs, ringOutputs } from '../../../sim/optics/microring.ts'
import type { RingTruth } from '../../../sim/optics/microring.ts'

const lossless: RingTruth = {
  coldThz: 193.1,
  freeSpectralRangeThz: 2,
  fwhmThz: 0.018,
  dropPeak: 1,
  throughFloor: 0,
  throughFar: 1,
}

describe('a microring', () => {
  test('without loss gives all light to one of its outputs', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 180, max: 210, noNaN: true }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (f, shift) => {
          const { drop, through } = ringOutputs(lossless, f, shift)
          expect(drop + through).toBeCloseTo(1, 12)
          expect(Math.min(drop, through)).toBeGreaterThanOrEqual(0)
        },
      ),
    )
  })

  test('drops all on resonance, half at half its width, a ninth of a percent ten widths away', () => {
    expect(ringOutputs(lossless, 193.1, 0).drop).toBeCloseTo(1, 12)
    expect(ringOutputs(lossless, 193.109, 0).drop).toBeCloseTo(0.5, 9)
    expect(ringOutputs(lossless, 193.28, 0).drop).toBeCloseTo(1 / 401, 9)
  })

  test('is the same one free spectral range away', () => {
    const near = ringOutputs(lossless, 193.105, 0)
    for (const orders of [-3, 1, 7]) {
      expect(ringOutputs(lossless, 193.105 + 2 * orders, 0).drop).toBeCloseTo(near.drop, 8)
    }
  })

  test('moves to lower frequencies with heat', () => {
    expect(ringOutputs(lossless, 193.05, 0.05).drop).toBeCloseTo(1, 9)
    expect(ringOutputs(lossless, 193.05, 0).drop).toBeLessThan(0.04)
  })
})

describe('rings in series', () => {
  test('make no light, however they stand', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 1, maxLength: 8 }),
        fc.double({ min: 192, max: 195, noNaN: true }),
        (shifts, frequencyThz) => {
          const { drop, through } = bankOutputs(
            shifts.map(() => lossless),
            frequencyThz,
            shifts,
          )
          expect(drop + through).toBeCloseTo(1, 12)
        },
      ),
    )
  })

  test('the first on resonance leaves nothing to the next', () => {
    const twice = bankOutputs([lossless, lossless], 193.1, [0, 0])
    expect(twice).toEqual({ drop: 1, through: 0 })
  })
})
