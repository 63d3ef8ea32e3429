/** What stands for "no valid power". */
export const NO_READING = 3.4e38
const STEPS = 4096
const W_PER_MW = 1e-3

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
