import type { MeshPhases } from '../../calibration/model/local-correction.ts'
import type { Splitters } from '../../calibration/model/mzi-match.ts'
import type { MziPlace } from '../../core/mesh-layout.ts'
import { mziMatrix } from '../../sim/optics/mzi.ts'
import { identity } from './complex.ts'
import type { Square } from './complex.ts'

/** diag(e^{i·output}) · T_last … T_first, with the twin's interferometers: they share no code with any decomposition. */
export function rebuild(
  size: number,
  places: readonly MziPlace[],
  splitters: readonly Splitters[],
  { thetaRad, phiRad, outputRad }: MeshPhases,
): Square {
  const { re, im } = identity(size)
  const t = new Float64Array(8)
  for (const [k, { top }] of places.entries()) {
    mziMatrix({ ...splitters[k]!, fieldRatio: 1 }, thetaRad[k]!, phiRad[k]!, t)
    const [a, b, c, d, e, f, g, h] = t as unknown as [number, number, number, number, number, number, number, number]
    for (let upper = top * size, lower = upper + size, end = lower; upper < end; upper++, lower++) {
      const [ur, ui, lr, li] = [re[upper]!, im[upper]!, re[lower]!, im[lower]!]
      re[upper] = a * ur - b * ui + c * lr - d * li
      im[upper] = a * ui + b * ur + c * li + d * lr
      re[lower] = e * ur - f * ui + g * lr - h * li
      im[lower] = e * ui + f * ur + g * li + h * lr
    }
  }
  for (const [port, phase] of outputRad.entries()) {
    const [c, s] = [Math.cos(phase), Math.sin(phase)]
    for (let at = port * size; at < (port + 1) * size; at++) {
      const [r, i] = [re[at]!, im[at]!]
      re[at] = r * c - i * s
      im[at] = r * s + i * c
    }
  }
  return { size, re, im }
}
