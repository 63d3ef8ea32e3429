import type { Caption } from './caption.ts'
import { axis, chart } from './chart.ts'
import { lineColour } from './colours.ts'
import { FAINT, FONT } from './svg.ts'

/** What one meter or model said over time. */
export interface PowerLine {
  readonly name: string
  /** [reading], growing. */
  readonly timesS: ArrayLike<number>
  readonly powersW: ArrayLike<number>
}

/** Lines of one component, on one scale. */
export interface PowerPanel {
  readonly component: string
  readonly lines: readonly PowerLine[]
}

/** What the plan did meanwhile. */
export interface PowerSpan {
  readonly name: string
  readonly fromS: number
  readonly toS: number
}

export interface PowerPicture {
  readonly caption: Caption
  readonly panels: readonly PowerPanel[]
  readonly spans: readonly PowerSpan[]
}

const PANEL_HEIGHT = 130
const PANEL_GAP = 40
const TOP = 48
const BOTTOM = 56
const LETTERS = 12
/** Mean width of a letter of the font, in units of its size. */
const LETTER_WIDTH = 0.6
/** Fewer readings are marked one by one. */
const MARKED_READINGS = 60
/** More points than this no screen tells apart. */
const DRAWN_POINTS = 2000

/** Power over the bench's time, a panel for each component, since a laser draws a ten-thousandth of a bench. */
export function powerChart({ caption, panels, spans }: PowerPicture): string {
  const height = TOP + panels.length * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + BOTTOM
  const ends = [...spans.map(({ toS }) => toS), ...panels.flatMap(({ lines }) => lines.map(lastOf))]
  const max = ends.reduce((most, end) => Math.max(most, end), 0) || 1
  const isLast = (panel: number): boolean => panel === panels.length - 1
  return chart(
    caption,
    {
      grid: panels.map((_, panel) => ({
        ...{ left: 92, right: 24, top: TOP + panel * (PANEL_HEIGHT + PANEL_GAP), height: PANEL_HEIGHT },
      })),
      xAxis: panels.map((_, panel) => {
        const plain = axis(isLast(panel) ? 'time on the bench’s clock since the start of the run, s' : '', 32)
        const axisLabel = { ...plain.axisLabel, show: isLast(panel), showMaxLabel: false }
        return { ...plain, gridIndex: panel, min: 0, max, axisLabel }
      }),
      yAxis: panels.map((panel, gridIndex) => ({
        ...{ ...axis(titleOf(panel), 10), gridIndex, min: 0, splitNumber: 3, nameLocation: 'end' },
        nameTextStyle: { align: 'left', fontSize: LETTERS + 1, color: '#22262b' },
      })),
      series: panels.flatMap((each, panel) => [
        spanSeries(spans, panel),
        ...each.lines.map((line, index) => ({
          ...{ type: 'line', xAxisIndex: panel, yAxisIndex: panel, z: 3 },
          ...{ showSymbol: line.timesS.length <= MARKED_READINGS, symbol: 'circle', symbolSize: 5 },
          ...{
            color: lineColour(index / each.lines.length),
            lineStyle: { width: 1.6 },
            data: pointsOf(line, unitOf(each)[1]),
          },
        })),
      ]),
    },
    height,
  )
}

const lastOf = ({ timesS }: PowerLine): number => timesS[timesS.length - 1] ?? 0

/** A panel's unit, so that its numbers are short: the largest that its peak fills. */
const UNITS = [
  ['W', 1],
  ['mW', 1e-3],
  ['µW', 1e-6],
  ['nW', 1e-9],
] as const

function unitOf({ lines }: PowerPanel): (typeof UNITS)[number] {
  let peakW = 0
  for (const { powersW } of lines) for (let i = 0; i < powersW.length; i++) peakW = Math.max(peakW, powersW[i]!)
  return peakW === 0 ? UNITS[0] : (UNITS.find(([, unitW]) => peakW >= unitW) ?? UNITS.at(-1)!)
}

function titleOf(panel: PowerPanel): string {
  const { component, lines } = panel
  const [unit] = unitOf(panel)
  const [only] = lines
  if (lines.length === 1) return `${only!.name === component ? component : `${component}, ${only!.name}`}, ${unit}`
  return `${component}, ${unit}: ${lines.length} lines, coloured in their order from ${lines[0]!.name} to ${lines.at(-1)!.name}`
}

/** Where there are too many readings, the least and the greatest of each stretch: no peak is lost. */
function pointsOf({ timesS, powersW }: PowerLine, unitW: number): (readonly [number, number])[] {
  const count = timesS.length
  if (count <= DRAWN_POINTS) return Array.from(timesS, (timeS, i) => [timeS, powersW[i]! / unitW])
  const stretches = DRAWN_POINTS / 2
  return Array.from({ length: stretches }, (_, stretch) => {
    const [from, to] = [Math.floor((stretch * count) / stretches), Math.floor(((stretch + 1) * count) / stretches)]
    let [least, greatest] = [from, from]
    for (let i = from; i < to; i++) {
      if (powersW[i]! < powersW[least]!) least = i
      if (powersW[i]! > powersW[greatest]!) greatest = i
    }
    return [Math.min(least, greatest), Math.max(least, greatest)].map((i) => [timesS[i]!, powersW[i]! / unitW] as const)
  }).flat()
}

/** Every other step on grey, with its name over the first panel where it has room. */
function spanSeries(spans: readonly PowerSpan[], panel: number): object {
  return {
    ...{ type: 'custom', xAxisIndex: panel, yAxisIndex: panel, z: 1, clip: false, silent: true },
    // The last is where it lies on the axis of powers, so that it asks for no room there.
    data: spans.map(({ fromS, toS }, index) => [fromS, toS, index, 0]),
    encode: { x: [0, 1], y: 3 },
    renderItem: (around: { readonly coordSys: { readonly y: number; readonly height: number } }, item: SpanDrawing) => {
      const [left] = item.coord([item.value(0), 0])
      const [right] = item.coord([item.value(1), 0])
      const index = item.value(2)
      const { y, height } = around.coordSys
      const name = spans[index]!.name
      const fits = panel === 0 && right - left > LETTER_WIDTH * LETTERS * name.length
      const fill = index % 2 === 0 ? '#f3f4f6' : '#ffffff'
      const band = { type: 'rect', shape: { x: left, y, width: right - left, height }, style: { fill } }
      const style = {
        ...{ text: name, x: (left + right) / 2, y: y - 34, align: 'center' },
        ...{ fill: FAINT, font: `${LETTERS}px ${FONT}` },
      }
      return { type: 'group', children: fits ? [band, { type: 'text', style }] : [band] }
    },
  }
}

/** Of ECharts' custom series: values of one item, and where they lie in pixels. */
interface SpanDrawing {
  value(dimension: number): number
  coord(point: readonly [number, number]): readonly [number, number]
}
