import type { Clock } from '../../core/clock.ts'
import type { HeaterTruth } from './heater-truth.ts'

/** Time constants after which a change is over, to the last bit of a double. */
const SETTLED = 40

/**
 * Heaters on the chip: voltage to power (V²/R), power to phase (π·P/Pπ), each slowed by its thermal time constant,
 * then spread over the neighbours by their crosstalk.
 *
 * Source: phase law and first-order response as in docs/physics.md.
 */
export class HeaterArray {
  readonly #chip: HeaterTruth
  readonly #clock: Clock
  readonly #timeConstantNs: number
  readonly #voltageV: Float64Array
  readonly #fromRad: Float64Array
  readonly #toRad: Float64Array
  readonly #changedNs: Float64Array
  #version = 0
  #lastChangeNs = -Infinity

  constructor(chip: HeaterTruth, timeConstantUs: number, clock: Clock) {
    const count = chip.offsetRad.length
    this.#chip = chip
    this.#clock = clock
    this.#timeConstantNs = timeConstantUs * 1e3
    this.#voltageV = new Float64Array(count)
    this.#fromRad = new Float64Array(count)
    this.#toRad = new Float64Array(count)
    this.#changedNs = new Float64Array(count).fill(-Infinity)
  }

  /** Changes whenever a voltage does. */
  get version(): number {
    return this.#version
  }

  /** False while a change of voltage has not yet reached all phases. */
  get settled(): boolean {
    return this.#clock.monotonicNs() - this.#lastChangeNs >= SETTLED * this.#timeConstantNs
  }

  setVoltageV(heater: number, voltageV: number): void {
    if (this.#voltageV[heater] === voltageV) return
    const nowNs = this.#clock.monotonicNs()
    this.#fromRad[heater] = this.#selfRad(heater, nowNs)
    this.#voltageV[heater] = voltageV
    this.#toRad[heater] = (Math.PI * this.powerMw(heater)) / this.#chip.piPowerMw[heater]!
    this.#changedNs[heater] = nowNs
    this.#lastChangeNs = nowNs
    this.#version++
  }

  currentMa(heater: number): number {
    return (this.#voltageV[heater]! / this.#chip.resistanceOhm[heater]!) * 1e3
  }

  powerMw(heater: number): number {
    return (this.#voltageV[heater]! ** 2 / this.#chip.resistanceOhm[heater]!) * 1e3
  }

  totalPowerW(): number {
    return this.#voltageV.reduce((sum, _, heater) => sum + this.powerMw(heater) / 1e3, 0)
  }

  /** Shape: [heater], offsets and crosstalk included. */
  phasesRad(): Float64Array {
    const { crosstalk, offsetRad } = this.#chip
    const nowNs = this.#clock.monotonicNs()
    const phasesRad = crosstalk.spread(offsetRad.map((_, heater) => this.#selfRad(heater, nowNs)))
    for (let heater = 0; heater < phasesRad.length; heater++) phasesRad[heater]! += offsetRad[heater]!
    return phasesRad
  }

  #selfRad(heater: number, nowNs: number): number {
    const to = this.#toRad[heater]!
    const age = (nowNs - this.#changedNs[heater]!) / this.#timeConstantNs
    return age >= SETTLED ? to : to + (this.#fromRad[heater]! - to) * Math.exp(-age)
  }
}
