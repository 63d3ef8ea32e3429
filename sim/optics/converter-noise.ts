/**
 * Signal to noise of a sampled sine whose instants jitter by σ: −20·log₁₀(2π·f·σ).
 *
 * Source: aperture jitter of converters, e.g. Walden, IEEE J. Sel. Areas Commun. 17, 539 (1999).
 */
export const jitterSnrDb = (frequencyHz: number, jitterS: number): number =>
  -20 * Math.log10(2 * Math.PI * frequencyHz * jitterS)

/** ENOB = (SNDR − 1.76)/6.02. */
export const effectiveBitsOf = (sndrDb: number): number => (sndrDb - 10 * Math.log10(3 / 2)) / (20 * Math.log10(2))

/** Effective bits of a converter for a full-scale sine: its bits at low frequency and its jitter, noise added to noise. */
export function effectiveBitsAt(lowFrequencyBits: number, frequencyHz: number, jitterS: number): number {
  const quantised = (2 / 3) * 4 ** -lowFrequencyBits
  const jittered = (2 * Math.PI * frequencyHz * jitterS) ** 2
  return effectiveBitsOf(-10 * Math.log10(quantised + jittered))
}

/** σ, of full scale, that takes a converter of `bits` down to its effective bits: what its steps of 1/√12 do not explain. */
export function excessNoiseShare(bits: number, effectiveBits: number): number {
  return Math.sqrt(Math.max(0, 4 ** -effectiveBits - 4 ** -bits) / 12)
}
