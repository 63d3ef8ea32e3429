import { CounterRandom, RandomStream } from '../../core/random.ts'
import { excessNoiseShare } from './converter-noise.ts'
import type { LightValues } from './parameters/light-parameters.ts'

/** Elementary charge. Source: SI definition. */
const ELEMENTARY_CHARGE_C = 1.602176634e-19

/** Of the meter's converter. */
const NOMINAL_BITS = 12

/** Which of a balanced pair: one is a little better, the other a little worse than the pair. */
export type Side = 'plus' | 'minus'

/** A photodiode as long as it follows the light: reading = responsivity · P + dark, with shot and thermal noise. */
export interface LinearReceiver {
  readonly responsivityAPerW: number
  readonly nominalAPerW: number
  readonly darkA: number
  readonly thermalAPerRtHz: number
  readonly bandwidthHz: number
}

/**
 * One photodiode with its amplifier: responsivity error, dark current, shot and thermal noise, readout noise, saturation.
 *
 * Shot: 2q(I + Id)B; thermal: in²·B; B = 1/(2·averaging time), or what one pole passes, π/2·f₃dB, where that is less.
 * Bright light leaves R/(1 + P/P_sat) of the responsivity. Beats of light with ASE come as a variance a hertz.
 * Readout noise and offset are shares of full scale, whatever the averaging, and so is what the converter's effective
 * bits miss; at full scale the amplifier clips.
 * Source: docs/physics.md.
 */
export class Photodiode {
  readonly #responsivityAPerW: number
  readonly #nominalAPerW: number
  readonly #darkA: number
  readonly #thermalAPerRtHz: number
  readonly #noiseBandwidthHz: number
  readonly #fullScaleA: number
  readonly #readoutA: number
  readonly #offsetA: number
  readonly #converterA: number
  readonly #saturationMw: number
  readonly #noise: CounterRandom
  readonly #readout: CounterRandom
  readonly #converter: CounterRandom

  constructor(name: string, what: LightValues, seed: number, side?: Side) {
    const stream = new RandomStream(seed, `photodiode/${name}`)
    this.#nominalAPerW = what.responsivityAPerW
    const imbalance = side === undefined ? 0 : side === 'plus' ? what.pairImbalance : -what.pairImbalance
    this.#responsivityAPerW = what.responsivityAPerW * stream.normal(1, what.responsivitySpread) * (1 + imbalance)
    this.#darkA = what.darkCurrentNa * 1e-9 * stream.uniform(0.5, 1.5)
    this.#thermalAPerRtHz = what.thermalNoisePaPerRtHz * 1e-12
    this.#noiseBandwidthHz = (Math.PI / 2) * what.receiverBandwidthMhz * 1e6
    this.#fullScaleA = what.responsivityAPerW * what.receiverFullScaleMw * 1e-3
    this.#readoutA = what.readoutNoiseShare * this.#fullScaleA
    this.#offsetA = what.readoutOffsetShare * this.#fullScaleA
    this.#converterA = excessNoiseShare(NOMINAL_BITS, what.adcEffectiveBits) * this.#fullScaleA
    this.#saturationMw = what.photodiodeSaturationMw
    this.#noise = new CounterRandom(seed, `photodiode/${name}/noise`)
    this.#readout = new CounterRandom(seed, `photodiode/${name}/readout`)
    this.#converter = new CounterRandom(seed, `photodiode/${name}/converter`)
  }

  /**
   * Power as the meter reports it, who takes the responsivity for nominal. `sample` numbers the noise, `beats` is the
   * variance of the light itself in mW² a hertz.
   */
  reportMw(powerMw: number, averagingS: number, sample: number, beats = 0): number {
    const bandwidthHz = Math.min(1 / (2 * averagingS), this.#noiseBandwidthHz)
    const aPerMw = this.#aPerMw(powerMw)
    const currentA = aPerMw * powerMw + this.#darkA
    const shot = 2 * ELEMENTARY_CHARGE_C * Math.max(0, currentA)
    const variance = (shot + this.#thermalAPerRtHz ** 2 + aPerMw ** 2 * beats) * bandwidthHz
    let noisyA = currentA + Math.sqrt(variance) * this.#noise.normal(sample)
    if (this.#readoutA !== 0) noisyA += this.#readoutA * this.#readout.normal(sample)
    if (this.#converterA !== 0) noisyA += this.#converterA * this.#converter.normal(sample)
    noisyA += this.#offsetA
    return (Math.min(noisyA, this.#fullScaleA) / this.#nominalAPerW) * 1e3
  }

  #aPerMw(powerMw: number): number {
    const linear = this.#responsivityAPerW * 1e-3
    return this.#saturationMw === 0 ? linear : linear / (1 + Math.max(0, powerMw) / this.#saturationMw)
  }

  /**
   * The same law while nothing saturates or clips, for kernels that compute many readings: each the mean of `points` of
   * `averagingS`. Noise that has one size whatever the averaging counts as thermal.
   */
  linear(averagingS: number, points: number): LinearReceiver {
    const pointHz = Math.min(1 / (2 * averagingS), this.#noiseBandwidthHz)
    const fixed = (this.#readoutA ** 2 + this.#converterA ** 2) / pointHz
    return {
      responsivityAPerW: this.#responsivityAPerW,
      nominalAPerW: this.#nominalAPerW,
      darkA: this.#darkA + this.#offsetA,
      thermalAPerRtHz: Math.sqrt(this.#thermalAPerRtHz ** 2 + fixed),
      bandwidthHz: pointHz / points,
    }
  }

  /** Ratio of true to nominal responsivity, for the comparison with an oracle. */
  get gain(): number {
    return this.#responsivityAPerW / this.#nominalAPerW
  }

  get darkMw(): number {
    return (this.#darkA / this.#nominalAPerW) * 1e3
  }
}
