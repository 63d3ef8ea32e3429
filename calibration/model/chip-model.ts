import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import type { ChipSweeps, Stop } from '../kernels/chip-sweeps.ts'
import { chipSweeps } from '../kernels/kernels.ts'
import { elementCount, parameterBlocks } from './chip-parameters.ts'
import type { ParameterBlocks } from './chip-parameters.ts'
import { Crosstalk, HeaterGrid } from './crosstalk.ts'
import { mziModel } from './mzi-model.ts'
import type { MziDerivatives } from './mzi-model.ts'

/** Which heaters turn the light of a stop. */
interface StopHeaters {
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
 * MZI with two splitter errors and a loss, heaters φ = φ0 + c·V² with crosstalk that falls with distance.
 */
export class ChipModel {
  readonly layout: SvdCoreLayout
  readonly blocks: ParameterBlocks
  readonly #heaters: readonly StopHeaters[]
  readonly #grid: HeaterGrid
  readonly #sweeps: ChipSweeps
  /** [value, ∂θ, ∂φ, ∂α, ∂β][element][re, im of 11, 12, 21, 22], and the same element by element. */
  readonly #mzis: Float64Array
  readonly #mzi: readonly MziDerivatives[]

  constructor(layout: SvdCoreLayout) {
    this.layout = layout
    this.blocks = parameterBlocks(layout)
    const mesh = ({ phi, theta }: SvdCoreLayout['first'], single: boolean): (StopHeaters & Stop)[] =>
      theta.map((heater, k) => ({ top: single ? k : layout.mzis[k]!.top, single, theta: heater, phi: phi[k]! }))
    const stops = [...mesh(layout.first, false), ...mesh(layout.sigma, true), ...mesh(layout.second, false)]
    this.#heaters = stops
    this.#grid = new HeaterGrid(layout)
    this.#sweeps = chipSweeps(layout.size, stops)
    const block = 8 * stops.length
    this.#mzis = new Float64Array(5 * block)
    this.#mzi = stops.map((_, e) => {
      const of = (which: number): Float64Array => this.#mzis.subarray(which * block + 8 * e, which * block + 8 * e + 8)
      return { value: of(0), theta: of(1), phi: of(2), alpha: of(3), beta: of(4) }
    })
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

  /**
   * Folds the core at these phases. Leaves what `tangent` and `adjoint` need. Records from before losses were told
   * apart end before `logOwnField`.
   */
  transfer(parameters: Float64Array, phasesRad: Float64Array): ComplexMatrix {
    const { alpha, beta, logMziField, logOwnField } = this.blocks
    for (const [e, { theta, phi }] of this.#heaters.entries()) {
      const mzi = this.#mzi[e]!
      mziModel(phasesRad[theta]!, phasesRad[phi]!, parameters[alpha + e]!, parameters[beta + e]!, mzi)
      const field = Math.exp(parameters[logMziField]! + (parameters[logOwnField + e] ?? 0))
      for (const numbers of [mzi.value, mzi.theta, mzi.phi, mzi.alpha, mzi.beta]) {
        for (let i = 0; i < 8; i++) numbers[i]! *= field
      }
    }
    return this.#fold()
  }

  /** What `transfer` made of its parameters and phases, for `transferAgain`. */
  get folded(): Float64Array {
    return this.#mzis.slice()
  }

  /** As the `transfer` that left `folded`, without its sines. */
  transferAgain(folded: Float64Array): ComplexMatrix {
    this.#mzis.set(folded)
    return this.#fold()
  }

  #fold(): ComplexMatrix {
    const { values } = this.#sweeps
    values.set(this.#mzis.subarray(0, values.length))
    return this.#sweeps.forward()
  }

  /** Powers at the taps between the meshes for a unit of light at each input of V†. Shape: [tap, input]. */
  tapPowers(parameters: Float64Array, phasesRad: Float64Array): Float64Array {
    const { size, mzis } = this.layout
    this.transfer(parameters, phasesRad)
    const powers = new Float64Array(size * size)
    for (let tap = 0; tap < size; tap++) {
      const { re, im } = this.#sweeps.entered(mzis.length + tap)
      for (let input = 0; input < size; input++) powers[tap * size + input] = re[input]! ** 2 + im[input]! ** 2
    }
    return powers
  }

  /** Change of the matrix of the last `transfer` for a small change of the chip. */
  tangent(change: ChipChange): ComplexMatrix {
    const { changes } = this.#sweeps
    for (const [e, heaters] of this.#heaters.entries()) {
      const { value, theta, phi, alpha, beta } = this.#mzi[e]!
      const dTheta = change.phase[heaters.theta]!
      const dPhi = change.phase[heaters.phi]!
      const dAlpha = change.alpha[e]!
      const dBeta = change.beta[e]!
      const dField = change.logMziField[e]!
      for (let i = 0; i < 8; i++) {
        changes[8 * e + i] =
          dTheta * theta[i]! + dPhi * phi[i]! + dAlpha * alpha[i]! + dBeta * beta[i]! + dField * value[i]!
      }
    }
    return this.#sweeps.tangent()
  }

  /** The other way round: how Σ Re(weight_ij*·M_ij) of the last `transfer` changes with each part of the chip, added to `out`. */
  adjoint(weight: ComplexMatrix, out: ChipChange): void {
    this.#sweeps.backward(weight)
    const { gradients } = this.#sweeps
    for (const [e, { theta, phi }] of this.#heaters.entries()) {
      const mzi = this.#mzi[e]!
      const at = 8 * e
      out.phase[theta]! += dot(gradients, at, mzi.theta)
      out.phase[phi]! += dot(gradients, at, mzi.phi)
      out.alpha[e]! += dot(gradients, at, mzi.alpha)
      out.beta[e]! += dot(gradients, at, mzi.beta)
      out.logMziField[e]! += dot(gradients, at, mzi.value)
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

function dot(gradients: Float64Array, at: number, numbers: Float64Array): number {
  let sum = 0
  for (let i = 0; i < 8; i++) sum += gradients[at + i]! * numbers[i]!
  return sum
}
