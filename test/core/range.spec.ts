import { describe, expect, test } from 'vitest'
import { BenchError } from '../../core/errors.ts'
import { intersect, requireInRange } from '../../core/range.ts'

const range = { min: -1, max: 12 }

describe('limits', () => {
  test.each([-1, 0, 12])('%f V is within −1 to 12 V', (value) => {
    expect(() => requireInRange('heaterV', value, range)).not.toThrow()
  })

  test.each([-1.0001, 12.0001, Infinity, -Infinity, NaN])('%f V is not, and the error says what would be', (value) => {
    let thrown: unknown
    try {
      requireInRange('heaterV', value, range)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(BenchError)
    expect(thrown).toMatchObject({
      code: 'RANGE_EXCEEDED',
      message: `heaterV ${value} is outside -1 to 12`,
      context: { name: 'heaterV', value, range },
    })
  })

  test('of driver and bench file both hold', () => {
    expect(intersect({ min: 0, max: 12 }, { min: -5, max: 9.5 })).toEqual({ min: 0, max: 9.5 })
  })

  test('that exclude each other let nothing through', () => {
    const nothing = intersect({ min: 0, max: 1 }, { min: 2, max: 3 })
    for (const value of [0, 1, 1.5, 2, 3]) expect(() => requireInRange('x', value, nothing)).toThrow(BenchError)
  })
})
