import type { MeshArrangement } from '../../core/mesh-design.ts'
import { meshPlaces } from '../../core/mesh-layout.ts'
import { copyOf } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { followLight, wrapped } from './local-correction.ts'
import type { MeshPhases, Target } from './local-correction.ts'
import { matchMzi, turn } from './mzi-match.ts'
import type { Splitters } from './mzi-match.ts'
import type { Complex2x2 } from './mzi-model.ts'
import { nullingSteps } from './nulling-steps.ts'
import type { NullingStep } from './nulling-steps.ts'

/**
 * Phases of a mesh of known MZIs that make a unitary: U = diag(e^{i·output}) · T_last … T_first.
 *
 * Exact where every MZI reaches what is asked of it: always with perfect splitters, of all three kinds. Each MZI nulls one
 * element of what is left of the unitary as it really is, so that what one could not reach the next ones meet: the
 * error of plain MZIs with splitter errors σ grows as N·σ² and not as √(2N)·σ. Errors that only the light's order shows
 * (a third splitter behind a phase that is not its own) are met as in `localCorrection`.
 *
 * Gauge: θ in 0…π, φ and the screen in 0…2π, the end left out; φ is 0 for an MZI that straight or crossed
 * light leaves free, before the phases of what precedes it are added.
 *
 * Source: order of Clements et al. and Reck et al. as in `nullingSteps`; nulling with known errors, clipped, as in the
 * public code `meshes` of Hamerly et al., Phys. Rev. Applied 18, 024019 (2022). O(N³).
 */
export function meshPhases(
  unitary: ComplexMatrix,
  arrangement: MeshArrangement,
  splitters: readonly Splitters[],
): MeshPhases {
  const { size } = unitary
  const places = meshPlaces(size, arrangement)
  const left = copyOf(unitary)
  const thetaRad = new Float64Array(places.length)
  const phiRad = new Float64Array(places.length)
  const outer: Target[] = []
  for (const step of nullingSteps(size, arrangement)) {
    const { mzi, side, top } = step
    const { made, upperRad, lowerRad, ...set } = matchMzi(nulling(left, step), splitters[mzi]!)
    if (side === 'inputs') {
      timesAdjoint(left, top, made)
      thetaRad[mzi] = set.thetaRad
      phiRad[mzi] = set.phiRad
    } else {
      const whole = made.slice()
      turn(whole, [0, 2], upperRad)
      turn(whole, [4, 6], lowerRad)
      adjointTimes(left, top, whole)
      outer.push({ mzi, top, matrix: whole })
    }
  }
  const screenRad = Float64Array.from({ length: size }, (_, port) => {
    const at = port * (size + 1)
    return Math.atan2(left.im[at]!, left.re[at]!)
  })
  // What was taken off at the outputs stands behind the diagonal that is left: the first one last.
  followLight(outer.reverse(), splitters, screenRad, { thetaRad, phiRad })
  return { thetaRad, phiRad: phiRad.map(wrapped), outputRad: screenRad.map(wrapped) }
}

/** The unitary 2×2 that nulls an element: its upper row meets (a, b) from the inputs, its first column is (a, b) from the outputs. */
function nulling({ size, re, im }: ComplexMatrix, { side, row, column }: NullingStep): Complex2x2 {
  const at = row * size + column
  const [a, b] = side === 'inputs' ? [at, at + 1] : [at - size, at]
  const [ar, ai, br, bi] = [re[a]!, im[a]!, re[b]!, im[b]!]
  const norm = Math.sqrt(ar * ar + ai * ai + br * br + bi * bi)
  // Where nothing is left any turn will do: from the inputs crossed light, from the outputs straight light.
  if (norm === 0) return Float64Array.of(1, 0, 0, 0, 0, 0, 1, 0)
  const t =
    side === 'inputs'
      ? // (T·(a, b)*)₁ = 0
        [br, -bi, -ar, ai, ar, ai, br, bi]
      : // T·(1, 0) ∝ (a, b)
        [ar, ai, -br, bi, br, bi, ar, -ai]
  return Float64Array.from(t, (value) => value / norm)
}

/** m ← m · T† on columns top, top + 1. */
function timesAdjoint({ size, re, im }: ComplexMatrix, top: number, t: Complex2x2): void {
  const [a, b, c, d, e, f, g, h] = t as unknown as [number, number, number, number, number, number, number, number]
  for (let left = top, end = size * size; left < end; left += size) {
    const right = left + 1
    const [lr, li, rr, ri] = [re[left]!, im[left]!, re[right]!, im[right]!]
    re[left] = lr * a + li * b + rr * c + ri * d
    im[left] = li * a - lr * b + ri * c - rr * d
    re[right] = lr * e + li * f + rr * g + ri * h
    im[right] = li * e - lr * f + ri * g - rr * h
  }
}

/** m ← T† · m on rows top, top + 1. */
function adjointTimes({ size, re, im }: ComplexMatrix, top: number, t: Complex2x2): void {
  const [a, b, c, d, e, f, g, h] = t as unknown as [number, number, number, number, number, number, number, number]
  for (let upper = top * size, lower = upper + size, end = lower; upper < end; upper++, lower++) {
    const [ur, ui, lr, li] = [re[upper]!, im[upper]!, re[lower]!, im[lower]!]
    re[upper] = a * ur + b * ui + e * lr + f * li
    im[upper] = a * ui - b * ur + e * li - f * lr
    re[lower] = c * ur + d * ui + g * lr + h * li
    im[lower] = c * ui - d * ur + g * li - h * lr
  }
}
