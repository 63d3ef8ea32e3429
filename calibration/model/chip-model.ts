import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { complexIdentity, complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { elementCount, parameterBlocks } from './chip-parameters.ts'
import type { ParameterBlocks } from './chip-parameters.ts'
import { Crosstalk, HeaterGrid } from './crosstalk.ts'
import { mziModel, mziScratch } from './mzi-model.ts'
import type { MziDerivatives } from './mzi-model.ts'

/** One stop of the light: an MZI on two waveguides, or the attenuator on one. */
interface Element {
  readonly top: number
  readonly single: boolean
  readonly theta: number
  readonly phi: number
}

/** A direction in the space of all chips, or a gradient over it. */
export interface ChipChange {
  /** [heater] */
  readonly phase: Float64Array
  /** [element] */
  readonly alpha: Float64Array
  readonly beta: Float64Array
  /** Of ln of each element's field ratio. */
  readonly logMziField: Float64Array
}

/**
 * The fitted chip: phases in, transfer matrix out, and how it changes.
 *
 * A clear box with the structure that the designer drew and parameters that the calibration found: M = U·Σ·V† or a single mesh, every
 * MZI with two splitter errors, one loss for all MZIs, heaters φ = φ0 + c·V² with crosstalk that falls with distance.
 */
export class ChipModel {
  readonly layout: SvdCoreLayout
  readonly blocks: ParameterBlocks
  readonly #elements: readonly Element[]
  readonly #grid: HeaterGrid
  readonly #scratch: MziDerivatives[]
  readonly #rowsBefore: Float64Array[]

  constructor(layout: SvdCoreLayout) {
    this.layout = layout
    this.blocks = parameterBlocks(layout)
    const mesh = ({ phi, theta }: SvdCoreLayout['first']): Element[] =>
      theta.map((heater, k) => ({ top: layout.mzis[k]!.top, single: false, theta: heater, phi: phi[k]! }))
    const sigma = layout.sigma.theta.map((theta, top) => ({ top, single: true, theta, phi: layout.sigma.phi[top]! }))
    this.#elements = [...mesh(layout.first), ...sigma, ...mesh(layout.second)]
    this.#grid = new HeaterGrid(layout)
    this.#scratch = this.#elements.map(mziScratch)
    this.#rowsBefore = this.#elements.map(() => new Float64Array(4 * layout.size))
  }

  /** The law by which heaters warm each other. */
  crosstalk(parameters: Float64Array): Crosstalk {
    const { logNeighbour, logDecay } = this.blocks
    return new Crosstalk(this.#grid, Math.exp(parameters[logNeighbour]!), Math.exp(parameters[logDecay]!))
  }

  /** Phases of all heaters at these voltages. `crosstalk` as made from the same parameters. Shape: [heater]. */
  phases(parameters: Float64Array, crosstalk: Crosstalk, voltagesV: Float64Array): Float64Array {
    const { offset, radPerV2 } = this.blocks
    const self = voltagesV.map((v, h) => parameters[radPerV2 + h]! * v * v)
    return crosstalk.given(self).map((given, h) => parameters[offset + h]! + self[h]! + given)
  }

  /** Folds the core at these phases. Leaves what `tangent` and `adjoint` need. */
  transfer(parameters: Float64Array, phasesRad: Float64Array): ComplexMatrix {
    const { size } = this.layout
    const { alpha, beta, logMziField } = this.blocks
    const field = Math.exp(parameters[logMziField]!)
    const matrix = complexIdentity(size)
    const { re, im } = matrix
    for (let e = 0; e < this.#elements.length; e++) {
      const { top, single, theta, phi } = this.#elements[e]!
      const t = this.#scratch[e]!
      mziModel(phasesRad[theta]!, phasesRad[phi]!, parameters[alpha + e]!, parameters[beta + e]!, t)
      for (let i = 0; i < 8; i++) {
        t.value[i]! *= field
        t.theta[i]! *= field
        t.phi[i]! *= field
        t.alpha[i]! *= field
        t.beta[i]! *= field
      }
      const before = this.#rowsBefore[e]!
      const v = t.value
      const v0 = v[0]!
      const v1 = v[1]!
      const v2 = v[2]!
      const v3 = v[3]!
      const v4 = v[4]!
      const v5 = v[5]!
      const v6 = v[6]!
      const v7 = v[7]!
      for (let c = 0, b = 0, u = top * size, l = u + size; c < size; c++, b += 4, u++, l++) {
        const ur = re[u]!
        const ui = im[u]!
        before[b] = ur
        before[b + 1] = ui
        if (single) {
          // Light enters the upper waveguide of the attenuator and leaves from its lower one.
          re[u] = v4 * ur - v5 * ui
          im[u] = v4 * ui + v5 * ur
          continue
        }
        const lr = re[l]!
        const li = im[l]!
        before[b + 2] = lr
        before[b + 3] = li
        re[u] = v0 * ur - v1 * ui + v2 * lr - v3 * li
        im[u] = v0 * ui + v1 * ur + v2 * li + v3 * lr
        re[l] = v4 * ur - v5 * ui + v6 * lr - v7 * li
        im[l] = v4 * ui + v5 * ur + v6 * li + v7 * lr
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

  /** Change of the matrix of the last `transfer` for a small change of the chip. */
  tangent(change: ChipChange): ComplexMatrix {
    const { size } = this.layout
    const out = complexZeros(size)
    const { re, im } = out
    const d = new Float64Array(8)
    for (let e = 0; e < this.#elements.length; e++) {
      const { top, single, theta, phi } = this.#elements[e]!
      const t = this.#scratch[e]!
      const dTheta = change.phase[theta]!
      const dPhi = change.phase[phi]!
      const dAlpha = change.alpha[e]!
      const dBeta = change.beta[e]!
      for (let i = 0; i < 8; i++) {
        d[i] =
          dTheta * t.theta[i]! +
          dPhi * t.phi[i]! +
          dAlpha * t.alpha[i]! +
          dBeta * t.beta[i]! +
          change.logMziField[e]! * t.value[i]!
      }
      const before = this.#rowsBefore[e]!
      const v = t.value
      const v0 = v[0]!
      const v1 = v[1]!
      const v2 = v[2]!
      const v3 = v[3]!
      const v4 = v[4]!
      const v5 = v[5]!
      const v6 = v[6]!
      const v7 = v[7]!
      const d0 = d[0]!
      const d1 = d[1]!
      const d2 = d[2]!
      const d3 = d[3]!
      const d4 = d[4]!
      const d5 = d[5]!
      const d6 = d[6]!
      const d7 = d[7]!
      for (let c = 0, b = 0, u = top * size, l = u + size; c < size; c++, b += 4, u++, l++) {
        const ur = re[u]!
        const ui = im[u]!
        const xr = before[b]!
        const xi = before[b + 1]!
        if (single) {
          re[u] = v4 * ur - v5 * ui + d4 * xr - d5 * xi
          im[u] = v4 * ui + v5 * ur + d4 * xi + d5 * xr
          continue
        }
        const lr = re[l]!
        const li = im[l]!
        const yr = before[b + 2]!
        const yi = before[b + 3]!
        re[u] = v0 * ur - v1 * ui + v2 * lr - v3 * li + d0 * xr - d1 * xi + d2 * yr - d3 * yi
        im[u] = v0 * ui + v1 * ur + v2 * li + v3 * lr + d0 * xi + d1 * xr + d2 * yi + d3 * yr
        re[l] = v4 * ur - v5 * ui + v6 * lr - v7 * li + d4 * xr - d5 * xi + d6 * yr - d7 * yi
        im[l] = v4 * ui + v5 * ur + v6 * li + v7 * lr + d4 * xi + d5 * xr + d6 * yi + d7 * yr
      }
    }
    return out
  }

  /**
   * The other way round: how Σ Re(weight_ij*·M_ij) of the last `transfer` changes with each part of the chip, added to
   * `out`. Leaves: `weight` is overwritten.
   */
  adjoint({ re, im }: ComplexMatrix, out: ChipChange): void {
    const { size } = this.layout
    const s = new Float64Array(8)
    for (let e = this.#elements.length - 1; e >= 0; e--) {
      const { top, single, theta, phi } = this.#elements[e]!
      const t = this.#scratch[e]!
      const before = this.#rowsBefore[e]!
      const v = t.value
      const v0 = v[0]!
      const v1 = v[1]!
      const v2 = v[2]!
      const v3 = v[3]!
      const v4 = v[4]!
      const v5 = v[5]!
      const v6 = v[6]!
      const v7 = v[7]!
      let s0 = 0
      let s1 = 0
      let s2 = 0
      let s3 = 0
      let s4 = 0
      let s5 = 0
      let s6 = 0
      let s7 = 0
      // s_ab = Σ_c weight_ac·x_bc*, then the weight moves to the other side of the element: T†·weight.
      for (let c = 0, b = 0, u = top * size, l = u + size; c < size; c++, b += 4, u++, l++) {
        const ur = re[u]!
        const ui = im[u]!
        const xr = before[b]!
        const xi = before[b + 1]!
        if (single) {
          s4 += ur * xr + ui * xi
          s5 += ui * xr - ur * xi
          re[u] = v4 * ur + v5 * ui
          im[u] = v4 * ui - v5 * ur
          continue
        }
        const lr = re[l]!
        const li = im[l]!
        const yr = before[b + 2]!
        const yi = before[b + 3]!
        s0 += ur * xr + ui * xi
        s1 += ui * xr - ur * xi
        s2 += ur * yr + ui * yi
        s3 += ui * yr - ur * yi
        s4 += lr * xr + li * xi
        s5 += li * xr - lr * xi
        s6 += lr * yr + li * yi
        s7 += li * yr - lr * yi
        re[u] = v0 * ur + v1 * ui + v4 * lr + v5 * li
        im[u] = v0 * ui - v1 * ur + v4 * li - v5 * lr
        re[l] = v2 * ur + v3 * ui + v6 * lr + v7 * li
        im[l] = v2 * ui - v3 * ur + v6 * li - v7 * lr
      }
      s.set([s0, s1, s2, s3, s4, s5, s6, s7])
      out.phase[theta]! += dot(s, t.theta)
      out.phase[phi]! += dot(s, t.phi)
      out.alpha[e]! += dot(s, t.alpha)
      out.beta[e]! += dot(s, t.beta)
      out.logMziField[e]! += dot(s, t.value)
    }
  }

  newChange(): ChipChange {
    const elements = elementCount(this.layout)
    return {
      phase: new Float64Array(this.layout.heaters.length),
      alpha: new Float64Array(elements),
      beta: new Float64Array(elements),
      logMziField: new Float64Array(elements),
    }
  }
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0
  for (let i = 0; i < 8; i++) sum += left[i]! * right[i]!
  return sum
}
