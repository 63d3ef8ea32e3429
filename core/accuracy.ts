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
  #squares = 0
  #count = 0

  add(exact: number, error: number): void {
    this.#min = Math.min(this.#min, exact)
    this.#max = Math.max(this.#max, exact)
    this.#squares += error ** 2
    this.#count++
  }

  get accuracy(): Accuracy {
    const rms = Math.sqrt(this.#squares / this.#count)
    const range = this.#max - this.#min
    if (this.#squares === 0) return { effectiveBits: Infinity, nrmse: 0 }
    return range === 0
      ? { effectiveBits: 0, nrmse: Infinity }
      : { effectiveBits: Math.log2(range / rms), nrmse: rms / range }
  }
}
