import { captionHeight, drawCaption } from './caption.ts'
import type { Caption } from './caption.ts'
import { lineColour } from './colours.ts'
import { element, escaped, FAINT, INK, svgDocument, text } from './svg.ts'

export interface EnergyPart {
  readonly component: string
  readonly joules: number
  readonly isMeasured: boolean
}

/** All that one boundary holds. */
export interface EnergyBar {
  readonly boundary: string
  readonly parts: readonly EnergyPart[]
  /** Its total in words, with unit and error. */
  readonly total: string
}

export interface EnergyPicture {
  readonly caption: Caption
  readonly bars: readonly EnergyBar[]
}

const WIDTH = 1000
const MARGIN = 24
const LETTERS = 14
const BAR_HEIGHT = 40
const BAR_GAP = 34
const LEGEND_ROW = 24
/** Mean width of a letter of the font, in units of its size. */
const LETTER_WIDTH = 0.6

/** Energy by component: a bar for each boundary, all of one length, because each is a hundred times the one before it. */
export function energyBars({ caption, bars }: EnergyPicture): string {
  const width = WIDTH - 2 * MARGIN
  const components = [...new Map(bars.flatMap(({ parts }) => parts.map((part) => [part.component, part]))).values()]
  const colourOf = new Map(components.map(({ component }, i) => [component, lineColour(i / components.length)]))
  const top = MARGIN + captionHeight(caption, width, LETTERS) + 1.5 * LETTERS
  const drawn = bars.flatMap((bar, index) => {
    const y = top + index * (BAR_HEIGHT + BAR_GAP)
    return [
      text(MARGIN, y + LETTERS - 2, LETTERS, bar.boundary, { 'font-weight': 'bold' }),
      text(WIDTH - MARGIN, y + LETTERS - 2, LETTERS, bar.total, { 'text-anchor': 'end' }),
      ...drawBar(bar, y + LETTERS + 4, width, colourOf),
    ]
  })
  const legendTop = top + bars.length * (BAR_HEIGHT + BAR_GAP) + 4
  const legend = components.flatMap(({ component, isMeasured }, index) => {
    const [x, y] = [MARGIN + (index % 2) * (width / 2), legendTop + Math.floor(index / 2) * LEGEND_ROW]
    const words = `${component}, ${isMeasured ? 'measured' : 'modelled'}`
    return [
      element('rect', { x, y, width: 16, height: 16, ...styleOf(colourOf.get(component)!, isMeasured) }),
      text(x + 24, y + 13, LETTERS - 1, words),
    ]
  })
  const height = legendTop + Math.ceil(components.length / 2) * LEGEND_ROW + MARGIN
  return svgDocument(WIDTH, height, caption.heading, [
    ...drawCaption(caption, MARGIN, MARGIN, width, LETTERS),
    ...drawn,
    ...legend,
  ])
}

/** What is modelled is pale, in a broken outline. */
function styleOf(colour: string, isMeasured: boolean) {
  return isMeasured
    ? { fill: colour, stroke: colour }
    : { fill: colour, 'fill-opacity': 0.35, stroke: colour, 'stroke-dasharray': '4 3' }
}

function drawBar({ parts }: EnergyBar, y: number, width: number, colourOf: ReadonlyMap<string, string>): string[] {
  const total = parts.reduce((sum, { joules }) => sum + joules, 0)
  if (!(total > 0)) {
    return [
      element('rect', { x: MARGIN, y, width, height: BAR_HEIGHT, fill: 'none', stroke: FAINT }),
      text(MARGIN + 8, y + 25, LETTERS - 1, 'no energy', { fill: FAINT }),
    ]
  }
  let x = MARGIN
  return parts.map(({ component, joules, isMeasured }) => {
    const share = joules / total
    const [left, wide] = [x, share * width]
    x += wide
    const percent = `${(100 * share).toPrecision(3)} %`
    const words = [`${component} ${percent}`, percent].find((each) => LETTER_WIDTH * 13 * each.length < wide - 8)
    const style = styleOf(colourOf.get(component)!, isMeasured)
    return element(
      'g',
      { class: 'part' },
      element('title', {}, escaped(`${component}: ${joules.toPrecision(4)} J, ${percent}`)),
      element('rect', { x: left, y, width: wide, height: BAR_HEIGHT, ...style }),
      words === undefined ? '' : text(left + 8, y + 25, 13, words, { fill: isMeasured ? '#ffffff' : INK }),
    )
  })
}
