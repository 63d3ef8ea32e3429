/** Of ECharts' custom series: values of one item, and where they lie in pixels. */
interface ItemDrawing {
  value(dimension: number): number
  coord(point: readonly [number, number]): readonly [number, number]
}

/** One bar of a histogram, of a custom series with the values [left edge, right edge, height]. */
export function bar(_: unknown, item: ItemDrawing): object {
  const [left, top] = item.coord([item.value(0), item.value(2)])
  const [right, bottom] = item.coord([item.value(1), 0])
  return {
    type: 'rect',
    shape: { x: left, y: top, width: right - left, height: bottom - top },
    style: { fill: '#9cc3e6', stroke: '#3f6f9c', lineWidth: 1 },
  }
}
