const f = Math.fround

export function packColumns(
  b: Float32Array,
  stride: number,
  inner: number,
  columns: number,
  packed: Float32Array,
): void {
  for (let column = 0; column < ((columns + 7) & ~7); column++) {
    for (let k = 0; k < inner; k++) {
      packed[(column >> 3) * 8 * inner + 8 * k + (column & 7)] = column < columns ? b[k * stride + column]! : 0
    }
  }
}

export function multiply(
  a: Float32Array,
  aStride: number,
  packed: Float32Array,
  c: Float32Array,
  cStride: number,
  rows: number,
  inner: number,
  columns: number,
  _scratch: Float32Array,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const samples = (column >> 3) * 8 * inner + (column & 7)
      let sum = 0
      for (let k = 0; k < inner; k++) sum = f(sum + f(a[row * aStride + k]! * packed[samples + 8 * k]!))
      c[row * cStride + column] = sum
    }
  }
}
