// From numbers to light: scales, codes, fields. The same operations in the same order as ../reference/light.ts.

import { storeParts } from './layout'

const HALF_TURN: f32 = 1.5707964
const MAX_CODE: f32 = 127

/**
 * Largest magnitude of each row's `inputs` values, and its inverse; 0 and 0 for a dark row.
 * `values` is [row][stride]; rows beyond `rows` up to a multiple of eight become dark.
 */
export function rowScales(values: usize, stride: i32, inputs: i32, rows: i32, scales: usize, inverses: usize): void {
  const padded = (rows + 7) & ~7
  for (let row = 0; row < padded; row++) {
    let largest: f32 = 0
    if (row < rows) {
      const line = values + ((<usize>row * stride) << 2)
      let four = f32x4.splat(0)
      let k = 0
      for (; k + 4 <= inputs; k += 4) four = f32x4.pmax(four, f32x4.abs(v128.load(line + (<usize>k << 2))))
      largest = max(
        max(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)),
        max(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)),
      )
      for (; k < inputs; k++) largest = max(largest, abs(load<f32>(line + (<usize>k << 2))))
    }
    store<f32>(scales + (<usize>row << 2), largest)
    store<f32>(inverses + (<usize>row << 2), largest > 0 ? <f32>1 / largest : 0)
  }
}

/** Arc sine of four values, |u| ≤ 1: π/2 − √(1 − |u|) · polynomial, with the sign of u. */
@inline
function arcSine(u: v128): v128 {
  const size = f32x4.pmin(f32x4.splat(1), f32x4.abs(u))
  let p = f32x4.add(f32x4.mul(size, f32x4.splat(-0.0012628272)), f32x4.splat(0.0066712806))
  p = f32x4.add(f32x4.mul(size, p), f32x4.splat(-0.017089793))
  p = f32x4.add(f32x4.mul(size, p), f32x4.splat(0.030893041))
  p = f32x4.add(f32x4.mul(size, p), f32x4.splat(-0.05017471))
  p = f32x4.add(f32x4.mul(size, p), f32x4.splat(0.08897905))
  p = f32x4.add(f32x4.mul(size, p), f32x4.splat(-0.2145988))
  p = f32x4.add(f32x4.mul(size, p), f32x4.splat(1.5707963))
  const angle = f32x4.sub(f32x4.splat(HALF_TURN), f32x4.mul(f32x4.sqrt(f32x4.sub(f32x4.splat(1), size)), p))
  return v128.or(angle, v128.and(u, i32x4.splat(0x80000000)))
}

@inline
function codesOf(u: v128, reach: v128, bias: v128, codesPerRad: v128): v128 {
  const drive = f32x4.mul(f32x4.sub(arcSine(f32x4.mul(u, reach)), bias), codesPerRad)
  const code = f32x4.floor(f32x4.add(drive, f32x4.splat(0.5)))
  return i32x4.trunc_sat_f32x4_s(f32x4.pmax(f32x4.splat(-MAX_CODE), f32x4.pmin(f32x4.splat(MAX_CODE), code)))
}

/**
 * Values [row][stride] times their row's inverse scale become codes [input][codeStride]: the code whose field,
 * sin(code / codesPerRad + bias), is nearest to value · reach. `modulators` is [input][reach, bias, codesPerRad, 0].
 */
export function encode(
  values: usize,
  stride: i32,
  inputs: i32,
  rows: i32,
  inverses: usize,
  modulators: usize,
  codes: usize,
  codeStride: i32,
): void {
  for (let row = 0; row < rows; row += 4) {
    const from = values + ((<usize>row * stride) << 2)
    const inverse = v128.load(inverses + (<usize>row << 2))
    const valid = rows - row
    const line: usize = <usize>stride << 2
    for (let k = 0; k < inputs; k++) {
      const at = from + (<usize>k << 2)
      let u = v128.load32_zero(at)
      if (valid > 1) u = v128.load32_lane(at + line, u, 1)
      if (valid > 2) u = v128.load32_lane(at + 2 * line, u, 2)
      if (valid > 3) u = v128.load32_lane(at + 3 * line, u, 3)
      const modulator = modulators + (<usize>k << 4)
      const code = codesOf(
        f32x4.mul(u, inverse),
        v128.load32_splat(modulator),
        v128.load32_splat(modulator, 4),
        v128.load32_splat(modulator, 8),
      )
      const words = i16x8.narrow_i32x4_s(code, code)
      store<i32>(
        codes + <usize>k * codeStride + row,
        i32x4.extract_lane(i8x16.narrow_i16x8_s(words, words), 0),
      )
    }
  }
}

/**
 * Codes [input][codeStride] become panels [row / 8][3][input][8]: real part, imaginary part and their sum of the field
 * that `fields` [input][256][re, im] holds for code + 128.
 */
export function fieldPanels(codes: usize, codeStride: i32, inputs: i32, rows: i32, fields: usize, panels: usize): void {
  const part = <usize>inputs << 5
  for (let row = 0; row < rows; row += 8) {
    const panel = panels + <usize>(row >> 3) * (3 * part)
    for (let k = 0; k < inputs; k++) {
      const line = codes + <usize>k * codeStride + row
      const table = fields + (<usize>k << 11)
      let to = panel + (<usize>k << 5)
      for (let sample: usize = 0; sample < 8; sample++, to += 4) {
        const field = table + (<usize>(<i32>load<i8>(line + sample) + 128) << 3)
        const re = load<f32>(field)
        const im = load<f32>(field, 4)
        store<f32>(to, re)
        store<f32>(to + part, im)
        store<f32>(to + 2 * part, re + im)
      }
    }
  }
}

/** As `fieldPanels`, but blocks of `width` rows [3][input][row]; the last is as wide as it must be. */
export function codeBlocks(
  codes: usize,
  codeStride: i32,
  inputs: i32,
  rows: i32,
  fields: usize,
  blocks: usize,
  width: i32,
): void {
  const padded = (rows + 7) & ~7
  for (let first = 0; first < padded; first += width) {
    const line = <usize>min(width, padded - first) << 2
    const part = <usize>inputs * line
    let to = blocks
    for (let k = 0; k < inputs; k++) {
      const table = fields + (<usize>k << 11)
      let code = codes + <usize>k * codeStride + first
      for (const end = to + line; to < end; to += 4, code++) {
        const field = table + (<usize>(<i32>load<i8>(code) + 128) << 3)
        storeParts(to, part, load<f32>(field), load<f32>(field, 4))
      }
    }
    blocks += 3 * part
  }
}

/** As `fieldPanels`, for light detected as powers: panels [row / 8][input][8], `powers` [input][256]. */
export function powerPanels(codes: usize, codeStride: i32, inputs: i32, rows: i32, powers: usize, panels: usize): void {
  for (let row = 0; row < rows; row += 8) {
    const panel = panels + ((<usize>(row >> 3) * inputs) << 5)
    for (let k = 0; k < inputs; k++) {
      const line = codes + <usize>k * codeStride + row
      const table = powers + (<usize>k << 10)
      const to = panel + (<usize>k << 5)
      for (let sample: usize = 0; sample < 8; sample++) {
        store<f32>(to + (sample << 2), load<f32>(table + (<usize>(<i32>load<i8>(line + sample) + 128) << 2)))
      }
    }
  }
}
