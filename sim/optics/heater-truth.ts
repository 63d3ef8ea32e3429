import { RandomStream } from '../../core/random.ts'
import { Crosstalk } from './crosstalk.ts'
import type { HeaterPosition, WarmedPlaces } from './crosstalk.ts'
import type { HeaterValues } from './parameters/heater-parameters.ts'

/**
 * From voltage to power to phase, common to the heaters of a chip: R = R₀·(1 + growth·P) and
 * φ = π·P/Pπ + linear·V + cubic·V³, P = V²/R.
 *
 * With all at 0 it is the clear box φ ∝ V²; growth alone makes the physics of a metal that resists more when warm;
 * the two others make the cubic that laboratories fit.
 */
export interface HeaterLaw {
  readonly growthPerW: number
  readonly linearRadPerV: number
  readonly cubicRadPerV3: number
}

/** What the foundry made of the heaters of one chip. */
export interface HeaterTruth {
  /** [heater] phase at zero power, uniform over the circle. */
  readonly offsetRad: Float64Array
  /** [heater] electrical power that makes π. */
  readonly piPowerMw: Float64Array
  /** Cold. */
  readonly resistanceOhm: Float64Array
  readonly law: HeaterLaw
  readonly crosstalk: Crosstalk
}

/** Draws the heaters of one chip, each parameter from a stream of its own. */
export function fabricateHeaters(
  places: readonly HeaterPosition[],
  what: HeaterValues,
  seed: number,
  bare?: WarmedPlaces,
): HeaterTruth {
  const offsets = new RandomStream(seed, 'chip/offsets')
  const efficiency = new RandomStream(seed, 'chip/efficiency')
  return {
    offsetRad: Float64Array.from(places, () => offsets.uniform(0, 2 * Math.PI)),
    piPowerMw: Float64Array.from(
      places,
      () => what.heaterPiPowerMw * Math.max(0.2, efficiency.normal(1, what.heaterSpread)),
    ),
    resistanceOhm: new Float64Array(places.length).fill(what.heaterResistanceOhm),
    law: {
      growthPerW: what.heaterResistanceGrowthPerW,
      linearRadPerV: what.heaterLinearRadPerV,
      cubicRadPerV3: what.heaterCubicRadPerV3,
    },
    crosstalk: new Crosstalk(places, what, bare),
  }
}
