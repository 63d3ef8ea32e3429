import { BenchError } from '../../core/errors.ts'
import { factorPositiveDefinite, solveUpper, solveUpperTransposed } from '../fit/positive-definite.ts'

/** From the variables of a fit to changes of its parameters, and gradients the other way. */
export interface IntensityScales {
  toParameters(x: Float64Array): Float64Array
  fromGradient(gradient: Float64Array): Float64Array
}

/**
 * Variables in which a curvature matrix is the identity: p = R⁻¹·x with H = Rᵀ·R. Conjugate gradients then need few
 * steps even where H comes from a part of the readings only.
 */
export class WhitenedScales implements IntensityScales {
  readonly #factor: Float64Array
  readonly #free: readonly number[]
  readonly #count: number

  /** `hessian` [free, free] is overwritten; `count` parameters in all. Throws: CALIBRATION_FAILED when it is not positive definite. */
  constructor(hessian: Float64Array, free: readonly number[], count: number) {
    if (!factorPositiveDefinite(hessian, free.length)) {
      throw new BenchError('CALIBRATION_FAILED', 'the curvature of the fit is not positive definite', { context: {} })
    }
    this.#factor = hessian
    this.#free = free
    this.#count = count
  }

  toParameters(x: Float64Array): Float64Array {
    return this.#spread(solveUpper(this.#factor, this.#gather(x)))
  }

  fromGradient(gradient: Float64Array): Float64Array {
    return this.#spread(solveUpperTransposed(this.#factor, this.#gather(gradient)))
  }

  /** [parameter] √ of the diagonal of H⁻¹; 0 for what is held. */
  sigmas(): Float64Array {
    const n = this.#free.length
    const squares = new Float64Array(n)
    // H⁻¹ = R⁻¹·R⁻ᵀ: row k of R⁻¹ by columns.
    for (let column = 0; column < n; column++) {
      const unit = new Float64Array(n)
      unit[column] = 1
      const x = solveUpper(this.#factor, unit)
      for (let row = 0; row <= column; row++) squares[row]! += x[row]! ** 2
    }
    return this.#spread(squares.map(Math.sqrt))
  }

  #gather(values: Float64Array): Float64Array {
    return Float64Array.from(this.#free, (index) => values[index]!)
  }

  #spread(values: Float64Array): Float64Array {
    const all = new Float64Array(this.#count)
    for (const [i, index] of this.#free.entries()) all[index] = values[i]!
    return all
  }
}
