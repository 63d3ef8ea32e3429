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
  return nearest(powerMw / stepMw) * stepMw
}

/**
 * `Math.round` of up to so many steps, three times as fast: noise makes the branch in it one that no processor foresees.
 * Near 0 only that knows a negative zero, and the one number just below ½ to which ½ cannot be added.
 */
function nearest(steps: number): number {
  const whole = Math.floor(steps + 0.5)
  return whole > 1 ? whole : Math.round(steps)
}

/** As the meter says it when its unit is the watt. */
export const inWatts = (powerMw: number): number => (powerMw === NO_READING ? NO_READING : powerMw * W_PER_MW)
