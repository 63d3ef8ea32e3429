import { fitLeastSquares } from '../fit/least-squares.ts'
import type { LeastSquaresProblem, NormalEquations } from '../fit/least-squares.ts'

/** What one setting did to the light of one waveguide between the meshes, as a factor, and what its heaters got. */
export interface AttenuatorChange {
  readonly re: number
  readonly im: number
  readonly thetaV2: number
  readonly phiV2: number
  readonly thetaGivenRad: number
  readonly phiGivenRad: number
}

export interface FittedAttenuator {
  /** Phase of θ at the base setting. */
  readonly thetaRad: number
  readonly thetaRadPerV2: number
  readonly phiRadPerV2: number
}

const SPREAD = 0.3
const STEPS = 30
const NOISE = 0.01
const FIT = { maxIterations: 20, tolerance: 1e-3, initialDamping: 1e-3 } as const

/** e^{iδφ}·(1 + e^{iθ})/(1 + e^{iθ_0}), fitted from where the fringes put it and from all coefficients near the nominal. */
export function fitAttenuator(
  changes: readonly AttenuatorChange[],
  nominal: { readonly thetaRad: number; readonly radPerV2: number },
): FittedAttenuator {
  const problem = new AttenuatorProblem(changes)
  const at = (step: number): number => nominal.radPerV2 * (1 + SPREAD * ((2 * step) / STEPS - 1))
  let best = { sum: Infinity, start: new Float64Array(3) }
  for (let i = 0; i <= STEPS; i++) {
    for (let j = 0; j <= STEPS; j++) {
      const start = Float64Array.of(nominal.thetaRad, at(i), at(j))
      const sum = problem.evaluate(start)
      if (sum < best.sum) best = { sum, start }
    }
  }
  const [thetaRad, thetaRadPerV2, phiRadPerV2] = fitLeastSquares(problem, best.start, FIT)
    .parameters as unknown as number[]
  return { thetaRad: thetaRad!, thetaRadPerV2: thetaRadPerV2!, phiRadPerV2: phiRadPerV2! }
}

class AttenuatorProblem implements LeastSquaresProblem {
  readonly #changes: readonly AttenuatorChange[]

  constructor(changes: readonly AttenuatorChange[]) {
    this.#changes = changes
  }

  evaluate(x: Float64Array, normal?: NormalEquations): number {
    const residuals = this.#residuals(x)
    if (normal !== undefined) {
      const jacobian = new Float64Array(residuals.length * 3)
      for (let p = 0; p < 3; p++) {
        const step = p === 0 ? 1e-5 : 1e-7
        const moved = x.slice()
        moved[p]! += step
        for (const [row, value] of this.#residuals(moved).entries()) {
          jacobian[row * 3 + p] = (value - residuals[row]!) / step
        }
      }
      normal.add(jacobian, residuals, residuals.length)
    }
    return residuals.reduce((sum, value) => sum + value * value, 0)
  }

  #residuals(x: Float64Array): Float64Array {
    const [theta, kTheta, kPhi] = x as unknown as [number, number, number]
    // (1 + e^{iθ}) = 2·cos(θ/2)·e^{iθ/2}
    const open = Math.cos(theta / 2)
    const residuals = new Float64Array(2 * this.#changes.length)
    for (const [k, change] of this.#changes.entries()) {
      const moved = theta + kTheta * change.thetaV2 + change.thetaGivenRad
      const level = Math.cos(moved / 2) / open
      const phase = kPhi * change.phiV2 + change.phiGivenRad + (moved - theta) / 2
      residuals[2 * k] = (level * Math.cos(phase) - change.re) / NOISE
      residuals[2 * k + 1] = (level * Math.sin(phase) - change.im) / NOISE
    }
    return residuals
  }
}
