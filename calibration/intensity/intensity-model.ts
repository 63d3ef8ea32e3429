import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { ChipModel } from '../model/chip-model.ts'
import { parameterBlocks } from '../model/chip-parameters.ts'
import type { ParameterBlocks } from '../model/chip-parameters.ts'
import type { Crosstalk } from '../model/crosstalk.ts'
import { intensityBlocks } from './intensity-parameters.ts'
import type { IntensityBlocks } from './intensity-parameters.ts'

/** What a setting of the heaters showed: one input lit after the other, the powers at all outputs. */
export interface IntensityReading {
  /** [heater] */
  readonly voltagesV: Float64Array
  /** Ports lit, one at a time. */
  readonly lit: readonly number[]
  /** [lit, output] */
  readonly powers: Float64Array
}

/** Everything that `predicted` went through, kept so that its derivatives need no sines. */
export interface IntensityLine {
  readonly folded: Float64Array
  /** What the lit inputs bring to all outputs, gains included. Shape of both: [output, lit port]. */
  readonly out: ComplexMatrix
  readonly voltagesSquared: Float64Array
  /** How the phases move with the two parameters of the crosstalk law. */
  readonly byNeighbour: Float64Array
  readonly byDecay: Float64Array
}

/**
 * A single mesh read by photodiodes alone: |Σ_k G_i·M_ik·g_k·(δ_kj + s_kj)|² at output i while input j is lit.
 *
 * The clear box of `ChipModel` with a loss for every MZI and a mean of all splitters. Its inputs are lit by modulators
 * which never shut entirely: s_kj is what input k still carries, and beats with the light that is meant.
 */
export class IntensityModel {
  readonly layout: SvdCoreLayout
  readonly blocks: IntensityBlocks
  readonly chip: ChipModel
  readonly #chipBlocks: ParameterBlocks

  constructor(layout: SvdCoreLayout) {
    this.layout = layout
    this.blocks = intensityBlocks(layout)
    this.chip = new ChipModel(layout)
    this.#chipBlocks = parameterBlocks(layout)
  }

  /** The same chip in the terms of `ChipModel`, without losses of single MZIs, which stand beside it. */
  chipParameters(parameters: Float64Array): Float64Array {
    const { blocks } = this
    const to = this.#chipBlocks
    const { heaters, mzis, size } = this.layout
    const chip = new Float64Array(to.count)
    const mean = parameters[blocks.splitterMean]!
    chip.set(parameters.subarray(blocks.offset, blocks.offset + heaters.length), to.offset)
    chip.set(parameters.subarray(blocks.radPerV2, blocks.radPerV2 + heaters.length), to.radPerV2)
    for (let e = 0; e < mzis.length; e++) {
      chip[to.alpha + e] = mean + parameters[blocks.alpha + e]!
      chip[to.beta + e] = mean + parameters[blocks.beta + e]!
    }
    chip[to.logNeighbour] = parameters[blocks.logNeighbour]!
    chip[to.logDecay] = parameters[blocks.logDecay]!
    chip[to.logMziField] = parameters[blocks.logMziField]!
    chip.set(parameters.subarray(blocks.logIn, blocks.logIn + size), to.logIn)
    chip.set(parameters.subarray(blocks.logOut, blocks.logOut + size), to.logOut)
    chip.set(parameters.subarray(blocks.logOwnField, blocks.logOwnField + mzis.length), to.logOwnField)
    return chip
  }

  crosstalk(parameters: Float64Array): Crosstalk {
    return this.chip.crosstalk(this.chipParameters(parameters))
  }

  /** Field that reaches each input, [port, lit port]: g_k·(δ_kj + s_kj). */
  inputs(parameters: Float64Array): ComplexMatrix {
    const { size } = this.layout
    const { logIn, strayRe, strayIm } = this.blocks
    const inputs = complexZeros(size)
    for (let k = 0; k < size; k++) {
      const gain = Math.exp(parameters[logIn + k]!)
      for (let j = 0; j < size; j++) {
        const at = k * size + j
        inputs.re[at] = gain * (k === j ? 1 : parameters[strayRe + at]!)
        inputs.im[at] = k === j ? 0 : gain * parameters[strayIm + at]!
      }
    }
    return inputs
  }

  /** Folds the chip at these voltages. `crosstalk`, `inputs` and `chip` as made from the same parameters. */
  line(parameters: Float64Array, made: MadeOnce, voltagesV: Float64Array): IntensityLine {
    const { radPerV2, offset } = this.blocks
    const voltagesSquared = voltagesV.map((v) => v * v)
    const own = voltagesSquared.map((v2, h) => v2 * parameters[radPerV2 + h]!)
    const byNeighbour = made.crosstalk.given(own)
    const phases = own.map((rad, h) => parameters[offset + h]! + rad + byNeighbour[h]!)
    const matrix = this.chip.transfer(made.chip, phases)
    const byDecay = made.crosstalk.givenByLogDecay(own)
    const out = this.outputs(made, matrix)
    return { folded: this.chip.folded, out, voltagesSquared, byNeighbour, byDecay }
  }

  /** G·matrix·W. */
  outputs({ inputs, gainsOut }: MadeOnce, matrix: ComplexMatrix): ComplexMatrix {
    const { size } = this.layout
    const out = complexZeros(size)
    for (let i = 0; i < size; i++) {
      const gain = gainsOut[i]!
      for (let k = 0; k < size; k++) {
        const mr = gain * matrix.re[i * size + k]!
        const mi = gain * matrix.im[i * size + k]!
        for (let j = 0, at = k * size, to = i * size; j < size; j++, at++, to++) {
          out.re[to]! += mr * inputs.re[at]! - mi * inputs.im[at]!
          out.im[to]! += mr * inputs.im[at]! + mi * inputs.re[at]!
        }
      }
    }
    return out
  }

  made(parameters: Float64Array): MadeOnce {
    const { logOut } = this.blocks
    const { size } = this.layout
    const chip = this.chipParameters(parameters)
    return {
      chip,
      crosstalk: this.chip.crosstalk(chip),
      inputs: this.inputs(parameters),
      gainsOut: Float64Array.from({ length: size }, (_, port) => Math.exp(parameters[logOut + port]!)),
    }
  }

  /** Powers at all outputs while each of `lit` is lit alone. Shape: [lit, output]. */
  predict(parameters: Float64Array, made: MadeOnce, voltagesV: Float64Array, lit: readonly number[]): Float64Array {
    return powersOf(this.line(parameters, made, voltagesV).out, lit)
  }
}

/** What is the same at all settings of one chip. */
export interface MadeOnce {
  readonly chip: Float64Array
  readonly crosstalk: Crosstalk
  readonly inputs: ComplexMatrix
  readonly gainsOut: Float64Array
}

/** |out|² at all outputs for each of `lit`. Shape: [lit, output]. */
export function powersOf({ size, re, im }: ComplexMatrix, lit: readonly number[]): Float64Array {
  const powers = new Float64Array(lit.length * size)
  for (const [l, input] of lit.entries()) {
    for (let output = 0; output < size; output++) {
      const at = output * size + input
      powers[l * size + output] = re[at]! ** 2 + im[at]! ** 2
    }
  }
  return powers
}
