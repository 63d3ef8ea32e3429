/** Light that passed at one detuning; both in units of the caller's choice. */
export interface PassedAt {
  readonly detuning: number
  readonly power: number
}

/** Orders of the passband that are tried: 2 is a Gaussian, above it the top is flatter. */
const ORDERS = [2, 2.5, 3, 3.5, 4, 5, 6] as const
const CENTRES = 400

/**
 * Where the middle of a symmetric passband is: log P = c − a·|d − centre|^n, of all centres within ±`reach` and all
 * orders the one that leaves least squares.
 *
 * Shape of `passed`: at least 5 detunings, on both sides.
 * Outcomes: undefined when the light does not fall towards both sides, so that there is no passband to see.
 */
export function passbandCentre(passed: readonly PassedAt[], reach: number): number | undefined {
  const logs = passed.map(({ power }) => Math.log(power))
  let best = { left: Infinity, centre: 0, fall: 0 }
  for (const order of ORDERS) {
    for (let i = -CENTRES; i <= CENTRES; i++) {
      const centre = (i / CENTRES) * reach
      const { left, slope } = lineThrough(
        passed.map(({ detuning }) => Math.abs((detuning - centre) / reach) ** order),
        logs,
      )
      if (left < best.left) best = { left, centre, fall: -slope }
    }
  }
  return best.fall > LEAST_FALL ? best.centre : undefined
}

/** Natural logarithm of power lost at the reach, below which there is no edge to find the middle between. */
const LEAST_FALL = 0.1

/** Least squares of y = c + slope·x, and the sum of squares that it leaves. */
function lineThrough(x: readonly number[], y: readonly number[]): { readonly left: number; readonly slope: number } {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [mx, my] = [mean(x), mean(y)]
  let [xx, xy, yy] = [0, 0, 0]
  for (const [i, value] of x.entries()) {
    xx += (value - mx) ** 2
    xy += (value - mx) * (y[i]! - my)
    yy += (y[i]! - my) ** 2
  }
  const slope = xx === 0 ? 0 : xy / xx
  return { left: yy - slope * xy, slope }
}
