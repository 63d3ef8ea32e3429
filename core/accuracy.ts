export interface Accuracy {
  /** log2((max − min) / RMS error) */
  readonly effectiveBits: number
  /** RMS error / (max − min) */
  readonly nrmse: number
}

/**
 * How well results agree with the exact ones, relative to the range of the exact ones.
 *
 * A flat exact result has no range: its bits are NaN-free, 0 where there is any error and Infinity where there is none.
 * So is an empty one, which has no errors.
 */
export function accuracyOf(exact: ArrayLike<number>, errors: ArrayLike<number>): Accuracy {
  const sum = new AccuracySum()
  for (let i = 0; i < exact.length; i++) sum.add(exact[i]!, errors[i]!)
  return sum.accuracy
}

/** The same of results that come piece by piece. */
export class AccuracySum {
  #min = Infinity
  #max = -Infinity
  /** The largest error, and the sum of all squares in units of it: squares of very large numbers leave a double's range. */
  #largest = 0
  #squares = 0
  #count = 0

  add(exact: number, error: number): void {
    this.#min = Math.min(this.#min, exact)
    this.#max = Math.max(this.#max, exact)
    this.#count++
    const size = Math.abs(error)
    if (size > this.#largest) {
      this.#squares = this.#squares * (this.#largest / size) ** 2 + 1
      this.#largest = size
    } else if (size > 0) this.#squares += (size / this.#largest) ** 2
  }

  /** Of the exact results: the largest less the smallest. */
  get range(): number {
    return this.#max - this.#min
  }

  get accuracy(): Accuracy {
    if (this.#largest === 0) return { effectiveBits: Infinity, nrmse: 0 }
    // Half of it, because the whole of very large numbers leaves a double's range.
    const half = this.#max / 2 - this.#min / 2
    if (half === 0) return { effectiveBits: 0, nrmse: Infinity }
    const nrmse = ((this.#largest / half) * Math.sqrt(this.#squares / this.#count)) / 2
    return { effectiveBits: -Math.log2(nrmse), nrmse }
  }
}

/** Of an empty list: Infinity and −Infinity. */
export function rangeOf(values: ArrayLike<number>): { readonly min: number; readonly max: number } {
  let [min, max] = [Infinity, -Infinity]
  for (let i = 0; i < values.length; i++) {
    min = Math.min(min, values[i]!)
    max = Math.max(max, values[i]!)
  }
  return { min, max }
}
