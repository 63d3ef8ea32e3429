import { CounterRandom } from '../../core/random.ts'
import type { AnalogPort } from '../optics/world-ports.ts'

/** Inputs on board. */
export const AIN_COUNT = 14
const SINGLE_ENDED = 199
const DEFAULT_RANGE_V = 10
const RANGES_V = [10, 1, 0.1, 0.01]
/** The T7 without the slow high-resolution converter of the T7-Pro; 0 stands for the default. */
const MAX_RESOLUTION_INDEX = 8
const DEFAULT_RESOLUTION_INDEX = 8
const MAX_SETTLING_US = 50_000

/** Code of the 16-bit converter at 0 V, and volts a code in the 10 V range. Source: nominal calibration of the T7. */
const ZERO_CODE = 33_523
const STEP_10V = 3.1580578e-4
const MAX_CODE = 0xffff
/** Assumption: noise of one conversion, in codes, referred to the input of every range. */
const NOISE_CODES = 1

interface Input {
  rangeV: number
  negativeChannel: number
  resolutionIndex: number
  settlingUs: number
  readonly noise: CounterRandom
  conversions: number
}

/**
 * The analog inputs of a T7: a 16-bit converter behind a gain of 1, 10, 100 or 1000.
 *
 * A voltage beyond the range reads as the end of the range. Resolution index k averages 2^(k−1) conversions
 * (assumption; with it index 8 comes to 19.5 effective bits, LabJack's table for the 10 V range says about 19).
 */
export class T7AnalogInputs {
  readonly singleEnded = SINGLE_ENDED
  readonly #port: AnalogPort
  readonly #inputs: readonly Input[]

  constructor(port: AnalogPort, seed: number, name: string) {
    this.#port = port
    this.#inputs = Array.from({ length: AIN_COUNT }, (_, channel) => ({
      rangeV: DEFAULT_RANGE_V,
      negativeChannel: SINGLE_ENDED,
      resolutionIndex: 0,
      settlingUs: 0,
      noise: new CounterRandom(seed, `${name} AIN${channel}`),
      conversions: 0,
    }))
  }

  measureV(channel: number): number {
    const input = this.#inputs[channel]!
    const positiveV = this.#port.voltageV(channel)
    const inputV = input.negativeChannel === SINGLE_ENDED ? positiveV : positiveV - this.#port.voltageV(channel + 1)
    const stepV = (STEP_10V * input.rangeV) / DEFAULT_RANGE_V
    const index = input.resolutionIndex === 0 ? DEFAULT_RESOLUTION_INDEX : input.resolutionIndex
    const averaged = 2 ** (index - 1)
    const noise = (NOISE_CODES / Math.sqrt(averaged)) * input.noise.normal(input.conversions++)
    const code = Math.min(Math.max(inputV / stepV + ZERO_CODE + noise, 0), MAX_CODE)
    return (Math.round(code * averaged) / averaged - ZERO_CODE) * stepV
  }

  rangeV(channel: number): number {
    return this.#inputs[channel]!.rangeV
  }

  /** False refuses. 0 is the default range. */
  setRangeV(channel: number, value: number): boolean {
    const rangeV = value === 0 ? DEFAULT_RANGE_V : RANGES_V.find((range) => Math.fround(range) === Math.fround(value))
    if (rangeV !== undefined) this.#inputs[channel]!.rangeV = rangeV
    return rangeV !== undefined
  }

  negativeChannel(channel: number): number {
    return this.#inputs[channel]!.negativeChannel
  }

  /** Single-ended, or an even input against its upper neighbour. */
  setNegativeChannel(channel: number, value: number): boolean {
    const valid = value === SINGLE_ENDED || (channel % 2 === 0 && value === channel + 1)
    if (valid) this.#inputs[channel]!.negativeChannel = value
    return valid
  }

  allSingleEnded(): boolean {
    return this.#inputs.every(({ negativeChannel }) => negativeChannel === SINGLE_ENDED)
  }

  resolutionIndex(channel: number): number {
    return this.#inputs[channel]!.resolutionIndex
  }

  setResolutionIndex(channel: number, value: number): boolean {
    if (value <= MAX_RESOLUTION_INDEX) this.#inputs[channel]!.resolutionIndex = value
    return value <= MAX_RESOLUTION_INDEX
  }

  settlingUs(channel: number): number {
    return this.#inputs[channel]!.settlingUs
  }

  setSettlingUs(channel: number, value: number): boolean {
    const valid = value >= 0 && value <= MAX_SETTLING_US
    if (valid) this.#inputs[channel]!.settlingUs = value
    return valid
  }
}
