import { bar } from './bars.ts'
import type { Caption } from './caption.ts'
import { axis, chart } from './chart.ts'
import { expectedCount, histogramOf, normalFit } from './normal-fit.ts'

export interface ErrorPicture {
  readonly heading: string
  readonly lines: readonly string[]
  /** Of each element, in units of the range of the exact result. */
  readonly errors: ArrayLike<number>
  /** Null where there was no error at all. */
  readonly effectiveBits: number | null
}

const CURVE_POINTS = 241
/** How far the curve is drawn, in σ. */
const CURVE_REACH = 4

/** How often which error occurred, with the normal law that fits. */
export function errorHistogram({ heading, lines, errors, effectiveBits }: ErrorPicture): string {
  const percent = Float64Array.from(errors, (error) => 100 * error)
  const fit = normalFit(percent)
  const { firstEdge, binWidth, counts } = histogramOf(percent)
  const bits =
    effectiveBits === null ? 'exact' : `${effectiveBits.toFixed(2)} effective bits (log2 of range / RMS error)`
  const caption: Caption = {
    heading,
    lines: [
      ...lines,
      `Line: normal law with mean ${signed(fit.mean)} % and σ ${fit.sigma.toPrecision(3)} % of the range; ${percent.length} elements; ${bits}.`,
    ],
  }
  const curve = Array.from({ length: fit.sigma > 0 ? CURVE_POINTS : 0 }, (_, i) => {
    const x = fit.mean + CURVE_REACH * fit.sigma * ((2 * i) / (CURVE_POINTS - 1) - 1)
    return [x, expectedCount(fit, percent.length, binWidth, x)]
  })
  const bars = counts.map((count, bin) => [firstEdge + bin * binWidth, firstEdge + (bin + 1) * binWidth, count])
  return chart(caption, {
    grid: { left: 78, right: 24, top: 16, bottom: 64 },
    xAxis: axis('error of an element, % of the range of the exact product', 36),
    yAxis: { ...axis('elements in a bin', 52), min: 0, minInterval: 1 },
    series: [
      { type: 'custom', data: bars, encode: { x: [0, 1], y: 2 }, renderItem: bar },
      { type: 'line', data: curve, showSymbol: false, lineStyle: { color: '#b3261e', width: 2.5 } },
    ],
  })
}

const signed = (value: number): string => value.toPrecision(2).replace('-', '−')
