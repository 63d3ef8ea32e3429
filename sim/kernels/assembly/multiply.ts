// Plain float32 product C = A·B. The same operations in the same order as ../reference/multiply.ts.

import { fourByEight } from './dots'

/** Terms and rows whose blocks stay in the cache. */
const TERMS_AT_ONCE: i32 = 384
const ROWS_AT_ONCE: i32 = 64

/** B [inner][stride] becomes [column / 8][inner][8]; missing columns are 0. */
export function packColumns(b: usize, stride: i32, inner: i32, columns: i32, packed: usize): void {
  for (let column = 0; column < columns; column += 8) {
    const width = min(8, columns - column)
    const to = packed + ((<usize>(column >> 3) * inner) << 5)
    for (let k = 0; k < inner; k++) {
      const from = b + ((<usize>k * stride + column) << 2)
      const at = to + (<usize>k << 5)
      if (width == 8) {
        v128.store(at, v128.load(from))
        v128.store(at, v128.load(from, 16), 16)
      } else {
        for (let j = 0; j < 8; j++) {
          const value: f32 = j < width ? load<f32>(from + (<usize>j << 2)) : 0
          store<f32>(at + (<usize>j << 2), value)
        }
      }
    }
  }
}

/**
 * `rows` rows of C [row][cStride] from A [row][aStride] and packed B. `scratch` holds a block of C and one of A.
 */
export function multiply(
  a: usize,
  aStride: i32,
  packed: usize,
  c: usize,
  cStride: i32,
  rows: i32,
  inner: i32,
  columns: i32,
  scratch: usize,
): void {
  const block = scratch
  const weights = scratch + 128
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const height = min(ROWS_AT_ONCE, rows - row)
    for (let k = 0; k < inner; k += TERMS_AT_ONCE) {
      const terms = min(TERMS_AT_ONCE, inner - k)
      packRows(a + ((<usize>row * aStride + k) << 2), aStride, height, terms, weights)
      for (let column = 0; column < columns; column += 8) {
        const width = min(8, columns - column)
        const samples = packed + ((<usize>(column >> 3) * inner + k) << 5)
        for (let r = 0; r < height; r += 4) {
          const to = c + ((<usize>(row + r) * cStride + column) << 2)
          const four = min(4, height - r)
          const rowsOfA = weights + ((<usize>r * terms) << 2)
          if (k == 0) fourByEight(rowsOfA, samples, terms, block, 32, true)
          else {
            copyBlock(to, cStride, block, 8, four, width)
            fourByEight(rowsOfA, samples, terms, block, 32, false)
          }
          copyBlock(block, 8, to, cStride, four, width)
        }
      }
    }
  }
}

/** A's rows become [row / 4][term][4]; missing rows are 0. */
function packRows(a: usize, stride: i32, rows: i32, terms: i32, packed: usize): void {
  for (let row = 0; row < ((rows + 3) & ~3); row++) {
    const from = a + ((<usize>row * stride) << 2)
    const to = packed + ((<usize>(row & ~3) * terms) << 2) + (<usize>(row & 3) << 2)
    for (let k = 0; k < terms; k++) {
      const value: f32 = row < rows ? load<f32>(from + (<usize>k << 2)) : 0
      store<f32>(to + (<usize>k << 4), value)
    }
  }
}

@inline
function copyBlock(from: usize, fromStride: i32, to: usize, toStride: i32, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    const source = from + ((<usize>r * fromStride) << 2)
    const target = to + ((<usize>r * toStride) << 2)
    if (columns == 8) {
      v128.store(target, v128.load(source))
      v128.store(target, v128.load(source, 16), 16)
    } else for (let j: usize = 0; j < <usize>columns; j++) store<f32>(target + (j << 2), load<f32>(source + (j << 2)))
  }
}
