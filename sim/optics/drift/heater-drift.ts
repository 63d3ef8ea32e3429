import type { HeaterDriftValues } from '../parameters/drift-parameters.ts'
import { OrnsteinUhlenbeck } from './ornstein-uhlenbeck.ts'
import { S_PER_H } from './room.ts'

/** How the cold resistances of a chip's heaters change: all of them age alike, and each wanders by itself. */
export class HeaterDrift {
  readonly #ageingPerS: number
  /** [heater] */
  readonly #wander: readonly OrnsteinUhlenbeck[]

  constructor(heaters: number, what: HeaterDriftValues, seed: number) {
    this.#ageingPerS = what.heaterAgeingPerKh / (1e3 * S_PER_H)
    const law = { sigma: what.heaterResistanceDrift, tauS: what.heaterCorrelationH * S_PER_H }
    this.#wander = Array.from(
      { length: heaters },
      (_, heater) => new OrnsteinUhlenbeck(seed, `chip/heater/${heater}/resistance drift`, law),
    )
  }

  /** Resistance over that at age 0. */
  ratio(heater: number, ageS: number): number {
    return Math.max(LEAST_RATIO, 1 + this.#ageingPerS * ageS + this.#wander[heater]!.at(ageS))
  }
}

/** No heater becomes a short circuit, however wild the drift that a bench file asks for. */
const LEAST_RATIO = 0.2
