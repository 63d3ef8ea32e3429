import { axis, chart } from './chart.ts'
import { lineColour } from './colours.ts'

export interface SpectrumPicture {
  readonly title: string
  /** Under the title: of which run, bench and chip. */
  readonly lines?: readonly string[]
  readonly frequenciesThz: ArrayLike<number>
  /** Each as long as the frequencies. What is not finite leaves a gap. */
  readonly series: readonly { readonly name: string; readonly valuesDb: ArrayLike<number> }[]
}

/** With more lines than this names would cover the picture: then the order of colours tells. */
const NAMED_SERIES = 10
/** What lies deeper below the peak is out of sight. Units: dB. */
const DEPTH_DB = 80

/** Transmission or power over optical frequency, one line a series. */
export function spectrumChart({ title, lines = [], frequenciesThz, series }: SpectrumPicture): string {
  const named = series.length <= NAMED_SERIES
  const order = `${series.length} lines, coloured in their order from ${series[0]?.name ?? ''} to ${series.at(-1)?.name ?? ''}.`
  const bottom = Math.ceil((peakDb(series) - DEPTH_DB) / 10) * 10
  return chart(
    { heading: title, lines: [...lines, ...(named ? [] : [order])] },
    {
      ...(named
        ? { legend: { top: 4, itemGap: 16, itemWidth: 18, itemHeight: 4, icon: 'rect', textStyle: { fontSize: 13 } } }
        : {}),
      xAxis: frequencyAxis(),
      yAxis: { ...axis('dB', 52), min: ({ min }: { min: number }) => Math.max(bottom, Math.floor(min / 10) * 10) },
      series: series.map(({ name, valuesDb }, index) => ({
        ...{ type: 'line', name, showSymbol: false, clip: true },
        lineStyle: { width: 1.6 },
        color: lineColour(index / series.length),
        data: Array.from(frequenciesThz, (thz, i) => [thz, finite(valuesDb[i])]),
      })),
    },
  )
}

/** From the first frequency to the last, which are no round numbers and go unnamed. */
function frequencyAxis(): object {
  const plain = axis('optical frequency, THz', 36)
  const axisLabel = { ...plain.axisLabel, showMinLabel: false, showMaxLabel: false }
  return { ...plain, min: 'dataMin', max: 'dataMax', axisLabel }
}

/** ECharts draws no line to what is no number. */
const finite = (value: number | undefined): number | string => (Number.isFinite(value) ? value! : '-')

function peakDb(series: SpectrumPicture['series']): number {
  let peak = -Infinity
  for (const { valuesDb } of series)
    for (let i = 0; i < valuesDb.length; i++) if (Number.isFinite(valuesDb[i])) peak = Math.max(peak, valuesDb[i]!)
  return Number.isFinite(peak) ? peak : 0
}
