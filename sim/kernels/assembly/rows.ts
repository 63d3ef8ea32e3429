// Rows of A in float64 on their way to float32 lines, and sums on their way back to rows of C. The same operations in the same
// order as ../reference/rows.ts.

/** Of `count` numbers, without sign. */
export function largest(from: usize, count: i32): f64 {
  let a = f64x2.splat(0)
  let b = a
  let i = 0
  for (; i + 4 <= count; i += 4, from += 32) {
    a = f64x2.pmax(a, f64x2.abs(v128.load(from)))
    b = f64x2.pmax(b, f64x2.abs(v128.load(from, 16)))
  }
  a = f64x2.pmax(a, b)
  let most = Math.max(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1))
  for (; i < count; i++, from += 8) most = Math.max(most, Math.abs(load<f64>(from)))
  return most
}

/** Lines of `count` float64 without gaps, times `factor`, become float32 lines [line][stride]. */
export function scaleLines(from: usize, lines: i32, count: i32, factor: f64, to: usize, stride: i32): void {
  const factors = f64x2.splat(factor)
  for (let line = 0; line < lines; line++) {
    let at = to + ((<usize>line * stride) << 2)
    let i = 0
    for (; i + 4 <= count; i += 4, from += 32, at += 16) {
      const a = f32x4.demote_f64x2_zero(f64x2.mul(v128.load(from), factors))
      const b = f32x4.demote_f64x2_zero(f64x2.mul(v128.load(from, 16), factors))
      v128.store(at, v128.shuffle<i64>(a, b, 0, 2))
    }
    for (; i < count; i++, from += 8, at += 4) store<f32>(at, <f32>(load<f64>(from) * factor))
  }
}

/**
 * Sums [column][stride], `rows` from the first on, become rows [row][column] of float64 without gaps: sum · scale · factor. Where
 * `negative` is not 0, what stands so many sums behind is taken off first. Whole fours of rows are written.
 */
export function rowsOfSums(
  sums: usize,
  stride: i32,
  columns: i32,
  rows: i32,
  negative: i32,
  scale: f64,
  factor: f64,
  out: usize,
): void {
  const line = <usize>stride << 2
  const width = <usize>columns << 3
  const off = <usize>negative << 2
  const scales = f64x2.splat(scale)
  const factors = f64x2.splat(factor)
  for (let row = 0; row < rows; row += 4, sums += 16, out += 4 * width) {
    let from = sums
    let to = out
    let column = 0
    for (; column + 2 <= columns; column += 2, from += 2 * line, to += 16) {
      const a = v128.load(from)
      const b = v128.load(from + line)
      let first = pair(a, b, 0)
      let second = pair(a, b, 1)
      let third = pair(a, b, 2)
      let fourth = pair(a, b, 3)
      if (negative != 0) {
        const c = v128.load(from + off)
        const d = v128.load(from + line + off)
        first = f64x2.sub(first, pair(c, d, 0))
        second = f64x2.sub(second, pair(c, d, 1))
        third = f64x2.sub(third, pair(c, d, 2))
        fourth = f64x2.sub(fourth, pair(c, d, 3))
      }
      v128.store(to, f64x2.mul(f64x2.mul(first, scales), factors))
      v128.store(to + width, f64x2.mul(f64x2.mul(second, scales), factors))
      v128.store(to + 2 * width, f64x2.mul(f64x2.mul(third, scales), factors))
      v128.store(to + 3 * width, f64x2.mul(f64x2.mul(fourth, scales), factors))
    }
    if (column == columns) continue
    for (let r: usize = 0; r < 4; r++) {
      let sum = <f64>load<f32>(from + (r << 2))
      if (negative != 0) sum -= <f64>load<f32>(from + off + (r << 2))
      store<f64>(to + r * width, sum * scale * factor)
    }
  }
}

/** The same row of two columns. */
@inline
function pair(a: v128, b: v128, row: u8): v128 {
  if (row == 0) return f64x2.promote_low_f32x4(v128.shuffle<f32>(a, b, 0, 4, 0, 4))
  if (row == 1) return f64x2.promote_low_f32x4(v128.shuffle<f32>(a, b, 1, 5, 1, 5))
  if (row == 2) return f64x2.promote_low_f32x4(v128.shuffle<f32>(a, b, 2, 6, 2, 6))
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(a, b, 3, 7, 3, 7))
}
