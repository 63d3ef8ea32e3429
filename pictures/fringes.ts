import { captionHeight, drawCaption } from './caption.ts'
import type { Caption } from './caption.ts'
import { element, FAINT, INK, svgDocument, text } from './svg.ts'

/** Points that were measured, and the curve that fits. */
export interface Fringe {
  readonly name: string
  /** [point] at each x of the picture. */
  readonly values: readonly number[]
  /** Evenly spaced from 0 to the last x. */
  readonly curve: readonly number[]
}

export interface FringePanel {
  readonly title: string
  readonly fringes: readonly Fringe[]
}

export interface FringesPicture {
  readonly caption: Caption
  /** Quantities with their units. */
  readonly xName: string
  readonly yName: string
  /** [point] of all panels, from 0 or more. */
  readonly x: readonly number[]
  /** One below the other, each under its name. */
  readonly groups: readonly { readonly name: string; readonly panels: readonly FringePanel[] }[]
}

const WIDTH = 1000
const MARGIN = 24
const LETTERS = 14
const SMALL = 11.5
const PANELS_IN_A_ROW = 4
/** Room at the left of a panel for its numbers, under it for those of x, over it for its title. */
const [LEFT, UNDER, OVER] = [40, 26, 20]
const PLOT_HEIGHT = 92
const PANEL_WIDTH = (WIDTH - 2 * MARGIN) / PANELS_IN_A_ROW
const PANEL_HEIGHT = OVER + PLOT_HEIGHT + UNDER
const GROUP_ROOM = 34
/** Points at the top are seen whole. */
const HEADROOM = 1.06
const COLOURS = ['#1d6fb8', '#c2410c'] as const

/** Small multiples on one scale: a panel that is dimmer than the others looks dimmer. */
export function fringesPicture(picture: FringesPicture): string {
  const { caption, groups, xName, yName } = picture
  const width = WIDTH - 2 * MARGIN
  const scale = scaleOf(picture)
  const names = [
    ...new Set(groups.flatMap(({ panels }) => panels.flatMap(({ fringes }) => fringes.map((f) => f.name)))),
  ]
  let bottom = MARGIN + captionHeight(caption, width, LETTERS) + 1.8 * LETTERS
  const drawn = [...drawCaption(caption, MARGIN, MARGIN, width, LETTERS), ...legend(names, xName, yName, bottom)]
  bottom += LETTERS
  for (const { name, panels } of groups) {
    drawn.push(text(MARGIN, bottom + 24, LETTERS, name, { 'font-weight': 'bold' }))
    bottom += GROUP_ROOM
    for (const [index, panel] of panels.entries()) {
      const x = MARGIN + (index % PANELS_IN_A_ROW) * PANEL_WIDTH + LEFT
      const y = bottom + Math.floor(index / PANELS_IN_A_ROW) * PANEL_HEIGHT + OVER
      drawn.push(drawPanel(panel, picture.x, scale, names, x, y))
    }
    bottom += Math.ceil(panels.length / PANELS_IN_A_ROW) * PANEL_HEIGHT
  }
  return svgDocument(WIDTH, bottom + MARGIN, caption.heading, drawn)
}

interface Scale {
  readonly xMax: number
  readonly yMax: number
}

function scaleOf({ x, groups }: FringesPicture): Scale {
  let yMax = 0
  for (const { panels } of groups)
    for (const { fringes } of panels)
      for (const { values, curve } of fringes) yMax = Math.max(yMax, ...curve, ...values)
  return { xMax: Math.max(...x), yMax: yMax > 0 ? HEADROOM * yMax : 1 }
}

function legend(names: readonly string[], xName: string, yName: string, y: number): string[] {
  const marks = names.map((name, index) => {
    const x = MARGIN + 150 * index
    const fill = colourOf(index)
    return (
      element('line', { x1: x, y1: y - 4, x2: x + 26, y2: y - 4, stroke: fill, 'stroke-width': 1.6 }) +
      element('circle', { cx: x + 13, cy: y - 4, r: 3, fill }) +
      text(x + 34, y, SMALL + 1, name)
    )
  })
  const axes = `across: ${xName}; up: ${yName}; points measured, curves fitted`
  return [...marks, text(MARGIN + 150 * names.length + 10, y, SMALL + 1, axes, { fill: FAINT })]
}

const colourOf = (index: number): string => COLOURS[index % COLOURS.length]!

function drawPanel(
  { title, fringes }: FringePanel,
  x: readonly number[],
  { xMax, yMax }: Scale,
  names: readonly string[],
  left: number,
  top: number,
): string {
  const width = PANEL_WIDTH - LEFT - 8
  const px = (value: number): number => left + (width * value) / xMax
  const py = (value: number): number => top + PLOT_HEIGHT * (1 - value / yMax)
  const curves = fringes.map(({ name, values, curve }) => {
    const colour = colourOf(names.indexOf(name))
    const points = curve.map((value, i) => `${short(px((i / (curve.length - 1)) * xMax))},${short(py(value))}`)
    return (
      element('polyline', { points: points.join(' '), fill: 'none', stroke: colour, 'stroke-width': 1.4 }) +
      values
        .map((value, i) => element('circle', { class: 'point', cx: px(x[i]!), cy: py(value), r: 2.4, fill: colour }))
        .join('')
    )
  })
  const frame = { x: left, y: top, width, height: PLOT_HEIGHT, fill: 'none', stroke: INK, 'stroke-width': 0.7 }
  const small = (px: number, py: number, words: string, anchor: string): string =>
    text(px, py, SMALL - 1, words, { 'text-anchor': anchor, fill: FAINT })
  return element(
    'g',
    { class: 'panel' },
    text(left, top - 6, SMALL, title),
    element('rect', frame),
    small(left - 5, top + 9, yMax.toPrecision(2), 'end'),
    small(left - 5, top + PLOT_HEIGHT, '0', 'end'),
    small(left, top + PLOT_HEIGHT + 13, '0', 'middle'),
    small(left + width, top + PLOT_HEIGHT + 13, xMax.toPrecision(3), 'end'),
    ...curves,
  )
}

const short = (value: number): string => String(Math.round(value * 100) / 100)
