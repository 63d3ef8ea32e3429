import type { IntensityModulators } from './awgr-record.ts'
import { darkestCode, nearestCode, transmissionAt } from './measured-curve.ts'

const MAX_CODE = 127

/** Codes that put numbers from 0 to 1 on the intensity behind each modulator, from darkest to the reach of all. */
export class IntensityCodes {
  readonly #modulators: IntensityModulators
  /** [port]: the code of least light. */
  readonly silent: Int8Array
  /** Transmission that every modulator reaches above its silence. */
  readonly reach: number

  constructor(modulators: IntensityModulators) {
    this.#modulators = modulators
    this.silent = Int8Array.from(modulators.radPerCode, (k, port) => {
      const curve = modulators.curves?.[port]
      return curve ? darkestCode(curve) : Math.round(-modulators.biasRad[port]! / k)
    })
    this.reach = Math.min(...modulators.radPerCode.map((_, port) => this.#reachOf(port)))
  }

  /** Of an input 0…1: the nearest code. */
  codeOf(port: number, input: number): number {
    const { radPerCode, biasRad, curves } = this.#modulators
    if (input === 0) return this.silent[port]!
    const transmission = Math.min(1, this.#transmission(port, this.silent[port]!) + input * this.reach)
    const curve = curves?.[port]
    if (curve) return nearestCode(curve, transmission)
    const half = Math.asin(Math.sqrt(transmission))
    // The side of the null on which the generator reaches farther.
    const code = Math.round((biasRad[port]! >= 0 ? half - biasRad[port]! : -half - biasRad[port]!) / radPerCode[port]!)
    return Math.max(-MAX_CODE, Math.min(MAX_CODE, code))
  }

  /** What a code puts on the light, in units of inputs. */
  inputOf(port: number, code: number): number {
    return (this.#transmission(port, code) - this.#transmission(port, this.silent[port]!)) / this.reach
  }

  #transmission(port: number, code: number): number {
    const curve = this.#modulators.curves?.[port]
    if (curve) return transmissionAt(curve, code)
    return Math.sin(this.#modulators.radPerCode[port]! * code + this.#modulators.biasRad[port]!) ** 2
  }

  #reachOf(port: number): number {
    // Between the least and the most light of its sweep.
    if (this.#modulators.curves?.[port]) return 1
    const half = this.#modulators.radPerCode[port]! * MAX_CODE + Math.abs(this.#modulators.biasRad[port]!)
    const most = half >= Math.PI / 2 ? 1 : Math.sin(half) ** 2
    return most - this.#transmission(port, this.silent[port]!)
  }
}
