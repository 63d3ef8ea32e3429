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
  // Half of it, because the whole of very large numbers leaves a double's range, as their squares do.
  const half = max / 2 - min / 2
  let squares = 0
  for (let i = 0; i < exact.length; i++) squares += (errors[i]! / (half || 1)) ** 2
  const nrmse = Math.sqrt(squares / exact.length) / 2
  if (squares === 0) return { effectiveBits: Infinity, nrmse: 0 }
  return half === 0 ? { effectiveBits: 0, nrmse: Infinity } : { effectiveBits: -Math.log2(nrmse), nrmse }
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
