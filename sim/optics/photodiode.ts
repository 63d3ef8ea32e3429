import { CounterRandom, RandomStream } from '../../core/random.ts'
import type { LightValues } from './parameters/light-parameters.ts'

/** Elementary charge. Source: SI definition. */
const ELEMENTARY_CHARGE_C = 1.602176634e-19

/**
 * One photodiode with its amplifier: responsivity error, dark current, shot and thermal noise, readout noise, saturation.
 *
 * Shot: 2q(I + Id)B; thermal: in²·B; B = 1/(2·averaging time), or what one pole passes, π/2·f₃dB, where that is less.
 * Readout noise is a share of full scale, whatever the averaging; at full scale the amplifier clips.
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
  readonly #noise: CounterRandom
  readonly #readout: CounterRandom

  constructor(name: string, what: LightValues, seed: number) {
    const stream = new RandomStream(seed, `photodiode/${name}`)
    this.#nominalAPerW = what.responsivityAPerW
    this.#responsivityAPerW = what.responsivityAPerW * stream.normal(1, what.responsivitySpread)
    this.#darkA = what.darkCurrentNa * 1e-9 * stream.uniform(0.5, 1.5)
    this.#thermalAPerRtHz = what.thermalNoisePaPerRtHz * 1e-12
    this.#noiseBandwidthHz = (Math.PI / 2) * what.receiverBandwidthMhz * 1e6
    this.#fullScaleA = what.responsivityAPerW * what.receiverFullScaleMw * 1e-3
    this.#readoutA = what.readoutNoiseShare * this.#fullScaleA
    this.#noise = new CounterRandom(seed, `photodiode/${name}/noise`)
    this.#readout = new CounterRandom(seed, `photodiode/${name}/readout`)
  }

  /** Power as the meter reports it, who takes the responsivity for nominal. `sample` numbers the noise. */
  reportMw(powerMw: number, averagingS: number, sample: number): number {
    const bandwidthHz = Math.min(1 / (2 * averagingS), this.#noiseBandwidthHz)
    const currentA = this.#responsivityAPerW * powerMw * 1e-3 + this.#darkA
    const variance = (2 * ELEMENTARY_CHARGE_C * currentA + this.#thermalAPerRtHz ** 2) * bandwidthHz
    let noisyA = currentA + Math.sqrt(variance) * this.#noise.normal(sample)
    if (this.#readoutA !== 0) noisyA += this.#readoutA * this.#readout.normal(sample)
    return (Math.min(noisyA, this.#fullScaleA) / this.#nominalAPerW) * 1e3
  }

  /** Ratio of true to nominal responsivity, for the comparison with an oracle. */
  get gain(): number {
    return this.#responsivityAPerW / this.#nominalAPerW
  }

  get darkMw(): number {
    return (this.#darkA / this.#nominalAPerW) * 1e3
  }
}
