export function largest(from: Float64Array, count: number): number {
  let most = 0
  for (let i = 0; i < count; i++) most = Math.max(most, Math.abs(from[i]!))
  return most
}

export function scaleLines(
  from: Float64Array,
  lines: number,
  count: number,
  factor: number,
  to: Float32Array,
  stride: number,
): void {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < count; i++) to[line * stride + i] = from[line * count + i]! * factor
  }
}

export function rowsOfSums(
  sums: Float32Array,
  stride: number,
  columns: number,
  rows: number,
  negative: number,
  scale: number,
  factor: number,
  out: Float64Array,
): void {
  for (let row = 0; row < ((rows + 3) & ~3); row++) {
    for (let column = 0; column < columns; column++) {
      const at = column * stride + row
      const sum = negative === 0 ? sums[at]! : sums[at]! - sums[at + negative]!
      out[row * columns + column] = sum * scale * factor
    }
  }
}
