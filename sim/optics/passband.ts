/** One channel of a multiplexer or demultiplexer. */
export interface Passband {
  readonly centreThz: number
  /** Full widths at which 1 dB and 3 dB are lost beyond the centre. */
  readonly width1DbThz: number
  readonly width3DbThz: number
  /** Spacing of the grid, which says what counts as adjacent. */
  readonly spacingThz: number
  /** Where the channel opens again. Undefined: never. */
  readonly freeSpectralRangeThz?: number
  /** Power that leaks from the adjacent channel, and from any other. */
  readonly adjacentLeak: number
  readonly otherLeak: number
}

/**
 * Power at δ from the centre, for 1 there: 10^(−0.3 · |2δ/B₃|^2m). Order m = 1 is a Gaussian, above it the top is flatter.
 *
 * Source: super-Gaussian passband, docs/physics.md.
 */
export function superGaussian(offThz: number, width3DbThz: number, order: number): number {
  return 10 ** (-0.3 * Math.abs((2 * offThz) / width3DbThz) ** (2 * order))
}

/**
 * Power that passes, for 1 at the input and no loss at the centre: a super-Gaussian of the order that puts −1 dB at B₁,
 * m = ln ⅓ / (2 ln(B₁/B₃)).
 *
 * Neighbours leak at the isolation, however far their light is from the centre.
 */
export function passbandTransmission(band: Passband, frequencyThz: number): number {
  const besideThz = frequencyThz - band.centreThz
  const { freeSpectralRangeThz: rangeThz = Infinity } = band
  const offThz = Math.abs(besideThz - (rangeThz === Infinity ? 0 : Math.round(besideThz / rangeThz) * rangeThz))
  const order = Math.log(1 / 3) / Math.log(band.width1DbThz / band.width3DbThz) / 2
  const passed = superGaussian(offThz, band.width3DbThz, order)
  const channels = Math.round(offThz / band.spacingThz)
  const leak = channels === 0 ? 0 : channels === 1 ? band.adjacentLeak : band.otherLeak
  return Math.max(passed, leak)
}
