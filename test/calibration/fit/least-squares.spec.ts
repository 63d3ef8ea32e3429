import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitLeastSquares, NormalEquations } from '../../../calibration/fit/least-squares.ts'
import type { LeastSquaresProblem } from '../../../calibration/fit/least-squares.ts'
import { RandomStream } from '../../../core/random.ts'

const options = { maxIterations: 200, tolerance: 1e-15 }

/** Residuals and their derivatives, row by row. */
function problem(
  rows: (p: Float64Array) => readonly { residual: number; slopes: readonly number[] }[],
): LeastSquaresProblem & { evaluations: number } {
  return {
    evaluations: 0,
    evaluate(parameters, normal) {
      this.evaluations++
      const all = rows(parameters)
      normal?.add(
        Float64Array.from(all.flatMap(({ slopes }) => slopes)),
        Float64Array.from(all, ({ residual }) => residual),
        all.length,
      )
      return all.reduce((sum, { residual }) => sum + residual ** 2, 0)
    },
  }
}

describe('normal equations', () => {
  test('of rows with few columns are those of the same rows with zeros beside', () => {
    const columns = [0, 2, 3]
    const few = Float64Array.of(1, 2, -1, 3, 0.5, 1, -2, 1, 4, 0.3, 0.7, 1, 2, -3, 1)
    const residuals = Float64Array.of(1, -2, 0.5, 3, -1)
    const whole = new Float64Array(5 * 5)
    for (const [at, value] of few.entries()) whole[5 * Math.floor(at / 3) + columns[at % 3]!] = value
    const [sparse, dense] = [new NormalEquations(5), new NormalEquations(5)]
    sparse.addColumns(few, residuals, columns)
    dense.add(whole, residuals, 5)
    for (const normal of [sparse, dense]) for (let a = 0; a < 5; a++) normal.addDiagonal(a, 0.5, 0.1 * a)
    expect([...sparse.step(0)!]).toEqual([...dense.step(0)!])
  })

  test('of any number of rows, in blocks or at once, give the step of the exact solution', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 9 }),
        fc.nat(),
        (parameters, extra, seed) => {
          const random = new RandomStream(seed, 'rows')
          const rows = parameters + extra
          // Well conditioned: the first rows are near the identity.
          const jacobian = Float64Array.from(
            { length: rows * parameters },
            (_, i) => (Math.floor(i / parameters) === i % parameters ? 2 : 0) + random.uniform(-0.2, 0.2),
          )
          const hidden = Float64Array.from({ length: parameters }, () => random.normal())
          const residuals = Float64Array.from(
            { length: rows },
            (_, row) => -hidden.reduce((sum, value, i) => sum + jacobian[row * parameters + i]! * value, 0),
          )
          const whole = new NormalEquations(parameters)
          whole.add(jacobian, residuals, rows)
          const blocks = new NormalEquations(parameters)
          for (let row = 0; row < rows; row++) {
            blocks.add(jacobian.subarray(row * parameters, (row + 1) * parameters), residuals.subarray(row, row + 1), 1)
          }
          for (const normal of [whole, blocks]) {
            const step = normal.step(0)!
            for (const [i, value] of hidden.entries()) expect(step[i]).toBeCloseTo(value, 9)
          }
        },
      ),
    )
  })

  test('a prior pulls its own parameter alone', () => {
    const normal = new NormalEquations(2)
    normal.add(Float64Array.of(1, 0, 0, 1), Float64Array.of(-4, -6), 2)
    normal.addDiagonal(1, 2, 0)
    // Second parameter: (1 + 4)·step = 6.
    expect([...normal.step(0)!]).toEqual([expect.closeTo(4, 12), expect.closeTo(1.2, 12)])
  })

  test('damping shortens the step', () => {
    const normal = new NormalEquations(1)
    normal.add(Float64Array.of(2), Float64Array.of(-8), 1)
    expect(normal.step(0)![0]).toBeCloseTo(4, 12)
    expect(normal.step(1)![0]).toBeCloseTo(2, 12)
    expect(normal.step(1e9)![0]).toBeLessThan(1e-8)
  })

  test('nothing known of a parameter: it stays where it is', () => {
    const normal = new NormalEquations(2)
    normal.add(Float64Array.of(1, 0), Float64Array.of(-3), 1)
    expect([...normal.step(1e-3)!]).toEqual([expect.closeTo(3 / 1.001, 9), expect.closeTo(0, 15)])
  })
})

describe('Levenberg–Marquardt', () => {
  test('walks Rosenbrock’s banana valley from (−1.2, 1) to (1, 1)', () => {
    const banana = problem(([x = 0, y = 0]) => [
      { residual: 10 * (y - x * x), slopes: [-20 * x, 10] },
      { residual: 1 - x, slopes: [-1, 0] },
    ])
    const fit = fitLeastSquares(banana, Float64Array.of(-1.2, 1), options)
    expect([...fit.parameters]).toEqual([expect.closeTo(1, 8), expect.closeTo(1, 8)])
    expect(fit.sumOfSquares).toBeLessThan(1e-16)
    expect(fit.iterations).toBeLessThan(100)
  })

  test('finds the line of Anscombe’s first quartet: y = 3.00 + 0.500·x', () => {
    const xs = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    const ys = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    const line = problem(([a = 0, b = 0]) => xs.map((x, i) => ({ residual: a + b * x - ys[i]!, slopes: [1, x] })))
    const { parameters, sumOfSquares } = fitLeastSquares(line, new Float64Array(2), options)
    expect([...parameters]).toEqual([expect.closeTo(3.0001, 4), expect.closeTo(0.5001, 4)])
    expect(sumOfSquares).toBeCloseTo(13.763, 3)
  })

  test('recovers a hidden decay through noise-free samples', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 5, noNaN: true }),
        fc.double({ min: 0.2, max: 3, noNaN: true }),
        (height, rate) => {
          const times = [0, 0.2, 0.5, 1, 1.5, 2, 3]
          const decay = problem(([h = 0, r = 0]) =>
            times.map((t) => ({
              residual: h * Math.exp(-r * t) - height * Math.exp(-rate * t),
              slopes: [Math.exp(-r * t), -h * t * Math.exp(-r * t)],
            })),
          )
          const { parameters } = fitLeastSquares(decay, Float64Array.of(1, 1), options)
          expect(parameters[0]).toBeCloseTo(height, 6)
          expect(parameters[1]).toBeCloseTo(rate, 6)
        },
      ),
    )
  })

  test('never ends above where it began, and stops at the limit of iterations', () => {
    const banana = problem(([x = 0, y = 0]) => [
      { residual: 10 * (y - x * x), slopes: [-20 * x, 10] },
      { residual: 1 - x, slopes: [-1, 0] },
    ])
    const start = Float64Array.of(-1.2, 1)
    let before = banana.evaluate(start)
    for (let maxIterations = 1; maxIterations < 30; maxIterations++) {
      const fit = fitLeastSquares(banana, start, { ...options, maxIterations })
      expect(fit.iterations).toBeLessThanOrEqual(maxIterations)
      expect(fit.sumOfSquares).toBeLessThanOrEqual(before)
      expect(fit.sumOfSquares).toBe(banana.evaluate(fit.parameters))
      before = fit.sumOfSquares
    }
    expect([...start]).toEqual([-1.2, 1])
  })

  test('stops when there is nothing left to gain', () => {
    const flat = problem(([x = 0]) => [
      { residual: 1, slopes: [0] },
      { residual: x - 2, slopes: [1] },
    ])
    const fit = fitLeastSquares(flat, Float64Array.of(0), { maxIterations: 1000, tolerance: 1e-6 })
    expect(fit.parameters[0]).toBeCloseTo(2, 6)
    expect(fit.iterations).toBeLessThan(20)
  })

  test('at the end of what doubles can tell it gives up after eight steps that gain nothing', () => {
    const line = problem(([x = 0]) => [
      { residual: x - Math.SQRT2, slopes: [1] },
      { residual: 1, slopes: [0] },
    ])
    const fit = fitLeastSquares(line, Float64Array.of(0), { maxIterations: 1000, tolerance: 0 })
    expect(fit.parameters[0]).toBeCloseTo(Math.SQRT2, 7)
    expect(fit.iterations).toBeLessThan(8 + 8)
  })

  test('where no step helps it stays where it was', () => {
    // Derivatives that point the wrong way.
    const lying = problem(([x = 0]) => [{ residual: x - 2, slopes: [-1] }])
    const fit = fitLeastSquares(lying, Float64Array.of(1), options)
    expect(fit.parameters[0]).toBe(1)
    expect(lying.evaluations).toBeLessThan(50)
  })
})
