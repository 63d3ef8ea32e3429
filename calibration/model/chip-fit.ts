import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { BenchError } from '../../core/errors.ts'
import { factorPositiveDefinite, solveUpperTransposed } from '../fit/positive-definite.ts'
import { fitMatrixFree } from '../fit/conjugate-gradients.ts'
import type { MatrixFreeOptions, MatrixFreeProblem, OnIteration } from '../fit/conjugate-gradients.ts'
import type { ChipReading } from '../steps/chip-readings.ts'
import type { ChipFitInput, Priors } from './chip-fit-input.ts'
import { ChipModel } from './chip-model.ts'
import type { Crosstalk } from './crosstalk.ts'
import { elementCount, parameterBlocks } from './chip-parameters.ts'
import { ChipScales } from './chip-scales.ts'

export interface ChipFit {
  readonly parameters: Float64Array
  readonly sumOfSquares: number
  readonly iterations: number
}

/**
 * Fits the clear-box chip to readings of one lane: all that `free` names at once, from intensities alone.
 *
 * y_ij = G_i·g_j·Re(e^{i(ψ_j − λ_i)}·M_ij), with M, ψ (input trimmer) and λ (local oscillator) functions of all heater
 * voltages through one crosstalk law. Maximum a posteriori by Levenberg–Marquardt; derivatives are carried through the
 * chip forwards and backwards and never stored, so that a core of 64 ports needs megabytes and not terabytes.
 *
 * Shapes: parameters as in `parameterBlocks`. Leaves: parameters not in `free` as in `start`.
 */
export function fitChip(
  input: ChipFitInput,
  start: Float64Array,
  options: MatrixFreeOptions,
  onIteration?: OnIteration,
): ChipFit {
  const problem = new ChipProblem(input, start)
  const fit = fitMatrixFree(problem, new Float64Array(start.length), options, onIteration)
  return { ...fit, parameters: problem.parametersAt(fit.x) }
}

/**
 * Standard deviations of all parameters at the end of a fit, from its curvature; 0 for what is held.
 *
 * One product of the Jacobian a free parameter, and their square in numbers: for chips of some hundreds of parameters.
 * Throws: CALIBRATION_FAILED when the curvature is not positive definite.
 */
export function chipDeviations(input: ChipFitInput, at: Float64Array): Float64Array {
  const { free } = input
  const problem = new ChipProblem(input, at)
  problem.linearise(new Float64Array(at.length))
  const n = free.length
  const unit = (index: number): Float64Array => {
    const vector = new Float64Array(at.length)
    vector[index] = 1
    return vector
  }
  const hessian = new Float64Array(n * n)
  for (const [i, index] of free.entries()) {
    const row = problem.product(unit(index))
    for (const [j, other] of free.entries()) hessian[i * n + j] = row[other]!
  }
  if (!factorPositiveDefinite(hessian, n)) {
    throw new BenchError('CALIBRATION_FAILED', 'the curvature of the fit is not positive definite: calibrate again')
  }
  const deviations = new Float64Array(at.length)
  for (const index of free) {
    // Var(p) = s·H⁻¹·s, with s what p is of the variables.
    const seen = problem.variablesOf(unit(index))
    const half = solveUpperTransposed(
      hessian,
      Float64Array.from(free, (other) => seen[other]!),
    )
    deviations[index] = Math.hypot(...half)
  }
  return deviations
}

/** Root mean square of what a chip leaves unexplained, relative to the RMS of the readings themselves. */
export function relativeResidual(
  layout: SvdCoreLayout,
  parameters: Float64Array,
  readings: readonly ChipReading[],
  lane: number,
): number {
  const model = new ChipModel(layout)
  const crosstalk = model.crosstalk(parameters)
  let left = 0
  let all = 0
  for (const { voltagesV, lanes } of readings) {
    const predicted = predictReading(model, parameters, crosstalk, voltagesV, lane)
    for (const [i, y] of lanes[lane]!.entries()) {
      left += (predicted[i]! - y) ** 2
      all += y * y
    }
  }
  return Math.sqrt(left / all)
}

/** What a reading of `lane` at these voltages should show. Shape: [output, input]. */
export function predictReading(
  model: ChipModel,
  parameters: Float64Array,
  crosstalk: Crosstalk,
  voltagesV: Float64Array,
  lane: number,
): Float64Array {
  return predictFields(model, parameters, model.phases(parameters, crosstalk, voltagesV), lane).re
}

/** The same with both quadratures, at given phases. */
export function predictFields(
  model: ChipModel,
  parameters: Float64Array,
  phases: Float64Array,
  lane: number,
): ComplexMatrix {
  const { size } = model.layout
  const { re, im } = model.transfer(parameters, phases)
  for (let element = 0; element < re.length; element++) {
    const factor = portFactor(model, parameters, phases, lane, Math.floor(element / size), element % size)
    const a = re[element]!
    const b = im[element]!
    re[element] = factor.re * a - factor.im * b
    im[element] = factor.re * b + factor.im * a
  }
  return { size, re, im }
}

/** G_i·g_j·e^{i(ψ_j − λ_i)} */
function portFactor(
  model: ChipModel,
  parameters: Float64Array,
  phases: Float64Array,
  lane: number,
  output: number,
  input: number,
): { re: number; im: number } {
  const { layout, blocks } = model
  const gain = Math.exp(
    parameters[blocks.logOut + lane * layout.size + output]! + parameters[blocks.logIn + lane * layout.size + input]!,
  )
  const phase = phases[layout.input[lane]![input]!]! - phases[layout.lo[lane]![output]!]!
  return { re: gain * Math.cos(phase), im: gain * Math.sin(phase) }
}

/** Cached at the point where the problem was linearised, [reading]. */
interface Linearised {
  /** Of the model, so that products need no sines. */
  readonly folded: Float64Array
  /** [element of the matrix] G_i·g_j·e^{i(ψ_j − λ_i)}/noise, re and im in turn. */
  readonly factors: Float64Array
  readonly voltagesSquared: Float64Array
  /** How the phases move with the two parameters of the crosstalk law. */
  readonly byNeighbour: Float64Array
  readonly byDecay: Float64Array
}

/** One lane's readings as a sum of squares over scaled displacements from the start. */
class ChipProblem implements MatrixFreeProblem {
  readonly #input: ChipFitInput
  readonly #model: ChipModel
  readonly #start: Float64Array
  readonly #scales: ChipScales
  readonly #lines: (Linearised | undefined)[] = []
  #at: Float64Array
  #crosstalk: Crosstalk

  constructor(input: ChipFitInput, start: Float64Array) {
    this.#input = input
    this.#model = new ChipModel(input.layout)
    this.#start = Float64Array.from(start)
    this.#scales = new ChipScales(this.#model, input, start)
    this.#at = this.#start
    this.#crosstalk = this.#model.crosstalk(start)
  }

  parametersAt(x: Float64Array): Float64Array {
    const moved = this.#scales.toParameters(x)
    return this.#start.map((value, i) => value + moved[i]!)
  }

  /** How a gradient in the parameters looks in the variables. */
  variablesOf(gradient: Float64Array): Float64Array {
    return this.#scales.fromGradient(gradient)
  }

  sumAt(x: Float64Array): number {
    const { readings, lane, noise, priors, free } = this.#input
    const parameters = this.parametersAt(x)
    const crosstalk = this.#model.crosstalk(parameters)
    let sum = 0
    for (const reading of readings) {
      const predicted = predictReading(this.#model, parameters, crosstalk, reading.voltagesV, lane)
      for (const [row, y] of reading.lanes[lane]!.entries()) sum += ((predicted[row]! - y) / noise) ** 2
    }
    for (const index of free) sum += ((parameters[index]! - priors.mean[index]!) / priors.sigma[index]!) ** 2
    return sum
  }

  linearise(x: Float64Array): { sum: number; gradient: Float64Array } {
    const { readings, lane, noise, priors, free } = this.#input
    this.#at = this.parametersAt(x)
    this.#crosstalk = this.#model.crosstalk(this.#at)
    const gradient = new Float64Array(this.#model.blocks.count)
    let sum = 0
    for (const [r, reading] of readings.entries()) {
      const { line, matrix } = this.#lineOf(reading)
      this.#lines[r] = line
      const residuals = new Float64Array(matrix.re.length)
      for (const [row, y] of reading.lanes[lane]!.entries()) {
        const fr = line.factors[2 * row]!
        const fi = line.factors[2 * row + 1]!
        residuals[row] = fr * matrix.re[row]! - fi * matrix.im[row]! - y / noise
        sum += residuals[row] ** 2
      }
      this.#addAdjoint(line, matrix, residuals, gradient)
    }
    for (const index of free) {
      const off = (this.#at[index]! - priors.mean[index]!) / priors.sigma[index]!
      sum += off * off
      gradient[index]! += off / priors.sigma[index]!
    }
    return { sum, gradient: this.#scales.fromGradient(gradient) }
  }

  product(v: Float64Array): Float64Array {
    const { priors, free } = this.#input
    const change = this.#scales.toParameters(v)
    const out = new Float64Array(change.length)
    for (const line of this.#lines) {
      const matrix = this.#model.transferAgain(line!.folded)
      this.#addAdjoint(line!, matrix, this.#tangent(line!, matrix, change), out)
    }
    for (const index of free) out[index]! += change[index]! / priors.sigma[index]! ** 2
    return this.#scales.fromGradient(out)
  }

  #lineOf({ voltagesV }: ChipReading): { readonly line: Linearised; readonly matrix: ComplexMatrix } {
    const model = this.#model
    const { size } = model.layout
    const { radPerV2, offset } = model.blocks
    const voltagesSquared = voltagesV.map((v) => v * v)
    const self = voltagesSquared.map((v2, h) => v2 * this.#at[radPerV2 + h]!)
    const byNeighbour = this.#crosstalk.given(self)
    const phases = self.map((own, h) => this.#at[offset + h]! + own + byNeighbour[h]!)
    const factors = new Float64Array(2 * size * size)
    for (let row = 0; row < size * size; row++) {
      const output = Math.floor(row / size)
      const input = row % size
      const { re, im } = portFactor(model, this.#at, phases, this.#input.lane, output, input)
      factors[2 * row] = re / this.#input.noise
      factors[2 * row + 1] = im / this.#input.noise
    }
    const matrix = model.transfer(this.#at, phases)
    const byDecay = this.#crosstalk.givenByLogDecay(self)
    return { line: { folded: model.folded, factors, voltagesSquared, byNeighbour, byDecay }, matrix }
  }

  /** ∂y/noise along a change of the parameters. */
  #tangent(line: Linearised, { re, im }: ComplexMatrix, change: Float64Array): Float64Array {
    const model = this.#model
    const { lane } = this.#input
    const { blocks, layout } = model
    const { size } = layout
    const own = line.voltagesSquared.map((v2, h) => v2 * change[blocks.radPerV2 + h]!)
    const given = this.#crosstalk.given(own)
    const neighbour = change[blocks.logNeighbour]!
    const decay = change[blocks.logDecay]!
    const field = change[blocks.logMziField]!
    const phase = own.map(
      (value, h) =>
        change[blocks.offset + h]! + value + given[h]! + neighbour * line.byNeighbour[h]! + decay * line.byDecay[h]!,
    )
    const elements = elementCount(layout)
    const moved = model.tangent({
      phase,
      alpha: change.subarray(blocks.alpha, blocks.alpha + elements),
      beta: change.subarray(blocks.beta, blocks.beta + elements),
      logMziField: change.slice(blocks.logOwnField, blocks.logOwnField + elements).map((own) => own + field),
    })
    return re.map((_, row) => {
      const output = Math.floor(row / size)
      const input = row % size
      const gain = change[blocks.logOut + lane * size + output]! + change[blocks.logIn + lane * size + input]!
      const turn = phase[layout.input[lane]![input]!]! - phase[layout.lo[lane]![output]!]!
      const fr = line.factors[2 * row]!
      const fi = line.factors[2 * row + 1]!
      const mr = moved.re[row]! + gain * re[row]! - turn * im[row]!
      const mi = moved.im[row]! + gain * im[row]! + turn * re[row]!
      return fr * mr - fi * mi
    })
  }

  /** Adds Jᵀ·weights of one reading to `out`. */
  #addAdjoint(line: Linearised, { re, im }: ComplexMatrix, weights: Float64Array, out: Float64Array): void {
    const model = this.#model
    const { lane } = this.#input
    const { blocks, layout } = model
    const { size } = layout
    const change = model.newChange()
    const back = complexZeros(size)
    for (let row = 0; row < weights.length; row++) {
      const output = Math.floor(row / size)
      const input = row % size
      const fr = line.factors[2 * row]!
      const fi = line.factors[2 * row + 1]!
      const w = weights[row]!
      const level = w * (fr * re[row]! - fi * im[row]!)
      const turned = -w * (fr * im[row]! + fi * re[row]!)
      out[blocks.logOut + lane * size + output]! += level
      out[blocks.logIn + lane * size + input]! += level
      change.phase[layout.input[lane]![input]!]! += turned
      change.phase[layout.lo[lane]![output]!]! -= turned
      back.re[row] = w * fr
      back.im[row] = -w * fi
    }
    model.adjoint(back, change)
    const given = this.#crosstalk.given(change.phase)
    for (let h = 0; h < change.phase.length; h++) {
      const slope = change.phase[h]!
      out[blocks.offset + h]! += slope
      out[blocks.radPerV2 + h]! += (slope + given[h]!) * line.voltagesSquared[h]!
      out[blocks.logNeighbour]! += slope * line.byNeighbour[h]!
      out[blocks.logDecay]! += slope * line.byDecay[h]!
    }
    for (let e = 0; e < change.alpha.length; e++) {
      out[blocks.alpha + e]! += change.alpha[e]!
      out[blocks.beta + e]! += change.beta[e]!
      out[blocks.logMziField]! += change.logMziField[e]!
      out[blocks.logOwnField + e]! += change.logMziField[e]!
    }
  }
}

/** How sure we are before the fit; the sigmas are wide where a measurement decides and narrow where the design does. */
export function priorsAround(layout: SvdCoreLayout, guess: Float64Array): Priors {
  const blocks = parameterBlocks(layout)
  const mean = Float64Array.from(guess)
  const sigma = new Float64Array(blocks.count)
  sigma.fill(1, blocks.offset, blocks.radPerV2)
  // Neighbours that warm up with a heater bias its first guess by a few percent.
  for (let h = 0; h < layout.heaters.length; h++) sigma[blocks.radPerV2 + h] = 0.03 * guess[blocks.radPerV2 + h]! + 1e-9
  // Splitters: known to be near π/4; foundries quote a few hundredths of a radian.
  sigma.fill(0.05, blocks.alpha, blocks.logNeighbour)
  sigma[blocks.logNeighbour] = 2
  sigma[blocks.logDecay] = 1
  sigma[blocks.logMziField] = 0.02
  sigma.fill(0.2, blocks.logIn, blocks.logOwnField)
  // A hundredth of a dB, by assumption: what is made side by side is alike. Three times as much spoilt a chip of 32 ports.
  sigma.fill(0.0012, blocks.logOwnField, blocks.count)
  return { mean, sigma }
}
