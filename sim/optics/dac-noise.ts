import { CounterRandom } from '../../core/random.ts'
import { excessNoiseShare } from './converter-noise.ts'
import type { ConverterValues } from './parameters/converter-parameters.ts'

const NOMINAL_BITS = 8
/** ±0.5 V. Source: M8195A, largest amplitude 1 Vpp. */
const FULL_RANGE_V = 1
/** Symbols of one frame get numbers of their own, so that noise never repeats. */
const SYMBOLS_PER_START = 2 ** 21

/**
 * What the converters of one generator add to a frame that they play.
 *
 * An edge that comes δ late takes (step · δ/T) off the mean of its symbol: jitter, the same for all channels. What the
 * effective bits miss is noise of each channel.
 */
export class DacNoise {
  readonly #jitterS: number
  readonly #excessV: number
  readonly #clock: CounterRandom
  readonly #name: string
  readonly #seed: number

  constructor(name: string, what: ConverterValues, seed: number) {
    this.#jitterS = what.dacJitterFs * 1e-15
    this.#excessV = FULL_RANGE_V * excessNoiseShare(NOMINAL_BITS, what.dacEffectiveBits)
    this.#clock = new CounterRandom(seed, `generator/${name}/clock`)
    this.#name = name
    this.#seed = seed
  }

  /** Shape of `levelsV`: [channel][symbol]. `start` numbers the noise; before the frame stands the rest level. */
  spoiled(
    levelsV: readonly Float64Array[],
    symbolPeriodS: number,
    restV: readonly number[],
    start: number,
  ): readonly Float64Array[] {
    if (this.#jitterS === 0 && this.#excessV === 0) return levelsV
    return levelsV.map((levels, channel) => {
      const converter = new CounterRandom(this.#seed, `generator/${this.#name}/${channel}`)
      return levels.map((levelV, symbol) => {
        const sample = start * SYMBOLS_PER_START + symbol
        const stepV = levelV - (symbol === 0 ? (restV[channel] ?? 0) : levels[symbol - 1]!)
        const lateShare = (this.#jitterS / symbolPeriodS) * this.#clock.normal(sample)
        return levelV - stepV * lateShare + this.#excessV * converter.normal(sample)
      })
    })
  }
}
