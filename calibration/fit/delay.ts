import { centred } from './centred.ts'
import { factorPositiveDefinite, solveUpper, solveUpperTransposed } from './positive-definite.ts'

/** When a played pattern arrives. */
export interface Arrival {
  /** Meter points behind what was played; negative where the record begins late. NaN where nothing follows the pattern. */
  readonly points: number
  /** Share of what moved that the delayed pattern explains. */
  readonly explained: number
}

/** Symbols of the pattern that must be left in a record. */
const LEAST_OVERLAP = 8
/** Less than this share explained is no pattern seen. */
const LEAST_EXPLAINED = 0.5

/**
 * How late records follow a pattern of levels, one a symbol, that was played once between rests at level 0.
 *
 * Each record is b + A·level, A of either sign. First the whole point that explains most of all records together; then,
 * with a part of the next point's pattern mixed in, α·u_k + β·u_(k+1), the fraction β/(α + β).
 * Shapes: each record is [point].
 */
export function findArrival(records: readonly Float64Array[], levels: Int8Array, pointsPerSymbol: number): Arrival {
  const points = levels.length * pointsPerSymbol
  const reach = points - Math.min(LEAST_OVERLAP, levels.length >> 1) * pointsPerSymbol
  const moving = records.map(centred)
  const moved = moving.reduce((sum, record) => sum + dot(record, record), 0)
  const delayed = (by: number): Float64Array =>
    centred(Float64Array.from({ length: points }, (_, at) => levels[Math.floor((at - by) / pointsPerSymbol)] ?? 0))
  const explainedAt = (by: number): number => {
    const pattern = delayed(by)
    const norm = dot(pattern, pattern)
    return norm === 0 ? 0 : moving.reduce((sum, record) => sum + dot(record, pattern) ** 2 / norm, 0) / moved
  }
  let [best, explained] = [0, explainedAt(0)]
  for (let by = -reach; by <= reach; by++) {
    const share = explainedAt(by)
    if (share > explained) [best, explained] = [by, share]
  }
  if (!(explained >= LEAST_EXPLAINED)) return { points: NaN, explained }
  const from = explainedAt(best - 1) > explainedAt(best + 1) ? best - 1 : best
  return { points: from + fractionOf(moving, delayed(from), delayed(from + 1)), explained }
}

/** Share of the second pattern in records that are mixtures of both, 0…1. */
function fractionOf(records: readonly Float64Array[], one: Float64Array, other: Float64Array): number {
  const [aa, ab, bb] = [dot(one, one), dot(one, other), dot(other, other)]
  const det = aa * bb - ab * ab
  let [above, below] = [0, 0]
  for (const record of records) {
    const [a, b] = [dot(record, one), dot(record, other)]
    const [alpha, beta] = [(bb * a - ab * b) / det, (aa * b - ab * a) / det]
    above += beta * (alpha + beta)
    below += (alpha + beta) ** 2
  }
  return Math.min(1, Math.max(0, above / below))
}

/** Shares of the symbols before and behind in the reading of a symbol, and one standard deviation of each. */
export interface Neighbours {
  readonly late: number
  readonly early: number
  readonly sigma: number
}

/**
 * What the reading of a symbol holds of the symbols before and behind it.
 *
 * Each record is b + A·((1 − late − early)·u_n + late·u_(n−1) + early·u_(n+1)). Shapes: each record is [symbol].
 */
export function neighboursIn(records: readonly Float64Array[], levels: Int8Array): Neighbours {
  const patterns = [0, 1, -1].map((by) => centred(Float64Array.from(levels, (_, symbol) => levels[symbol - by] ?? 0)))
  const normal = Float64Array.from({ length: 9 }, (_, at) => dot(patterns[Math.floor(at / 3)]!, patterns[at % 3]!))
  const norm = normal[0]!
  if (!factorPositiveDefinite(normal, patterns.length)) return { late: NaN, early: NaN, sigma: NaN }
  let [late, early, whole, left] = [0, 0, 0, 0]
  for (const record of records.map(centred)) {
    const right = Float64Array.from(patterns, (pattern) => dot(record, pattern))
    const shares = solveUpper(normal, solveUpperTransposed(normal, right))
    const [own, before, behind] = shares
    const all = own! + before! + behind!
    late += before! * all
    early += behind! * all
    whole += all * all
    left += Math.max(0, dot(record, record) - dot(right, shares))
  }
  const noise = left / (records.length * (levels.length - patterns.length - 1))
  return { late: late / whole, early: early / whole, sigma: Math.sqrt(noise / norm / whole) }
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
