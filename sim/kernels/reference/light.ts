import { padded } from './detection.ts'

const f = Math.fround
const HALF_TURN = f(1.5707964)
const ARC = [
  1.5707963, -0.2145988, 0.08897905, -0.05017471, 0.030893041, -0.017089793, 0.0066712806, -0.0012628272,
].map(f)

export function rowScales(
  values: Float32Array,
  stride: number,
  inputs: number,
  rows: number,
  scales: Float32Array,
  inverses: Float32Array,
): void {
  for (let row = 0; row < padded(rows); row++) {
    let largest = 0
    if (row < rows) for (let k = 0; k < inputs; k++) largest = Math.max(largest, Math.abs(values[row * stride + k]!))
    scales[row] = largest
    inverses[row] = largest > 0 ? 1 / largest : 0
  }
}

function arcSine(u: number): number {
  const size = Math.min(1, Math.abs(u))
  let p = ARC[7]!
  for (let power = 6; power >= 0; power--) p = f(f(size * p) + ARC[power]!)
  const angle = f(HALF_TURN - f(f(Math.sqrt(f(1 - size))) * p))
  return u < 0 || Object.is(u, -0) ? -angle : angle
}

export function encode(
  values: Float32Array,
  stride: number,
  inputs: number,
  rows: number,
  inverses: Float32Array,
  modulators: Float32Array,
  codes: Int8Array,
  codeStride: number,
): void {
  for (let row = 0; row < ((rows + 3) & ~3); row++) {
    for (let k = 0; k < inputs; k++) {
      const value = row < rows ? values[row * stride + k]! : 0
      const [reach, bias, codesPerRad] = [modulators[4 * k]!, modulators[4 * k + 1]!, modulators[4 * k + 2]!]
      const angle = arcSine(f(f(value * inverses[row]!) * reach))
      const code = Math.floor(f(f(f(angle - bias) * codesPerRad) + f(0.5)))
      codes[k * codeStride + row] = Math.max(-127, Math.min(127, code))
    }
  }
}

export function fieldPanels(
  codes: Int8Array,
  codeStride: number,
  inputs: number,
  rows: number,
  fields: Float32Array,
  panels: Float32Array,
): void {
  const part = 8 * inputs
  for (let row = 0; row < padded(rows); row++) {
    for (let k = 0; k < inputs; k++) {
      const field = 512 * k + 2 * (codes[k * codeStride + row]! + 128)
      const to = (row >> 3) * 3 * part + 8 * k + (row & 7)
      panels[to] = fields[field]!
      panels[to + part] = fields[field + 1]!
      panels[to + 2 * part] = fields[field]! + fields[field + 1]!
    }
  }
}

export function powerPanels(
  codes: Int8Array,
  codeStride: number,
  inputs: number,
  rows: number,
  powers: Float32Array,
  panels: Float32Array,
): void {
  for (let row = 0; row < padded(rows); row++) {
    for (let k = 0; k < inputs; k++) {
      panels[(row >> 3) * 8 * inputs + 8 * k + (row & 7)] = powers[256 * k + codes[k * codeStride + row]! + 128]!
    }
  }
}
