// From optical power to a converter's code. The same operations in the same order as ../reference/detection.ts.

import { angleKey, cosineOf, directions, pairsOf, radiusKey, sineOf, squaredLength, words } from './noise'

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

export const AS_READINGS: i32 = 0
export const AS_CODES: i32 = 1
const OVER_RANGE_CODE: f32 = 32767

/** What a detector makes of a power before its noise: gain · power + dark. */
@inline
export function quietReading(detector: usize, power: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load32_splat(detector, GAIN), power), v128.load32_splat(detector, DARK))
}

/** Length of the noise's pair, with the variance of this reading: √((shot · reading + thermal) · squared length). */
@inline
export function noiseLength(detector: usize, quiet: v128, squared: v128): v128 {
  const shot = f32x4.mul(v128.load32_splat(detector, SHOT), quiet)
  const variance = f32x4.add(shot, v128.load32_splat(detector, THERMAL))
  return f32x4.sqrt(f32x4.mul(f32x4.pmax(f32x4.splat(0), variance), squared))
}

/** What a detector reports of a power, its noise along a sine or a cosine. */
@inline
export function reading(detector: usize, power: v128, squared: v128, along: v128): v128 {
  const quiet = quietReading(detector, power)
  return f32x4.add(quiet, f32x4.mul(noiseLength(detector, quiet, squared), along))
}

@inline
export function codeOf(detector: usize, reading: v128): v128 {
  return f32x4.floor(f32x4.add(f32x4.mul(reading, v128.load32_splat(detector, INVERSE_STEP)), f32x4.splat(0.5)))
}

@inline
export function isOver(detector: usize, code: v128): v128 {
  return f32x4.gt(code, v128.load32_splat(detector, TOP_CODE))
}

/** Of eight samples the first `valid` that are over range. */
@inline
export function countOver(lower: v128, upper: v128, valid: i32): i32 {
  if (!v128.any_true(v128.or(lower, upper))) return 0
  const bits = i32x4.bitmask(lower) | (i32x4.bitmask(upper) << 4)
  return popcnt(bits & (valid < 8 ? (1 << valid) - 1 : 255))
}

@inline
export function storeCodes(out: usize, lower: v128, upper: v128, lowerOver: v128, upperOver: v128): void {
  const over = f32x4.splat(OVER_RANGE_CODE)
  v128.store(
    out,
    i16x8.narrow_i32x4_s(
      i32x4.trunc_sat_f32x4_s(v128.bitselect(over, lower, lowerOver)),
      i32x4.trunc_sat_f32x4_s(v128.bitselect(over, upper, upperOver)),
    ),
  )
}

/** One detector's share of a decoded sample: code · weight + offset, an over-range code counting as the top one. */
@inline
export function decoded(detector: usize, code: v128): v128 {
  const clipped = f32x4.pmin(code, v128.load32_splat(detector, TOP_CODE))
  return f32x4.add(f32x4.mul(clipped, v128.load32_splat(detector, WEIGHT)), v128.load32_splat(detector, OFFSET))
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
  as: i32,
): i32 {
  let over = 0
  for (let d = 0; d < count; d++, detectors += DETECTOR_BYTES, keys += 4) {
    const radius = radiusKey(load<i32>(keys), counterHigh)
    const radiusLanes = i32x4.splat(radius)
    const angleLanes = i32x4.splat(angleKey(radius))
    const from = powers + ((<usize>d * stride) << 2)
    const to = out + ((<usize>d * stride) << (as == AS_CODES ? 1 : 2))
    for (let row = 0; row < rows; row += 8) {
      const at = <usize>row << 2
      const lower = f32x4.mul(v128.load(from + at), v128.load(factors + at))
      const upper = f32x4.mul(v128.load(from + at, 16), v128.load(factors + at, 16))
      const pairs = pairsOf(counterLow + row)
      const word = words(radiusLanes, pairs)
      const squared = squaredLength(word)
      const direction = directions(angleLanes, word)
      const lowerReading = reading(detectors, lower, squared, cosineOf(direction))
      const upperReading = reading(detectors, upper, squared, sineOf(direction))
      const lowerCode = codeOf(detectors, lowerReading)
      const upperCode = codeOf(detectors, upperReading)
      const lowerOver = isOver(detectors, lowerCode)
      const upperOver = isOver(detectors, upperCode)
      over += countOver(lowerOver, upperOver, rows - row)
      if (as == AS_CODES) storeCodes(to + (<usize>row << 1), lowerCode, upperCode, lowerOver, upperOver)
      else {
        v128.store(to + at, lowerReading)
        v128.store(to + at, upperReading, 16)
      }
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
): void {
  const radius = radiusKey(key, counterHigh)
  const radiusLanes = i32x4.splat(radius)
  const angleLanes = i32x4.splat(angleKey(radius))
  const one = f32x4.splat(1)
  const sigmas = f32x4.splat(sigma)
  for (let row = 0; row < rows; row += 8, out += 32) {
    const pairs = pairsOf(counterLow + row)
    const word = words(radiusLanes, pairs)
    const length = f32x4.mul(sigmas, f32x4.sqrt(squaredLength(word)))
    const direction = directions(angleLanes, word)
    v128.store(out, f32x4.add(one, f32x4.mul(length, cosineOf(direction))))
    v128.store(out, f32x4.add(one, f32x4.mul(length, sineOf(direction))), 16)
  }
}
