import { RandomStream } from '../../core/random.ts'
import type { HeaterValues } from './parameters/heater-parameters.ts'

/** What the foundry made of the heaters of one chip. */
export interface HeaterTruth {
  /** [heater] phase at zero power, uniform over the circle. */
  readonly offsetRad: Float64Array
  /** [heater] electrical power that makes π. */
  readonly piPowerMw: Float64Array
  readonly resistanceOhm: Float64Array
  /** [victim × heaters + aggressor]: share of the aggressor's phase that the victim sees; 1 on the diagonal. */
  readonly crosstalk: Float64Array
}

/** Position on the chip in units of the heater pitch. */
export interface HeaterPosition {
  readonly x: number
  readonly y: number
}

/** Draws the heaters of one chip, each parameter from a stream of its own. */
export function fabricateHeaters(places: readonly HeaterPosition[], what: HeaterValues, seed: number): HeaterTruth {
  const offsets = new RandomStream(seed, 'chip/offsets')
  const efficiency = new RandomStream(seed, 'chip/efficiency')
  return {
    offsetRad: Float64Array.from(places, () => offsets.uniform(0, 2 * Math.PI)),
    piPowerMw: Float64Array.from(
      places,
      () => what.heaterPiPowerMw * Math.max(0.2, efficiency.normal(1, what.heaterSpread)),
    ),
    resistanceOhm: new Float64Array(places.length).fill(what.heaterResistanceOhm),
    crosstalk: crosstalkMatrix(places, what),
  }
}

function crosstalkMatrix(heaters: readonly HeaterPosition[], what: HeaterValues): Float64Array {
  const matrix = new Float64Array(heaters.length ** 2)
  for (const [victim, { x, y }] of heaters.entries()) {
    for (const [aggressor, from] of heaters.entries()) {
      const distance = Math.hypot(x - from.x, y - from.y)
      matrix[victim * heaters.length + aggressor] =
        victim === aggressor ? 1 : what.crosstalkNeighbour * Math.exp(-(distance - 1) / what.crosstalkDecayPitch)
    }
  }
  return matrix
}
