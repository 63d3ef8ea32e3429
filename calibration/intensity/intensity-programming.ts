import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitMatrixFree } from '../fit/conjugate-gradients.ts'
import type { MatrixFreeProblem } from '../fit/conjugate-gradients.ts'
import { clementsPhases } from '../model/clements.ts'
import { localCorrection } from '../model/local-correction.ts'
import { voltagesFor } from '../model/programming.ts'
import type { IntensityModel, MadeOnce } from './intensity-model.ts'

export interface ProgrammedUnitary {
  /** [heater] */
  readonly voltagesV: Float64Array
  /** ‖D·M·D′/s − U‖_F/√N on the fitted model, D and D′ the phase screens that no power shows, s the field left over of each input. */
  readonly modelError: number
  /** What the fitted chip then makes, before the gains of the ports. */
  readonly matrix: ComplexMatrix
}

const POLISH = { maxIterations: 60, tolerance: 0.01, maxProducts: 60, gradientLeft: 0.02 }
/**
 * Powers show amplitudes; phases between elements are kept, but for less. As for balanced detection, where the quadrature
 * that is not seen is left nearly free.
 */
const ACROSS_WEIGHTS = [1, 0.3]
/** Pulls phases that do not matter to where they started. */
const STAY_SLOPE = 1e-3

/** Heaters whose phase no power shows, of inputs alone: they stay cold, so that they warm nothing. */
export function invisibleHeaters({ input, mzis, first }: SvdCoreLayout): ReadonlySet<number> {
  const ofInputs = mzis.flatMap(({ column }, mzi) => (column === 0 ? [first.phi[mzi]!] : []))
  return new Set([...input.flat(), ...ofInputs])
}

/**
 * Voltages that make the fitted chip a unitary, up to phases of its inputs and of its outputs.
 *
 * Nulled for ideal interferometers, corrected one by one for the fitted splitters, then Gauss–Newton on all phases and
 * both screens, which takes up unequal losses. Last, voltages through the inverse of the crosstalk.
 *
 * Throws: RANGE_EXCEEDED when a phase needs more than the heaters' limit.
 */
export function programUnitary(
  model: IntensityModel,
  made: MadeOnce,
  unitary: ComplexMatrix,
  maxVoltageV: number,
): ProgrammedUnitary {
  const { layout, chip } = model
  const { alpha, beta } = chip.blocks
  const splitters = layout.mzis.map((_, e) => ({ alphaRad: made.chip[alpha + e]!, betaRad: made.chip[beta + e]! }))
  const ideal = localCorrection(layout.mzis, clementsPhases(unitary), splitters)
  const idle = invisibleHeaters(layout)
  const problem = new ScreenProblem(model, made, unitary, idle)
  const start = problem.startAt(ideal.thetaRad, ideal.phiRad, ideal.outputRad)
  let x = start
  for (const weight of ACROSS_WEIGHTS) {
    problem.weighAcross(weight)
    x = fitMatrixFree(problem, x, POLISH).x
  }
  const phases = problem.phasesOf(x)
  const matrix = chip.transfer(made.chip, phases)
  return {
    voltagesV: voltagesFor(chip, made.chip, made.crosstalk, phases, maxVoltageV, idle),
    modelError: problem.errorAt(x),
    matrix,
  }
}

/**
 * Distance between D·M·D′/s and a unitary. Variables: the phases of all visible heaters, both screens, and ln of what
 * each input's light is scaled by: shares of the light are what counts, and paths from the edges lose less.
 */
class ScreenProblem implements MatrixFreeProblem {
  readonly #model: IntensityModel
  readonly #made: MadeOnce
  readonly #unitary: ComplexMatrix
  readonly #heaters: readonly number[]
  /** e^{i·arg U} of each element. */
  readonly #directions: ComplexMatrix
  #acrossWeight = 1
  #start = new Float64Array(0)
  /** Field that the chip leaves over at the start. */
  #left = 1
  /** At the linearised point: D·M·D′/s, and the screens. */
  #seen: ComplexMatrix
  #at = new Float64Array(0)

  constructor(model: IntensityModel, made: MadeOnce, unitary: ComplexMatrix, idle: ReadonlySet<number>) {
    this.#model = model
    this.#made = made
    this.#unitary = unitary
    const { phi, theta } = model.layout.first
    this.#heaters = [...phi, ...theta].filter((heater) => !idle.has(heater))
    this.#seen = unitary
    const { size, re, im } = unitary
    const length = re.map((v, i) => Math.hypot(v, im[i]!) || 1)
    this.#directions = { size, re: re.map((v, i) => v / length[i]!), im: im.map((v, i) => v / length[i]!) }
  }

  weighAcross(weight: number): void {
    this.#acrossWeight = weight
  }

  startAt(thetaRad: Float64Array, phiRad: Float64Array, outputRad: Float64Array): Float64Array {
    const { first, mzis, heaters, size } = this.#model.layout
    const phases = new Float64Array(heaters.length)
    const inputRad = new Float64Array(size)
    for (const [mzi, { column, top }] of mzis.entries()) {
      phases[first.theta[mzi]!] = thetaRad[mzi]!
      phases[first.phi[mzi]!] = phiRad[mzi]!
      if (column === 0) inputRad[top] = phiRad[mzi]!
    }
    this.#start = Float64Array.from([
      ...this.#heaters.map((heater) => phases[heater]!),
      ...outputRad,
      ...inputRad,
      ...new Float64Array(size),
    ])
    const { re, im } = this.#transfer(this.#start)
    this.#left = Math.hypot(...re, ...im) / Math.sqrt(size)
    return this.#start
  }

  phasesOf(x: Float64Array): Float64Array {
    const phases = new Float64Array(this.#model.layout.heaters.length)
    for (const [i, heater] of this.#heaters.entries()) phases[heater] = x[i]!
    return phases
  }

  errorAt(x: Float64Array): number {
    const { re, im } = this.#seenAt(x)
    const { re: ur, im: ui, size } = this.#unitary
    let sum = 0
    for (let i = 0; i < re.length; i++) sum += (re[i]! - ur[i]!) ** 2 + (im[i]! - ui[i]!) ** 2
    return Math.sqrt(sum / size)
  }

  sumAt(x: Float64Array): number {
    const { along, across } = this.#residuals(this.#seenAt(x))
    let sum = 0
    for (let i = 0; i < along.length; i++) sum += along[i]! ** 2 + (this.#acrossWeight * across[i]!) ** 2
    for (const [i, value] of x.entries()) sum += (STAY_SLOPE * (value - this.#start[i]!)) ** 2
    return sum
  }

  linearise(x: Float64Array): { sum: number; gradient: Float64Array } {
    const sum = this.sumAt(x)
    this.#at = Float64Array.from(x)
    this.#seen = this.#seenAt(x)
    const { re, im, size } = this.#seen
    const { re: ur, im: ui } = this.#unitary
    const off = { size, re: re.map((v, i) => v - ur[i]!), im: im.map((v, i) => v - ui[i]!) }
    const gradient = this.#adjoint(this.#weighted(off))
    for (const [i, value] of x.entries()) gradient[i]! += STAY_SLOPE ** 2 * (value - this.#start[i]!)
    return { sum, gradient }
  }

  product(v: Float64Array): Float64Array {
    const { size } = this.#unitary
    const none = new Float64Array(this.#model.layout.mzis.length)
    const phase = this.phasesOf(v)
    const moved = this.#model.chip.tangent({ phase, alpha: none, beta: none, logMziField: none })
    this.#turn(moved, this.#at)
    const [outputs, inputs, scales] = this.#screens(v)
    for (let i = 0; i < moved.re.length; i++) {
      const rad = outputs[Math.floor(i / size)]! + inputs[i % size]!
      const log = scales[i % size]!
      moved.re[i]! += log * this.#seen.re[i]! - rad * this.#seen.im[i]!
      moved.im[i]! += log * this.#seen.im[i]! + rad * this.#seen.re[i]!
    }
    const out = this.#adjoint(this.#weighted(moved))
    for (const [i, value] of v.entries()) out[i]! += STAY_SLOPE ** 2 * value
    return out
  }

  /** Parts of z − U along U's own phases, which powers show at first order, and across. */
  #residuals({ re, im }: ComplexMatrix): { readonly along: Float64Array; readonly across: Float64Array } {
    const { re: ur, im: ui } = this.#unitary
    const { re: cos, im: sin } = this.#directions
    return {
      along: re.map((v, i) => cos[i]! * (v - ur[i]!) + sin[i]! * (im[i]! - ui[i]!)),
      across: re.map((v, i) => cos[i]! * (im[i]! - ui[i]!) - sin[i]! * (v - ur[i]!)),
    }
  }

  /** With what lies across U's phases weighed less. */
  #weighted({ size, re, im }: ComplexMatrix): ComplexMatrix {
    const { re: cos, im: sin } = this.#directions
    const out = complexZeros(size)
    for (let i = 0; i < re.length; i++) {
      const along = cos[i]! * re[i]! + sin[i]! * im[i]!
      const across = this.#acrossWeight ** 2 * (cos[i]! * im[i]! - sin[i]! * re[i]!)
      out.re[i] = cos[i]! * along - sin[i]! * across
      out.im[i] = sin[i]! * along + cos[i]! * across
    }
    return out
  }

  #adjoint(weight: ComplexMatrix): Float64Array {
    const { size } = this.#unitary
    const out = new Float64Array(this.#start.length)
    const back = complexZeros(size)
    const first = this.#heaters.length
    const [outputs, inputs, scales] = this.#screens(this.#at)
    for (let i = 0; i < weight.re.length; i++) {
      const [output, input] = [Math.floor(i / size), i % size]
      const rad = outputs[output]! + inputs[input]!
      const scale = Math.exp(scales[input]!) / this.#left
      const [c, s] = [scale * Math.cos(rad), scale * Math.sin(rad)]
      back.re[i] = c * weight.re[i]! + s * weight.im[i]!
      back.im[i] = c * weight.im[i]! - s * weight.re[i]!
      const turned = weight.im[i]! * this.#seen.re[i]! - weight.re[i]! * this.#seen.im[i]!
      out[first + output]! += turned
      out[first + size + input]! += turned
      out[first + 2 * size + input]! += weight.re[i]! * this.#seen.re[i]! + weight.im[i]! * this.#seen.im[i]!
    }
    const change = this.#model.chip.newChange()
    this.#model.chip.adjoint(back, change)
    for (const [i, heater] of this.#heaters.entries()) out[i] = change.phase[heater]!
    return out
  }

  /** Phases of outputs and of inputs, and ln of the inputs' scales. Shape of each: [port]. */
  #screens(x: Float64Array): readonly [Float64Array, Float64Array, Float64Array] {
    const { size } = this.#unitary
    const first = this.#heaters.length
    return [x.subarray(first, first + size), x.subarray(first + size, first + 2 * size), x.subarray(first + 2 * size)]
  }

  #transfer(x: Float64Array): ComplexMatrix {
    return this.#model.chip.transfer(this.#made.chip, this.phasesOf(x))
  }

  #seenAt(x: Float64Array): ComplexMatrix {
    return this.#turn(this.#transfer(x), x)
  }

  /** Each element times its screens and its input's scale, over what the chip leaves. */
  #turn(matrix: ComplexMatrix, x: Float64Array): ComplexMatrix {
    const { size, re, im } = matrix
    const [outputs, inputs, scales] = this.#screens(x)
    for (let i = 0; i < re.length; i++) {
      const rad = outputs[Math.floor(i / size)]! + inputs[i % size]!
      const scale = Math.exp(scales[i % size]!) / this.#left
      const [c, s] = [scale * Math.cos(rad), scale * Math.sin(rad)]
      const [a, b] = [re[i]!, im[i]!]
      re[i] = c * a - s * b
      im[i] = s * a + c * b
    }
    return matrix
  }
}
