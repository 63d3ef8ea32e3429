import { padded } from './detection.ts'

export function packTile(
  re: Float32Array,
  im: Float32Array,
  outputs: number,
  inputs: number,
  tile: Float32Array,
): void {
  const part = 4 * inputs
  for (let output = 0; output < ((outputs + 3) & ~3); output++) {
    for (let k = 0; k < inputs; k++) {
      const [r, i] = output < outputs ? [re[output * inputs + k]!, im[output * inputs + k]!] : [0, 0]
      const to = (output >> 2) * 3 * part + 4 * k + (output & 3)
      tile[to] = r
      tile[to + part] = i
      tile[to + 2 * part] = r + i
    }
  }
}

export function packBanks(
  plus: Float32Array,
  minus: Float32Array,
  outputs: number,
  inputs: number,
  tile: Float32Array,
): void {
  for (let output = 0; output < ((outputs + 1) & ~1); output++) {
    for (let k = 0; k < inputs; k++) {
      const to = (output >> 1) * 4 * inputs + 4 * k + 2 * (output & 1)
      tile[to] = output < outputs ? plus[output * inputs + k]! : 0
      tile[to + 1] = output < outputs ? minus[output * inputs + k]! : 0
    }
  }
}

export function packFields(
  re: Float32Array,
  im: Float32Array,
  stride: number,
  inputs: number,
  rows: number,
  panels: Float32Array,
): void {
  const part = 8 * inputs
  for (let row = 0; row < padded(rows); row++) {
    for (let k = 0; k < inputs; k++) {
      const [r, i] = [re[k * stride + row]!, im[k * stride + row]!]
      const to = (row >> 3) * 3 * part + 8 * k + (row & 7)
      panels[to] = r
      panels[to + part] = i
      panels[to + 2 * part] = r + i
    }
  }
}

export function transpose(
  from: Float32Array,
  fromStride: number,
  rows: number,
  columns: number,
  to: Float32Array,
  toStride: number,
): void {
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) to[c * toStride + r] = from[r * fromStride + c]!
}

export function copyLines(
  from: Float32Array,
  fromStride: number,
  lines: number,
  count: number,
  to: Float32Array,
  toStride: number,
): void {
  for (let line = 0; line < lines; line++) {
    to.set(from.subarray(line * fromStride, line * fromStride + count), line * toStride)
  }
}
