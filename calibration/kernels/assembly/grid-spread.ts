// A symmetric stencil over a grid of cells in float64: what every cell gets from those around it. The same operations in
// the same order as ../reference/grid-spread.ts; two cells of a column travel in one vector.

/**
 * `from`, `pair` and `to` are grids, columns `stride` cells apart, `margin` empty cells on every side. `weights`: one for each
 * distance in columns and rows, the same in all four quadrants: [columns apart × (reach + 1) + rows apart], 0 beyond
 * the reach. Columns may be computed one cell too far, into the margin.
 */
export function spread(
  from: usize,
  pair: usize,
  to: usize,
  columns: i32,
  rows: i32,
  stride: i32,
  margin: i32,
  reach: i32,
  weights: usize,
): void {
  const bytes = <usize>(rows + (rows & 1)) << 3
  for (let across = 0; across <= reach; across++) {
    const away = <usize>(across * stride) << 3
    for (let column = 0; column < columns; column++) {
      const first = <usize>((column + margin) * stride + margin) << 3
      const last = first + bytes
      for (let i = first; i < last; i += 16) {
        const value = across == 0 ? v128.load(from + i) : f64x2.add(v128.load(from + i + away), v128.load(from + i - away))
        v128.store(pair + i, value)
      }
      const row = weights + (<usize>(across * (reach + 1)) << 3)
      const own = v128.load64_splat(row)
      if (load<f64>(row) != 0) {
        for (let i = first; i < last; i += 16) {
          v128.store(to + i, f64x2.add(v128.load(to + i), f64x2.mul(own, v128.load(pair + i))))
        }
      }
      for (let along = 1; along <= reach; along++) {
        const at = row + (<usize>along << 3)
        if (load<f64>(at) == 0) continue
        const weight = v128.load64_splat(at)
        const apart = <usize>along << 3
        for (let i = first; i < last; i += 16) {
          const both = f64x2.add(v128.load(pair + i - apart), v128.load(pair + i + apart))
          v128.store(to + i, f64x2.add(v128.load(to + i), f64x2.mul(weight, both)))
        }
      }
    }
  }
}
