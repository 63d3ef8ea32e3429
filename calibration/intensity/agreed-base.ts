import { fitBase } from './base-fit.ts'
import type { FittedBase } from './base-fit.ts'
import { basePhases } from './base-phases.ts'
import type { WholeFringe } from './base-phases.ts'

/** Fringes agree as long as they leave no more than so many times what the fewest of them do. */
const AGREED = 2.5
/** As many fringes at least tell all phases. */
const FEWEST_FRINGES = 3
/** Of powers whose rows and columns sum to one; and what stray light makes of the balance of the outputs. */
const READING_NOISE = 0.01
const GAIN_SIGMA = 0.05

/**
 * Fields of the base matrix on which as many heaters' fringes as can agree. One whose light was told apart wrongly spoils
 * all phases a little: the one that leaves most is left out, the rest is fitted anew, and so on.
 */
export function agreedBase(
  size: number,
  base: Float64Array,
  fringes: readonly WholeFringe[],
  heaters: { readonly radPerV2: number; readonly spread: number },
): FittedBase {
  const { radPerV2, spread } = heaters
  const range = { min: (1 - 4 * spread) * radPerV2, max: (1 + 4 * spread) * radPerV2 }
  // Beside another one of them, which is what they are known by.
  const options = { radPerV2, spread: Math.SQRT2 * spread, noise: READING_NOISE, gainSigma: GAIN_SIGMA }
  const rounds: { readonly fitted: FittedBase; readonly rms: number }[] = []
  for (let kept = fringes; kept.length >= FEWEST_FRINGES;) {
    const fitted = fitBase(size, base, kept, basePhases(size, base, kept, range), options)
    const { heaterRms } = fitted
    rounds.push({ fitted, rms: Math.hypot(...heaterRms) / Math.sqrt(heaterRms.length) })
    const worst = Math.max(...heaterRms)
    kept = kept.filter((_, h) => heaterRms[h]! < worst)
  }
  const least = Math.min(...rounds.map(({ rms }) => rms))
  return rounds.find(({ rms }) => rms <= AGREED * least)!.fitted
}
