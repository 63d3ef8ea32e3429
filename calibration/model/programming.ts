import { SingularValueDecomposition, Matrix } from 'ml-matrix'
import { BenchError } from '../../core/errors.ts'
import { fitLeastSquares } from '../fit/least-squares.ts'
import type { LeastSquaresProblem, NormalEquations } from '../fit/least-squares.ts'
import { complexFromReal } from '../fit/complex-matrix.ts'
import type { ChipModel, TransferDerivatives } from './chip-model.ts'
import { clementsPhases } from './clements.ts'

export interface ProgrammedTile {
  /** [heater] */
  readonly voltagesV: Float64Array
  /** The chip then makes M_ij·e^{−iλ_i} = weights_ij × this, before the gains of the ports. */
  readonly fieldPerWeight: number
  /** ‖Re M − target‖_F / ‖target‖_F on the fitted model: what the detectors will be off by. */
  readonly modelError: number
}

/** Share of the reachable transmission that the largest singular value uses; the rest is room for the correction. */
const HEADROOM = 0.9
const POLISH = { maxIterations: 40, tolerance: 0.05, initialDamping: 1e-2, minDamping: 1e-4 } as const
/**
 * Only what lies along the local oscillator is detected. The other quadrature is free, but for its small share in
 * phase errors and modulator leaks; without that freedom an attenuator that cannot shut would spoil small weights.
 */
const QUADRATURE_WEIGHT = 0.1
/** Pulls phases that do not matter to where they started. */
const STAY_SLOPE = 1e-3

/**
 * Voltages that make the fitted chip multiply by `weights`.
 *
 * Singular value decomposition, Clements phases for both factors, then Gauss–Newton on all phases of the fitted model:
 * it takes up splitter errors, unequal losses and attenuators that leak. Last, voltages through the inverse of the crosstalk.
 *
 * Shapes: `weights` is [output, input] row-major. All lanes get the same matrix.
 * Throws: RANGE_EXCEEDED when a phase needs more than the heaters' limit.
 */
export function programWeights(
  model: ChipModel,
  parameters: Float64Array,
  crosstalk: Float64Array,
  weights: Float64Array,
  maxVoltageV: number,
): ProgrammedTile {
  const { size } = model.layout
  const svd = new SingularValueDecomposition(Matrix.from1DArray(size, size, weights), { autoTranspose: false })
  const largest = svd.diagonal[0]!
  const reach = HEADROOM * Math.exp(parameters[model.blocks.logMziField]! * (2 * size + 1))
  const fieldPerWeight = largest > 0 ? reach / largest : reach
  const target = weights.map((weight) => weight * fieldPerWeight)
  const start = clementsStart(model, svd, largest)
  const problem = new TileProblem(model, parameters, target, start)
  const fit = fitLeastSquares(problem, start, POLISH)
  const phases = problem.phasesOf(fit.parameters)
  const norm = Math.hypot(...target)
  return {
    voltagesV: voltagesFor(model, parameters, crosstalk, phases, maxVoltageV),
    fieldPerWeight,
    modelError: norm > 0 ? problem.detectedError(fit.parameters) / norm : 0,
  }
}

/** Variables of the polish: θ and φ of V†, Σ and U in the order of `coreHeaters`, then λ of each output. */
export function coreHeaters({ layout }: ChipModel): number[] {
  return [layout.first, layout.sigma, layout.second].flatMap(({ phi, theta }) => [...phi, ...theta])
}

function clementsStart(model: ChipModel, svd: SingularValueDecomposition, largest: number): Float64Array {
  const { layout } = model
  const { size } = layout
  const flat = (matrix: Matrix): Float64Array => Float64Array.from(matrix.to1DArray())
  const second = clementsPhases(complexFromReal(size, flat(svd.leftSingularVectors)))
  const first = clementsPhases(complexFromReal(size, flat(svd.rightSingularVectors.transpose())))
  const sigmaTheta = svd.diagonal.map((value) => 2 * Math.acos(largest > 0 ? (HEADROOM * value) / largest : 0))
  const sigmaPhi = sigmaTheta.map((theta, k) => first.outputRad[k]! - theta / 2 - Math.PI / 2)
  return Float64Array.from([
    ...first.phiRad,
    ...first.thetaRad,
    ...sigmaPhi,
    ...sigmaTheta,
    ...second.phiRad,
    ...second.thetaRad,
    // M = diag(e^{i·output})·T…: the local oscillator follows what the mesh leaves out.
    ...second.outputRad.map((phase) => -phase),
  ])
}

/** Distance between what the chip makes at given phases and the target matrix. */
class TileProblem implements LeastSquaresProblem {
  readonly #model: ChipModel
  readonly #parameters: Float64Array
  readonly #target: Float64Array
  readonly #start: Float64Array
  readonly #heaters: readonly number[]
  readonly #derivatives: TransferDerivatives
  readonly #jacobian: Float64Array
  readonly #residuals: Float64Array

  constructor(model: ChipModel, parameters: Float64Array, target: Float64Array, start: Float64Array) {
    this.#model = model
    this.#parameters = parameters
    this.#target = target
    this.#start = start
    this.#heaters = coreHeaters(model)
    this.#derivatives = model.newDerivatives()
    this.#residuals = new Float64Array(2 * target.length)
    this.#jacobian = new Float64Array(2 * target.length * start.length)
  }

  /** Phases of all heaters: trimmers at 0, local oscillators of every lane at λ. */
  phasesOf(variables: Float64Array): Float64Array {
    const { layout } = this.#model
    const phases = new Float64Array(layout.heaters.length)
    for (const [i, heater] of this.#heaters.entries()) phases[heater] = variables[i]!
    for (const lane of layout.lo) {
      for (const [port, heater] of lane.entries()) phases[heater] = variables[this.#heaters.length + port]!
    }
    return phases
  }

  /** Frobenius distance of the detected quadrature. */
  detectedError(variables: Float64Array): number {
    this.#residualsAt(variables)
    return Math.hypot(...this.#residuals.filter((_, row) => row % 2 === 0))
  }

  evaluate(variables: Float64Array, normal?: NormalEquations): number {
    this.#residualsAt(variables)
    let sum = this.#residuals.reduce((total, value) => total + value * value, 0)
    if (normal !== undefined) {
      this.#differentiate(variables)
      normal.add(this.#jacobian, this.#residuals, this.#residuals.length)
    }
    for (const [i, value] of variables.entries()) {
      const residual = STAY_SLOPE * (value - this.#start[i]!)
      sum += residual * residual
      normal?.addDiagonal(i, STAY_SLOPE, residual)
    }
    return sum
  }

  #residualsAt(variables: Float64Array): void {
    const { size } = this.#model.layout
    const { re, im } = this.#model.transfer(this.#parameters, this.phasesOf(variables))
    for (let element = 0; element < re.length; element++) {
      const lambda = variables[this.#heaters.length + Math.floor(element / size)]!
      const [c, s] = [Math.cos(lambda), Math.sin(lambda)]
      this.#residuals[2 * element] = c * re[element]! + s * im[element]! - this.#target[element]!
      this.#residuals[2 * element + 1] = QUADRATURE_WEIGHT * (c * im[element]! - s * re[element]!)
    }
  }

  #differentiate(variables: Float64Array): void {
    const { size } = this.#model.layout
    const n = variables.length
    const width = 2 * size * size
    this.#model.derivatives(this.#derivatives, true)
    const { phase } = this.#derivatives
    for (let element = 0; element < size * size; element++) {
      const output = Math.floor(element / size)
      const lambda = variables[this.#heaters.length + output]!
      const [c, s] = [Math.cos(lambda), Math.sin(lambda)]
      const [rowRe, rowIm] = [2 * element * n, (2 * element + 1) * n]
      for (const [i, heater] of this.#heaters.entries()) {
        const [dr, di] = [phase[heater * width + 2 * element]!, phase[heater * width + 2 * element + 1]!]
        this.#jacobian[rowRe + i] = c * dr + s * di
        this.#jacobian[rowIm + i] = QUADRATURE_WEIGHT * (c * di - s * dr)
      }
      // ∂/∂λ of e^{−iλ}·z is −i times it.
      const at = this.#heaters.length + output
      this.#jacobian[rowRe + at] = this.#residuals[2 * element + 1]! / QUADRATURE_WEIGHT
      this.#jacobian[rowIm + at] = -QUADRATURE_WEIGHT * (this.#residuals[2 * element]! + this.#target[element]!)
    }
  }
}

const CROSSTALK_ROUNDS = 40
const TWO_PI = 2 * Math.PI

/**
 * Voltages for these phases: each heater's own phase is what is wanted less its offset and what its neighbours give,
 * taken modulo 2π into the least heat, and solved for all heaters together.
 */
export function voltagesFor(
  model: ChipModel,
  parameters: Float64Array,
  crosstalk: Float64Array,
  phases: Float64Array,
  maxVoltageV: number,
): Float64Array {
  const { blocks } = model
  const count = phases.length
  const wanted = phases.map((phase, h) => phase - parameters[blocks.offset + h]!)
  const turns = wanted.map((phase) => -Math.floor(phase / TWO_PI))
  let self = wanted.map((phase, h) => phase + TWO_PI * turns[h]!)
  for (let round = 0; round < CROSSTALK_ROUNDS; round++) {
    const next = wanted.map((phase, h) => {
      let given = 0
      for (let from = 0, at = h * count; from < count; from++, at++)
        if (from !== h) given += crosstalk[at]! * self[from]!
      return phase + TWO_PI * turns[h]! - given
    })
    let worst = 0
    for (let h = 0; h < count; h++) {
      worst = Math.max(worst, Math.abs(next[h]! - self[h]!))
      // A heater cannot cool: one more turn. The other way only in the first rounds, so that nothing flips for ever.
      if (next[h]! < 0) turns[h]!++
      else if (next[h]! >= TWO_PI && round < CROSSTALK_ROUNDS / 4) turns[h]!--
    }
    self = next
    if (worst < 1e-9) break
  }
  return self.map((phase, h) => {
    const voltage = Math.sqrt(Math.max(0, phase) / parameters[blocks.radPerV2 + h]!)
    if (voltage <= maxVoltageV) return voltage
    throw new BenchError(
      'RANGE_EXCEEDED',
      `heater ${h} would need ${voltage.toFixed(2)} V; the limit is ${maxVoltageV} V`,
      {
        context: { heater: h, voltageV: voltage, maxVoltageV },
      },
    )
  })
}
