import { rangeOf } from '../../core/accuracy.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import { ROW_SCALING } from '../tiles/block-scaling.ts'
import { bitsFor } from './choose-numerics.ts'
import type { Numerics } from './choose-numerics.ts'
import { NO_REMEDY } from './error-sums.ts'

/** Of a multiplier that plans nothing and foretells nothing. */
export const UNPLANNED: Numerics = {
  scaling: ROW_SCALING,
  remedy: NO_REMEDY,
  predicted: { effectiveBits: null, frames: 0, benchSeconds: 0 },
}

/** What is expected of a job of several products, each with numerics of its own. */
export class NumericsSum {
  #first: Numerics | undefined
  #products = 0
  #squaredError: number | null = 0
  #elements = 0
  #frames = 0
  #benchSeconds = 0

  /** `exact` is the product that `numerics` were chosen for. */
  add(numerics: Numerics, exact: RealMatrix): void {
    const { effectiveBits, frames, benchSeconds } = numerics.predicted
    this.#first ??= numerics
    this.#products++
    const count = exact.data.length
    const { min, max } = rangeOf(exact.data)
    const squared = effectiveBits === null ? null : count * ((max - min) * 2 ** -effectiveBits) ** 2
    this.#squaredError = squared === null || this.#squaredError === null ? null : this.#squaredError + squared
    this.#elements += count
    this.#frames += frames
    this.#benchSeconds += benchSeconds
  }

  /** `range` is that of all exact products together. */
  of(range: number): Numerics {
    const first = this.#first!
    if (this.#products === 1) return first
    const squares = this.#squaredError === null ? null : this.#squaredError / this.#elements / (range || 1) ** 2
    const effectiveBits = squares === null ? null : bitsFor(squares, range)
    return { ...first, predicted: { effectiveBits, frames: this.#frames, benchSeconds: this.#benchSeconds } }
  }
}
