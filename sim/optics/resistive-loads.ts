import type { SourceMeterPort } from './world-ports.ts'

/** Assumption: a heater as those of the mesh. */
const COLD_RESISTANCE_OHM = 1500
/** Assumption: titanium nitride, R = R₀·(1 + α·ΔT). */
const TEMPERATURE_COEFFICIENT_PER_K = 3e-4
/** Assumption: heating by a milliwatt makes it a kelvin warmer. */
const THERMAL_RESISTANCE_K_PER_W = 1e3
/** Relative growth of the resistance by one watt. */
const GROWTH_PER_W = TEMPERATURE_COEFFICIENT_PER_K * THERMAL_RESISTANCE_K_PER_W

/**
 * Heater resistors on the channels of one source meter, each warmed by what it dissipates: R = R₀·(1 + k·P).
 *
 * Always at its final temperature: microseconds are nothing to a source meter.
 */
export class ResistiveLoads implements SourceMeterPort {
  readonly #powersW = new Map<number, number>()

  /** R² − R₀·R − R₀·k·V² = 0. */
  forceV(channel: number, voltageV: number): number {
    const half = COLD_RESISTANCE_OHM / 2
    const resistanceOhm = half + Math.sqrt(half ** 2 + COLD_RESISTANCE_OHM * GROWTH_PER_W * voltageV ** 2)
    const currentA = voltageV / resistanceOhm
    this.#powersW.set(channel, voltageV * currentA)
    return currentA
  }

  /** R = R₀ / (1 − R₀·k·I²): above some current it never stops warming. */
  forceA(channel: number, currentA: number): number {
    const room = 1 - COLD_RESISTANCE_OHM * GROWTH_PER_W * currentA ** 2
    if (room <= 0) return currentA * Infinity
    const voltageV = (currentA * COLD_RESISTANCE_OHM) / room
    this.#powersW.set(channel, voltageV * currentA)
    return voltageV
  }

  powerW(): number {
    return [...this.#powersW.values()].reduce((sum, powerW) => sum + powerW, 0)
  }
}
