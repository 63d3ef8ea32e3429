import type { Clock } from '../../core/clock.ts'
import type { BenchAge } from './drift/bench-age.ts'
import type { HeaterDrift } from './drift/heater-drift.ts'
import type { HeaterTruth } from './heater-truth.ts'

/** Time constants after which a change is over, to the last bit of a double. */
const SETTLED = 40

/** What time does to the heaters of a chip. */
export interface Ageing {
  readonly drift: HeaterDrift
  readonly age: BenchAge
}

/**
 * Heaters on the chip: voltage to power to phase by the law of the chip, each slowed by its thermal time constant,
 * then spread over the neighbours by their crosstalk.
 *
 * Source: phase law and first-order response as in docs/physics.md.
 */
export class HeaterArray {
  readonly #chip: HeaterTruth
  readonly #clock: Clock
  readonly #timeConstantNs: number
  readonly #ageing: Ageing | undefined
  /** Whose resistances the phases have. */
  #ageS: number | undefined
  readonly #voltageV: Float64Array
  readonly #fromRad: Float64Array
  readonly #toRad: Float64Array
  readonly #changedNs: Float64Array
  #version = 0
  #lastChangeNs = -Infinity

  /** Without `ageing`: heaters that stay as they were made. */
  constructor(chip: HeaterTruth, timeConstantUs: number, clock: Clock, ageing?: Ageing) {
    const count = chip.offsetRad.length
    this.#chip = chip
    this.#clock = clock
    this.#ageing = ageing
    this.#ageS = ageing?.age.heldS()
    this.#timeConstantNs = timeConstantUs * 1e3
    this.#voltageV = new Float64Array(count)
    this.#fromRad = new Float64Array(count)
    this.#toRad = new Float64Array(count)
    this.#changedNs = new Float64Array(count).fill(-Infinity)
  }

  /** Changes whenever a voltage does, and whenever what drifts on the chip has been held long enough. */
  get version(): number {
    this.#grow()
    return this.#version
  }

  /** False while a change of voltage has not yet reached all phases. */
  get settled(): boolean {
    return this.#clock.monotonicNs() - this.#lastChangeNs >= SETTLED * this.#timeConstantNs
  }

  setVoltageV(heater: number, voltageV: number): void {
    if (this.#voltageV[heater] === voltageV) return
    this.#grow()
    const nowNs = this.#clock.monotonicNs()
    this.#fromRad[heater] = this.#selfRad(heater, nowNs)
    this.#voltageV[heater] = voltageV
    this.#toRad[heater] = this.#finalRad(heater)
    this.#changedNs[heater] = nowNs
    this.#lastChangeNs = nowNs
    this.#version++
  }

  currentMa(heater: number): number {
    const voltageV = this.#voltageV[heater]!
    return voltageV === 0 ? 0 : this.powerMw(heater) / voltageV
  }

  /** P of growth·R₀·P² + R₀·P − V² = 0: at its final temperature, which the electrical side reaches first. */
  powerMw(heater: number, ageS = this.#ageing?.age.heldS()): number {
    const voltageV = this.#voltageV[heater]!
    if (voltageV === 0) return 0
    const aged = ageS === undefined ? 1 : this.#ageing!.drift.ratio(heater, ageS)
    const coldW = voltageV ** 2 / (aged * this.#chip.resistanceOhm[heater]!)
    return (2 * coldW * 1e3) / (1 + Math.sqrt(1 + 4 * this.#chip.law.growthPerW * coldW))
  }

  totalPowerW(ageS?: number): number {
    return this.#voltageV.reduce((sum, _, heater) => sum + this.powerMw(heater, ageS) / 1e3, 0)
  }

  /** Shape: [heater], offsets and crosstalk included. */
  phasesRad(): Float64Array {
    this.#grow()
    const { crosstalk, offsetRad } = this.#chip
    const phasesRad = crosstalk.spread(this.#selfRads())
    for (let heater = 0; heater < phasesRad.length; heater++) phasesRad[heater]! += offsetRad[heater]!
    return phasesRad
  }

  /** Shape: [bare waveguide]. */
  bareRad(): Float64Array {
    this.#grow()
    return this.#chip.crosstalk.spreadToBare(this.#selfRads())
  }

  #selfRads(): Float64Array {
    const nowNs = this.#clock.monotonicNs()
    return this.#voltageV.map((_, heater) => this.#selfRad(heater, nowNs))
  }

  /** Other resistances make other phases of the same voltages. */
  #grow(): void {
    const ageS = this.#ageing?.age.heldS()
    if (ageS === this.#ageS) return
    this.#ageS = ageS
    this.#toRad.forEach((_, heater) => (this.#toRad[heater] = this.#finalRad(heater)))
    this.#version++
  }

  /** Phase of its own that a voltage leads to. */
  #finalRad(heater: number): number {
    const { law, piPowerMw } = this.#chip
    const voltageV = this.#voltageV[heater]!
    const jouleRad = (Math.PI * this.powerMw(heater)) / piPowerMw[heater]!
    return jouleRad + law.linearRadPerV * voltageV + law.cubicRadPerV3 * voltageV ** 3
  }

  #selfRad(heater: number, nowNs: number): number {
    const to = this.#toRad[heater]!
    const age = (nowNs - this.#changedNs[heater]!) / this.#timeConstantNs
    return age >= SETTLED ? to : to + (this.#fromRad[heater]! - to) * Math.exp(-age)
  }
}
