import { along, angleKey, radiusKey, squaredLength, wordOf } from './noise.ts'

/** Floats of one detector: gain, dark, shot, thermal, inverse step, top code, weight, offset. */
export const DETECTOR_FLOATS = 8
export const OVER_RANGE = 32767
const f = Math.fround

/** What one detector reports of one power. `radius` and `angle` are the keys of its noise. */
export function reading(
  detector: Float32Array,
  at: number,
  power: number,
  radius: number,
  angle: number,
  counter: number,
): number {
  const quiet = f(f(detector[at]! * power) + detector[at + 1]!)
  const variance = f(f(detector[at + 2]! * quiet) + detector[at + 3]!)
  const word = wordOf(radius, counter)
  const length = f(Math.sqrt(f((variance > 0 ? variance : 0) * squaredLength(word))))
  return f(quiet + f(length * along(angle, word, counter)))
}

export function codeOf(detector: Float32Array, at: number, value: number): number {
  return Math.floor(f(f(value * detector[at + 4]!) + f(0.5)))
}

export const isOver = (detector: Float32Array, at: number, code: number): boolean => code > detector[at + 5]!

/** A code as it is kept: 16 bits, 32767 standing for over range. */
export function keptCode(detector: Float32Array, at: number, code: number): number {
  if (isOver(detector, at, code)) return OVER_RANGE
  return Math.max(-32768, Math.min(OVER_RANGE, code))
}

/** One detector's share of a decoded sample; an over-range code counts as the top one. */
export function decoded(detector: Float32Array, at: number, code: number): number {
  const clipped = isOver(detector, at, code) ? detector[at + 5]! : code
  return f(f(clipped * detector[at + 6]!) + detector[at + 7]!)
}

export function detect(
  powers: Float32Array,
  factors: Float32Array,
  detectors: Float32Array,
  keys: Int32Array,
  out: Float32Array | Int16Array,
  count: number,
  stride: number,
  rows: number,
  counterLow: number,
  counterHigh: number,
  asCodes: number,
): number {
  let over = 0
  for (let d = 0; d < count; d++) {
    const at = d * DETECTOR_FLOATS
    const radius = radiusKey(keys[d]!, counterHigh)
    const angle = angleKey(radius)
    for (let row = 0; row < padded(rows); row++) {
      const power = f(powers[d * stride + row]! * factors[row]!)
      const value = reading(detectors, at, power, radius, angle, (counterLow + row) | 0)
      const code = codeOf(detectors, at, value)
      if (row < rows && isOver(detectors, at, code)) over++
      out[d * stride + row] = asCodes === 1 ? keptCode(detectors, at, code) : value
    }
  }
  return over
}

export function intensityFactors(
  out: Float32Array,
  rows: number,
  sigma: number,
  key: number,
  counterLow: number,
  counterHigh: number,
): void {
  const radius = radiusKey(key, counterHigh)
  const angle = angleKey(radius)
  for (let row = 0; row < padded(rows); row++) {
    const counter = (counterLow + row) | 0
    const word = wordOf(radius, counter)
    const length = f(f(sigma) * f(Math.sqrt(squaredLength(word))))
    out[row] = 1 + f(length * along(angle, word, counter))
  }
}

/** Samples are computed in groups of eight. */
export const padded = (rows: number): number => (rows + 7) & ~7
