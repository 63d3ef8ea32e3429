import { measured } from './numbers.ts'

/** One line of a table of a report, in Markdown. */
export type Finding = readonly [what: string, value: string]

/** What a report says of one kind of core. */
export interface Findings {
  /** What the core is. */
  readonly core: string
  readonly found: readonly Finding[]
  /** Where to look first when something is amiss, by name. */
  readonly weakest: readonly Finding[]
}

/** Least, middle and greatest of many, with their unit. */
export function range(values: readonly number[], unit: string, digits = 4): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): string => measured(sorted[Math.round(share * (sorted.length - 1))]!, digits)
  const least = at(0)
  return least === at(1) ? `${least} ${unit}`.trim() : `${`${least} … ${at(1)} ${unit}`.trim()}, median ${at(0.5)}`
}

/** The place of the greatest value. */
export function placeOfMost<Place>(places: readonly Place[], value: (place: Place) => number): Place {
  return places.reduce((best, place) => (value(place) > value(best) ? place : best))
}

export const percent = (share: number): string => `${(100 * share).toPrecision(3)} %`

export const pitches = (distance: number): string => `${distance.toPrecision(3)} pitches`

/** Of powers. */
export const decibel = (ratio: number): string => `${(10 * Math.log10(ratio)).toFixed(2)} dB`
