import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { orthogonalScale, whyNotOrthogonal } from '../../../calibration/model/orthogonal-weights.ts'
import { randomOrthogonal } from '../../../calibration/steps/verification.ts'
import { RandomStream } from '../../../core/random.ts'

const orthogonal = (size: number, seed: number): Float64Array =>
  randomOrthogonal(size, new RandomStream(seed, 'weights'))

describe('weights of a unitary core', () => {
  test('are an orthogonal matrix times a factor, which is found', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 9 }),
        fc.nat(),
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        (size, seed, factor) => {
          const weights = orthogonal(size, seed).map((weight) => factor * weight)
          expect(orthogonalScale(weights, size) / factor).toBeCloseTo(1, 9)
        },
      ),
    )
  })

  test.each([
    ['all 0', new Float64Array(9), 'they are all 0'],
    ['one input stronger', Float64Array.of(2, 0, 0, 0, 1, 0, 0, 0, 1), 'the power of input 0 is 1.0 of the mean away'],
    ['two inputs alike', Float64Array.of(1, 1, 0, 1, 1, 0, 0, 0, 1), 'inputs 0 and 1 overlap by'],
    ['not a number', Float64Array.of(1, 0, 0, 0, NaN, 0, 0, 0, 1), 'they are not all finite'],
  ])('are refused when %s', (_, weights, why) => {
    expect(whyNotOrthogonal(weights, 3)).toContain(why)
    expect(() => orthogonalScale(weights, 3)).toThrow('a unitary core cannot make these weights')
  })

  test('may be off by what a file of float32 rounds away, and no more', () => {
    const weights = orthogonal(8, 1)
    expect(whyNotOrthogonal(Float64Array.from(Float32Array.from(weights)), 8)).toBeUndefined()
    weights[3]! += 0.01
    expect(whyNotOrthogonal(weights, 8)).toContain('core of form svd')
  })
})
