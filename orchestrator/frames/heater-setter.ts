import type { LightBench } from '../../core/light-bench.ts'
import { requireInRange } from '../../core/range.ts'

/** Heater drivers update whole modules at once. */
const MODULE_CHANNELS = 8

/** Sets all heaters of the chip by what they do, sending only the modules that change, and waits until they settle. */
export class HeaterSetter {
  readonly #bench: LightBench
  /** [bank channel], as last set; undefined before the first time. */
  #set: Float64Array | undefined
  /** What that was made of: frames of one tile ask for the same thousands of times. */
  #asked: Float64Array | undefined

  constructor(bench: LightBench) {
    this.#bench = bench
  }

  /** Shape of `voltagesV`: [heater of the layout]. Throws RANGE_EXCEEDED before anything is sent. */
  async set(voltagesV: Float64Array, signal: AbortSignal): Promise<void> {
    if (alike(voltagesV, this.#asked)) return
    const { heaters, heaterChannels, heaterLimitsV, heaterSettleMs, clock } = this.#bench
    const wanted = new Float64Array(heaters.channelCount)
    for (const [heater, channel] of heaterChannels.entries()) {
      requireInRange(`voltage of heater ${heater}, V`, voltagesV[heater]!, heaterLimitsV)
      wanted[channel] = voltagesV[heater]!
    }
    const before = this.#set
    this.#set = this.#asked = undefined
    let changed = false
    for (let first = 0; first < wanted.length; first += MODULE_CHANNELS) {
      const module = wanted.subarray(first, first + MODULE_CHANNELS)
      if (before !== undefined && module.every((v, i) => v === before[first + i])) continue
      await heaters.setVoltagesV(first, module, signal)
      changed = true
    }
    this.#set = wanted
    this.#asked = voltagesV.slice()
    if (changed) await clock.sleep(heaterSettleMs, signal)
  }
}

function alike(these: Float64Array, those: Float64Array | undefined): boolean {
  if (these.length !== those?.length) return false
  for (let i = 0; i < these.length; i++) if (these[i] !== those[i]) return false
  return true
}
