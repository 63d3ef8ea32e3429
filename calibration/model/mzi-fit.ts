import { fitLeastSquares } from '../fit/least-squares.ts'
import type { LeastSquaresProblem, NormalEquations } from '../fit/least-squares.ts'
import { mziModel, mziScratch } from './mzi-model.ts'

/** What one setting did to one MZI: D·T_s·T_0⁻¹·D⁻¹ with D = diag(ratio, 1), and what its heaters got. */
export interface MziChange {
  /** re and im of 11, 12, 21, 22. */
  readonly seen: Float64Array
  /** V² of both heaters above the base setting, and the phases their neighbours added. */
  readonly thetaV2: number
  readonly phiV2: number
  readonly thetaGivenRad: number
  readonly phiGivenRad: number
}

export interface FittedMzi {
  /** Phase of θ at the base setting, 0 up to 2π. */
  readonly thetaRad: number
  readonly thetaRadPerV2: number
  readonly phiRadPerV2: number
  readonly alpha: number
  readonly beta: number
  /** Of what light gets on its way from the upper output to what it gets from the lower one. */
  readonly logRatio: number
  readonly ratioRad: number
  /** How much more the neighbours gave than was thought, as a factor. */
  readonly givenFactor: number
  /** RMS of what the fit leaves of a matrix element. */
  readonly rmsResidual: number
}

/** Heaters of one chip are alike: their coefficient is sought so far from the nominal one, relative. */
const SPREAD = 0.3
const COEFFICIENT_STEPS = 30
const ANGLE_STEPS = 16
/** Noise and neighbours of one element, and how far splitters and port gains may be off; rad, or ln. */
const NOISE = 0.01
const PRIOR = { splitter: 0.05, logRatio: 0.05, givenFactor: 1 } as const
const FIT = { maxIterations: 20, tolerance: 1e-3, initialDamping: 1e-3 } as const

/**
 * Both phases of one MZI from what a handful of settings do to it.
 *
 * det(T_s·T_0⁻¹) = e^{i(δθ + δφ)} whatever the rest is: it gives the coefficients. The rest is fitted.
 */
export function fitMzi(changes: readonly MziChange[], nominalRadPerV2: number): FittedMzi {
  const [kTheta, kPhi] = coefficientsFrom(changes, nominalRadPerV2)
  let best = { sum: Infinity, start: new Float64Array(8) }
  const problem = new MziProblem(changes)
  for (let i = 0; i < ANGLE_STEPS; i++) {
    for (let j = 0; j < ANGLE_STEPS; j++) {
      const angle = (step: number): number => (2 * Math.PI * step) / ANGLE_STEPS
      const start = Float64Array.of(angle(i), kTheta, kPhi, 0, 0, 0, angle(j), 1)
      const sum = problem.evaluate(start)
      if (sum < best.sum) best = { sum, start }
    }
  }
  const { parameters, sumOfSquares } = fitLeastSquares(problem, best.start, FIT)
  const [theta, thetaRadPerV2, phiRadPerV2, alpha, beta, logRatio, ratioRad, givenFactor] =
    parameters as unknown as number[]
  return {
    thetaRad: theta! - 2 * Math.PI * Math.floor(theta! / (2 * Math.PI)),
    thetaRadPerV2: thetaRadPerV2!,
    phiRadPerV2: phiRadPerV2!,
    alpha: alpha!,
    beta: beta!,
    logRatio: logRatio!,
    ratioRad: ratioRad!,
    givenFactor: givenFactor!,
    rmsResidual: NOISE * Math.sqrt(sumOfSquares / (8 * changes.length)),
  }
}

function coefficientsFrom(changes: readonly MziChange[], nominal: number): readonly [number, number] {
  const turned = changes.map(({ seen, thetaGivenRad, phiGivenRad }) => {
    const [r11, i11, r12, i12, r21, i21, r22, i22] = seen as unknown as number[]
    const re = r11! * r22! - i11! * i22! - r12! * r21! + i12! * i21!
    const im = r11! * i22! + i11! * r22! - r12! * i21! - i12! * r21!
    return Math.atan2(im, re) - thetaGivenRad - phiGivenRad
  })
  let best = { score: -Infinity, theta: nominal, phi: nominal }
  const at = (step: number): number => nominal * (1 + SPREAD * ((2 * step) / COEFFICIENT_STEPS - 1))
  for (let i = 0; i <= COEFFICIENT_STEPS; i++) {
    for (let j = 0; j <= COEFFICIENT_STEPS; j++) {
      let score = 0
      for (const [s, { thetaV2, phiV2 }] of changes.entries()) {
        score += Math.cos(turned[s]! - at(i) * thetaV2 - at(j) * phiV2)
      }
      if (score > best.score) best = { score, theta: at(i), phi: at(j) }
    }
  }
  return [best.theta, best.phi]
}

/** Variables: θ, its coefficient, that of φ, α, β, ln and phase of the ratio, the neighbours' factor. */
class MziProblem implements LeastSquaresProblem {
  readonly #changes: readonly MziChange[]
  readonly #scratch = mziScratch()
  readonly #rows: number

  constructor(changes: readonly MziChange[]) {
    this.#changes = changes
    this.#rows = 8 * changes.length
  }

  evaluate(x: Float64Array, normal?: NormalEquations): number {
    const residuals = this.#residuals(x)
    let sum = 0
    for (const value of residuals) sum += value * value
    if (normal !== undefined) {
      const jacobian = new Float64Array(this.#rows * x.length)
      for (let p = 0; p < x.length; p++) {
        const step = p === 1 || p === 2 ? 1e-7 : 1e-5
        const moved = x.slice()
        moved[p]! += step
        for (const [row, value] of this.#residuals(moved).entries()) {
          jacobian[row * x.length + p] = (value - residuals[row]!) / step
        }
      }
      normal.add(jacobian, residuals, this.#rows)
    }
    for (const [p, mean, sigma] of [
      [3, 0, PRIOR.splitter],
      [4, 0, PRIOR.splitter],
      [5, 0, PRIOR.logRatio],
      [7, 1, PRIOR.givenFactor],
    ] as const) {
      const off = (x[p]! - mean) / sigma
      sum += off * off
      normal?.addDiagonal(p, 1 / sigma, off)
    }
    return sum
  }

  #residuals(x: Float64Array): Float64Array {
    const [theta, kTheta, kPhi, alpha, beta, logRatio, ratioRad, factor] = x as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    mziModel(theta, 0, alpha, beta, this.#scratch)
    const base = this.#scratch.value.slice()
    const residuals = new Float64Array(this.#rows)
    const gain = Math.exp(logRatio)
    const loss = Math.exp(-logRatio)
    const c = Math.cos(ratioRad)
    const s = Math.sin(ratioRad)
    for (const [k, change] of this.#changes.entries()) {
      const thetaRad = theta + kTheta * change.thetaV2 + factor * change.thetaGivenRad
      mziModel(thetaRad, kPhi * change.phiV2 + factor * change.phiGivenRad, alpha, beta, this.#scratch)
      const b = timesAdjoint(this.#scratch.value, base)
      // D·b·D⁻¹ turns and stretches only what is off the diagonal.
      const r12 = b[2]!
      const i12 = b[3]!
      const r21 = b[4]!
      const i21 = b[5]!
      b[2] = gain * (c * r12 - s * i12)
      b[3] = gain * (c * i12 + s * r12)
      b[4] = loss * (c * r21 + s * i21)
      b[5] = loss * (c * i21 - s * r21)
      for (let i = 0; i < 8; i++) residuals[8 * k + i] = (b[i]! - change.seen[i]!) / NOISE
    }
    return residuals
  }
}

/** a·b†, both 2×2. */
function timesAdjoint(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(8)
  for (let row = 0; row < 2; row++) {
    for (let column = 0; column < 2; column++) {
      let re = 0
      let im = 0
      for (let k = 0; k < 2; k++) {
        const p = 2 * (2 * row + k)
        const q = 2 * (2 * column + k)
        re += a[p]! * b[q]! + a[p + 1]! * b[q + 1]!
        im += a[p + 1]! * b[q]! - a[p]! * b[q + 1]!
      }
      out[2 * (2 * row + column)] = re
      out[2 * (2 * row + column) + 1] = im
    }
  }
  return out
}
