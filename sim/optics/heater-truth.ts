import { RandomStream } from '../../core/random.ts'
import { Crosstalk } from './crosstalk.ts'
import type { HeaterPosition } from './crosstalk.ts'
import type { HeaterValues } from './parameters/heater-parameters.ts'

/** What the foundry made of the heaters of one chip. */
export interface HeaterTruth {
  /** [heater] phase at zero power, uniform over the circle. */
  readonly offsetRad: Float64Array
  /** [heater] electrical power that makes π. */
  readonly piPowerMw: Float64Array
  readonly resistanceOhm: Float64Array
  readonly crosstalk: Crosstalk
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
    crosstalk: new Crosstalk(places, what),
  }
}
