import type { AmbientValues } from '../parameters/drift-parameters.ts'
import { OrnsteinUhlenbeck } from './ornstein-uhlenbeck.ts'

/** Of the room at age 0. Assumption. */
export const ROOM_C = 23
const DAY_S = 86_400
export const S_PER_H = 3600

/**
 * The air around a bench: coolest at age 0, warmest half a day later, and what the weather and people do to it; in a climate
 * chamber, warmer by a staircase.
 */
export class Room {
  readonly #cycleK: number
  readonly #chamber: { readonly startK: number; readonly stepK: number; readonly stepS: number }
  readonly #rejection: number
  readonly #weather: OrnsteinUhlenbeck

  constructor(what: AmbientValues, seed: number) {
    this.#cycleK = what.ambientCycleK
    this.#chamber = { startK: what.chamberStartK, stepK: what.chamberStepK, stepS: what.chamberStepH * S_PER_H }
    this.#rejection = what.ovenRejection
    this.#weather = new OrnsteinUhlenbeck(seed, 'room', {
      sigma: what.ambientDriftK,
      tauS: what.ambientCorrelationH * S_PER_H,
    })
  }

  temperatureC(ageS: number): number {
    return ROOM_C + this.#warmerK(ageS)
  }

  /** How much warmer than in the room at age 0 is what an oven holds: its sensor is held, what lies beside the sensor is not quite. */
  throughOvenK(ageS: number): number {
    return this.#warmerK(ageS) / this.#rejection
  }

  #warmerK(ageS: number): number {
    const { startK, stepK, stepS } = this.#chamber
    const chamberK = startK + stepK * Math.floor(ageS / stepS)
    return chamberK + this.#cycleK * (1 - Math.cos((2 * Math.PI * ageS) / DAY_S)) + this.#weather.at(ageS)
  }
}
