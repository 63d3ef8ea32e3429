import type { BenchAge } from './drift/bench-age.ts'
import { BiasDrift } from './drift/bias-drift.ts'
import { DacNoise } from './dac-noise.ts'
import { GeneratorOutput } from './generator-output.ts'
import { fabricateModulator, modulatorField } from './modulator.ts'
import type { ModulatorTruth } from './modulator.ts'
import type { WorldSpec } from './world-spec.ts'

/** The modulators of a bench, with what drives and what biases them. */
export class ModulatorArray {
  /** [modulator] */
  readonly truth: readonly ModulatorTruth[]
  /** By name of the generator. */
  readonly generators = new Map<string, GeneratorOutput>()
  readonly #wiring: WorldSpec['modulators']
  /** [modulator] */
  readonly #drives: readonly GeneratorOutput[]
  readonly #biasV: Float64Array
  /** [modulator]: whether its controller follows the null. */
  readonly #follows: boolean[]
  readonly #drift: readonly BiasDrift[]
  readonly #age: BenchAge
  readonly #timeConstantS: number

  constructor(spec: WorldSpec, seed: number, age: BenchAge) {
    this.#wiring = spec.modulators
    this.truth = spec.modulators.map(({ bias }) => fabricateModulator(bias, spec.light, seed))
    this.#timeConstantS = Math.max(...this.truth.map(({ timeConstantS }) => timeConstantS))
    this.#biasV = new Float64Array(spec.modulators.length)
    this.#follows = spec.modulators.map(() => false)
    this.#drift = spec.modulators.map(({ bias }) => new BiasDrift(bias, spec.drift, seed))
    this.#age = age
    this.#drives = spec.modulators.map(({ generator, channel }) => {
      const output = this.generators.get(generator) ?? new GeneratorOutput(new DacNoise(generator, spec.light, seed))
      output.restV[channel] = 0
      this.generators.set(generator, output)
      return output
    })
  }

  /** The modulator that a bias controller holds; −1 for a name that is not wired. */
  biasedBy(name: string): number {
    return this.#wiring.findIndex(({ bias }) => bias === name)
  }

  setBiasV(modulator: number, biasV: number): void {
    this.#biasV[modulator] = biasV
    this.#follows[modulator] = false
  }

  /** From now on the bias is where the controller finds the null, wherever that goes. */
  followNull(modulator: number): void {
    this.#follows[modulator] = true
  }

  /** Where the controller finds the null now. */
  lockBiasV(modulator: number): number {
    const [{ lockBiasV }, drift, ageS] = [this.truth[modulator]!, this.#drift[modulator]!, this.#age.heldS()]
    return lockBiasV + drift.nullV(ageS) + drift.lockV(ageS)
  }

  /** How far beside its null a modulator is held now. For the oracle. */
  lockErrorV(modulator: number): number {
    const { lockBiasV, nullBiasV } = this.truth[modulator]!
    return lockBiasV + this.#drift[modulator]!.lockV(this.#age.heldS()) - nullBiasV
  }

  /** Which symbols are on the modulators, and whether they still move there: the same text, the same fields. */
  symbolsAt(timeS: number): string {
    return Array.from(this.generators.values(), (output) => output.lowPassState(timeS, this.#timeConstantS)).join()
  }

  /** Fields while a frame plays, `timeS` after its trigger. */
  fieldsAt(timeS: number): { fieldRe: Float64Array; fieldIm: Float64Array } {
    return this.#fields((output, channel) => output.lowPassV(channel, timeS, this.#timeConstantS))
  }

  fieldsAtRest(): { fieldRe: Float64Array; fieldIm: Float64Array } {
    return this.#fields((output, channel) => output.restV[channel] ?? 0)
  }

  #fields(driveV: (output: GeneratorOutput, channel: number) => number) {
    const count = this.truth.length
    const fields = { fieldRe: new Float64Array(count), fieldIm: new Float64Array(count) }
    for (const [modulator, { channel }] of this.#wiring.entries()) {
      const voltageV = driveV(this.#drives[modulator]!, channel)
      const { re, im } = modulatorField(this.truth[modulator]!, voltageV, this.#besideNullV(modulator))
      fields.fieldRe[modulator] = re
      fields.fieldIm[modulator] = im
    }
    return fields
  }

  /** Bias for a null that is where it was at age 0: what the controller misses it by, or what the null has left behind. */
  #besideNullV(modulator: number): number {
    const [drift, ageS] = [this.#drift[modulator]!, this.#age.heldS()]
    if (this.#follows[modulator] === true) return this.truth[modulator]!.lockBiasV + drift.lockV(ageS)
    return this.#biasV[modulator]! - drift.nullV(ageS)
  }
}
