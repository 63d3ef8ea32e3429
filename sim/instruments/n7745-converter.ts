/** What stands for "no valid power". */
export const NO_READING = 3.4e38
const STEPS = 4096
const W_PER_MW = 1e-3
const BYTES_PER_FLOAT = 4

/** Twice the range's name: 2 mW at 0 dBm. Source: 816x Programming Guide (:POWer:RANGe[:UPPer], upper linear limits). */
export const fullScaleMw = (rangeDbm: number): number => 2 * 10 ** (rangeDbm / 10)

/** 12 bits of the range; above full scale there is no valid power. The bits are an assumption. */
export function digitise(powerMw: number, fullScaleMw: number): number {
  if (!(powerMw <= fullScaleMw)) return NO_READING
  const stepMw = fullScaleMw / STEPS
  return Math.round(powerMw / stepMw) * stepMw
}

/** As the meter says it when its unit is the watt. */
export const inWatts = (powerMw: number): number => (powerMw === NO_READING ? NO_READING : powerMw * W_PER_MW)

/** As it says it otherwise: darkness has no dBm. */
export const inDbm = (powerMw: number): number =>
  powerMw !== NO_READING && powerMw > 0 ? 10 * Math.log10(powerMw) : NO_READING

/**
 * A record as it is read: each point digitised, in its unit, a little-endian 32-bit float.
 *
 * Written out, because a number between two functions, or two branches, becomes an object: five times as slow. Rounded
 * without the branch that noise decides; near 0 only `Math.round` knows a negative zero, and the number just below ½.
 */
export function encodeRecord(samplesMw: Float64Array, fullScaleMw: number, inWatt: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(samplesMw.length * BYTES_PER_FLOAT))
  const stepMw = fullScaleMw / STEPS
  for (let point = 0; point < samplesMw.length; point++) {
    const powerMw = samplesMw[point]!
    const at = point * BYTES_PER_FLOAT
    const whole = Math.floor(powerMw / stepMw + 0.5)
    const digitisedMw = (whole > 1 ? whole : Math.round(powerMw / stepMw)) * stepMw
    if (!(powerMw <= fullScaleMw)) view.setFloat32(at, NO_READING, true)
    else if (inWatt) view.setFloat32(at, digitisedMw * W_PER_MW, true)
    else view.setFloat32(at, digitisedMw > 0 ? 10 * Math.log10(digitisedMw) : NO_READING, true)
  }
  return new Uint8Array(view.buffer)
}

export function float32Block(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * BYTES_PER_FLOAT))
  for (const [index, value] of values.entries()) view.setFloat32(index * BYTES_PER_FLOAT, value, true)
  return new Uint8Array(view.buffer)
}
