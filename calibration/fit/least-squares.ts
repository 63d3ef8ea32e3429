import { solvePositiveDefinite } from './positive-definite.ts'

/** JᵀJ and Jᵀr, gathered row block by row block so that the Jacobian is never stored whole. */
export class NormalEquations {
  readonly parameters: number
  readonly #hessian: Float64Array
  readonly #gradient: Float64Array

  constructor(parameters: number) {
    this.parameters = parameters
    this.#hessian = new Float64Array(parameters * parameters)
    this.#gradient = new Float64Array(parameters)
  }

  /** The upper triangle of JᵀJ so far, [parameter, parameter]. */
  get hessian(): Float64Array {
    return this.#hessian.slice()
  }

  /** Shapes: `jacobian` is [rows, parameters] row-major, `residuals` [rows]. */
  add(jacobian: Float64Array, residuals: Float64Array, rows: number): void {
    const n = this.parameters
    const h = this.#hessian
    // Four rows a pass, for speed; what is left over goes one by one.
    const whole = rows - (rows % 4)
    for (let row = 0; row < whole; row += 4) {
      const [r0, r1, r2, r3] = [row * n, (row + 1) * n, (row + 2) * n, (row + 3) * n]
      for (let a = 0; a < n; a++) {
        const j0 = jacobian[r0 + a]!
        const j1 = jacobian[r1 + a]!
        const j2 = jacobian[r2 + a]!
        const j3 = jacobian[r3 + a]!
        if (j0 === 0 && j1 === 0 && j2 === 0 && j3 === 0) continue
        this.#gradient[a]! +=
          j0 * residuals[row]! + j1 * residuals[row + 1]! + j2 * residuals[row + 2]! + j3 * residuals[row + 3]!
        for (let b = a, at = a * n + a; b < n; b++, at++) {
          h[at]! += j0 * jacobian[r0 + b]! + j1 * jacobian[r1 + b]! + j2 * jacobian[r2 + b]! + j3 * jacobian[r3 + b]!
        }
      }
    }
    for (let row = whole; row < rows; row++) {
      for (let a = 0; a < n; a++) {
        const slope = jacobian[row * n + a]!
        if (slope === 0) continue
        this.#gradient[a]! += slope * residuals[row]!
        for (let b = a; b < n; b++) h[a * n + b]! += slope * jacobian[row * n + b]!
      }
    }
  }

  /** The same of rows that depend on few parameters. Shapes: `jacobian` is [rows, columns], `columns` rise. */
  addColumns(jacobian: Float64Array, residuals: Float64Array, columns: readonly number[]): void {
    const few = new NormalEquations(columns.length)
    few.add(jacobian, residuals, residuals.length)
    for (const [a, row] of columns.entries()) {
      this.#gradient[row]! += few.#gradient[a]!
      for (let b = a; b < columns.length; b++) {
        this.#hessian[row * this.parameters + columns[b]!]! += few.#hessian[a * columns.length + b]!
      }
    }
  }

  /** One residual that depends on one parameter alone, such as a prior. */
  addDiagonal(parameter: number, slope: number, residual: number): void {
    this.#hessian[parameter * this.parameters + parameter]! += slope * slope
    this.#gradient[parameter]! += slope * residual
  }

  /** The step −(H + λ·diag H)⁻¹·g; undefined when that matrix is not positive definite. */
  step(damping: number): Float64Array | undefined {
    const n = this.parameters
    const damped = this.#hessian.slice()
    for (let a = 0; a < n; a++) damped[a * n + a]! += damping * damped[a * n + a]! + Number.MIN_VALUE
    return solvePositiveDefinite(
      damped,
      this.#gradient.map((value) => -value),
    )
  }
}

export interface LeastSquaresProblem {
  /** Sum of squared residuals; with `normal`, also gathers the Jacobian into it. */
  evaluate(parameters: Float64Array, normal?: NormalEquations): number
}

export interface LeastSquaresOptions {
  readonly maxIterations: number
  /** Stops when an accepted step improves the sum by less than this share. */
  readonly tolerance: number
  readonly initialDamping?: number
  /** Damping never falls below this; directions that nothing pins down then stay where they are. */
  readonly minDamping?: number
}

export interface LeastSquaresFit {
  readonly parameters: Float64Array
  readonly sumOfSquares: number
  readonly iterations: number
}

/** So many steps that fail in a row, after one that was good, mean that there is nothing left to gain. */
const MAX_FAILURES = 8

/**
 * Levenberg–Marquardt with damping scaled by the diagonal of JᵀJ.
 *
 * Source: Marquardt, SIAM J. 11, 431 (1963); damping divided by 9 after a good step, times 6 after a bad one.
 */
export function fitLeastSquares(
  problem: LeastSquaresProblem,
  start: Float64Array,
  { maxIterations, tolerance, initialDamping = 1e-3, minDamping = 1e-7 }: LeastSquaresOptions,
): LeastSquaresFit {
  let parameters = Float64Array.from(start)
  let damping = initialDamping
  let normal = new NormalEquations(start.length)
  let sum = problem.evaluate(parameters, normal)
  let iterations = 0
  let failures = -Infinity
  while (iterations < maxIterations) {
    iterations++
    const step = normal.step(damping)
    const tried = step && parameters.map((value, i) => value + step[i]!)
    const triedSum = tried === undefined ? Infinity : problem.evaluate(tried)
    if (tried === undefined || !(triedSum < sum)) {
      damping *= 6
      failures++
      if (damping > 1e12 || failures >= MAX_FAILURES) break
      continue
    }
    const gain = (sum - triedSum) / sum
    parameters = tried
    sum = triedSum
    damping = Math.max(damping / 9, minDamping)
    failures = 0
    if (gain < tolerance) break
    normal = new NormalEquations(start.length)
    problem.evaluate(parameters, normal)
  }
  return { parameters, sumOfSquares: sum, iterations }
}
