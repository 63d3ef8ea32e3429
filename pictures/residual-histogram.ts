import { axis, chart } from './chart.ts'
import { bar } from './bars.ts'
import type { Caption } from './caption.ts'

export interface ResidualPicture {
  readonly caption: Caption
  /** Of what, with its unit. */
  readonly xName: string
  /** What the fit has seen, and what was kept from it. */
  readonly fitted: ArrayLike<number>
  readonly heldOut: ArrayLike<number>
}

/** Beyond so many σ of what was fitted the few that are left share the last bins. */
const REACH_SIGMAS = 5
const BINS = 61

/** Two histograms over the same bins, each in per cent of its own values, so that many and few compare. */
export function residualHistogram({ caption, xName, fitted, heldOut }: ResidualPicture): string {
  const reach = REACH_SIGMAS * rms(fitted) || 1
  const width = (2 * reach) / BINS
  const edge = (bin: number): number => bin * width - reach
  const [seen, unseen] = [shares(fitted, reach), shares(heldOut, reach)]
  const bars = seen.map((share, bin) => [edge(bin), edge(bin + 1), share])
  const outline = unseen.flatMap((share, bin) => [
    [edge(bin), share],
    [edge(bin + 1), share],
  ])
  const plain = axis(xName, 36)
  const axisLabel = { ...plain.axisLabel, showMinLabel: false, showMaxLabel: false }
  const ends = 'The first and the last bin hold what lies beyond.'
  return chart(
    { ...caption, lines: [...caption.lines, `Bars: fitted to; line: kept out of the fit. ${ends}`] },
    {
      grid: { left: 78, right: 24, top: 16, bottom: 64 },
      xAxis: { ...plain, min: -reach, max: reach, axisLabel },
      yAxis: { ...axis('values in a bin, % of all', 52), min: 0 },
      series: [
        { type: 'custom', data: bars, encode: { x: [0, 1], y: 2 }, renderItem: bar },
        { type: 'line', data: outline, showSymbol: false, lineStyle: { color: '#b3261e', width: 2 } },
      ],
    },
  )
}

/** [bin] in per cent. */
function shares(values: ArrayLike<number>, reach: number): number[] {
  const counts = new Array<number>(BINS).fill(0)
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor(((values[i]! + reach) / (2 * reach)) * BINS)
    counts[Math.min(BINS - 1, Math.max(0, bin))]!++
  }
  return counts.map((count) => (100 * count) / Math.max(1, values.length))
}

function rms(values: ArrayLike<number>): number {
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += values[i]! ** 2
  return Math.sqrt(squares / Math.max(1, values.length))
}
