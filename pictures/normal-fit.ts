export interface Histogram {
  readonly firstEdge: number
  readonly binWidth: number
  readonly counts: readonly number[]
}

/** The normal law with the mean and the standard deviation of the values: its most likely fit. */
export interface NormalFit {
  readonly mean: number
  readonly sigma: number
}

const MAX_BINS = 81

export function normalFit(values: ArrayLike<number>): NormalFit {
  let [sum, squares] = [0, 0]
  for (let i = 0; i < values.length; i++) sum += values[i]!
  const mean = sum / values.length
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2
  return { mean, sigma: Math.sqrt(squares / values.length) }
}

/** Every value in a bin of equal width, from the least to the greatest. Number of bins: the Rice rule, 2·n^(1/3). */
export function histogramOf(values: ArrayLike<number>): Histogram {
  let [min, max] = [Infinity, -Infinity]
  for (let i = 0; i < values.length; i++) {
    min = Math.min(min, values[i]!)
    max = Math.max(max, values[i]!)
  }
  const bins = Math.min(MAX_BINS, Math.ceil(2 * Math.cbrt(values.length)))
  const binWidth = (max - min) / bins
  // All alike, or as nearly as numbers can be.
  if (!(min + binWidth > min)) {
    const one = Math.abs(min) > 1e-300 ? Math.abs(min) / 10 : 1
    return { firstEdge: min - one / 2, binWidth: one, counts: [values.length] }
  }
  const counts = new Array<number>(bins).fill(0)
  for (let i = 0; i < values.length; i++) {
    counts[Math.min(bins - 1, Math.floor((values[i]! - min) / binWidth))]!++
  }
  return { firstEdge: min, binWidth, counts }
}

/** How many of `count` values the law expects in a bin around x. */
export function expectedCount({ mean, sigma }: NormalFit, count: number, binWidth: number, x: number): number {
  return ((count * binWidth) / (sigma * Math.sqrt(2 * Math.PI))) * Math.exp(-((x - mean) ** 2) / (2 * sigma ** 2))
}
