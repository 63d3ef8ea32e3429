// A tile of weights, its light, its detectors and its converters in one pass.
// The same operations in the same order as ../reference/capture.ts.

import { codeOf, countOver, decoded, DETECTOR_BYTES, isOver, reading, storeCodes } from './detection'
import { fourByEight } from './dots'
import { angleKey, cosineOf, directions, pairsOf, radiusKey, sineOf, squaredLength, words } from './noise'

const AS_FIELDS: i32 = 0
const AS_POWERS: i32 = 1
const AS_CODES: i32 = 2
const AS_SUM: i32 = 3
/** Rows whose panels stay in the cache while all outputs pass over them. */
const ROWS_AT_ONCE: i32 = 64
/** Bytes of their products at one output, and of one of three products at four. */
const LINE: usize = 4 * ROWS_AT_ONCE
const PART: usize = 4 * LINE

/** What the next capture detects with, and where it leaves its samples. An instance, so a thread, has its own. */
let factors: usize = 0
let scales: usize = 0
let detectors: usize = 0
/** [output][plus, minus][radius key, angle key] of this upper word. */
let keys: usize = 0
/** What is multiplied and not yet detected, behind the keys. */
let products: usize = 0
let out: usize = 0
let stride: usize = 0
let outputs: i32 = 0
let rows: i32 = 0
let counterLow: i32 = 0

/** Shapes are in ../kernel-engine.ts. */
export function setCapture(
  toScratch: usize,
  toFactors: usize,
  toScales: usize,
  toDetectors: usize,
  toKeys: usize,
  toOut: usize,
  outStride: i32,
  outputCount: i32,
  rowCount: i32,
  low: i32,
  high: i32,
): void {
  factors = toFactors
  scales = toScales
  detectors = toDetectors
  keys = toScratch
  products = toScratch + <usize>outputCount * 16
  for (let d = 0; d < 2 * outputCount; d++) {
    const radius = radiusKey(load<i32>(toKeys + (<usize>d << 2)), high)
    store<i32>(keys + (<usize>d << 3), radius)
    store<i32>(keys + (<usize>d << 3), angleKey(radius), 4)
  }
  out = toOut
  stride = outStride
  outputs = outputCount
  rows = rowCount
  counterLow = low
}

@inline
function storeTwo(line: usize, first0: v128, first1: v128, second0: v128, second1: v128): void {
  const at = out + (line << 2)
  v128.store(at, first0)
  v128.store(at, first1, 16)
  v128.store(at + (stride << 2), second0)
  v128.store(at + (stride << 2), second1, 16)
}

/** What eight samples of the powers at a plus and a minus detector become. Returns over-range readings. */
@inline
function finish(mode: i32, output: i32, row: i32, plus0: v128, plus1: v128, minus0: v128, minus1: v128): i32 {
  const line = <usize>(2 * output) * stride + row
  if (mode == AS_POWERS) {
    storeTwo(line, plus0, plus1, minus0, minus1)
    return 0
  }
  const at = <usize>row << 2
  const plus = detectors + <usize>output * (2 * DETECTOR_BYTES)
  const minus = plus + DETECTOR_BYTES
  const factor0 = v128.load(factors + at)
  const factor1 = v128.load(factors + at, 16)
  const pairs = pairsOf(counterLow + row)
  const key = keys + (<usize>output << 4)

  const plusWord = words(v128.load32_splat(key), pairs)
  const plusSquared = squaredLength(plusWord)
  const plusDirection = directions(v128.load32_splat(key, 4), plusWord)
  const plusCode0 = codeOf(plus, reading(plus, f32x4.mul(plus0, factor0), plusSquared, cosineOf(plusDirection)))
  const plusCode1 = codeOf(plus, reading(plus, f32x4.mul(plus1, factor1), plusSquared, sineOf(plusDirection)))
  const plusOver0 = isOver(plus, plusCode0)
  const plusOver1 = isOver(plus, plusCode1)

  const minusWord = words(v128.load32_splat(key, 8), pairs)
  const minusSquared = squaredLength(minusWord)
  const minusDirection = directions(v128.load32_splat(key, 12), minusWord)
  const minusCode0 = codeOf(minus, reading(minus, f32x4.mul(minus0, factor0), minusSquared, cosineOf(minusDirection)))
  const minusCode1 = codeOf(minus, reading(minus, f32x4.mul(minus1, factor1), minusSquared, sineOf(minusDirection)))
  const minusOver0 = isOver(minus, minusCode0)
  const minusOver1 = isOver(minus, minusCode1)

  if (mode == AS_CODES) {
    storeCodes(out + (line << 1), plusCode0, plusCode1, plusOver0, plusOver1)
    storeCodes(out + ((line + stride) << 1), minusCode0, minusCode1, minusOver0, minusOver1)
  } else {
    const sum = out + ((<usize>output * stride + row) << 2)
    const signal0 = f32x4.add(decoded(plus, plusCode0), decoded(minus, minusCode0))
    const signal1 = f32x4.add(decoded(plus, plusCode1), decoded(minus, minusCode1))
    v128.store(sum, f32x4.add(v128.load(sum), f32x4.mul(signal0, v128.load(scales + at))))
    v128.store(sum, f32x4.add(v128.load(sum, 16), f32x4.mul(signal1, v128.load(scales + at, 16))), 16)
  }
  const valid = rows - row
  return countOver(plusOver0, plusOver1, valid) + countOver(minusOver0, minusOver1, valid)
}

/** Balanced detection: (|s|² + l²) / 2 ± Re(s) · l, of eight samples at one output. */
@inline
function beat(mode: i32, output: i32, row: i32, lo: usize, real: usize, part: usize): i32 {
  // Three real products make a complex one: Tr·xr, Ti·xi and (Tr + Ti)·(xr + xi).
  const imaginary = real + part
  const both = imaginary + part
  const real0 = v128.load(real)
  const real1 = v128.load(real, 16)
  const imaginary0 = v128.load(imaginary)
  const imaginary1 = v128.load(imaginary, 16)
  const re0 = f32x4.sub(real0, imaginary0)
  const re1 = f32x4.sub(real1, imaginary1)
  const im0 = f32x4.sub(f32x4.sub(v128.load(both), real0), imaginary0)
  const im1 = f32x4.sub(f32x4.sub(v128.load(both, 16), real1), imaginary1)
  if (mode == AS_FIELDS) {
    storeTwo(<usize>(2 * output) * stride + row, re0, re1, im0, im1)
    return 0
  }
  const half = f32x4.splat(0.5)
  const local = v128.load32_splat(lo + (<usize>output << 2))
  const localPower = f32x4.mul(local, local)
  const mean0 = f32x4.mul(f32x4.add(f32x4.add(f32x4.mul(re0, re0), f32x4.mul(im0, im0)), localPower), half)
  const mean1 = f32x4.mul(f32x4.add(f32x4.add(f32x4.mul(re1, re1), f32x4.mul(im1, im1)), localPower), half)
  const beat0 = f32x4.mul(re0, local)
  const beat1 = f32x4.mul(re1, local)
  return finish(
    mode,
    output,
    row,
    f32x4.add(mean0, beat0),
    f32x4.add(mean1, beat1),
    f32x4.sub(mean0, beat0),
    f32x4.sub(mean1, beat1),
  )
}

@inline
function beatsAs(mode: i32, output: i32, first: i32, last: i32, lo: usize, real: usize, part: usize): i32 {
  let over = 0
  for (let row = first; row < last; row += 8, real += 32) over += beat(mode, output, row, lo, real, part)
  return over
}

/** Samples `first` to `last` of one output, whose first product stands at `real` and the others `part` bytes on each. */
function beats(as: i32, output: i32, first: i32, last: i32, lo: usize, real: usize, part: usize): i32 {
  if (as == AS_SUM) return beatsAs(AS_SUM, output, first, last, lo, real, part)
  if (as == AS_CODES) return beatsAs(AS_CODES, output, first, last, lo, real, part)
  if (as == AS_POWERS) return beatsAs(AS_POWERS, output, first, last, lo, real, part)
  return beatsAs(AS_FIELDS, output, first, last, lo, real, part)
}

export function captureBalanced(as: i32, panels: usize, tile: usize, lo: usize, inputs: i32): i32 {
  let over = 0
  const sampleBytes = <usize>inputs << 5
  const weightBytes = <usize>inputs << 4
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    const last = min(first + ROWS_AT_ONCE, rows)
    for (let output = 0; output < outputs; output += 4) {
      const w = tile + <usize>(output >> 2) * (3 * weightBytes)
      for (let row = first; row < last; row += 8) {
        const x = panels + <usize>(row >> 3) * (3 * sampleBytes)
        const to = products + (<usize>(row - first) << 2)
        for (let part: usize = 0; part < 3; part++) {
          fourByEight(w + part * weightBytes, x + part * sampleBytes, inputs, to + part * PART, LINE, true)
        }
      }
      const end = min(output + 4, outputs)
      for (let each = output, at = products; each < end; each++, at += LINE) {
        over += beats(as, each, first, last, lo, at, PART)
      }
    }
  }
  return over
}

/** Samples `first` to `last` of products [3][output][line] that another library left in the scratch memory. */
export function captureProducts(as: i32, lo: usize, first: i32, last: i32, line: i32): i32 {
  let over = 0
  const bytes = <usize>line << 2
  for (let output = 0; output < outputs; output++) {
    over += beats(as, output, first, last, lo, products + <usize>output * bytes, <usize>outputs * bytes)
  }
  return over
}

@inline
function levelsAs(mode: i32, output: i32, first: i32, last: i32, plus: usize): i32 {
  let over = 0
  for (let row = first; row < last; row += 8, plus += 32) {
    const minus = plus + LINE
    over += finish(mode, output, row, v128.load(plus), v128.load(plus, 16), v128.load(minus), v128.load(minus, 16))
  }
  return over
}

/** Samples `first` to `last` of one output, whose plus and minus powers stand in two lines. */
function levels(as: i32, output: i32, first: i32, last: i32, plus: usize): i32 {
  if (as == AS_SUM) return levelsAs(AS_SUM, output, first, last, plus)
  if (as == AS_CODES) return levelsAs(AS_CODES, output, first, last, plus)
  return levelsAs(AS_POWERS, output, first, last, plus)
}

export function captureBanks(as: i32, panels: usize, tile: usize, inputs: i32): i32 {
  let over = 0
  const sampleBytes = <usize>inputs << 5
  const weightBytes = <usize>inputs << 4
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    const last = min(first + ROWS_AT_ONCE, rows)
    for (let output = 0; output < outputs; output += 2) {
      const w = tile + <usize>(output >> 1) * weightBytes
      for (let row = first; row < last; row += 8) {
        const x = panels + <usize>(row >> 3) * sampleBytes
        fourByEight(w, x, inputs, products + (<usize>(row - first) << 2), LINE, true)
      }
      const end = min(output + 2, outputs)
      for (let each = output, at = products; each < end; each++, at += 2 * LINE) {
        over += levels(as, each, first, last, at)
      }
    }
  }
  return over
}
