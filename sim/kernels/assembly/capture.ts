// A tile of weights, its light, its detectors and its converters in one pass.
// The same operations in the same order as ../reference/capture.ts.

import { addDecoded, codesOf, decode, DETECTOR_BYTES, ONE_HALF } from './detection'
import { fourByEight } from './dots'
import { angleKey, drawNoise, NOISE_BYTES, NOISE_ROWS, radiusKey } from './noise'

const AS_FIELDS: i32 = 0
const AS_POWERS: i32 = 1
const AS_CODES: i32 = 2
/** Rows whose panels stay in the cache while all outputs pass over them. */
const ROWS_AT_ONCE: i32 = 64
/** Bytes of their products at one output, and of one of three products at four. */
const LINE: usize = 4 * ROWS_AT_ONCE
const PART: usize = 4 * LINE
/** Bytes of the powers at one detector. */
const POWERS: usize = 4 * NOISE_ROWS

/** What the next capture detects with, and where it leaves its samples. An instance, so a thread, has its own. */
let factors: usize = 0
let scales: usize = 0
let detectors: usize = 0
let keys: usize = 0
let noise: usize = 0
/** Powers at a plus and a minus detector, behind the noise, and what is multiplied and not yet detected. */
let powers: usize = 0
let products: usize = 0
let out: usize = 0
let stride: usize = 0
let outputs: i32 = 0
let rows: i32 = 0
let counterLow: i32 = 0
let counterHigh: i32 = 0

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
  keys = toKeys
  noise = toScratch
  powers = toScratch + NOISE_BYTES
  products = powers + 2 * POWERS
  out = toOut
  stride = outStride
  outputs = outputCount
  rows = rowCount
  counterLow = low
  counterHigh = high
}

function draw(detector: i32, first: i32, count: i32): void {
  const radius = radiusKey(load<i32>(keys + (<usize>detector << 2)), counterHigh)
  drawNoise(noise, radius, angleKey(radius), counterLow + first, count)
}

/**
 * What samples `first` to `last` of one output become, whose powers at its plus and its minus detector (or whose fields'
 * real and imaginary parts) stand in two lines. Returns over-range readings.
 */
function finish(as: i32, output: i32, first: i32, last: i32, plus: usize, minus: usize): i32 {
  const count = last - first
  const line = <usize>(2 * output) * stride + first
  if (as <= AS_POWERS) {
    const bytes = <usize>((count + 7) & ~7) << 2
    memory.copy(out + (line << 2), plus, bytes)
    memory.copy(out + ((line + stride) << 2), minus, bytes)
    return 0
  }
  const detector = detectors + <usize>output * (2 * DETECTOR_BYTES)
  const factor = factors + (<usize>first << 2)
  draw(2 * output, first, count)
  if (as == AS_CODES) {
    const over = codesOf(detector, plus, factor, noise, out + (line << 1), count)
    draw(2 * output + 1, first, count)
    return over + codesOf(detector + DETECTOR_BYTES, minus, factor, noise, out + ((line + stride) << 1), count)
  }
  const over = decode(detector, plus, factor, noise, count)
  draw(2 * output + 1, first, count)
  const sum = out + ((<usize>output * stride + first) << 2)
  const scale = scales + (<usize>first << 2)
  return over + addDecoded(detector + DETECTOR_BYTES, minus, factor, noise, sum, count, plus, scale)
}

/**
 * Three real products Tr·xr, Ti·xi and (Tr + Ti)·(xr + xi) of eight samples make a complex one, s; with a local
 * oscillator also the powers (|s|² + l²) / 2 ± Re(s) · l.
 */
@inline
function beat(asFields: bool, local: v128, half: v128, real: usize, part: usize, to: usize): void {
  const imaginary = real + part
  const both = imaginary + part
  const real0 = v128.load(real)
  const imaginary0 = v128.load(imaginary)
  const re = f32x4.sub(real0, imaginary0)
  const im = f32x4.sub(f32x4.sub(v128.load(both), real0), imaginary0)
  if (asFields) {
    v128.store(to, re)
    v128.store(to, im, POWERS)
    return
  }
  const power = f32x4.add(f32x4.add(f32x4.mul(re, re), f32x4.mul(im, im)), f32x4.mul(local, local))
  const mean = f32x4.mul(power, half)
  const beat = f32x4.mul(re, local)
  v128.store(to, f32x4.add(mean, beat))
  v128.store(to, f32x4.sub(mean, beat), POWERS)
}

/** Samples `first` to `last` of one output, whose first product stands at `real` and the others `part` bytes on each. */
function beats(as: i32, output: i32, first: i32, last: i32, lo: usize, real: usize, part: usize): i32 {
  const local = v128.load32_splat(lo + (<usize>output << 2))
  const half = v128.load32_splat(ONE_HALF)
  let to = powers
  for (const end = to + (<usize>(last - first) << 2); to < end; to += 32, real += 32) {
    if (as == AS_FIELDS) {
      beat(true, local, half, real, part, to)
      beat(true, local, half, real + 16, part, to + 16)
    } else {
      beat(false, local, half, real, part, to)
      beat(false, local, half, real + 16, part, to + 16)
    }
  }
  return finish(as, output, first, last, powers, powers + POWERS)
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

/** Samples `first` to `last` of products [3][of `part`][line] that another library has left, the first outputs' first. */
export function captureProducts(as: i32, lo: usize, left: usize, line: i32, part: i32, first: i32, last: i32): i32 {
  let over = 0
  const bytes = <usize>line << 2
  for (let output = 0; output < outputs; output++, left += bytes) {
    over += beats(as, output, first, last, lo, left, <usize>part * bytes)
  }
  return over
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
        over += finish(as, each, first, last, at, at + LINE)
      }
    }
  }
  return over
}
