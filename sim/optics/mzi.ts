import type { MziTruth } from './chip.ts'

/** Complex 2×2 matrix: re and im of T11, T12, T21, T22. */
export type Complex2x2 = Float64Array

/**
 * Transfer matrix of an imperfect MZI: splitter(β) · arm phase θ · splitter(α) · input phase φ · third coupler if there
 * is one, both phases on the upper waveguide; a splitter of angle s is [[cos s, i sin s], [i sin s, cos s]], s = π/4 + error.
 *
 * Source: device model of Hamerly et al., reference implementation `meshes`, as written in docs/physics.md.
 */
export function mziMatrix(mzi: MziTruth, thetaRad: number, phiRad: number, out: Complex2x2): void {
  const a = Math.PI / 4 + mzi.alphaRad
  const b = Math.PI / 4 + mzi.betaRad
  const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)]
  const [ct, st] = [Math.cos(thetaRad), Math.sin(thetaRad)]
  const [cp, sp] = [Math.cos(phiRad), Math.sin(phiRad)]
  const k = mzi.fieldRatio

  // Upper input, before φ: e^{iθ} cb ca − sb sa, i (e^{iθ} sb ca + cb sa).
  const re11 = ct * cb * ca - sb * sa
  const im11 = st * cb * ca
  const re21 = -st * sb * ca
  const im21 = ct * sb * ca + cb * sa
  out[0] = k * (re11 * cp - im11 * sp)
  out[1] = k * (re11 * sp + im11 * cp)
  out[4] = k * (re21 * cp - im21 * sp)
  out[5] = k * (re21 * sp + im21 * cp)
  // Lower input: i (e^{iθ} cb sa + sb ca), cb ca − e^{iθ} sb sa.
  out[2] = -k * st * cb * sa
  out[3] = k * (ct * cb * sa + sb * ca)
  out[6] = k * (cb * ca - ct * sb * sa)
  out[7] = -k * st * sb * sa
  if (mzi.thirdRad !== undefined) couple(out, mzi.thirdRad)
}

/** T · splitter(s). */
function couple(t: Complex2x2, angleRad: number): void {
  const [c, s] = [Math.cos(angleRad), Math.sin(angleRad)]
  for (let row = 0; row < 8; row += 4) {
    const [lr, li, rr, ri] = [t[row]!, t[row + 1]!, t[row + 2]!, t[row + 3]!]
    t[row] = c * lr - s * ri
    t[row + 1] = c * li + s * rr
    t[row + 2] = c * rr - s * li
    t[row + 3] = c * ri + s * lr
  }
}
