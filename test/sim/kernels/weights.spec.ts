import { Matrix, SingularValueDecomposition } from 'ml-matrix'
import { describe, expect, test } from 'vitest'
import { singularWorkFloats, tileLine } from '../../../sim/kernels/kernel-engine.ts'
import { bothEngines } from '../../support/kernels.ts'
import { randomMatrix } from '../../support/product-core.ts'

const { wasm } = bothEngines()

/** Of a row-major matrix, which is a tile turned. */
function largestSingularValue(matrix: Float64Array | Float32Array, size: number): number {
  const { memory, engine } = wasm
  using _scope = memory.scope()
  const line = tileLine(size)
  const [rows, weights, turned] = [memory.float64(size * size), memory.float64(line ** 2), memory.float64(line ** 2)]
  rows.set(matrix)
  engine.cutTile(rows, size, size, size, 1, line, weights, turned)
  return engine.largestSingularValue(turned, weights, line, size, memory.float64(singularWorkFloats(size)))
}

const exactly = (matrix: Float64Array, size: number): number =>
  new SingularValueDecomposition(Matrix.from1DArray(size, size, matrix)).diagonal[0]!

describe('the largest singular value of a tile', () => {
  test.each([1, 2, 3, 7, 8, 64])(
    'of random weights at %i ports is found to six hundredths, and never overstated',
    (size) => {
      for (let seed = 0; seed < 5; seed++) {
        const { data } = randomMatrix(size, size, seed)
        const ratio = largestSingularValue(data, size) / exactly(data, size)
        expect(ratio).toBeLessThan(1 + 1e-12)
        // Less than the room of a tenth that weights leave in a mesh.
        expect(ratio).toBeGreaterThan(0.94)
      }
    },
  )

  test('that stands alone is found to all digits', () => {
    const matrix = Float64Array.from({ length: 64 }, (_, at) => (1 + (at >> 3)) * (2 - (at & 7)))
    expect(largestSingularValue(matrix, 8)).toBeCloseTo(exactly(matrix, 8), 9)
  })

  test('of an orthogonal matrix, whose values are all 1, is 1, and of zeros it is 0', () => {
    const turned = Float64Array.of(0.6, -0.8, 0.8, 0.6)
    expect(largestSingularValue(turned, 2)).toBeCloseTo(1, 12)
    expect(largestSingularValue(new Float64Array(16), 4)).toBe(0)
  })

  test('is no less than the root mean square of all, even where the start sees none of them', () => {
    // The start is (1, 2.5), to which this row is at right angles.
    const blind = Float64Array.of(2.5, -1, 0, 0)
    const found = largestSingularValue(blind, 2)
    expect(found).toBeGreaterThanOrEqual(Math.hypot(2.5, 1) / Math.SQRT2)
    expect(found).toBeLessThanOrEqual(exactly(blind, 2) * (1 + 1e-12))
  })
})
