// From optical power to a converter's code. The same operations in the same order as ../reference/detection.ts.

import { angleKey, COSINES, drawNoise, GROUP, NOISE_ROWS, radiusKey, SINES } from './noise'

/** Bytes of one detector: gain, dark, shot, thermal, inverse step, top code, weight, offset. */
export const DETECTOR_BYTES: usize = 32
const GAIN: usize = 0
const DARK: usize = 4
const SHOT: usize = 8
const THERMAL: usize = 12
const INVERSE_STEP: usize = 16
const TOP_CODE: usize = 20
const WEIGHT: usize = 24
const OFFSET: usize = 28

const AS_READINGS: i32 = 0
const AS_CODES: i32 = 1
const AS_DECODED: i32 = 2
const AS_SUM: i32 = 3
const OVER_RANGE_CODE: f32 = 32767
/** In memory: V8 would build four lanes of it in each round of a loop. */
export const ONE_HALF: usize = memory.data<f32>([0.5])

/** Of eight samples the first `valid` that are over range. */
@inline
function countOver(lower: v128, upper: v128, valid: i32): i32 {
  if (!v128.any_true(v128.or(lower, upper))) return 0
  const bits = i32x4.bitmask(lower) | (i32x4.bitmask(upper) << 4)
  return popcnt(bits & (valid < 8 ? (1 << valid) - 1 : 255))
}

@inline
function storeCodes(out: usize, lower: v128, upper: v128, lowerOver: v128, upperOver: v128): void {
  const over = f32x4.splat(OVER_RANGE_CODE)
  v128.store(
    out,
    i16x8.narrow_i32x4_s(
      i32x4.trunc_sat_f32x4_s(v128.bitselect(over, lower, lowerOver)),
      i32x4.trunc_sat_f32x4_s(v128.bitselect(over, upper, upperOver)),
    ),
  )
}

/**
 * What a line of powers becomes at one detector, whose noise is drawn, for the first `rows` samples: its readings, its
 * codes, its share of the decoded samples, or with the share of another detector at `others` a term of `out`.
 * Returns how many readings were over range.
 */
@inline
function detectAs(
  as: i32,
  detector: usize,
  powers: usize,
  factors: usize,
  noise: usize,
  out: usize,
  rows: i32,
  others: usize,
  scales: usize,
): i32 {
  const gain = v128.load32_splat(detector, GAIN)
  const dark = v128.load32_splat(detector, DARK)
  const shot = v128.load32_splat(detector, SHOT)
  const thermal = v128.load32_splat(detector, THERMAL)
  const inverseStep = v128.load32_splat(detector, INVERSE_STEP)
  const top = v128.load32_splat(detector, TOP_CODE)
  const weight = v128.load32_splat(detector, WEIGHT)
  const offset = v128.load32_splat(detector, OFFSET)
  const half = v128.load32_splat(ONE_HALF)
  const none = f32x4.splat(0)
  let over = 0
  for (let row = 0; row < rows; row += 8, noise += GROUP) {
    const at = <usize>row << 2
    const squared = v128.load(noise)
    // A reading is gain · power + dark, and √((shot · that + thermal) · length²) along a cosine or a sine.
    const quiet0 = f32x4.add(f32x4.mul(gain, f32x4.mul(v128.load(powers + at), v128.load(factors + at))), dark)
    const quiet1 = f32x4.add(f32x4.mul(gain, f32x4.mul(v128.load(powers + at, 16), v128.load(factors + at, 16))), dark)
    const variance0 = f32x4.pmax(none, f32x4.add(f32x4.mul(shot, quiet0), thermal))
    const variance1 = f32x4.pmax(none, f32x4.add(f32x4.mul(shot, quiet1), thermal))
    const length0 = f32x4.sqrt(f32x4.mul(variance0, squared))
    const length1 = f32x4.sqrt(f32x4.mul(variance1, squared))
    const reading0 = f32x4.add(quiet0, f32x4.mul(length0, v128.load(noise, COSINES)))
    const reading1 = f32x4.add(quiet1, f32x4.mul(length1, v128.load(noise, SINES)))
    const code0 = f32x4.floor(f32x4.add(f32x4.mul(reading0, inverseStep), half))
    const code1 = f32x4.floor(f32x4.add(f32x4.mul(reading1, inverseStep), half))
    const over0 = f32x4.gt(code0, top)
    const over1 = f32x4.gt(code1, top)
    over += countOver(over0, over1, rows - row)
    if (as == AS_READINGS) {
      v128.store(out + at, reading0)
      v128.store(out + at, reading1, 16)
    } else if (as == AS_CODES) storeCodes(out + (<usize>row << 1), code0, code1, over0, over1)
    else {
      // An over-range code counts as the top one.
      const share0 = f32x4.add(f32x4.mul(f32x4.pmin(code0, top), weight), offset)
      const share1 = f32x4.add(f32x4.mul(f32x4.pmin(code1, top), weight), offset)
      if (as == AS_DECODED) {
        v128.store(out + at, share0)
        v128.store(out + at, share1, 16)
      } else {
        const signal0 = f32x4.mul(f32x4.add(v128.load(others + at), share0), v128.load(scales + at))
        const signal1 = f32x4.mul(f32x4.add(v128.load(others + at, 16), share1), v128.load(scales + at, 16))
        v128.store(out + at, f32x4.add(v128.load(out + at), signal0))
        v128.store(out + at, f32x4.add(v128.load(out + at, 16), signal1), 16)
      }
    }
  }
  return over
}

function readingsOf(detector: usize, powers: usize, factors: usize, noise: usize, out: usize, rows: i32): i32 {
  return detectAs(AS_READINGS, detector, powers, factors, noise, out, rows, 0, 0)
}

export function codesOf(detector: usize, powers: usize, factors: usize, noise: usize, out: usize, rows: i32): i32 {
  return detectAs(AS_CODES, detector, powers, factors, noise, out, rows, 0, 0)
}

/** In place of the powers. */
export function decode(detector: usize, powers: usize, factors: usize, noise: usize, rows: i32): i32 {
  return detectAs(AS_DECODED, detector, powers, factors, noise, powers, rows, 0, 0)
}

/** Adds what is decoded here and at another detector, times a scale a row. */
export function addDecoded(
  detector: usize,
  powers: usize,
  factors: usize,
  noise: usize,
  sums: usize,
  rows: i32,
  others: usize,
  scales: usize,
): i32 {
  return detectAs(AS_SUM, detector, powers, factors, noise, sums, rows, others, scales)
}

/**
 * Powers [detector][stride] of `rows` samples become readings (float32) or codes (int16) of the same shape.
 * Returns how many readings were over range.
 */
export function detect(
  powers: usize,
  factors: usize,
  detectors: usize,
  keys: usize,
  out: usize,
  count: i32,
  stride: i32,
  rows: i32,
  counterLow: i32,
  counterHigh: i32,
  asCodes: i32,
  noise: usize,
): i32 {
  let over = 0
  for (let d = 0; d < count; d++, detectors += DETECTOR_BYTES, keys += 4) {
    const radius = radiusKey(load<i32>(keys), counterHigh)
    const angle = angleKey(radius)
    for (let first = 0; first < rows; first += NOISE_ROWS) {
      const some = min(NOISE_ROWS, rows - first)
      drawNoise(noise, radius, angle, counterLow + first, some)
      const at = <usize>d * stride + first
      const power = powers + (at << 2)
      const factor = factors + (<usize>first << 2)
      if (asCodes) over += codesOf(detectors, power, factor, noise, out + (at << 1), some)
      else over += readingsOf(detectors, power, factor, noise, out + (at << 2), some)
    }
  }
  return over
}

/** 1 + sigma · normal for `rows` samples: the relative intensity noise of a laser, common to all it lights. */
export function intensityFactors(
  out: usize,
  rows: i32,
  sigma: f32,
  key: i32,
  counterLow: i32,
  counterHigh: i32,
  noise: usize,
): void {
  const radius = radiusKey(key, counterHigh)
  const angle = angleKey(radius)
  const one = f32x4.splat(1)
  const sigmas = f32x4.splat(sigma)
  for (let first = 0; first < rows; first += NOISE_ROWS) {
    const some = min(NOISE_ROWS, rows - first)
    drawNoise(noise, radius, angle, counterLow + first, some)
    let at = noise
    for (let row = 0; row < some; row += 8, out += 32, at += GROUP) {
      const length = f32x4.mul(sigmas, f32x4.sqrt(v128.load(at)))
      v128.store(out, f32x4.add(one, f32x4.mul(length, v128.load(at, COSINES))))
      v128.store(out, f32x4.add(one, f32x4.mul(length, v128.load(at, SINES))), 16)
    }
  }
}
