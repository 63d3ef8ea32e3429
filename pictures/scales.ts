import { element, text } from './svg.ts'

export interface ColourScale {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly letters: number
  readonly title: string
  /** Colour at a share 0…1 of the width. */
  readonly colour: (share: number) => string
  /** How high the strip is there; default: as high as a letter. */
  readonly height?: (share: number) => number
  /** Evenly spread, the first at the left end. */
  readonly ticks: readonly string[]
}

const STEPS = 96

/** What colours mean: a title, a strip and numbers under it. Units: pixels. */
export function colourScale({ x, y, width, letters, title, colour, height, ticks }: ColourScale): string[] {
  const strip = Array.from({ length: STEPS }, (_, step) => {
    const share = (step + 0.5) / STEPS
    const high = height?.(share) ?? letters
    return element('rect', {
      ...{ x: x + (width * step) / STEPS, y: y + 1.6 * letters + (letters - high) / 2 },
      // A little wider than its step: no white hairlines between them.
      ...{ width: width / STEPS + 0.5, height: high, fill: colour(share) },
    })
  })
  const numbers = ticks.map((tick, index) => {
    const share = index / (ticks.length - 1)
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle'
    return text(x + share * width, y + 3.8 * letters, letters, tick, { 'text-anchor': anchor })
  })
  return [
    text(x, y + letters, letters, title),
    element('g', { class: 'scale', 'shape-rendering': height === undefined ? 'crispEdges' : undefined }, ...strip),
    ...numbers,
  ]
}
