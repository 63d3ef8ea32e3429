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
  const { min, max } = rangeOf(exact)
  const range = max - min
  let squares = 0
  for (let i = 0; i < exact.length; i++) squares += errors[i]! ** 2
  const rms = Math.sqrt(squares / exact.length)
  if (squares === 0) return { effectiveBits: Infinity, nrmse: 0 }
  return range === 0
    ? { effectiveBits: 0, nrmse: Infinity }
    : { effectiveBits: Math.log2(range / rms), nrmse: rms / range }
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
