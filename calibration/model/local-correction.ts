import type { MziPlace } from '../../core/mesh-layout.ts'
import type { ClementsPhases } from './clements.ts'
import { matchMzi, turn } from './mzi-match.ts'
import type { Splitters } from './mzi-match.ts'
import { mziModel, mziScratch } from './mzi-model.ts'
import type { Complex2x2 } from './mzi-model.ts'

/** θ and φ of each MZI in the order of `meshPlaces`, and a screen of phases behind the mesh. */
export type MeshPhases = ClementsPhases

/**
 * Phases of imperfect MZIs for those of ideal plain ones, each MZI by itself: it does what the ideal one does up to
 * phases of its outputs, which the next ones and the screen take up. Exact where all is in reach, clipped where not.
 *
 * Source: Bandyopadhyay, Hamerly and Englund, Optica 8, 1247 (2021). Gauge as in `meshPhases`. O(N²).
 */
export function localCorrection(
  places: readonly MziPlace[],
  ideal: MeshPhases,
  splitters: readonly Splitters[],
): MeshPhases {
  const scratch = mziScratch()
  const targets = places.map(({ top }, mzi): Target => {
    mziModel(ideal.thetaRad[mzi]!, ideal.phiRad[mzi]!, 0, 0, scratch)
    return { mzi, top, matrix: scratch.value.slice() }
  })
  const thetaRad = new Float64Array(places.length)
  const phiRad = new Float64Array(places.length)
  const screenRad = new Float64Array(ideal.outputRad.length)
  followLight(targets, splitters, screenRad, { thetaRad, phiRad })
  const outputRad = screenRad.map((phase, port) => wrapped(phase + ideal.outputRad[port]!))
  return { thetaRad, phiRad: phiRad.map(wrapped), outputRad }
}

/** What an MZI has to do to the light of the waveguides `top` and `top + 1`. */
export interface Target {
  readonly mzi: number
  readonly top: number
  readonly matrix: Complex2x2
}

/** Sets MZIs in the order of the light. `pendingRad`: phases that the light at each port lacks, before and after. */
export function followLight(
  targets: readonly Target[],
  splitters: readonly Splitters[],
  pendingRad: Float64Array,
  out: Pick<MeshPhases, 'thetaRad' | 'phiRad'>,
): void {
  for (const { mzi, top, matrix } of targets) {
    const wanted = matrix.slice()
    turn(wanted, [0, 4], pendingRad[top]!)
    turn(wanted, [2, 6], pendingRad[top + 1]!)
    const { thetaRad, phiRad, upperRad, lowerRad } = matchMzi(wanted, splitters[mzi]!)
    out.thetaRad[mzi] = thetaRad
    out.phiRad[mzi] = phiRad
    pendingRad[top] = upperRad
    pendingRad[top + 1] = lowerRad
  }
}

/** Into 0…2π, the end left out. */
export function wrapped(phaseRad: number): number {
  const rest = phaseRad - 2 * Math.PI * Math.floor(phaseRad / (2 * Math.PI))
  return rest < 2 * Math.PI ? rest : 0
}
