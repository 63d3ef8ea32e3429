import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { fitLeastSquares } from '../fit/least-squares.ts'
import type { LeastSquaresFit, LeastSquaresOptions, NormalEquations } from '../fit/least-squares.ts'
import type { ChipReading } from '../steps/chip-readings.ts'
import { ChipModel } from './chip-model.ts'
import { parameterBlocks } from './chip-parameters.ts'
import type { TransferDerivatives } from './chip-model.ts'

/** What was believed of a parameter before the measurement: a Gaussian. */
export interface Priors {
  /** [parameter] */
  readonly mean: Float64Array
  readonly sigma: Float64Array
}

export interface ChipFitInput {
  readonly layout: SvdCoreLayout
  readonly readings: readonly ChipReading[]
  readonly lane: number
  /** Parameters that may move. */
  readonly free: readonly number[]
  readonly priors: Priors
  /** Standard deviation of one matrix element's reading. */
  readonly noise: number
}

/**
 * Fits the clear-box chip to readings of one lane: all that `free` names at once, from intensities alone.
 *
 * y_ij = G_i·g_j·Re(e^{i(ψ_j − λ_i)}·M_ij), with M, ψ (input trimmer) and λ (local oscillator) functions of all heater
 * voltages through one crosstalk law. Maximum a posteriori by Levenberg–Marquardt with analytic derivatives.
 *
 * Shapes: parameters as in `parameterBlocks`. Leaves: parameters not in `free` as in `start`.
 */
export function fitChip(input: ChipFitInput, start: Float64Array, options: LeastSquaresOptions): LeastSquaresFit {
  const problem = new ChipProblem(input, start)
  const fit = fitLeastSquares(
    problem,
    Float64Array.from(input.free, (index) => start[index]!),
    options,
  )
  return { ...fit, parameters: problem.expand(fit.parameters) }
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
  let [left, all] = [0, 0]
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
  crosstalk: Float64Array,
  voltagesV: Float64Array,
  lane: number,
): Float64Array {
  const { size } = model.layout
  const phases = model.phases(parameters, crosstalk, voltagesV)
  const { re, im } = model.transfer(parameters, phases)
  return Float64Array.from(re, (_, element) => {
    const factor = portFactor(model, parameters, phases, lane, Math.floor(element / size), element % size)
    return factor.re * re[element]! - factor.im * im[element]!
  })
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

/** Sum of squares and Jacobian of one lane’s readings, row by row. */
class ChipProblem {
  readonly #input: ChipFitInput
  readonly #model: ChipModel
  readonly #parameters: Float64Array
  readonly #derivatives: TransferDerivatives
  readonly #rows: number
  /** [row, parameter] of everything, and of the free ones. */
  readonly #full: Float64Array
  readonly #jacobian: Float64Array
  readonly #residuals: Float64Array
  /** [row, heater] */
  readonly #byPhase: Float64Array

  constructor(input: ChipFitInput, start: Float64Array) {
    this.#input = input
    this.#model = new ChipModel(input.layout)
    this.#parameters = Float64Array.from(start)
    this.#derivatives = this.#model.newDerivatives()
    this.#rows = input.layout.size ** 2
    this.#full = new Float64Array(this.#rows * this.#model.blocks.count)
    this.#jacobian = new Float64Array(this.#rows * input.free.length)
    this.#residuals = new Float64Array(this.#rows)
    this.#byPhase = new Float64Array(this.#rows * input.layout.heaters.length)
  }

  expand(free: Float64Array): Float64Array {
    for (const [i, index] of this.#input.free.entries()) this.#parameters[index] = free[i]!
    return this.#parameters
  }

  evaluate(free: Float64Array, normal?: NormalEquations): number {
    const { readings, lane, noise, priors } = this.#input
    const parameters = this.expand(free)
    const crosstalk = this.#model.crosstalk(parameters)
    let sum = 0
    for (const reading of readings) {
      const predicted = predictReading(this.#model, parameters, crosstalk, reading.voltagesV, lane)
      for (let row = 0; row < this.#rows; row++) {
        const residual = (predicted[row]! - reading.lanes[lane]![row]!) / noise
        this.#residuals[row] = residual
        sum += residual * residual
      }
      if (normal === undefined) continue
      this.#differentiate(reading, crosstalk, predicted)
      normal.add(this.#jacobian, this.#residuals, this.#rows)
    }
    for (const [i, index] of this.#input.free.entries()) {
      const slope = 1 / priors.sigma[index]!
      const residual = (parameters[index]! - priors.mean[index]!) * slope
      sum += residual * residual
      normal?.addDiagonal(i, slope, residual)
    }
    return sum
  }

  #differentiate({ voltagesV }: ChipReading, crosstalk: Float64Array, predicted: Float64Array): void {
    const model = this.#model
    const { lane, free, noise } = this.#input
    const { size, heaters, input, lo } = model.layout
    const { blocks } = model
    const count = blocks.count
    const [full, byPhase] = [this.#full, this.#byPhase]
    const phases = model.phases(this.#parameters, crosstalk, voltagesV)
    const { re, im } = model.transfer(this.#parameters, phases)
    model.derivatives(this.#derivatives)
    const d = this.#derivatives
    const width = 2 * size * size
    const elements = d.alpha.length / width

    full.fill(0)
    byPhase.fill(0)
    for (let row = 0; row < this.#rows; row++) {
      const [output, from] = [Math.floor(row / size), row % size]
      const factor = portFactor(model, this.#parameters, phases, lane, output, from)
      const [fr, fi] = [factor.re / noise, factor.im / noise]
      const at = row * count
      for (let h = 0, p = row * heaters.length, s = 2 * row; h < heaters.length; h++, p++, s += width) {
        byPhase[p] = fr * d.phase[s]! - fi * d.phase[s + 1]!
      }
      // ψ and λ turn the whole element: ∂/∂ψ Re(z) = −Im(z), ∂/∂λ Re(z) = Im(z).
      const imaginary = fr * im[row]! + fi * re[row]!
      byPhase[row * heaters.length + input[lane]![from]!] = -imaginary
      byPhase[row * heaters.length + lo[lane]![output]!] = imaginary
      for (let e = 0, s = 2 * row; e < elements; e++, s += width) {
        full[at + blocks.alpha + e] = fr * d.alpha[s]! - fi * d.alpha[s + 1]!
        full[at + blocks.beta + e] = fr * d.beta[s]! - fi * d.beta[s + 1]!
      }
      full[at + blocks.logMziField] = fr * d.logMziField[2 * row]! - fi * d.logMziField[2 * row + 1]!
      full[at + blocks.logIn + lane * size + from] = predicted[row]! / noise
      full[at + blocks.logOut + lane * size + output] = predicted[row]! / noise
    }
    this.#chainVoltages(voltagesV, crosstalk)
    const jacobian = this.#jacobian
    for (let row = 0; row < this.#rows; row++) {
      const [from, to] = [row * count, row * free.length]
      for (let i = 0; i < free.length; i++) jacobian[to + i] = full[from + free[i]!]!
    }
  }

  /** From ∂y/∂phase to offsets, heater coefficients and the crosstalk law. */
  #chainVoltages(voltagesV: Float64Array, crosstalk: Float64Array): void {
    const { blocks, distancesPitch, layout } = this.#model
    const heaters = layout.heaters.length
    const decay = Math.exp(this.#parameters[blocks.logDecay]!)
    const v2 = voltagesV.map((v) => v * v)
    const self = v2.map((square, h) => square * this.#parameters[blocks.radPerV2 + h]!)
    // How each victim's phase moves with the two parameters of the law.
    const byNeighbour = new Float64Array(heaters)
    const byDecay = new Float64Array(heaters)
    for (let victim = 0, at = 0; victim < heaters; victim++) {
      for (let from = 0; from < heaters; from++, at++) {
        if (victim === from) continue
        const share = crosstalk[at]! * self[from]!
        byNeighbour[victim]! += share
        byDecay[victim]! += (share * (distancesPitch[at]! - 1)) / decay
      }
    }
    const [full, byPhase, count] = [this.#full, this.#byPhase, blocks.count]
    for (let row = 0; row < this.#rows; row++) {
      const [to, p] = [row * count, row * heaters]
      for (let victim = 0; victim < heaters; victim++) {
        const slope = byPhase[p + victim]!
        if (slope === 0) continue
        full[to + blocks.offset + victim] = slope
        full[to + blocks.logNeighbour]! += slope * byNeighbour[victim]!
        full[to + blocks.logDecay]! += slope * byDecay[victim]!
        const coefficients = to + blocks.radPerV2
        for (let from = 0, at = victim * heaters; from < heaters; from++, at++) {
          full[coefficients + from]! += slope * crosstalk[at]! * v2[from]!
        }
      }
    }
  }
}

/** How sure we are before the fit; the sigmas are wide where a measurement decides and narrow where the design does. */
export function priorsAround(layout: SvdCoreLayout, guess: Float64Array, radPerV2Sigma: Float64Array): Priors {
  const blocks = parameterBlocks(layout)
  const mean = Float64Array.from(guess)
  const sigma = new Float64Array(blocks.count)
  sigma.fill(1, blocks.offset, blocks.radPerV2)
  // Neighbours that warm up with a heater bias its fringe by a few percent.
  for (const [h, error] of radPerV2Sigma.entries()) {
    sigma[blocks.radPerV2 + h] = Math.hypot(0.03 * guess[blocks.radPerV2 + h]!, error) + 1e-9
  }
  // Splitters: known to be near π/4; foundries quote a few hundredths of a radian.
  sigma.fill(0.05, blocks.alpha, blocks.logNeighbour)
  sigma[blocks.logNeighbour] = 2
  sigma[blocks.logDecay] = 1
  sigma[blocks.logMziField] = 0.02
  sigma.fill(0.2, blocks.logIn, blocks.count)
  return { mean, sigma }
}
