import { CounterRandom, RandomStream } from '../../core/random.ts'
import type { LightValues } from './parameters/light-parameters.ts'

/** Elementary charge. Source: SI definition. */
const ELEMENTARY_CHARGE_C = 1.602176634e-19

/**
 * One photodiode with its amplifier: responsivity error, dark current, shot and thermal noise.
 *
 * Shot: 2q(I + Id)B; thermal: in²·B; B = 1/(2·averaging time). Source: docs/physics.md.
 */
export class Photodiode {
  readonly #responsivityAPerW: number
  readonly #nominalAPerW: number
  readonly #darkA: number
  readonly #thermalAPerRtHz: number
  readonly #noise: CounterRandom

  constructor(name: string, what: LightValues, seed: number) {
    const stream = new RandomStream(seed, `photodiode/${name}`)
    this.#nominalAPerW = what.responsivityAPerW
    this.#responsivityAPerW = what.responsivityAPerW * stream.normal(1, what.responsivitySpread)
    this.#darkA = what.darkCurrentNa * 1e-9 * stream.uniform(0.5, 1.5)
    this.#thermalAPerRtHz = what.thermalNoisePaPerRtHz * 1e-12
    this.#noise = new CounterRandom(seed, `photodiode/${name}/noise`)
  }

  /** Power as the meter reports it, who takes the responsivity for nominal. `sample` numbers the noise. */
  reportMw(powerMw: number, averagingS: number, sample: number): number {
    const bandwidthHz = 1 / (2 * averagingS)
    const currentA = this.#responsivityAPerW * powerMw * 1e-3 + this.#darkA
    const variance = (2 * ELEMENTARY_CHARGE_C * currentA + this.#thermalAPerRtHz ** 2) * bandwidthHz
    const noisyA = currentA + Math.sqrt(variance) * this.#noise.normal(sample)
    return (noisyA / this.#nominalAPerW) * 1e3
  }

  /** Ratio of true to nominal responsivity, for the comparison with an oracle. */
  get gain(): number {
    return this.#responsivityAPerW / this.#nominalAPerW
  }

  get darkMw(): number {
    return (this.#darkA / this.#nominalAPerW) * 1e3
  }
}
