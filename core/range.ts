import { BenchError } from './errors.ts'

export interface Range {
  readonly min: number
  readonly max: number
}

/** The tighter of two ranges: limits from driver and bench file both hold. */
export function intersect(left: Range, right: Range): Range {
  return { min: Math.max(left.min, right.min), max: Math.min(left.max, right.max) }
}

/** Throws RANGE_EXCEEDED unless `value` lies in `range`. NaN never does. */
export function requireInRange(name: string, value: number, range: Range): void {
  if (value >= range.min && value <= range.max) return
  throw new BenchError('RANGE_EXCEEDED', `${name} ${value} is outside ${range.min} to ${range.max}`, {
    context: { name, value, range },
  })
}
