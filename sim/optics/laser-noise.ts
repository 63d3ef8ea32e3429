import { lossDbToPowerRatio } from '../../core/quantities.ts'
import { CounterRandom } from '../../core/random.ts'
import type { LightValues } from './parameters/light-parameters.ts'
import { beatNoise, mismatchS } from './phase-noise.ts'
import type { SlotPowers } from './slot-powers.ts'

/** Noise of the lasers over one averaging time. */
export interface AveragedNoise {
  /** Light of all lasers on one detector of `count`. */
  powerMw(slot: SlotPowers, detector: number, count: number, sample: number): number
}

/** σ of a laser's power over an averaging time, relative: RIN in the bandwidth 1/(2T). */
export const intensitySigma = (rinDbPerHz: number, averagingS: number): number =>
  Math.sqrt(lossDbToPowerRatio(-rinDbPerHz) / (2 * averagingS))

/** Noise that the light brings: intensity of each line, intensity of a comb, and phase where paths differ in length. */
export class LaserNoise {
  readonly #what: LightValues
  /** [laser] */
  readonly #rin: readonly CounterRandom[]
  readonly #phase: readonly CounterRandom[]
  readonly #comb: CounterRandom

  constructor(lasers: number, what: LightValues, seed: number) {
    this.#what = what
    const each = (kind: string): CounterRandom[] =>
      Array.from({ length: lasers }, (_, laser) => new CounterRandom(seed, `laser/${laser}/${kind}`))
    this.#rin = each('rin')
    this.#phase = each('phase')
    this.#comb = new CounterRandom(seed, 'comb/rin')
  }

  over(averagingS: number): AveragedNoise {
    const { laserRinDbPerHz, frequencyCombRinDbPerHz, frequencyCombSpacingGhz } = this.#what
    const sigma = intensitySigma(laserRinDbPerHz, averagingS)
    const combSigma = frequencyCombSpacingGhz > 0 ? intensitySigma(frequencyCombRinDbPerHz, averagingS) : 0
    const beat = this.#beat(averagingS)
    return {
      powerMw: (slot, detector, count, sample) => {
        let powerMw = 0
        for (const [laser, rin] of this.#rin.entries()) {
          const at = laser * count + detector
          const turnRad = slot.beat === undefined ? 0 : beat.sigmaRad * this.#phase[laser]!.normal(sample)
          const lightMw = beatenMw(slot, at, beat.visibility, turnRad)
          if (lightMw !== 0) powerMw += lightMw * (1 + sigma * rin.normal(sample))
        }
        return combSigma === 0 ? powerMw : powerMw * (1 + combSigma * this.#comb.normal(sample))
      },
    }
  }

  /** Of a reading so slow that only the lost part of a beat is left of all this. */
  slowMw(slot: SlotPowers, detector: number, count: number, averagingS: number): number {
    const { visibility, sigmaRad } = this.#beat(averagingS)
    // What the average leaves of the phase noise takes its share, too.
    const left = visibility * Math.exp(-(sigmaRad ** 2) / 2)
    let powerMw = 0
    for (let laser = 0; laser < this.#rin.length; laser++) powerMw += beatenMw(slot, laser * count + detector, left, 0)
    return powerMw
  }

  #beat(averagingS: number) {
    return beatNoise(this.#what.laserLinewidthKhz * 1e3, mismatchS(this.#what), averagingS)
  }
}

/** S + v·(I·cos δ + Q·sin δ). */
function beatenMw({ mw, beat }: SlotPowers, at: number, visibility: number, turnRad: number): number {
  if (beat === undefined) return mw[at]!
  const inPhaseMw = mw[at]! - beat.sumMw[at]!
  return beat.sumMw[at]! + visibility * (inPhaseMw * Math.cos(turnRad) + beat.quadratureMw[at]! * Math.sin(turnRad))
}
