import type { LightBench } from '../../core/light-bench.ts'
import { requireInRange } from '../../core/range.ts'

/** Heater drivers update whole modules at once. */
const MODULE_CHANNELS = 8

/** Sets all heaters of the chip by what they do, sending only the modules that change, and waits until they settle. */
export class HeaterSetter {
  readonly #bench: LightBench
  /** [bank channel], as last set; undefined before the first time. */
  #set: Float64Array | undefined

  constructor(bench: LightBench) {
    this.#bench = bench
  }

  /** Shape of `voltagesV`: [heater of the layout]. Throws RANGE_EXCEEDED before anything is sent. */
  async set(voltagesV: Float64Array, signal: AbortSignal): Promise<void> {
    const { heaters, heaterChannels, heaterLimitsV, heaterSettleMs, clock } = this.#bench
    const wanted = new Float64Array(heaters.channelCount)
    for (const [heater, channel] of heaterChannels.entries()) {
      requireInRange(`voltage of heater ${heater}, V`, voltagesV[heater]!, heaterLimitsV)
      wanted[channel] = voltagesV[heater]!
    }
    const before = this.#set
    this.#set = undefined
    let changed = false
    for (let first = 0; first < wanted.length; first += MODULE_CHANNELS) {
      const module = wanted.subarray(first, first + MODULE_CHANNELS)
      if (before !== undefined && module.every((v, i) => v === before[first + i])) continue
      await heaters.setVoltagesV(first, module, signal)
      changed = true
    }
    this.#set = wanted
    if (changed) await clock.sleep(heaterSettleMs, signal)
  }
}
