import { lossDbToPowerRatio } from '../../core/quantities.ts'
import { RandomStream } from '../../core/random.ts'
import type { SourceValues } from './parameters/source-parameters.ts'

interface Emission {
  readonly powerMw: number
  readonly frequencyThz: number
}

/**
 * One comb in the place of single lasers: a laser instrument now lets the line through that is nearest to its frequency.
 *
 * Lines stand at the first channel + offset + n × spacing, whatever the lasers were set to; n = 0 has the set power, the
 * others follow a tilt over frequency and a ripple of their own.
 */
export class FrequencyComb {
  /** Where line 0 is. */
  readonly firstThz: number
  readonly #spacingThz: number
  readonly #offsetThz: number
  readonly #tiltDbPerThz: number
  readonly #rippleDb: number
  readonly #seed: number

  constructor(firstChannelThz: number, what: SourceValues, seed: number) {
    this.#offsetThz = what.frequencyCombOffsetGhz / 1e3
    this.firstThz = firstChannelThz + this.#offsetThz
    this.#spacingThz = what.frequencyCombSpacingGhz / 1e3
    this.#tiltDbPerThz = what.frequencyCombTiltDbPerThz
    this.#rippleDb = what.frequencyCombRippleDb
    this.#seed = seed
  }

  /** What leaves the fibre of an instrument that was set so. */
  line({ powerMw, frequencyThz }: Emission): Emission {
    const n = Math.round((frequencyThz - (this.firstThz - this.#offsetThz)) / this.#spacingThz)
    const awayThz = n * this.#spacingThz
    const rippleDb = new RandomStream(this.#seed, `comb/${n}`).normal(0, this.#rippleDb)
    const gainDb = this.#tiltDbPerThz * awayThz + rippleDb
    return { powerMw: powerMw * lossDbToPowerRatio(-gainDb), frequencyThz: this.firstThz + awayThz }
  }
}
