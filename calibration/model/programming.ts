import { BenchError } from '../../core/errors.ts'
import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitMatrixFree } from '../fit/conjugate-gradients.ts'
import type { MatrixFreeOptions, MatrixFreeProblem } from '../fit/conjugate-gradients.ts'
import type { ChipModel } from './chip-model.ts'
import { elementCount } from './chip-parameters.ts'
import type { Crosstalk } from './crosstalk.ts'
import { startFor } from './starting-phases.ts'
import type { TileStart } from './starting-phases.ts'

/** The fitted chip, and what its heaters may be given. */
export interface KnownChip {
  readonly model: ChipModel
  readonly parameters: Float64Array
  /** As made from the same parameters. */
  readonly crosstalk: Crosstalk
  readonly maxVoltageV: number
}

export interface ProgrammedTile {
  /** [heater] what each light path is turned by, modulo 2π, and the voltages that do it. */
  readonly phasesRad: Float64Array
  readonly voltagesV: Float64Array
  /** [output] The chip then makes M_ij·e^{−iλ_i} = weights_ij × this of output i, before the gains of the ports. */
  readonly fieldPerWeight: Float64Array
  /** [output, input] what the fitted chip makes of the weights, in their units. */
  readonly detected: Float64Array
  /** [output, input] the quadrature that is not detected, in units of the weights. */
  readonly quadrature: Float64Array
  /** ‖detected − weights‖_F / ‖weights‖_F on the fitted model: what the detectors will be off by. */
  readonly modelError: number
}

/** A small tile is polished to the end in milliseconds, a large one as far as it gets in a second or two. */
const polishFor = (size: number): MatrixFreeOptions =>
  size <= 16
    ? { maxIterations: 25, tolerance: 0.1, maxProducts: 30, gradientLeft: 0.05 }
    : { maxIterations: 12, tolerance: 0.05, maxProducts: 30, gradientLeft: 0.05 }
/**
 * Only what lies along the local oscillator is detected. The other quadrature is free, but for its small share in
 * phase errors and modulator leaks; without that freedom an attenuator that cannot shut would spoil small weights.
 * A single mesh has more to put there: what unequal losses take, it can mend by nothing else.
 */
const QUADRATURE_WEIGHT = { svd: 0.1, unitary: 0.05 } as const
/** Pulls phases that do not matter to where they started. */
const STAY_SLOPE = 1e-3

/**
 * Voltages that make the fitted chip multiply by `weights`.
 *
 * Phases of an ideal chip (`startFor`), then Gauss–Newton on all phases of the fitted model: it takes up splitter errors,
 * unequal losses and attenuators that leak. A single mesh has nothing to make its outputs alike with; so each is read in
 * a gain of its own, and polished once more with that. Last, voltages through the inverse of the crosstalk.
 *
 * Shapes: `weights` is [output, input] row-major. All lanes get the same matrix.
 * Throws: RANGE_EXCEEDED when a phase needs more than the heaters' limit, or a unitary core is asked for weights that
 * are not orthogonal.
 */
export function programWeights(
  model: ChipModel,
  parameters: Float64Array,
  crosstalk: Crosstalk,
  weights: Float64Array,
  maxVoltageV: number,
): ProgrammedTile {
  const chip = { model, parameters, crosstalk, maxVoltageV }
  return polished(chip, weights, startFor(model, parameters, weights))
}

/** A tile with other weights asked of the fitted chip, from the phases that it has: near ones are a small step away. */
export function reprogramWeights(
  chip: KnownChip,
  { phasesRad, fieldPerWeight }: Pick<ProgrammedTile, 'phasesRad' | 'fieldPerWeight'>,
  weights: Float64Array,
): ProgrammedTile {
  const { model } = chip
  const start = Float64Array.from([...coreHeaters(model), ...model.layout.lo[0]!], (heater) => phasesRad[heater]!)
  return polished(chip, weights, { start, fieldPerWeight })
}

function polished(
  { model, parameters, crosstalk, maxVoltageV }: KnownChip,
  weights: Float64Array,
  { start, fieldPerWeight }: TileStart,
): ProgrammedTile {
  const { size, design } = model.layout
  const perOutput = (values: Float64Array, change: (value: number, field: number) => number, fields: Float64Array) =>
    values.map((value, i) => change(value, fields[Math.floor(i / size)]!))
  const polish = (from: Float64Array, fields: Float64Array): Polished => {
    const problem = new TileProblem(
      model,
      parameters,
      perOutput(weights, (weight, field) => weight * field, fields),
      from,
    )
    const { x } = fitMatrixFree(problem, from, polishFor(size))
    // Attenuators make outputs alike by themselves.
    return { problem, x, fields: design.form === 'svd' ? fields : fieldsMade(problem.detected(x), weights, size) }
  }
  const first = polish(start, fieldPerWeight)
  const { problem, x, fields } = design.form === 'svd' ? first : polish(first.x, first.fields)
  const phasesRad = problem.phasesOf(x)
  const inWeights = (values: Float64Array): Float64Array => perOutput(values, (value, field) => value / field, fields)
  const detected = inWeights(problem.detected(x))
  const norm = Math.hypot(...weights)
  return {
    phasesRad,
    voltagesV: voltagesFor(model, parameters, crosstalk, phasesRad, maxVoltageV),
    fieldPerWeight: fields,
    detected,
    quadrature: inWeights(problem.quadrature(x)),
    modelError: norm > 0 ? Math.hypot(...detected.map((made, i) => made - weights[i]!)) / norm : 0,
  }
}

interface Polished {
  readonly problem: TileProblem
  readonly x: Float64Array
  /** [output] */
  readonly fields: Float64Array
}

/** [output] The field that a weight of 1 is read as, so that what the chip made is off by least. */
function fieldsMade(made: Float64Array, weights: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, output) => {
    let [power, overlap] = [0, 0]
    for (let i = output * size; i < (output + 1) * size; i++) {
      power += made[i]! ** 2
      overlap += made[i]! * weights[i]!
    }
    return power / overlap
  })
}

/** Variables of the polish: θ and φ of V†, Σ and U in the order of `coreHeaters`, then λ of each output. */
export function coreHeaters({ layout }: ChipModel): number[] {
  return [layout.first, layout.sigma, layout.second].flatMap(({ phi, theta }) => [...phi, ...theta])
}

/** Distance between what the chip makes at given phases and the target matrix. */
class TileProblem implements MatrixFreeProblem {
  readonly #model: ChipModel
  readonly #parameters: Float64Array
  readonly #target: Float64Array
  readonly #start: Float64Array
  readonly #heaters: readonly number[]
  readonly #elements: number
  readonly #quadratureWeight: number
  /** At the linearised point: e^{−iλ}·M, and cos λ, sin λ of each output. */
  #seen: ComplexMatrix
  #turns: readonly (readonly [number, number])[] = []

  constructor(model: ChipModel, parameters: Float64Array, target: Float64Array, start: Float64Array) {
    this.#model = model
    this.#parameters = parameters
    this.#target = target
    this.#start = start
    this.#heaters = coreHeaters(model)
    this.#elements = elementCount(model.layout)
    this.#quadratureWeight = QUADRATURE_WEIGHT[model.layout.design.form]
    this.#seen = this.#seenAt(start)
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

  /** The quadrature along the local oscillators. */
  detected(variables: Float64Array): Float64Array {
    return this.#seenAt(variables).re
  }

  /** What would be detected with all local oscillators a quarter turn on. */
  quadrature(variables: Float64Array): Float64Array {
    return this.#seenAt(variables).im
  }

  sumAt(variables: Float64Array): number {
    const { re, im } = this.#seenAt(variables)
    let sum = 0
    for (let i = 0; i < re.length; i++) sum += (re[i]! - this.#target[i]!) ** 2 + (this.#quadratureWeight * im[i]!) ** 2
    for (const [i, value] of variables.entries()) sum += (STAY_SLOPE * (value - this.#start[i]!)) ** 2
    return sum
  }

  linearise(variables: Float64Array): { sum: number; gradient: Float64Array } {
    const sum = this.sumAt(variables)
    this.#seen = this.#seenAt(variables)
    this.#turns = this.#turnsAt(variables)
    const gradient = this.#adjoint(
      this.#seen.re.map((value, i) => value - this.#target[i]!),
      this.#seen.im.map((value) => this.#quadratureWeight ** 2 * value),
    )
    for (const [i, value] of variables.entries()) gradient[i]! += STAY_SLOPE ** 2 * (value - this.#start[i]!)
    return { sum, gradient }
  }

  product(v: Float64Array): Float64Array {
    const { size } = this.#model.layout
    const elements = new Float64Array(this.#elements)
    const moved = this.#model.tangent({
      phase: this.phasesOf(v),
      alpha: elements,
      beta: elements,
      logMziField: elements,
    })
    turn(moved, this.#turns)
    // ∂/∂λ of e^{−iλ}·M is −i times it.
    for (let i = 0; i < moved.re.length; i++) {
      const lambda = v[this.#heaters.length + Math.floor(i / size)]!
      moved.re[i]! += lambda * this.#seen.im[i]!
      moved.im[i]! -= lambda * this.#seen.re[i]!
    }
    const out = this.#adjoint(
      moved.re,
      moved.im.map((value) => this.#quadratureWeight ** 2 * value),
    )
    for (const [i, value] of v.entries()) out[i]! += STAY_SLOPE ** 2 * value
    return out
  }

  /** Jᵀ of weights on both quadratures. */
  #adjoint(re: Float64Array, im: Float64Array): Float64Array {
    const { size } = this.#model.layout
    const out = new Float64Array(this.#start.length)
    const back = complexZeros(size)
    for (let i = 0; i < re.length; i++) {
      const output = Math.floor(i / size)
      const [c, s] = this.#turns[output]!
      back.re[i] = c * re[i]! - s * im[i]!
      back.im[i] = s * re[i]! + c * im[i]!
      out[this.#heaters.length + output]! += re[i]! * this.#seen.im[i]! - im[i]! * this.#seen.re[i]!
    }
    const change = this.#model.newChange()
    this.#model.adjoint(back, change)
    for (const [i, heater] of this.#heaters.entries()) out[i] = change.phase[heater]!
    return out
  }

  #turnsAt(variables: Float64Array): readonly (readonly [number, number])[] {
    return Array.from(variables.subarray(this.#heaters.length), (lambda) => [Math.cos(lambda), Math.sin(lambda)])
  }

  #seenAt(variables: Float64Array): ComplexMatrix {
    const matrix = this.#model.transfer(this.#parameters, this.phasesOf(variables))
    turn(matrix, this.#turnsAt(variables))
    return matrix
  }
}

/** Each row times e^{−iλ}. */
function turn({ size, re, im }: ComplexMatrix, turns: readonly (readonly [number, number])[]): void {
  for (let i = 0; i < re.length; i++) {
    const [c, s] = turns[Math.floor(i / size)]!
    const a = re[i]!
    const b = im[i]!
    re[i] = c * a + s * b
    im[i] = c * b - s * a
  }
}

const CROSSTALK_ROUNDS = 40
const TWO_PI = 2 * Math.PI
const NONE: ReadonlySet<number> = new Set()

/**
 * Voltages for these phases: each heater's own phase is what is wanted less its offset and what its neighbours give,
 * taken modulo 2π into the least heat, and solved for all heaters together. Those that are `idle` stay at 0 V.
 */
export function voltagesFor(
  model: ChipModel,
  parameters: Float64Array,
  crosstalk: Crosstalk,
  phases: Float64Array,
  maxVoltageV: number,
  idle: ReadonlySet<number> = NONE,
): Float64Array {
  const { blocks } = model
  const count = phases.length
  const wanted = phases.map((phase, h) => phase - parameters[blocks.offset + h]!)
  const turns = wanted.map((phase) => -Math.floor(phase / TWO_PI))
  let self = wanted.map((phase, h) => phase + TWO_PI * turns[h]!)
  for (let round = 0; round < CROSSTALK_ROUNDS; round++) {
    const given = crosstalk.given(self)
    const next = wanted.map((phase, h) => (idle.has(h) ? 0 : phase + TWO_PI * turns[h]! - given[h]!))
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
