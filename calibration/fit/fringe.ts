import { bestFrequency } from './best-frequency.ts'

/** One channel of a fringe: mean + cos·cos(k·x) + sin·sin(k·x). */
export interface FringeChannel {
  readonly mean: number
  readonly cos: number
  readonly sin: number
}

export interface SharedFringe {
  /** The k that all channels share: rad per unit of x. */
  readonly radPerX: number
  /** Standard error of it, from what the fit leaves. */
  readonly radPerXSigma: number
  readonly channels: readonly FringeChannel[]
  /** Root mean square of what the fit leaves, in units of the channels. */
  readonly rmsResidual: number
  /** Root mean square of the fitted oscillation over all points: without it there is no fringe. */
  readonly rmsAmplitude: number
  /** Root mean square of the channels themselves. */
  readonly rmsSignal: number
}

/**
 * Fits one frequency to many channels at once; means and amplitudes follow by linear least squares.
 *
 * Shapes: `x` is [points], at least 4 of them; `channels` is [channel][point]. The frequency is looked for in `range`.
 */
export function fitSharedFringe(
  x: Float64Array,
  channels: readonly Float64Array[],
  range: { readonly min: number; readonly max: number },
): SharedFringe {
  const k = bestFrequency(range, (tried) => explainedBy(tried, x, channels))
  return describe(k, x, channels)
}

interface Basis {
  /** Orthonormal rows that span 1, cos, sin; [3][point] */
  readonly rows: readonly Float64Array[]
  readonly cos: Float64Array
  readonly sin: Float64Array
}

function basisAt(k: number, x: Float64Array): Basis {
  const cos = x.map((value) => Math.cos(k * value))
  const sin = x.map((value) => Math.sin(k * value))
  const rows: Float64Array[] = []
  for (const candidate of [new Float64Array(x.length).fill(1), cos, sin]) {
    const rest = Float64Array.from(candidate)
    for (let pass = 0; pass < 2; pass++) {
      for (const row of rows) {
        const share = dot(row, rest)
        for (let i = 0; i < rest.length; i++) rest[i]! -= share * row[i]!
      }
    }
    const norm = Math.sqrt(dot(rest, rest))
    if (norm > 1e-9) rows.push(rest.map((value) => value / norm))
  }
  return { rows, cos, sin }
}

function explainedBy(k: number, x: Float64Array, channels: readonly Float64Array[]): number {
  const { rows } = basisAt(k, x)
  let sum = 0
  for (const channel of channels) for (const row of rows) sum += dot(row, channel) ** 2
  return sum
}

function describe(radPerX: number, x: Float64Array, channels: readonly Float64Array[]): SharedFringe {
  const { rows, cos, sin } = basisAt(radPerX, x)
  let [residual, oscillation, signal, slope] = [0, 0, 0, 0]
  const fitted = channels.map((channel) => {
    const one = solveThree(cos, sin, channel)
    for (let i = 0; i < x.length; i++) {
      const wave = one.cos * cos[i]! + one.sin * sin[i]!
      residual += (channel[i]! - one.mean - wave) ** 2
    }
    // The wave at the points, not its amplitudes: they grow without limit where points are two to a turn.
    for (const row of rows.slice(1)) oscillation += dot(row, channel) ** 2
    signal += dot(channel, channel)
    // A change of frequency that mean, cosine and sine can follow shows nothing.
    const moved = x.map((value, i) => value * (one.sin * cos[i]! - one.cos * sin[i]!))
    slope += dot(moved, moved) - rows.reduce((sum, row) => sum + dot(row, moved) ** 2, 0)
    return one
  })
  const values = channels.length * x.length
  return {
    radPerX,
    radPerXSigma: Math.sqrt(residual / Math.max(1, values - 3 * channels.length - 1) / slope),
    channels: fitted,
    rmsResidual: Math.sqrt(residual / values),
    rmsAmplitude: Math.sqrt(oscillation / values),
    rmsSignal: Math.sqrt(signal / values),
  }
}

/** Normal equations of mean, cos and sin. */
function solveThree(cos: Float64Array, sin: Float64Array, y: Float64Array): FringeChannel {
  const n = y.length
  const [sc, ss, sy] = [sum(cos), sum(sin), sum(y)]
  const [cc, cs, s2] = [dot(cos, cos), dot(cos, sin), dot(sin, sin)]
  const [cy, ysin] = [dot(cos, y), dot(sin, y)]
  const det = n * (cc * s2 - cs * cs) - sc * (sc * s2 - cs * ss) + ss * (sc * cs - cc * ss)
  const mean = (sy * (cc * s2 - cs * cs) - sc * (cy * s2 - cs * ysin) + ss * (cy * cs - cc * ysin)) / det
  const c = (n * (cy * s2 - cs * ysin) - sy * (sc * s2 - cs * ss) + ss * (sc * ysin - cy * ss)) / det
  const s = (n * (cc * ysin - cs * cy) - sc * (sc * ysin - cy * ss) + sy * (sc * cs - cc * ss)) / det
  return { mean, cos: c, sin: s }
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0)

function dot(left: Float64Array, right: Float64Array): number {
  let total = 0
  for (let i = 0; i < left.length; i++) total += left[i]! * right[i]!
  return total
}
