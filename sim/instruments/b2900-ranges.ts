export type Quantity = 'VOLT' | 'CURR'

export const other = (quantity: Quantity): Quantity => (quantity === 'VOLT' ? 'CURR' : 'VOLT')

/** Full scales, smallest first. Source: B2900 reference tables "Source Output Ranges"; 10 nA on B2911A and B2912A. */
export const RANGES: Readonly<Record<Quantity, readonly number[]>> = {
  VOLT: [0.2, 2, 20, 200],
  CURR: [10e-9, 100e-9, 1e-6, 10e-6, 100e-6, 1e-3, 10e-3, 100e-3, 1, 1.5, 3],
}

/** Largest that can be set at all. */
export const LARGEST: Readonly<Record<Quantity, number>> = { VOLT: 210, CURR: 3.03 }

/** A range goes this much beyond its name, the two largest of current less. */
const OVERLAP = 1.05
const OVERLAP_OF_AMPERES = 1.01

/** What the output stage can carry together: so many amperes up to so many volts. */
const ENVELOPE = [
  { VOLT: 6, CURR: 3.03 },
  { VOLT: 21, CURR: 1.515 },
  { VOLT: 210, CURR: 0.105 },
] as const

export const rangeEnd = (quantity: Quantity, range: number): number =>
  range * (quantity === 'CURR' && range > 1 ? OVERLAP_OF_AMPERES : OVERLAP)

/** The smallest range that holds this value, or the largest of all. */
export function rangeFor(quantity: Quantity, value: number): number {
  const ranges = RANGES[quantity]
  return ranges.find((range) => Math.abs(value) <= rangeEnd(quantity, range)) ?? ranges.at(-1)!
}

/** How far the other quantity may go beside this level. */
export function largestBeside(quantity: Quantity, level: number): number {
  const fitting = ENVELOPE.filter((corner) => Math.abs(level) <= corner[quantity])
  return Math.max(0, ...fitting.map((corner) => corner[other(quantity)]))
}
