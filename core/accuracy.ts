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
  let [min, max, squares] = [Infinity, -Infinity, 0]
  for (let i = 0; i < exact.length; i++) {
    min = Math.min(min, exact[i]!)
    max = Math.max(max, exact[i]!)
    squares += errors[i]! ** 2
  }
  const rms = Math.sqrt(squares / exact.length)
  const range = max - min
  if (squares === 0) return { effectiveBits: Infinity, nrmse: 0 }
  return range === 0
    ? { effectiveBits: 0, nrmse: Infinity }
    : { effectiveBits: Math.log2(range / rms), nrmse: rms / range }
}
