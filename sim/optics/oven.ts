import type { Clock } from '../../core/clock.ts'
import type { OvenPort } from './world-ports.ts'

/** Assumption: a small thermo-electric oven settles with this time constant. */
const TIME_CONSTANT_S = 8
/** Assumption: electrical power that holds one kelvin away from ambient. */
const HOLDING_W_PER_K = 0.3

/** A mount with a temperature of its own: first order towards its set point, or back to the room's when stopped. */
export class Oven implements OvenPort {
  readonly #clock: Clock
  readonly #roomC: () => number
  /** Undefined when stopped. */
  #setPointC: number | undefined
  /** How far from where it goes it was when that was last changed. */
  #besideK = 0
  #changedNs: number

  constructor(clock: Clock, roomC: () => number) {
    this.#clock = clock
    this.#roomC = roomC
    this.#changedNs = clock.monotonicNs()
  }

  setSetPointC(setPointC: number, running: boolean): void {
    const nowC = this.temperatureC()
    this.#setPointC = running ? setPointC : undefined
    this.#besideK = nowC - (this.#setPointC ?? this.#roomC())
    this.#changedNs = this.#clock.monotonicNs()
  }

  /** What its sensor shows. */

  temperatureC(): number {
    const ageS = (this.#clock.monotonicNs() - this.#changedNs) / 1e9
    return (this.#setPointC ?? this.#roomC()) + this.#besideK * Math.exp(-ageS / TIME_CONSTANT_S)
  }

  powerW(roomC = this.#roomC()): number {
    return this.#setPointC === undefined ? 0 : HOLDING_W_PER_K * Math.abs(this.#setPointC - roomC)
  }
}
