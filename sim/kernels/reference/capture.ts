import type { Capture } from '../kernel-engine.ts'
import { codeOf, decoded, DETECTOR_FLOATS, isOver, keptCode, padded, reading } from './detection.ts'
import { angleKey, radiusKey } from './noise.ts'

const f = Math.fround

/** Σ weights[term][of `lanes`] · samples[term][8], terms in ascending order. */
function dot(weights: Float32Array, weight: number, samples: Float32Array, sample: number, terms: number): number {
  let sum = 0
  for (let k = 0; k < terms; k++) sum = f(sum + f(weights[weight + 4 * k]! * samples[sample + 8 * k]!))
  return sum
}

export function captureBalanced(capture: Capture): number {
  const { panels, tile, lo, inputs, outputs, rows, as, out, stride } = capture
  let over = 0
  for (let output = 0; output < outputs; output++) {
    const local = lo[output]!
    const localPower = f(local * local)
    for (let row = 0; row < padded(rows); row++) {
      const [w, x] = [(output >> 2) * 12 * inputs + (output & 3), (row >> 3) * 24 * inputs + (row & 7)]
      const real = dot(tile, w, panels, x, inputs)
      const imaginary = dot(tile, w + 4 * inputs, panels, x + 8 * inputs, inputs)
      const both = dot(tile, w + 8 * inputs, panels, x + 16 * inputs, inputs)
      const [re, im] = [f(real - imaginary), f(f(both - real) - imaginary)]
      if (as === 'fields') {
        out[2 * output * stride + row] = re
        out[(2 * output + 1) * stride + row] = im
        continue
      }
      const mean = f(f(f(f(re * re) + f(im * im)) + localPower) * 0.5)
      const beat = f(re * local)
      over += finish(capture, output, row, f(mean + beat), f(mean - beat))
    }
  }
  return over
}

export function captureBanks(capture: Capture): number {
  const { panels, tile, inputs, outputs, rows } = capture
  let over = 0
  for (let output = 0; output < outputs; output++) {
    for (let row = 0; row < padded(rows); row++) {
      const [w, x] = [(output >> 1) * 4 * inputs + 2 * (output & 1), (row >> 3) * 8 * inputs + (row & 7)]
      const plus = dot(tile, w, panels, x, inputs)
      const minus = dot(tile, w + 1, panels, x, inputs)
      over += finish(capture, output, row, plus, minus)
    }
  }
  return over
}

function finish(capture: Capture, output: number, row: number, plus: number, minus: number): number {
  const { as, out, stride, factors, scales, detectors, keys, counterLow, counterHigh } = capture
  const line = 2 * output * stride + row
  if (as === 'powers') {
    out[line] = plus
    out[line + stride] = minus
    return 0
  }
  let [over, signal] = [0, 0]
  for (const [sign, power] of [plus, minus].entries()) {
    const at = (2 * output + sign) * DETECTOR_FLOATS
    const radius = radiusKey(keys[2 * output + sign]!, counterHigh)
    const counter = (counterLow + row) | 0
    const value = reading(detectors, at, f(power * factors[row]!), radius, angleKey(radius), counter)
    const code = codeOf(detectors, at, value)
    if (row < capture.rows && isOver(detectors, at, code)) over++
    if (as === 'codes') out[line + sign * stride] = keptCode(detectors, at, code)
    else signal = sign === 0 ? decoded(detectors, at, code) : f(signal + decoded(detectors, at, code))
  }
  if (as === 'sum') out[output * stride + row]! += f(signal * scales[row]!)
  return over
}
