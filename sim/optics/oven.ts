import type { Clock } from '../../core/clock.ts'
import type { OvenPort } from './world-ports.ts'

const AMBIENT_C = 23
/** Assumption: a small thermo-electric oven settles with this time constant. */
const TIME_CONSTANT_S = 8
/** Assumption: electrical power that holds one kelvin away from ambient. */
const HOLDING_W_PER_K = 0.3

/** A mount with a temperature of its own: first order towards its set point, or back to ambient when stopped. */
export class Oven implements OvenPort {
  readonly #clock: Clock
  #targetC = AMBIENT_C
  #fromC = AMBIENT_C
  #changedNs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#changedNs = clock.monotonicNs()
  }

  setSetPointC(setPointC: number, running: boolean): void {
    this.#fromC = this.temperatureC()
    this.#targetC = running ? setPointC : AMBIENT_C
    this.#changedNs = this.#clock.monotonicNs()
  }

  temperatureC(): number {
    const ageS = (this.#clock.monotonicNs() - this.#changedNs) / 1e9
    return this.#targetC + (this.#fromC - this.#targetC) * Math.exp(-ageS / TIME_CONSTANT_S)
  }

  powerW(): number {
    return HOLDING_W_PER_K * Math.abs(this.#targetC - AMBIENT_C)
  }
}
