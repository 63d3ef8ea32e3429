import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitMatrixFree } from '../fit/conjugate-gradients.ts'
import type { MatrixFreeOptions, MatrixFreeProblem } from '../fit/conjugate-gradients.ts'
import { NormalEquations } from '../fit/least-squares.ts'
import type { Priors } from '../model/chip-fit-input.ts'
import { IntensityModel, powersOf } from './intensity-model.ts'
import type { IntensityLine, IntensityReading, MadeOnce } from './intensity-model.ts'
import { WhitenedScales } from './intensity-scales.ts'
import type { IntensityScales } from './intensity-scales.ts'

export interface IntensityFitInput {
  readonly layout: SvdCoreLayout
  readonly readings: readonly IntensityReading[]
  readonly priors: Priors
  /** Standard deviation of one reading. */
  readonly noise: number
}

export interface IntensityFit {
  readonly parameters: Float64Array
  readonly sumOfSquares: number
  readonly iterations: number
}

/**
 * Fits the clear-box chip to intensities: all parameters at once, maximum a posteriori by Gauss–Newton.
 *
 * Phases that no intensity shows (of whole inputs and outputs) stay where the priors hold them. Shapes: parameters as in
 * `intensityBlocks`. A prior with σ = 0 holds its parameter.
 */
export function fitIntensities(
  input: IntensityFitInput,
  start: Float64Array,
  options: MatrixFreeOptions,
): IntensityFit {
  const problem = new IntensityProblem(input, start, scalesAt(input, start, SCALING_ROWS))
  const fit = fitMatrixFree(problem, new Float64Array(start.length), options)
  return { ...fit, parameters: problem.parametersAt(fit.x) }
}

const UNSCALED: IntensityScales = { toParameters: (x) => x, fromGradient: (gradient) => gradient }

/** Rows of the Jacobian that the variables are scaled by: a few for each of some hundred parameters. */
const SCALING_ROWS = 3000

/** Variables as the curvature at a point of some evenly spaced readings, about so many rows, has them; priors included. */
export function scalesAt(input: IntensityFitInput, at: Float64Array, maxRows: number): WhitenedScales {
  const { readings, priors, layout } = input
  const free = Array.from(at.keys()).filter((index) => priors.sigma[index]! > 0)
  const rows = readings.reduce((sum, { lit }) => sum + lit.length * layout.size, 0)
  const share = Math.min(1, maxRows / rows)
  const some = readings.filter((_, r) => Math.floor((r + 1) * share) > Math.floor(r * share))
  const someRows = some.reduce((sum, { lit }) => sum + lit.length * layout.size, 0)
  const hessian = new IntensityProblem(input, at, undefined).curvature(some, free)
  for (let i = 0; i < hessian.length; i++) hessian[i]! *= rows / someRows
  return scalesOf(hessian, free, priors)
}

/** Standard deviations of all parameters at a point, [parameter], for each of some priors; 0 for what is held. */
export function deviationsAt(
  input: IntensityFitInput,
  at: Float64Array,
  allPriors: readonly Priors[],
): readonly Float64Array[] {
  const free = Array.from(at.keys()).filter((index) => input.priors.sigma[index]! > 0)
  const curvature = new IntensityProblem(input, at, undefined).curvature(input.readings, free)
  return allPriors.map((priors) => scalesOf(curvature.slice(), free, priors).sigmas())
}

/** `hessian` of the readings alone, [free, free]; overwritten. */
function scalesOf(hessian: Float64Array, free: readonly number[], { sigma }: Priors): WhitenedScales {
  for (const [i, index] of free.entries()) hessian[i * free.length + i]! += 1 / sigma[index]! ** 2
  return new WhitenedScales(hessian, free, sigma.length)
}

/** Readings as a sum of squares over scaled displacements from the start. */
export class IntensityProblem implements MatrixFreeProblem {
  readonly model: IntensityModel
  readonly #input: IntensityFitInput
  readonly #start: Float64Array
  readonly #scales: IntensityScales
  readonly #lines: IntensityLine[] = []
  #at: Float64Array
  #made: MadeOnce

  constructor(input: IntensityFitInput, start: Float64Array, scales: IntensityScales | undefined) {
    this.model = new IntensityModel(input.layout)
    this.#input = input
    this.#start = Float64Array.from(start)
    this.#scales = scales ?? UNSCALED
    this.#at = this.#start
    this.#made = this.model.made(start)
  }

  parametersAt(x: Float64Array): Float64Array {
    const moved = this.#scales.toParameters(x)
    return this.#start.map((value, i) => value + moved[i]!)
  }

  sumAt(x: Float64Array): number {
    const { readings, noise } = this.#input
    const parameters = this.parametersAt(x)
    const made = this.model.made(parameters)
    let sum = this.#priorSum(parameters)
    for (const { voltagesV, lit, powers } of readings) {
      const predicted = this.model.predict(parameters, made, voltagesV, lit)
      for (let row = 0; row < powers.length; row++) sum += ((predicted[row]! - powers[row]!) / noise) ** 2
    }
    return sum
  }

  linearise(x: Float64Array): { sum: number; gradient: Float64Array } {
    const { readings, noise, priors } = this.#input
    this.#at = this.parametersAt(x)
    this.#made = this.model.made(this.#at)
    const gradient = new Float64Array(this.#at.length)
    const onInputs = complexZeros(this.model.layout.size)
    let sum = this.#priorSum(this.#at)
    for (const [r, reading] of readings.entries()) {
      const line = this.model.line(this.#at, this.#made, reading.voltagesV)
      this.#lines[r] = line
      const residuals = powersOf(line.out, reading.lit)
      for (let row = 0; row < residuals.length; row++) {
        residuals[row] = (residuals[row]! - reading.powers[row]!) / noise
        sum += residuals[row]! ** 2
      }
      const matrix = this.model.chip.transferAgain(line.folded)
      this.#addAdjoint(line, matrix, reading.lit, residuals, { onInputs, to: gradient })
    }
    this.#addInputs(onInputs, gradient)
    for (const [i, sigma] of priors.sigma.entries()) {
      if (sigma > 0) gradient[i]! += (this.#at[i]! - priors.mean[i]!) / sigma ** 2
    }
    return { sum, gradient: this.#scales.fromGradient(gradient) }
  }

  product(v: Float64Array): Float64Array {
    const { readings, priors } = this.#input
    const change = this.#scales.toParameters(v)
    const out = new Float64Array(change.length)
    const [inputs, onInputs] = [this.#inputsAlong(change), complexZeros(this.model.layout.size)]
    for (const [r, { lit }] of readings.entries()) {
      const line = this.#lines[r]!
      const matrix = this.model.chip.transferAgain(line.folded)
      const rows = this.#tangent(line, matrix, lit, change, inputs)
      this.#addAdjoint(line, matrix, lit, rows, { onInputs, to: out })
    }
    this.#addInputs(onInputs, out)
    for (const [i, sigma] of priors.sigma.entries()) if (sigma > 0) out[i]! += change[i]! / sigma ** 2
    return this.#scales.fromGradient(out)
  }

  /** JᵀJ of some readings at the start, without priors. Shape: [parameter, parameter] of those named. */
  curvature(readings: readonly IntensityReading[], parameters: readonly number[]): Float64Array {
    const n = parameters.length
    const normal = new NormalEquations(n)
    for (const { voltagesV, lit } of readings) {
      const line = this.model.line(this.#at, this.#made, voltagesV)
      const matrix = this.model.chip.transferAgain(line.folded)
      const rows = lit.length * this.model.layout.size
      const jacobian = new Float64Array(rows * n)
      for (let row = 0; row < rows; row++) {
        const weights = new Float64Array(rows)
        weights[row] = 1
        const onInputs = complexZeros(this.model.layout.size)
        const to = new Float64Array(this.#at.length)
        this.#addAdjoint(line, matrix, lit, weights, { onInputs, to })
        this.#addInputs(onInputs, to)
        for (const [column, parameter] of parameters.entries()) jacobian[row * n + column] = to[parameter]!
      }
      normal.add(jacobian, new Float64Array(rows), rows)
    }
    return normal.hessian
  }

  #priorSum(parameters: Float64Array): number {
    const { mean, sigma } = this.#input.priors
    let sum = 0
    for (let i = 0; i < mean.length; i++) if (sigma[i]! > 0) sum += ((parameters[i]! - mean[i]!) / sigma[i]!) ** 2
    return sum
  }

  /** ∂y/noise along a change of the parameters, which moves W by `inputsMoved`. Shape: [lit, output]. */
  #tangent(
    line: IntensityLine,
    matrix: ComplexMatrix,
    lit: readonly number[],
    change: Float64Array,
    inputsMoved: ComplexMatrix,
  ): Float64Array {
    const { blocks, layout, chip } = this.model
    const { size, mzis, heaters } = layout
    const { crosstalk, inputs, gainsOut } = this.#made
    const own = new Float64Array(heaters.length)
    for (let h = 0; h < own.length; h++) own[h] = line.voltagesSquared[h]! * change[blocks.radPerV2 + h]!
    const given = crosstalk.given(own)
    const [neighbour, decay] = [change[blocks.logNeighbour]!, change[blocks.logDecay]!]
    const phase = own.map(
      (rad, h) =>
        change[blocks.offset + h]! + rad + given[h]! + neighbour * line.byNeighbour[h]! + decay * line.byDecay[h]!,
    )
    const ofMzis = (own: number, all: number): Float64Array =>
      Float64Array.from(mzis, (_, e) => change[own + e]! + change[all]!)
    const moved = chip.tangent({
      phase,
      alpha: ofMzis(blocks.alpha, blocks.splitterMean),
      beta: ofMzis(blocks.beta, blocks.splitterMean),
      logMziField: ofMzis(blocks.logOwnField, blocks.logMziField),
    })
    // G·(δM·W + M·δW)
    const rows = new Float64Array(lit.length * size)
    for (const [l, j] of lit.entries()) {
      for (let i = 0; i < size; i++) {
        let [re, im] = [0, 0]
        for (let k = 0, m = i * size, w = j; k < size; k++, m++, w += size) {
          const [dr, di, wr, wi] = [moved.re[m]!, moved.im[m]!, inputs.re[w]!, inputs.im[w]!]
          const [mr, mi, vr, vi] = [matrix.re[m]!, matrix.im[m]!, inputsMoved.re[w]!, inputsMoved.im[w]!]
          re += dr * wr - di * wi + mr * vr - mi * vi
          im += dr * wi + di * wr + mr * vi + mi * vr
        }
        const at = i * size + j
        const [outRe, outIm] = [line.out.re[at]!, line.out.im[at]!]
        const beat = gainsOut[i]! * (outRe * re + outIm * im)
        const power = change[blocks.logOut + i]! * (outRe * outRe + outIm * outIm)
        rows[l * size + i] = (2 * (beat + power)) / this.#input.noise
      }
    }
    return rows
  }

  /** δW along a change of the parameters. */
  #inputsAlong(change: Float64Array): ComplexMatrix {
    const { blocks, layout } = this.model
    const { size } = layout
    const { inputs } = this.#made
    const moved = complexZeros(size)
    for (let k = 0; k < size; k++) {
      const log = change[blocks.logIn + k]!
      const gain = Math.exp(this.#at[blocks.logIn + k]!)
      for (let j = 0, at = k * size; j < size; j++, at++) {
        const stray = k === j ? 0 : gain
        moved.re[at] = log * inputs.re[at]! + stray * change[blocks.strayRe + at]!
        moved.im[at] = log * inputs.im[at]! + stray * change[blocks.strayIm + at]!
      }
    }
    return moved
  }

  /** The transpose of `#inputsAlong`, added to `to`. */
  #addInputs(onInputs: ComplexMatrix, to: Float64Array): void {
    const { blocks, layout } = this.model
    const { size } = layout
    const { inputs } = this.#made
    for (let k = 0; k < size; k++) {
      const gain = Math.exp(this.#at[blocks.logIn + k]!)
      for (let j = 0, at = k * size; j < size; j++, at++) {
        const [vr, vi] = [onInputs.re[at]!, onInputs.im[at]!]
        to[blocks.logIn + k]! += vr * inputs.re[at]! + vi * inputs.im[at]!
        if (k === j) continue
        to[blocks.strayRe + at]! += gain * vr
        to[blocks.strayIm + at]! += gain * vi
      }
    }
  }

  /** Adds Jᵀ·weights of one reading to `to`, but for W, whose weight is added to `onInputs`. */
  #addAdjoint(
    line: IntensityLine,
    matrix: ComplexMatrix,
    lit: readonly number[],
    weights: Float64Array,
    { onInputs, to }: { readonly onInputs: ComplexMatrix; readonly to: Float64Array },
  ): void {
    const { blocks, layout, chip } = this.model
    const { size } = layout
    const { crosstalk, inputs, gainsOut } = this.#made
    const back = complexZeros(size)
    for (const [l, j] of lit.entries()) {
      for (let i = 0; i < size; i++) {
        const at = i * size + j
        const w = (2 * weights[l * size + i]!) / this.#input.noise
        if (w === 0) continue
        to[blocks.logOut + i]! += w * (line.out.re[at]! ** 2 + line.out.im[at]! ** 2)
        // Weight on the field before the output's gain: Σ Re(weight*·δ(M·W)).
        const [br, bi] = [w * gainsOut[i]! * line.out.re[at]!, w * gainsOut[i]! * line.out.im[at]!]
        for (let k = 0, m = i * size, v = j; k < size; k++, m++, v += size) {
          const [wr, wi, mr, mi] = [inputs.re[v]!, inputs.im[v]!, matrix.re[m]!, matrix.im[m]!]
          back.re[m]! += br * wr + bi * wi
          back.im[m]! += bi * wr - br * wi
          onInputs.re[v]! += br * mr + bi * mi
          onInputs.im[v]! += bi * mr - br * mi
        }
      }
    }
    const change = chip.newChange()
    chip.adjoint(back, change)
    const given = crosstalk.given(change.phase)
    for (let h = 0; h < change.phase.length; h++) {
      const slope = change.phase[h]!
      to[blocks.offset + h]! += slope
      to[blocks.radPerV2 + h]! += (slope + given[h]!) * line.voltagesSquared[h]!
      to[blocks.logNeighbour]! += slope * line.byNeighbour[h]!
      to[blocks.logDecay]! += slope * line.byDecay[h]!
    }
    for (let e = 0; e < change.alpha.length; e++) {
      to[blocks.alpha + e]! += change.alpha[e]!
      to[blocks.beta + e]! += change.beta[e]!
      to[blocks.splitterMean]! += change.alpha[e]! + change.beta[e]!
      to[blocks.logOwnField + e]! += change.logMziField[e]!
      to[blocks.logMziField]! += change.logMziField[e]!
    }
  }
}
