/** A complex 2×2 matrix as re, im of 11, 12, 21, 22. */
export type Complex2x2 = Float64Array

/** Values and derivatives of one MZI: `value`, then with respect to θ, φ, α and β. */
export interface MziDerivatives {
  readonly value: Complex2x2
  readonly theta: Complex2x2
  readonly phi: Complex2x2
  readonly alpha: Complex2x2
  readonly beta: Complex2x2
}

export const mziScratch = (): MziDerivatives => ({
  value: new Float64Array(8),
  theta: new Float64Array(8),
  phi: new Float64Array(8),
  alpha: new Float64Array(8),
  beta: new Float64Array(8),
})

/**
 * The clear-box MZI, S(β)·diag(e^{iθ}, 1)·S(α)·diag(e^{iφ}, 1), without loss, and its derivatives:
 *
 * T = e^{iθ/2} [[e^{iφ}( i sin(θ/2) cos(α−β) − cos(θ/2) sin(α+β)),  i cos(θ/2) cos(α+β) − sin(θ/2) sin(α−β)],
 *               [e^{iφ}( i cos(θ/2) cos(α+β) + sin(θ/2) sin(α−β)), −i sin(θ/2) cos(α−β) − cos(θ/2) sin(α+β)]]
 *
 * Source: Hamerly et al., Phys. Rev. Applied 18, 024019 (2022), device model; angles are errors on π/4.
 */
export function mziModel(theta: number, phi: number, alpha: number, beta: number, out: MziDerivatives): void {
  const s = Math.sin(theta / 2)
  const c = Math.cos(theta / 2)
  const cm = Math.cos(alpha - beta)
  const sm = Math.sin(alpha - beta)
  const cp = Math.cos(alpha + beta)
  const sp = Math.sin(alpha + beta)
  const c2 = c
  const s2 = s
  const c1 = Math.cos(theta / 2 + phi)
  const s1 = Math.sin(theta / 2 + phi)
  // Entries before the factors e^{iθ/2} and, in the first column, e^{iφ}: real and imaginary part.
  fill(out.value, c1, s1, c2, s2, -c * sp, s * cm, -s * sm, c * cp, s * sm, c * cp, -c * sp, -s * cm)
  // ∂/∂θ: half of the turned entries, plus i/2 of the value.
  const hs = s / 2
  const hc = c / 2
  fill(out.theta, c1, s1, c2, s2, hs * sp, hc * cm, -hc * sm, -hs * cp, hc * sm, -hs * cp, hs * sp, -hc * cm)
  for (let i = 0; i < 8; i += 2) {
    out.theta[i]! -= out.value[i + 1]! / 2
    out.theta[i + 1]! += out.value[i]! / 2
  }
  // ∂/∂φ: i times the first column.
  out.phi.fill(0)
  for (let i = 0; i < 8; i += 4) {
    out.phi[i] = -out.value[i + 1]!
    out.phi[i + 1] = out.value[i]!
  }
  fill(out.alpha, c1, s1, c2, s2, -c * cp, -s * sm, -s * cm, -c * sp, s * cm, -c * sp, -c * cp, s * sm)
  fill(out.beta, c1, s1, c2, s2, -c * cp, s * sm, s * cm, -c * sp, -s * cm, -c * sp, -c * cp, -s * sm)
}

/** Turns the first column by (c1, s1) and the second by (c2, s2). */
function fill(
  out: Complex2x2,
  c1: number,
  s1: number,
  c2: number,
  s2: number,
  re11: number,
  im11: number,
  re12: number,
  im12: number,
  re21: number,
  im21: number,
  re22: number,
  im22: number,
): void {
  out[0] = re11 * c1 - im11 * s1
  out[1] = re11 * s1 + im11 * c1
  out[2] = re12 * c2 - im12 * s2
  out[3] = re12 * s2 + im12 * c2
  out[4] = re21 * c1 - im21 * s1
  out[5] = re21 * s1 + im21 * c1
  out[6] = re22 * c2 - im22 * s2
  out[7] = re22 * s2 + im22 * c2
}
