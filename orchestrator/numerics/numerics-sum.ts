import { rangeOf } from '../../core/accuracy.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import { ROW_SCALING } from '../tiles/block-scaling.ts'
import type { Numerics } from './choose-numerics.ts'
import { bitsFor, bitsSigmaFor } from './predicted-error.ts'
import { NO_REMEDY } from './remedy.ts'

/** Of a multiplier that plans nothing and foretells nothing. */
export const UNPLANNED: Numerics = {
  scaling: ROW_SCALING,
  remedy: NO_REMEDY,
  predicted: { effectiveBits: null, bitsSigma: null, frames: 0, benchSeconds: 0 },
}

/** What is expected of a job of several products, each with numerics of its own. */
export class NumericsSum {
  #first: Numerics | undefined
  #products = 0
  #squaredError: number | null = 0
  /** Of the sum of squared errors, if products differ from what is expected of them each by itself. */
  #variance = 0
  #elements = 0
  #frames = 0
  #benchSeconds = 0

  /** `exact` is the product that `numerics` were chosen for. */
  add(numerics: Numerics, exact: RealMatrix): void {
    const { effectiveBits, bitsSigma, frames, benchSeconds } = numerics.predicted
    this.#first ??= numerics
    this.#products++
    const count = exact.data.length
    const { min, max } = rangeOf(exact.data)
    const squared = effectiveBits === null ? null : count * ((max - min) * 2 ** -effectiveBits) ** 2
    this.#squaredError = squared === null || this.#squaredError === null ? null : this.#squaredError + squared
    this.#variance += (2 * Math.LN2 * (bitsSigma ?? 0) * (squared ?? 0)) ** 2
    this.#elements += count
    this.#frames += frames
    this.#benchSeconds += benchSeconds
  }

  /** `range` is that of all exact products together. */
  of(range: number): Numerics {
    const first = this.#first!
    if (this.#products === 1) return first
    const squares = this.#squaredError === null ? null : this.#squaredError / this.#elements / (range || 1) ** 2
    const [effectiveBits, bitsSigma] =
      squares === null
        ? [null, null]
        : [bitsFor(squares, range), bitsSigmaFor({ square: this.#squaredError!, deviation: Math.sqrt(this.#variance) })]
    return {
      ...first,
      predicted: { effectiveBits, bitsSigma, frames: this.#frames, benchSeconds: this.#benchSeconds },
    }
  }
}
