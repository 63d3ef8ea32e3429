import { describe, expect, test } from 'vitest'
import { fitMatrixFree } from '../../../calibration/fit/conjugate-gradients.ts'
import type { MatrixFreeProblem } from '../../../calibration/fit/conjugate-gradients.ts'
import { close } from '../../support/close.ts'

const OPTIONS = { maxIterations: 50, tolerance: 1e-12, maxProducts: 20, gradientLeft: 1e-8 }

/** Residuals and their Jacobian written down, products made of them. */
function problemOf(
  residuals: (x: Float64Array) => number[],
  jacobian: (x: Float64Array) => number[][],
): MatrixFreeProblem & { products: number } {
  let rows: number[][] = []
  const transposed = (r: readonly number[]): Float64Array =>
    Float64Array.from(rows[0]!, (_, column) => rows.reduce((sum, row, i) => sum + row[column]! * r[i]!, 0))
  return {
    products: 0,
    sumAt: (x) => residuals(x).reduce((sum, r) => sum + r * r, 0),
    linearise(x) {
      rows = jacobian(x)
      return { sum: this.sumAt(x), gradient: transposed(residuals(x)) }
    },
    product(v) {
      this.products++
      return transposed(rows.map((row) => row.reduce((sum, value, i) => sum + value * v[i]!, 0)))
    },
  }
}

describe('a fit without a matrix', () => {
  const line = [0, 1, 2, 3]
  const values = [1, 3.1, 4.9, 7]

  test('solves a linear problem in one step, by as many products as it has unknowns', () => {
    const problem = problemOf(
      ([a, b]) => line.map((t, i) => a! + b! * t - values[i]!),
      () => line.map((t) => [1, t]),
    )
    const { x } = fitMatrixFree(problem, new Float64Array(2), { ...OPTIONS, maxIterations: 1 })
    expect([...x]).toEqual([1.03, 1.98].map(close(9)))
    expect(problem.products).toBe(2)
  })

  test('goes back along its way where the full step makes things worse: Rosenbrock’s valley', () => {
    const problem = problemOf(
      ([x, y]) => [10 * (y! - x! * x!), 1 - x!],
      ([x]) => [
        [-20 * x!, 10],
        [-1, 0],
      ],
    )
    const { x, sumOfSquares } = fitMatrixFree(problem, Float64Array.of(-1.2, 1), OPTIONS)
    expect([...x]).toEqual([1, 1].map(close(5)))
    expect(sumOfSquares).toBeLessThan(1e-10)
  })

  test('never ends worse than it began, and stops where nothing is left to gain', () => {
    const problem = problemOf(
      ([x]) => [Math.sin(3 * x!) + 2],
      ([x]) => [[3 * Math.cos(3 * x!)]],
    )
    const start = Float64Array.of(0.3)
    const { sumOfSquares, iterations } = fitMatrixFree(problem, start, { ...OPTIONS, tolerance: 1e-6 })
    expect(sumOfSquares).toBeLessThanOrEqual(problem.sumAt(start))
    expect(sumOfSquares).toBeCloseTo(1, 3)
    expect(iterations).toBeLessThan(50)
  })

  test('a start at the end stays there', () => {
    const problem = problemOf(
      ([x]) => [x! - 4],
      () => [[1]],
    )
    expect(fitMatrixFree(problem, Float64Array.of(4), OPTIONS).x[0]).toBe(4)
  })
})
