import { captionHeight, drawCaption } from './caption.ts'
import type { Caption } from './caption.ts'
import { powerColour } from './colours.ts'
import { colourScale } from './scales.ts'
import { element, escaped, INK, svgDocument, text } from './svg.ts'

export interface CrosstalkPicture {
  readonly caption: Caption
  /** What of the heater's own the others get a share of. */
  readonly of: 'phase' | 'shift'
  /** How many pitches to either side are drawn, along the light and across it. */
  readonly reachX: number
  readonly reachY: number
  /** Share that a heater at this offset gets, in pitches; not asked for (0, 0). */
  readonly share: (dx: number, dy: number) => number
}

const WIDTH = 1000
const MARGIN = 24
const LETTERS = 14
const SIDE = 70
const CELL_HEIGHT = 44
/** Colours as dark as this carry white numbers. */
const DARK = 0.55

/** What one heater, in the middle, gives to those around it, in per cent of its own. */
export function crosstalkMap({ caption, of, reachX, reachY, share }: CrosstalkPicture): string {
  const width = WIDTH - 2 * MARGIN
  const cell = Math.min(96, (width - SIDE) / (2 * reachX + 1))
  const top = MARGIN + captionHeight(caption, width, LETTERS) + LETTERS
  const left = MARGIN + SIDE
  const cells = offsets(reachY).flatMap((dy) => offsets(reachX).map((dx) => ({ dx, dy })))
  const around = cells.filter(({ dx, dy }) => dx !== 0 || dy !== 0)
  const largest = around.reduce((most, { dx, dy }) => Math.max(most, share(dx, dy)), 0)
  const relative = (value: number): number => (largest > 0 ? value / largest : 0)
  const place = (dx: number, dy: number): { x: number; y: number } => ({
    x: left + (dx + reachX) * cell,
    y: top + (dy + reachY) * CELL_HEIGHT,
  })
  const bottom = top + (2 * reachY + 1) * CELL_HEIGHT
  const middle = { 'text-anchor': 'middle' } as const
  const drawn = cells.map(({ dx, dy }) => {
    const { x, y } = place(dx, dy)
    const own = dx === 0 && dy === 0
    const value = own ? 1 : share(dx, dy)
    const fill = own ? INK : powerColour(relative(value))
    const words = own ? 'heater' : percent(value)
    const ink = own || relative(value) > DARK ? '#ffffff' : INK
    return element(
      'g',
      { class: own ? 'heater' : 'victim' },
      element('title', {}, escaped(own ? 'the heater itself' : `${dx} along, ${dy} across: ${percent(value)} %`)),
      element('rect', { x, y, width: cell, height: CELL_HEIGHT, fill, stroke: '#ffffff', 'stroke-width': 1 }),
      text(x + cell / 2, y + CELL_HEIGHT / 2 + 4.5, 12.5, words, { ...middle, fill: ink }),
    )
  })
  const columns = offsets(reachX).map((dx) => text(place(dx, 0).x + cell / 2, bottom + 18, 12.5, signed(dx), middle))
  const rows = offsets(reachY).map((dy) =>
    text(left - 10, place(0, dy).y + CELL_HEIGHT / 2 + 4.5, 12.5, signed(dy), { 'text-anchor': 'end' }),
  )
  const xName = text(left + (cell * (2 * reachX + 1)) / 2, bottom + 40, LETTERS, 'pitches along the light', middle)
  const turned = { ...middle, transform: `rotate(-90 ${MARGIN + 14} ${(top + bottom) / 2})` }
  const yName = reachY === 0 ? '' : text(MARGIN + 14, (top + bottom) / 2, LETTERS, 'pitches across it', turned)
  const scale = colourScale({
    ...{ x: left, y: bottom + 60, width: cell * (2 * reachX + 1), letters: LETTERS },
    title: `share of the heater’s own ${of} that another gets, %`,
    colour: powerColour,
    ticks: [0, 0.25, 0.5, 0.75, 1].map((tick) => percent(tick * largest)),
  })
  return svgDocument(WIDTH, bottom + 60 + 5 * LETTERS + MARGIN, caption.heading, [
    ...drawCaption(caption, MARGIN, MARGIN, width, LETTERS),
    ...drawn,
    ...columns,
    ...rows,
    xName,
    yName,
    ...scale,
  ])
}

const offsets = (reach: number): number[] => Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach)

const signed = (pitches: number): string => (pitches > 0 ? `+${pitches}` : pitches < 0 ? `−${-pitches}` : '0')

const percent = (share: number): string => {
  const value = 100 * share
  return value === 0 ? '0' : value < 0.001 ? '< 0.001' : value < 0.01 ? value.toFixed(3) : value.toPrecision(2)
}
