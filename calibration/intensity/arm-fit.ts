import type { ComplexVector } from './complex-vectors.ts'

/** State of light on two waveguides: the arm that a heater turns, in the terms of an interferometer's outputs. */
export interface Arm {
  /** Unit vector of two complex numbers. */
  readonly state: ComplexVector
  readonly radPerV2: number
  /** Root mean square of what is left, in units of the readings. */
  readonly rms: number
  /** The same of the best arm that is another one; infinite where all ways led to the first. */
  readonly rivalRms: number
}

/** What one heater's few settings showed. */
export interface ArmReadings {
  /** Beyond the base setting. */
  readonly voltagesSquared: readonly number[]
  /** [setting] of [lit, output], in units of the base. */
  readonly powers: readonly Float64Array[]
  /** [lit] column of the base matrix. */
  readonly base: readonly ComplexVector[]
  /** What the two outputs bring to all outputs of the chip. */
  readonly left: readonly [ComplexVector, ComplexVector]
  /** [lit] light of each input at both outputs. */
  readonly right: readonly ComplexVector[]
}

export interface ArmOptions {
  /** The middle of what the heater may turn by, and how far off it usually is (σ, relative). */
  readonly nominalRadPerV2: number
  readonly spread: number
  /** An arm between two splitters has half of the light: how far its share may be off (σ); none where any share may be. */
  readonly halfSigma: number | undefined
  /** Standard deviation of one reading, of what the model leaves out included. */
  readonly noise: number
}

const POLAR_STEPS = 8
const AZIMUTH_STEPS = 16
const KEPT_STARTS = 6
const ROUNDS = 12
const STEP = 1e-5

/**
 * Finds which arm a heater turns: M_ij → M_ij + (e^{iδ} − 1)·(l_i·u)·(u†·r_j), δ = k·V², all but u and k known.
 *
 * Two numbers and a frequency from all outputs and a few settings: a grid over the sphere of states, then Gauss–Newton.
 */
export function fitArm(readings: ArmReadings, options: ArmOptions): Arm {
  const starts: { u: State; cost: number }[] = []
  const polars =
    options.halfSigma === undefined
      ? Array.from({ length: POLAR_STEPS }, (_, i) => (Math.PI * (i + 0.5)) / POLAR_STEPS)
      : [Math.PI / 2]
  for (const polar of polars) {
    for (let i = 0; i < AZIMUTH_STEPS; i++) {
      const u = stateAt(polar, (2 * Math.PI * i) / AZIMUTH_STEPS)
      starts.push({ u, cost: sumOf(residuals(readings, options, u, options.nominalRadPerV2)) })
    }
  }
  starts.sort((left, right) => left.cost - right.cost)
  const apart: State[] = []
  for (const { u } of starts) {
    if (apart.length < KEPT_STARTS && apart.every((other) => sameness(u, other) < SAME_START)) apart.push(u)
  }
  const found = apart.map((u) => refine(readings, options, u)).sort((left, right) => left.cost - right.cost)
  const best = found[0]!
  const rival = found.find(({ u }) => sameness(u, best.u) < SAME_ARM)
  const values = readings.powers.reduce((sum, { length }) => sum + length, 0)
  const rmsOf = (cost: number): number => options.noise * Math.sqrt(cost / values)
  const [ar, ai, br, bi] = best.u
  return {
    state: { re: Float64Array.of(ar, br), im: Float64Array.of(ai, bi) },
    radPerV2: best.k,
    rms: rmsOf(best.cost),
    rivalRms: rival === undefined ? Infinity : rmsOf(rival.cost),
  }
}

/** |u†·v|²: starts that are nearer than this lead to one place, and arms that are less alike are different ones. */
const SAME_START = 0.9
const SAME_ARM = 0.9

function sameness([ar, ai, br, bi]: State, [cr, ci, dr, di]: State): number {
  const re = ar * cr + ai * ci + br * dr + bi * di
  const im = ar * ci - ai * cr + br * di - bi * dr
  return re * re + im * im
}

/** re, im of both numbers. */
type State = readonly [number, number, number, number]

const stateAt = (polar: number, azimuth: number): State => [
  Math.cos(polar / 2),
  0,
  Math.sin(polar / 2) * Math.cos(azimuth),
  Math.sin(polar / 2) * Math.sin(azimuth),
]

/** u + (x + iy)·u⊥, of length one. */
function moved([ar, ai, br, bi]: State, x: number, y: number): State {
  // u⊥ = (−b*, a*)
  const [pr, pi, qr, qi] = [-br, bi, ar, -ai]
  const next = [ar + x * pr - y * pi, ai + x * pi + y * pr, br + x * qr - y * qi, bi + x * qi + y * qr]
  const norm = Math.hypot(...next)
  return [next[0]! / norm, next[1]! / norm, next[2]! / norm, next[3]! / norm]
}

function refine(readings: ArmReadings, options: ArmOptions, start: State): { u: State; k: number; cost: number } {
  let u = start
  let k = options.nominalRadPerV2
  let left = residuals(readings, options, u, k)
  let cost = sumOf(left)
  let damping = 1e-3
  for (let round = 0; round < ROUNDS; round++) {
    const at = (x: number, y: number, z: number): Float64Array =>
      residuals(readings, options, moved(u, x, y), k * (1 + z))
    const slopes = [at(STEP, 0, 0), at(0, STEP, 0), at(0, 0, STEP)].map((values) =>
      values.map((value, i) => (value - left[i]!) / STEP),
    )
    const step = solveThree(slopes, left, damping)
    const tried = moved(u, step[0], step[1])
    const triedK = k * (1 + step[2])
    const next = residuals(readings, options, tried, triedK)
    const nextCost = sumOf(next)
    if (!(nextCost < cost)) {
      damping *= 10
      continue
    }
    damping /= 5
    const gain = (cost - nextCost) / cost
    ;[u, k, left, cost] = [tried, triedK, next, nextCost]
    if (gain < 1e-4) break
  }
  return { u, k, cost }
}

function residuals(
  { voltagesSquared, powers, base, left, right }: ArmReadings,
  { nominalRadPerV2, spread, halfSigma, noise }: ArmOptions,
  [ar, ai, br, bi]: State,
  k: number,
): Float64Array {
  const [top, bottom] = left
  const outputs = top.re.length
  const out = new Float64Array(voltagesSquared.length * base.length * outputs + 2)
  let at = 0
  for (const [s, v2] of voltagesSquared.entries()) {
    const [tr, ti] = [Math.cos(k * v2) - 1, Math.sin(k * v2)]
    for (const [l, column] of base.entries()) {
      const { re, im } = right[l]!
      // u†·r, turned by the heater
      const wr = ar * re[0]! + ai * im[0]! + br * re[1]! + bi * im[1]!
      const wi = ar * im[0]! - ai * re[0]! + br * im[1]! - bi * re[1]!
      const [cr, ci] = [tr * wr - ti * wi, tr * wi + ti * wr]
      for (let i = 0; i < outputs; i++) {
        const lr = top.re[i]! * ar - top.im[i]! * ai + bottom.re[i]! * br - bottom.im[i]! * bi
        const li = top.re[i]! * ai + top.im[i]! * ar + bottom.re[i]! * bi + bottom.im[i]! * br
        const x = column.re[i]! + cr * lr - ci * li
        const y = column.im[i]! + cr * li + ci * lr
        out[at++] = (x * x + y * y - powers[s]![l * outputs + i]!) / noise
      }
    }
  }
  out[at++] = (k / nominalRadPerV2 - 1) / spread
  if (halfSigma !== undefined) out[at] = (ar * ar + ai * ai - 0.5) / halfSigma
  return out
}

/** −(JᵀJ + λ·diag)⁻¹·Jᵀr of three variables. */
function solveThree(
  slopes: readonly Float64Array[],
  left: Float64Array,
  damping: number,
): readonly [number, number, number] {
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  const h = slopes.map((a, i) => slopes.map((b, j) => dot(a, b) * (i === j ? 1 + damping : 1) + (i === j ? 1e-12 : 0)))
  const g = slopes.map((a) => -dot(a, left))
  const minor = (a: number, b: number, c: number, d: number): number => h[a]![c]! * h[b]![d]! - h[a]![d]! * h[b]![c]!
  const det = h[0]![0]! * minor(1, 2, 1, 2) - h[0]![1]! * minor(1, 2, 0, 2) + h[0]![2]! * minor(1, 2, 0, 1)
  const by = (column: number): number => {
    const m = h.map((row, i) => row.map((value, j) => (j === column ? g[i]! : value)))
    return (
      m[0]![0]! * (m[1]![1]! * m[2]![2]! - m[1]![2]! * m[2]![1]!) -
      m[0]![1]! * (m[1]![0]! * m[2]![2]! - m[1]![2]! * m[2]![0]!) +
      m[0]![2]! * (m[1]![0]! * m[2]![1]! - m[1]![1]! * m[2]![0]!)
    )
  }
  return [by(0) / det, by(1) / det, by(2) / det]
}

const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0)
