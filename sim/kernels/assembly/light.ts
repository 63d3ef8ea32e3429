// From numbers to light: scales, codes, fields. The same operations in the same order as ../reference/light.ts.

// Constants lie in memory: V8 builds four lanes of a number that stands in the code with three instructions.
/** Of an arc sine, highest power first; π/2; 1; ½; the largest code and the smallest; the sign. */
const NUMBERS: usize = memory.data<f32>([
  -0.0012628272, 0.0066712806, -0.017089793, 0.030893041, -0.05017471, 0.08897905, -0.2145988, 1.5707963, 1.5707964, 1,
  0.5, 127, -127, -0,
])
const HALF_TURN: usize = 8
const ONE: usize = 9
const HALF: usize = 10
const MAX_CODE: usize = 11
const MIN_CODE: usize = 12
const SIGN: usize = 13

@inline
function real(place: usize): v128 {
  return v128.load32_splat(NUMBERS + 4 * place)
}

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
  const size = f32x4.pmin(real(ONE), f32x4.abs(u))
  let p = f32x4.add(f32x4.mul(size, real(0)), real(1))
  p = f32x4.add(f32x4.mul(size, p), real(2))
  p = f32x4.add(f32x4.mul(size, p), real(3))
  p = f32x4.add(f32x4.mul(size, p), real(4))
  p = f32x4.add(f32x4.mul(size, p), real(5))
  p = f32x4.add(f32x4.mul(size, p), real(6))
  p = f32x4.add(f32x4.mul(size, p), real(7))
  const angle = f32x4.sub(real(HALF_TURN), f32x4.mul(f32x4.sqrt(f32x4.sub(real(ONE), size)), p))
  return v128.or(angle, v128.and(u, real(SIGN)))
}

@inline
function codesOf(u: v128, reach: v128, bias: v128, codesPerRad: v128): v128 {
  const drive = f32x4.mul(f32x4.sub(arcSine(f32x4.mul(u, reach)), bias), codesPerRad)
  const code = f32x4.floor(f32x4.add(drive, real(HALF)))
  return i32x4.trunc_sat_f32x4_s(f32x4.pmax(real(MIN_CODE), f32x4.pmin(real(MAX_CODE), code)))
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

@inline
function fieldOf(table: usize, code: usize): usize {
  return table + (<usize>(<i32>load<i8>(code) + 128) << 3)
}

/** Real parts, imaginary parts and their sums of the fields of four codes, `part` bytes apart. */
@inline
function storeFields(table: usize, code: usize, to: usize, part: usize): void {
  const early = v128.load64_lane(fieldOf(table, code + 1), v128.load64_zero(fieldOf(table, code)), 1)
  const late = v128.load64_lane(fieldOf(table, code + 3), v128.load64_zero(fieldOf(table, code + 2)), 1)
  const re = v128.shuffle<f32>(early, late, 0, 2, 4, 6)
  const im = v128.shuffle<f32>(early, late, 1, 3, 5, 7)
  v128.store(to, re)
  v128.store(to + part, im)
  v128.store(to + 2 * part, f32x4.add(re, im))
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
      const to = panel + (<usize>k << 5)
      storeFields(table, line, to, part)
      storeFields(table, line + 4, to + 16, part)
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
      for (const end = to + line; to < end; to += 16, code += 4) storeFields(table, code, to, part)
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
