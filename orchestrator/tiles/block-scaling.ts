/** Along which part of a row of A, or of a column of B, values have a zero point of their own. */
export type OffsetBlock = 'none' | 'share' | 'whole'

/**
 * How A and B are brought into the range of the optics.
 *
 * Each row's share of a tile always has a scale of its own, its largest value. A block may also have a zero point: light
 * then carries what is left, and the rest of the product is two sums.
 */
export interface BlockScaling {
  readonly inputs: OffsetBlock
  readonly weights: OffsetBlock
  /** `output`: the weights of each output are scaled to the same norm before a tile is made. */
  readonly scaled: 'tile' | 'output'
}

export const ROW_SCALING: BlockScaling = { inputs: 'none', weights: 'none', scaled: 'tile' }

/** Values of one block, scaled to −1…1. */
export interface ScaledBlock {
  readonly scale: number
  readonly offset: number
}

/** Beyond these the sums that go with a zero point might leave a double's range. */
const LARGEST_CENTRED = 2 ** 500
/** Weights within these are asked for as they are; beyond, squares would leave a double's range. */
const PLAIN_WEIGHTS = 2 ** 200

/** The middle between the least and the largest: what is left has the smallest modulus that it can. */
export function middleOf(values: Float64Array): number {
  let [least, most] = [Infinity, -Infinity]
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return isCentrable(values) ? least / 2 + most / 2 : 0
}

/** What is left has the smallest norm that it can. */
export function meanOf(values: Float64Array): number {
  return isCentrable(values) ? values.reduce((sum, value) => sum + value, 0) / values.length : 0
}

/** A single value would be nothing but its zero point, and light would have nothing to do. */
function isCentrable(values: Float64Array): boolean {
  for (const value of values) if (!(Math.abs(value) < LARGEST_CENTRED)) return false
  return values.length > 2
}

/** A power of two, because dividing by it rounds nothing; 1 for all weights of an ordinary size. */
export function unitOf(largest: number): number {
  if (largest === 0 || (largest < PLAIN_WEIGHTS && largest > 1 / PLAIN_WEIGHTS)) return 1
  return 2 ** Math.floor(Math.log2(largest))
}
