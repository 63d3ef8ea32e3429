import * as charts from 'echarts/charts'
import * as components from 'echarts/components'
import * as core from 'echarts/core'
import * as renderers from 'echarts/renderers'
import { captionHeight, drawCaption } from './caption.ts'
import type { Caption } from './caption.ts'
import { FONT, INK, svgDocument } from './svg.ts'

/** What we use of ECharts. Its own types name files without suffixes, which NodeNext finds nothing by. */
interface ECharts {
  use(parts: readonly unknown[]): void
  init(element: null, theme: null, options: object): Canvas
}
interface Canvas {
  setOption(option: object): void
  renderToSVGString(): string
  dispose(): void
}

const echarts = core as unknown as ECharts
const { CustomChart, LineChart } = charts as Readonly<Record<string, unknown>>
const { GridComponent, LegendComponent } = components as Readonly<Record<string, unknown>>
const { SVGRenderer } = renderers as Readonly<Record<string, unknown>>
echarts.use([CustomChart, LineChart, GridComponent, LegendComponent, SVGRenderer])

const WIDTH = 1000
const PLOT_HEIGHT = 520
const MARGIN = 24
const LETTERS = 14

/** A chart with axes under its caption, drawn without a browser. The same data give the same bytes. */
export function chart(caption: Caption, option: object, height = PLOT_HEIGHT): string {
  const width = WIDTH - 2 * MARGIN
  const top = MARGIN + captionHeight(caption, width, LETTERS) + LETTERS
  const canvas = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    canvas.setOption({
      animation: false,
      textStyle: { fontFamily: FONT, fontSize: LETTERS, color: INK },
      grid: { left: 78, right: 24, top: 40, bottom: 64 },
      ...option,
    })
    const drawn = withoutTraces(canvas.renderToSVGString())
    const placed = drawn.replace('<svg ', `<svg x="${MARGIN}" y="${Math.round(top)}" `)
    return svgDocument(WIDTH, Math.round(top) + height + MARGIN, caption.heading, [
      ...drawCaption(caption, MARGIN, MARGIN, width, LETTERS),
      placed,
    ])
  } finally {
    canvas.dispose()
  }
}

/**
 * ECharts numbers charts and styles over the life of the process, and a picture must not know how many came before it.
 * Its styles are for pointers over a living chart: they go with their numbers.
 */
function withoutTraces(svg: string): string {
  return svg
    .replaceAll(/<style[\s\S]*?<\/style>/g, '')
    .replaceAll(/ (class|ecmeta_\w+)="[^"]*"/g, '')
    .replaceAll(/\bzr\d+-/g, 'chart-')
}

/** A value axis with its quantity and unit in the middle beside it. */
export function axis(name: string, gap: number) {
  return {
    ...({ type: 'value', nameLocation: 'middle' } as const),
    ...{ name, nameGap: gap, scale: true },
    nameTextStyle: { fontSize: LETTERS, color: INK },
    axisLabel: { fontSize: LETTERS - 1, color: INK, hideOverlap: true },
    axisLine: { show: true, onZero: false, lineStyle: { color: INK } },
    axisTick: { show: true },
    splitLine: { lineStyle: { color: '#e5e7eb' } },
  }
}
