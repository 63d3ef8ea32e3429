import type { MziKind } from '../../core/mesh-design.ts'
import { mziModel, mziScratch } from './mzi-model.ts'
import type { Complex2x2 } from './mzi-model.ts'

/** What is known of an MZI's couplers: errors of the two splitters on π/4, and the angle of a coupler in front of φ. */
export interface Splitters {
  readonly alphaRad: number
  readonly betaRad: number
  /** Undefined: none. About π/4 for a third splitter, π/2 for a crossing. */
  readonly thirdRad?: number
}

/** An MZI as it is drawn. */
export function perfectSplitters(kind: MziKind): Splitters {
  const perfect = { alphaRad: 0, betaRad: 0 }
  switch (kind) {
    case 'plain':
      return perfect
    case 'three-splitter':
      return { ...perfect, thirdRad: Math.PI / 4 }
    case 'crossing':
      return { ...perfect, thirdRad: Math.PI / 2 }
  }
}

/** How an MZI is set, and what its outputs then lack of the target: target = diag(e^{i·upper}, e^{i·lower}) · T. */
export interface MatchedMzi {
  /** 0…π. */
  readonly thetaRad: number
  /** −π…π; 0 where light goes straight or crosses entirely, and any φ will do. */
  readonly phiRad: number
  readonly upperRad: number
  readonly lowerRad: number
  /** T as it is set, third coupler included. */
  readonly made: Complex2x2
}

/** Amplitudes of a unitary below this are taken for the rounding that they are. */
const NOTHING = 1e-15
const scratch = mziScratch()

/**
 * Sets an imperfect MZI so that it does what a unitary 2×2 asks for, up to phases of its outputs.
 *
 * T = B(θ) · diag(e^{iφ}, 1) · coupler(third), |B11|² = sin²(θ/2)·cos²(α−β) + cos²(θ/2)·sin²(α+β). What is asked of
 * B is the target without the third coupler; where it is out of reach θ stops at 0 or π, the nearest there is.
 *
 * Source: Bandyopadhyay, Hamerly and Englund, Optica 8, 1247 (2021). Both squares are made from what is small by
 * itself, so that nearly straight and nearly crossed light keep all their digits.
 */
export function matchMzi(target: Complex2x2, { alphaRad, betaRad, thirdRad }: Splitters): MatchedMzi {
  const wanted = thirdRad === undefined ? target : coupled(target, -thirdRad)
  const [ar, ai, br, bi] = wanted as unknown as [number, number, number, number]
  const straight = ar * ar + ai * ai - Math.sin(alphaRad + betaRad) ** 2
  const crossed = br * br + bi * bi - Math.sin(alphaRad - betaRad) ** 2
  const thetaRad = 2 * Math.atan2(Math.sqrt(Math.max(0, straight)), Math.sqrt(Math.max(0, crossed)))
  mziModel(thetaRad, 0, alphaRad, betaRad, scratch)
  const made = scratch.value.slice()
  const free = Math.hypot(ar, ai) < NOTHING || Math.hypot(br, bi) < NOTHING
  const phiRad = free ? 0 : turnBetween(wanted, made, 0) - turnBetween(wanted, made, 2)
  turn(made, [0, 4], phiRad)
  const upperRad = rowTurn(wanted, made, 0)
  const lowerRad = rowTurn(wanted, made, 4)
  return {
    thetaRad,
    phiRad: Math.atan2(Math.sin(phiRad), Math.cos(phiRad)),
    upperRad,
    lowerRad,
    made: thirdRad === undefined ? made : coupled(made, thirdRad),
  }
}

/** t · coupler(angle), the coupler [[cos, i sin], [i sin, cos]]. */
function coupled(t: Complex2x2, angleRad: number): Complex2x2 {
  const [c, s] = [Math.cos(angleRad), Math.sin(angleRad)]
  const out = new Float64Array(8)
  for (let row = 0; row < 8; row += 4) {
    const [lr, li, rr, ri] = [t[row]!, t[row + 1]!, t[row + 2]!, t[row + 3]!]
    out[row] = c * lr - s * ri
    out[row + 1] = c * li + s * rr
    out[row + 2] = c * rr - s * li
    out[row + 3] = c * ri + s * lr
  }
  return out
}

/** Phase of an element of `to` against that of `from`. */
function turnBetween(to: Complex2x2, from: Complex2x2, at: number): number {
  const [tr, ti, fr, fi] = [to[at]!, to[at + 1]!, from[at]!, from[at + 1]!]
  return Math.atan2(ti * fr - tr * fi, tr * fr + ti * fi)
}

/** The phase by which a row of `from` comes nearest to that of `to`. */
function rowTurn(to: Complex2x2, from: Complex2x2, row: number): number {
  let [re, im] = [0, 0]
  for (let at = row; at < row + 4; at += 2) {
    re += to[at]! * from[at]! + to[at + 1]! * from[at + 1]!
    im += to[at + 1]! * from[at]! - to[at]! * from[at + 1]!
  }
  return Math.atan2(im, re)
}

/** Turns elements of a 2×2 by a phase. */
export function turn(t: Complex2x2, elements: readonly number[], phaseRad: number): void {
  const [c, s] = [Math.cos(phaseRad), Math.sin(phaseRad)]
  for (const at of elements) {
    const [re, im] = [t[at]!, t[at + 1]!]
    t[at] = re * c - im * s
    t[at + 1] = re * s + im * c
  }
}
