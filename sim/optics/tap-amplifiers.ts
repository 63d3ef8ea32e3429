import { CounterRandom, RandomStream } from '../../core/random.ts'
import type { TapAmplifierValues } from './world-spec.ts'

/** Slow photodiodes with amplifiers behind the monitor taps: a gain and a noise of its own each. */
export class TapAmplifiers {
  readonly #gainVPerMw: Float64Array
  readonly #noiseV: number
  readonly #noise: CounterRandom

  constructor(count: number, { tapGainVPerMw, tapGainSpread, tapNoiseMv }: TapAmplifierValues, seed: number) {
    const gains = new RandomStream(seed, 'taps')
    this.#gainVPerMw = Float64Array.from({ length: count }, () => tapGainVPerMw * gains.normal(1, tapGainSpread))
    this.#noiseV = tapNoiseMv / 1e3
    this.#noise = new CounterRandom(seed, 'taps/noise')
  }

  /** Voltage of one tap; `reading` numbers the noise. An input without a tap shows nothing. */
  voltageV(tap: number, powersMw: Float64Array, reading: number): number {
    const gainVPerMw = this.#gainVPerMw[tap]
    if (gainVPerMw === undefined) return 0
    return powersMw[tap]! * gainVPerMw + this.#noiseV * this.#noise.normal(tap * 2 ** 40 + reading)
  }
}
