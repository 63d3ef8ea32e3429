import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { solvePositiveDefinite } from '../../../calibration/fit/positive-definite.ts'
import { RandomStream } from '../../../core/random.ts'

/** RᵀR + identity: positive definite for certain. */
function definite(size: number, random: RandomStream): Float64Array {
  const root = Float64Array.from({ length: size * size }, () => random.normal())
  const matrix = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      for (let k = 0; k < size; k++) matrix[i * size + j]! += root[k * size + i]! * root[k * size + j]!
    }
    matrix[i * size + i]! += 1
  }
  return matrix
}

describe('a positive definite system', () => {
  test('of two equations: 4x + 2y = 10, 2x + 3y = 9 is x = 1.5, y = 2', () => {
    const x = solvePositiveDefinite(Float64Array.of(4, 2, 2, 3), Float64Array.of(10, 9))
    expect([...x!]).toEqual([expect.closeTo(1.5, 14), expect.closeTo(2, 14)])
  })

  test('is solved: the solution that we hid comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (size, seed) => {
        const random = new RandomStream(seed, 'system')
        const matrix = definite(size, random)
        const hidden = Float64Array.from({ length: size }, () => random.normal())
        const right = hidden.map((_, i) => hidden.reduce((sum, value, j) => sum + matrix[i * size + j]! * value, 0))
        const solved = solvePositiveDefinite(matrix.slice(), right)
        for (const [i, value] of hidden.entries()) expect(solved![i]).toBeCloseTo(value, 8)
      }),
      { numRuns: 40 },
    )
  })

  test('is told by its upper triangle: what stands below the diagonal is not read', () => {
    const x = solvePositiveDefinite(Float64Array.of(4, 2, NaN, 3), Float64Array.of(10, 9))
    expect(x![0]).toBeCloseTo(1.5, 14)
  })

  test.each([
    ['indefinite', Float64Array.of(1, 2, 2, 1)],
    ['negative', Float64Array.of(-1, 0, 0, 1)],
    ['singular', Float64Array.of(1, 1, 1, 1)],
    ['not a number', Float64Array.of(NaN, 0, 0, 1)],
  ])('a matrix that is %s has none', (_, matrix) => {
    expect(solvePositiveDefinite(matrix, Float64Array.of(1, 2))).toBeUndefined()
  })

  test('leaves the right side as it was', () => {
    const right = Float64Array.of(10, 9)
    solvePositiveDefinite(Float64Array.of(4, 2, 2, 3), right)
    expect([...right]).toEqual([10, 9])
  })
})
