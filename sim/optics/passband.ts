/** One channel of a multiplexer or demultiplexer. */
export interface Passband {
  readonly centreThz: number
  /** Full widths at which 1 dB and 3 dB are lost beyond the centre. */
  readonly width1DbThz: number
  readonly width3DbThz: number
  /** Spacing of the grid, which says what counts as adjacent. */
  readonly spacingThz: number
  /** Power that leaks from the adjacent channel, and from any other. */
  readonly adjacentLeak: number
  readonly otherLeak: number
}

/**
 * Power that passes, for 1 at the input and no loss at the centre: 10^(−0.3 · |2δ/B₃|^2m), with the order m that puts
 * −1 dB at B₁: m = ln ⅓ / (2 ln(B₁/B₃)). B₁/B₃ = 1/√3 is a Gaussian, above it the top is flatter.
 *
 * Neighbours leak at the isolation, however far their light is from the centre.
 * Source: super-Gaussian passband, docs/physics.md.
 */
export function passbandTransmission(band: Passband, frequencyThz: number): number {
  const offThz = Math.abs(frequencyThz - band.centreThz)
  const twiceOrder = Math.log(1 / 3) / Math.log(band.width1DbThz / band.width3DbThz)
  const passed = 10 ** (-0.3 * ((2 * offThz) / band.width3DbThz) ** twiceOrder)
  const channels = Math.round(offThz / band.spacingThz)
  const leak = channels === 0 ? 0 : channels === 1 ? band.adjacentLeak : band.otherLeak
  return Math.max(passed, leak)
}
