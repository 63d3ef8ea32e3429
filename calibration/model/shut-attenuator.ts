import { multiplyComplex } from '../fit/complex-algebra.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'

export interface ShutAttenuator {
  readonly waveguide: number
  /** What passes, of what passes the chip on the average; fields. */
  readonly level: number
}

/** Twins of 8 and 16 ports were peeled with a level of 0.08 and not with 0.04. */
const LEAST_LEVEL = 0.06

/**
 * The attenuator that lets so little pass that what lies behind it drowns in noise.
 *
 * `inverse` is that of the base matrix L·Σ·R, its powers balanced, and `frame` is L: a column of R⁻¹·Σ⁻¹ is as strong
 * as its attenuator is shut. An error of the frame mixes others into it, which are weaker.
 */
export function shutAttenuator(inverse: ComplexMatrix, frame: ComplexMatrix): ShutAttenuator | undefined {
  const { size, re, im } = multiplyComplex(inverse, frame)
  const levels = Array.from({ length: size }, (_, waveguide) => {
    let power = 0
    for (let at = waveguide; at < re.length; at += size) power += re[at]! ** 2 + im[at]! ** 2
    return 1 / Math.sqrt(power)
  })
  const level = Math.min(...levels)
  return level < LEAST_LEVEL ? { waveguide: levels.indexOf(level), level } : undefined
}
