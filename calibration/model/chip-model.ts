import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { complexIdentity } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { elementCount, parameterBlocks } from './chip-parameters.ts'
import type { ParameterBlocks } from './chip-parameters.ts'
import { mziModel, mziScratch } from './mzi-model.ts'
import type { Complex2x2, MziDerivatives } from './mzi-model.ts'

/** Aggressors farther away than this many pitches are left out of the crosstalk model. */
const CROSSTALK_REACH_PITCH = 12

/** One stop of the light: an MZI on two waveguides, or the attenuator on one. */
interface Element {
  readonly top: number
  readonly single: boolean
  readonly theta: number
  readonly phi: number
}

/** ∂M for every parameter; each row of an array is [size × size] complex values, re and im in turn. */
export interface TransferDerivatives {
  /** [heater]; rows of input trimmers and local oscillators stay 0. */
  readonly phase: Float64Array
  /** [element] */
  readonly alpha: Float64Array
  readonly beta: Float64Array
  /** With respect to ln of the MZI field ratio. */
  readonly logMziField: Float64Array
}

/**
 * The fitted chip: phases in, transfer matrix out, with all derivatives.
 *
 * A clear box with the structure that the designer drew and parameters that the calibration found: M = U·Σ·V†, every
 * MZI with two splitter errors, one loss for all MZIs, heaters φ = φ0 + c·V² with crosstalk that falls with distance.
 */
export class ChipModel {
  readonly layout: SvdCoreLayout
  readonly blocks: ParameterBlocks
  readonly #elements: readonly Element[]
  /** [victim × heaters + aggressor], pitches. */
  readonly #distance: Float64Array
  readonly #scratch: MziDerivatives[]
  readonly #rowsBefore: Float64Array[]
  readonly #q = { re: new Float64Array(0), im: new Float64Array(0) }

  constructor(layout: SvdCoreLayout) {
    this.layout = layout
    this.blocks = parameterBlocks(layout)
    const mesh = (heaters: SvdCoreLayout['first']): Element[] =>
      layout.mzis.map(({ top }, k) => ({ top, single: false, theta: heaters.theta[k]!, phi: heaters.phi[k]! }))
    const sigma = layout.sigma.theta.map((theta, top) => ({ top, single: true, theta, phi: layout.sigma.phi[top]! }))
    this.#elements = [...mesh(layout.first), ...sigma, ...mesh(layout.second)]
    this.#distance = Float64Array.from(
      layout.heaters.flatMap(({ x, y }) => layout.heaters.map((from) => Math.hypot(x - from.x, y - from.y))),
    )
    this.#scratch = this.#elements.map(mziScratch)
    this.#rowsBefore = this.#elements.map(() => new Float64Array(4 * layout.size))
    this.#q = { re: new Float64Array(2 * layout.size), im: new Float64Array(2 * layout.size) }
  }

  /** Share of each aggressor's phase that each victim sees: [victim × heaters + aggressor], 1 on the diagonal. */
  crosstalk(parameters: Float64Array): Float64Array {
    const neighbour = Math.exp(parameters[this.blocks.logNeighbour]!)
    const decay = Math.exp(parameters[this.blocks.logDecay]!)
    return this.#distance.map((d) =>
      d === 0 ? 1 : d > CROSSTALK_REACH_PITCH ? 0 : neighbour * Math.exp(-(d - 1) / decay),
    )
  }

  /** Distances between heaters, for the derivative of the crosstalk law. */
  get distancesPitch(): Float64Array {
    return this.#distance
  }

  /** Phases of all heaters at these voltages. `crosstalk` as made from the same parameters. Shape: [heater]. */
  phases(parameters: Float64Array, crosstalk: Float64Array, voltagesV: Float64Array): Float64Array {
    const heaters = this.layout.heaters.length
    const { offset, radPerV2 } = this.blocks
    const self = voltagesV.map((v, h) => parameters[radPerV2 + h]! * v * v)
    return self.map((_, victim) => {
      let phase = parameters[offset + victim]!
      for (let from = 0, at = victim * heaters; from < heaters; from++, at++) phase += crosstalk[at]! * self[from]!
      return phase
    })
  }

  /** Folds the core at these phases. Leaves what `derivatives` needs. */
  transfer(parameters: Float64Array, phasesRad: Float64Array): ComplexMatrix {
    const { size } = this.layout
    const { alpha, beta, logMziField } = this.blocks
    const field = Math.exp(parameters[logMziField]!)
    const matrix = complexIdentity(size)
    const { re, im } = matrix
    for (const [e, element] of this.#elements.entries()) {
      const t = this.#scratch[e]!
      mziModel(phasesRad[element.theta]!, phasesRad[element.phi]!, parameters[alpha + e]!, parameters[beta + e]!, t)
      for (const part of [t.value, t.theta, t.phi, t.alpha, t.beta]) for (let i = 0; i < 8; i++) part[i]! *= field
      const before = this.#rowsBefore[e]!
      const [upper, lower] = [element.top * size, (element.top + 1) * size]
      const v = t.value
      for (let c = 0; c < size; c++) {
        const [ur, ui] = [re[upper + c]!, im[upper + c]!]
        before[4 * c] = ur
        before[4 * c + 1] = ui
        if (element.single) {
          // Light enters the upper waveguide of the attenuator and leaves from its lower one.
          re[upper + c] = v[4]! * ur - v[5]! * ui
          im[upper + c] = v[4]! * ui + v[5]! * ur
          continue
        }
        const [lr, li] = [re[lower + c]!, im[lower + c]!]
        before[4 * c + 2] = lr
        before[4 * c + 3] = li
        re[upper + c] = v[0]! * ur - v[1]! * ui + v[2]! * lr - v[3]! * li
        im[upper + c] = v[0]! * ui + v[1]! * ur + v[2]! * li + v[3]! * lr
        re[lower + c] = v[4]! * ur - v[5]! * ui + v[6]! * lr - v[7]! * li
        im[lower + c] = v[4]! * ui + v[5]! * ur + v[6]! * li + v[7]! * lr
      }
    }
    return matrix
  }

  /** Powers at the taps between the meshes for a unit of light at each input of V†. Shape: [tap, input]. */
  tapPowers(parameters: Float64Array, phasesRad: Float64Array): Float64Array {
    const { size, mzis } = this.layout
    this.transfer(parameters, phasesRad)
    const powers = new Float64Array(size * size)
    for (let tap = 0; tap < size; tap++) {
      const row = this.#rowsBefore[mzis.length + tap]!
      for (let input = 0; input < size; input++) {
        powers[tap * size + input] = row[4 * input]! ** 2 + row[4 * input + 1]! ** 2
      }
    }
    return powers
  }

  newDerivatives(): TransferDerivatives {
    const width = 2 * this.layout.size ** 2
    const elements = elementCount(this.layout)
    return {
      phase: new Float64Array(this.layout.heaters.length * width),
      alpha: new Float64Array(elements * width),
      beta: new Float64Array(elements * width),
      logMziField: new Float64Array(width),
    }
  }

  /** Derivatives at the phases of the last call of `transfer`, into `out`. */
  derivatives(out: TransferDerivatives, phasesOnly = false): void {
    const { size } = this.layout
    const width = 2 * size * size
    const left = complexIdentity(size)
    out.logMziField.fill(0)
    for (let e = this.#elements.length - 1; e >= 0; e--) {
      const element = this.#elements[e]!
      const t = this.#scratch[e]!
      this.#product(left, e, t.theta, out.phase, element.theta * width)
      this.#product(left, e, t.phi, out.phase, element.phi * width)
      if (!phasesOnly) {
        this.#product(left, e, t.alpha, out.alpha, e * width)
        this.#product(left, e, t.beta, out.beta, e * width)
        this.#product(left, e, t.value, out.logMziField, 0, true)
      }
      this.#absorb(left, element, t.value)
    }
  }

  /** out = left · dT · rows-before, dT acting on the element's waveguides. */
  #product(left: ComplexMatrix, e: number, dT: Complex2x2, out: Float64Array, at: number, accumulate = false): void {
    const { size } = this.layout
    const { top, single } = this.#elements[e]!
    const before = this.#rowsBefore[e]!
    const { re: qr, im: qi } = this.#q
    for (let c = 0; c < size; c++) {
      const [ur, ui, lr, li] = [before[4 * c]!, before[4 * c + 1]!, before[4 * c + 2]!, before[4 * c + 3]!]
      if (single) {
        qr[c] = dT[4]! * ur - dT[5]! * ui
        qi[c] = dT[4]! * ui + dT[5]! * ur
        continue
      }
      qr[c] = dT[0]! * ur - dT[1]! * ui + dT[2]! * lr - dT[3]! * li
      qi[c] = dT[0]! * ui + dT[1]! * ur + dT[2]! * li + dT[3]! * lr
      qr[size + c] = dT[4]! * ur - dT[5]! * ui + dT[6]! * lr - dT[7]! * li
      qi[size + c] = dT[4]! * ui + dT[5]! * ur + dT[6]! * li + dT[7]! * lr
    }
    for (let row = 0; row < size; row++) {
      const [ar, ai] = [left.re[row * size + top]!, left.im[row * size + top]!]
      const [br, bi] = single ? [0, 0] : [left.re[row * size + top + 1]!, left.im[row * size + top + 1]!]
      let to = at + 2 * row * size
      for (let c = 0; c < size; c++, to += 2) {
        let re = ar * qr[c]! - ai * qi[c]!
        let im = ar * qi[c]! + ai * qr[c]!
        if (!single) {
          re += br * qr[size + c]! - bi * qi[size + c]!
          im += br * qi[size + c]! + bi * qr[size + c]!
        }
        if (accumulate) {
          out[to]! += re
          out[to + 1]! += im
        } else {
          out[to] = re
          out[to + 1] = im
        }
      }
    }
  }

  /** left ← left · T */
  #absorb({ re, im }: ComplexMatrix, { top, single }: Element, t: Complex2x2): void {
    const { size } = this.layout
    for (let row = 0; row < size; row++) {
      const a = row * size + top
      const [ar, ai] = [re[a]!, im[a]!]
      if (single) {
        re[a] = ar * t[4]! - ai * t[5]!
        im[a] = ar * t[5]! + ai * t[4]!
        continue
      }
      const [br, bi] = [re[a + 1]!, im[a + 1]!]
      re[a] = ar * t[0]! - ai * t[1]! + br * t[4]! - bi * t[5]!
      im[a] = ar * t[1]! + ai * t[0]! + br * t[5]! + bi * t[4]!
      re[a + 1] = ar * t[2]! - ai * t[3]! + br * t[6]! - bi * t[7]!
      im[a + 1] = ar * t[3]! + ai * t[2]! + br * t[7]! + bi * t[6]!
    }
  }
}
