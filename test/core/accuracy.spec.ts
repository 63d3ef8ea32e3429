import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accuracyOf } from '../../core/accuracy.ts'

describe('accuracy of results', () => {
  test('an RMS error of 1/64 of the range is 6 effective bits', () => {
    const { effectiveBits, nrmse } = accuracyOf([-32, 0, 32], [1, -1, 1])
    expect(effectiveBits).toBe(6)
    expect(nrmse).toBe(1 / 64)
  })

  test('no error at all is infinitely many bits, also where there is nothing to compare', () => {
    expect(accuracyOf([1, 2, 3], [0, 0, 0])).toEqual({ effectiveBits: Infinity, nrmse: 0 })
    expect(accuracyOf([], [])).toEqual({ effectiveBits: Infinity, nrmse: 0 })
  })

  test('a flat result has no range: exact or worthless, never NaN', () => {
    expect(accuracyOf([4, 4, 4], [0, 0, 0])).toEqual({ effectiveBits: Infinity, nrmse: 0 })
    expect(accuracyOf([4, 4, 4], [0, 0.1, 0])).toEqual({ effectiveBits: 0, nrmse: Infinity })
    expect(accuracyOf([4], [1])).toEqual({ effectiveBits: 0, nrmse: Infinity })
  })

  test('does not depend on the scale or the offset of the results', () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 20 }),
        fc.integer({ min: -40, max: 40 }),
        (pairs, power) => {
          const exact = pairs.map(([e]) => Math.round(e))
          const errors = pairs.map(([, e]) => e)
          const scale = 2 ** power
          const plain = accuracyOf(exact, errors)
          const scaled = accuracyOf(
            exact.map((e) => (e + 7) * scale),
            errors.map((e) => e * scale),
          )
          // Squares of the smallest doubles vanish before they are scaled.
          fc.pre(errors.some((e) => Math.abs(e) > 1e-100))
          expect(scaled.nrmse === plain.nrmse || Math.abs(scaled.nrmse / plain.nrmse - 1) < 1e-12).toBe(true)
          expect(Number.isNaN(scaled.effectiveBits)).toBe(false)
        },
      ),
    )
  })
})
