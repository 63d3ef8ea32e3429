import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitLeastSquares } from '../fit/least-squares.ts'
import type { LeastSquaresProblem, NormalEquations } from '../fit/least-squares.ts'
import type { BaseStart, WholeFringe } from './base-phases.ts'

export interface FittedBase {
  /** Field of each element, up to phases of rows and columns. */
  readonly fields: ComplexMatrix
  /** [output] field by which the outputs pass more than they were taken for. */
  readonly gains: Float64Array
  /** [heater] root mean square of what its fringe leaves, in units of the powers. */
  readonly heaterRms: Float64Array
}

export interface BaseFitOptions {
  /** What heaters usually turn by, and how far off one is (σ, relative). */
  readonly radPerV2: number
  readonly spread: number
  /** Standard deviation of one reading, of what the model leaves out included. */
  readonly noise: number
  /** What stray light makes of the balance of the outputs (σ, of their field). */
  readonly gainSigma: number
}

/** What the length of l is held to. */
const UNIT_SIGMA = 0.02
const OPTIONS = { maxIterations: 60, tolerance: 1e-4, initialDamping: 1e-2 }

/**
 * Fields of a base matrix and the light under some heaters, from whole fringes, all at once.
 *
 * What lies behind a heater loses next to nothing, so a turn by δ makes M → (1 + (e^{iδ} − 1)·l·l†)·M, whatever light the
 * inputs bring: l, of length one, is all that is unknown of a heater, and M is common to all. Crosstalk is left out.
 */
export function fitBase(
  size: number,
  base: Float64Array,
  fringes: readonly WholeFringe[],
  start: BaseStart,
  options: BaseFitOptions,
): FittedBase {
  const problem = new BaseProblem(size, base, fringes, options)
  const fit = fitLeastSquares(problem, problem.startAt(start), OPTIONS)
  const n = size * size
  return {
    fields: { size, re: fit.parameters.slice(0, n), im: fit.parameters.slice(n, 2 * n) },
    gains: Float64Array.from({ length: size }, (_, i) => Math.exp(fit.parameters[2 * n + i]!)),
    heaterRms: problem.left(fit.parameters),
  }
}

class BaseProblem implements LeastSquaresProblem {
  readonly #size: number
  readonly #base: Float64Array
  readonly #fringes: readonly WholeFringe[]
  readonly #options: BaseFitOptions

  constructor(size: number, base: Float64Array, fringes: readonly WholeFringe[], options: BaseFitOptions) {
    this.#size = size
    this.#base = base
    this.#fringes = fringes
    this.#options = options
  }

  /** Fields re and im, ln of the outputs' gains; of each heater l re and im, and what it turns by beside the usual. */
  startAt({ fields, passing }: BaseStart): Float64Array {
    const none = new Float64Array(this.#size)
    return Float64Array.from([
      ...fields.re,
      ...fields.im,
      ...none,
      ...passing.flatMap(({ re, im }) => [...re, ...im, 0]),
    ])
  }

  /** [heater] root mean square of what its fringe leaves. */
  left(p: Float64Array): Float64Array {
    const sums = new Float64Array(this.#fringes.length)
    this.#readings(p, undefined, sums)
    return sums.map((sum, h) => {
      const values = (this.#fringes[h]!.powers.length - 1) * this.#base.length
      return this.#options.noise * Math.sqrt(sum / values)
    })
  }

  evaluate(p: Float64Array, normal?: NormalEquations): number {
    const size = this.#size
    const { spread, gainSigma } = this.#options
    let sum = this.#readings(p, normal)
    for (let i = 0, at = 2 * size * size; i < size; i++, at++) {
      sum += (p[at]! / gainSigma) ** 2
      normal?.addDiagonal(at, 1 / gainSigma, p[at]! / gainSigma)
    }
    for (const h of this.#fringes.keys()) {
      const at = this.#heater(h)
      const turn = p[at + 2 * size]! / spread
      normal?.addDiagonal(at + 2 * size, 1 / spread, turn)
      const columns = Array.from({ length: 2 * size }, (_, i) => at + i)
      const off = (columns.reduce((norm, i) => norm + p[i]! ** 2, 0) - 1) / UNIT_SIGMA
      const slopes = Float64Array.from(columns, (i) => (2 * p[i]!) / UNIT_SIGMA)
      normal?.addColumns(slopes, Float64Array.of(off), columns)
      sum += turn ** 2 + off ** 2
    }
    return sum
  }

  #heater(h: number): number {
    return 2 * this.#size ** 2 + this.#size + h * (2 * this.#size + 1)
  }

  /** Sum over the base and all fringes, input by input; adds what each fringe leaves to `byHeater`. */
  #readings(p: Float64Array, normal?: NormalEquations, byHeater?: Float64Array): number {
    let sum = 0
    for (let input = 0; input < this.#size; input++) {
      sum += this.#ofBase(p, input, normal)
      for (const h of this.#fringes.keys()) {
        const left = this.#ofFringe(p, input, h, normal)
        if (byHeater !== undefined) byHeater[h]! += left
        sum += left
      }
    }
    return sum
  }

  /** Where the column of an input stands in [output, input]. */
  #column(input: number): number[] {
    return Array.from({ length: this.#size }, (_, i) => i * this.#size + input)
  }

  /** Parameters of an input's readings: its fields re and im, and the outputs' gains. */
  #own(column: readonly number[]): number[] {
    const n = this.#size ** 2
    return [...column, ...column.map((at) => n + at), ...column.map((_, i) => 2 * n + i)]
  }

  #ofBase(p: Float64Array, input: number, normal: NormalEquations | undefined): number {
    const size = this.#size
    const { noise } = this.#options
    const column = this.#column(input)
    const own = this.#own(column)
    const residuals = new Float64Array(size)
    const jacobian = new Float64Array(size * own.length)
    for (const [i, at] of column.entries()) {
      const [re, im, gain] = [p[own[i]!]!, p[own[size + i]!]!, Math.exp(2 * p[own[2 * size + i]!]!)]
      const power = gain * (re * re + im * im)
      residuals[i] = (power - this.#base[at]!) / noise
      const row = i * own.length
      jacobian[row + i] = (2 * gain * re) / noise
      jacobian[row + size + i] = (2 * gain * im) / noise
      jacobian[row + 2 * size + i] = (2 * power) / noise
    }
    normal?.addColumns(jacobian, residuals, own)
    return sumOf(residuals)
  }

  #ofFringe(p: Float64Array, input: number, h: number, normal: NormalEquations | undefined): number {
    const size = this.#size
    const n = size * size
    const { noise, radPerV2 } = this.#options
    const { voltagesSquared, powers } = this.#fringes[h]!
    const column = this.#column(input)
    const l = this.#heater(h)
    const columns = [...this.#own(column), ...Array.from({ length: 2 * size + 1 }, (_, i) => l + i)]
    // w = l†·M of this input.
    let [wr, wi] = [0, 0]
    for (const [i, at] of column.entries()) {
      const [lr, li, re, im] = [p[l + i]!, p[l + size + i]!, p[at]!, p[n + at]!]
      wr += lr * re + li * im
      wi += lr * im - li * re
    }
    const points = powers.length - 1
    const residuals = new Float64Array(points * size)
    const jacobian = new Float64Array(normal === undefined ? 0 : residuals.length * columns.length)
    for (let point = 1; point <= points; point++) {
      const v2 = radPerV2 * voltagesSquared[point]!
      const delta = (1 + p[l + 2 * size]!) * v2
      const [c, s] = [Math.cos(delta), Math.sin(delta)]
      const [tr, ti] = [c - 1, s]
      for (const [i, at] of column.entries()) {
        const gain = Math.exp(2 * p[2 * n + i]!)
        const [lr, li] = [p[l + i]!, p[l + size + i]!]
        // a = (e^{iδ} − 1)·l_i, and x = M_i + a·w.
        const [ar, ai] = [tr * lr - ti * li, tr * li + ti * lr]
        const [xr, xi] = [p[at]! + ar * wr - ai * wi, p[n + at]! + ar * wi + ai * wr]
        const power = gain * (xr * xr + xi * xi)
        const reading = (point - 1) * size + i
        residuals[reading] = (power - powers[point]![at]!) / noise
        if (normal === undefined) continue
        const slope = (2 * gain) / noise
        const row = reading * columns.length
        // b = x*·a weighs what moves w; v = (e^{iδ} − 1)·w is what l_i itself moves x by.
        const [br, bi] = [xr * ar + xi * ai, xr * ai - xi * ar]
        const [vr, vi] = [tr * wr - ti * wi, tr * wi + ti * wr]
        for (const [m, other] of column.entries()) {
          const [mr, mi, re, im] = [p[l + m]!, p[l + size + m]!, p[other]!, p[n + other]!]
          jacobian[row + m] = slope * (br * mr + bi * mi)
          jacobian[row + size + m] = slope * (br * mi - bi * mr)
          jacobian[row + 3 * size + m] = slope * (br * re - bi * im)
          jacobian[row + 4 * size + m] = slope * (br * im + bi * re)
        }
        jacobian[row + i]! += slope * xr
        jacobian[row + size + i]! += slope * xi
        jacobian[row + 2 * size + i] = (2 * power) / noise
        jacobian[row + 3 * size + i]! += slope * (xr * vr + xi * vi)
        jacobian[row + 4 * size + i]! += slope * (xi * vr - xr * vi)
        // ∂x/∂δ = i·f, f = e^{iδ}·l_i·w.
        const [er, ei] = [c * lr - s * li, c * li + s * lr]
        const [fr, fi] = [er * wr - ei * wi, er * wi + ei * wr]
        jacobian[row + 5 * size] = slope * (xi * fr - xr * fi) * v2
      }
    }
    normal?.addColumns(jacobian, residuals, columns)
    return sumOf(residuals)
  }
}

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0)
