import { BenchError } from '../../core/errors.ts'
import type { Identity, VoltageMonitor } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import { FIRMWARE_VERSION, t7Serial } from '../instruments/sim-t7.ts'
import { AIN_COUNT, T7AnalogInputs } from '../instruments/t7-analog-inputs.ts'
import type { AnalogPort } from '../optics/world-ports.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { requireLive } from './turns.ts'

/** The converter reaches a little beyond its range. What lies farther out is no reading. */
const OVER_RANGE = 1.1

/** A LabJack T7: readings are float32. Leaves: nothing to make safe. */
export class DirectVoltageMonitor implements VoltageMonitor {
  readonly identity: Identity
  readonly channelCount = AIN_COUNT
  readonly #inputs: T7AnalogInputs
  readonly #name: string
  readonly #maxV: number

  constructor(port: AnalogPort, context: SimContext) {
    const { name, seed } = context
    const firmware = Math.fround(FIRMWARE_VERSION).toFixed(4)
    this.identity = { maker: 'LabJack', model: 'T7', serial: String(t7Serial(context)), firmware }
    this.#inputs = new T7AnalogInputs(port, seed, name)
    this.#name = name
    const rangeV = numberSetting(context, 'rangeV')
    this.#maxV = rangeV * OVER_RANGE
    const resolutionIndex = numberSetting(context, 'resolutionIndex')
    for (let channel = 0; channel < AIN_COUNT; channel++) {
      const taken =
        this.#inputs.setRangeV(channel, Math.fround(rangeV)) &&
        this.#inputs.setResolutionIndex(channel, resolutionIndex)
      if (taken) continue
      const what = `${name} did not take a range of ${rangeV} V at resolution index ${resolutionIndex}`
      throw new BenchError('INSTRUMENT_REFUSED', what, { context: { instrument: name, rangeV, resolutionIndex } })
    }
  }

  async readVoltagesV(first: number, count: number, signal: AbortSignal): Promise<Float64Array> {
    requireInRange('first', Number.isInteger(first) ? first : Number.NaN, { min: 0, max: AIN_COUNT - 1 })
    requireInRange('count', Number.isInteger(count) ? count : Number.NaN, { min: 1, max: AIN_COUNT - first })
    requireLive(this.#name, signal)
    const voltagesV = new Float64Array(count)
    for (let i = 0; i < count; i++) voltagesV[i] = Math.fround(this.#inputs.measureV(first + i))
    const wrong = voltagesV.findIndex((voltageV) => !(Math.abs(voltageV) <= this.#maxV))
    if (wrong < 0) return voltagesV
    const what = `AIN${first + wrong} reads ${voltagesV[wrong]} V, which is outside ±${this.#maxV} V`
    throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', `${this.#name}: ${what}`, {
      context: { instrument: this.#name, channel: first + wrong, voltageV: voltagesV[wrong] },
    })
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

export const directT7: DirectEntry<'voltage-monitor'> = {
  kind: 'voltage-monitor',
  open: async (port, context) => new DirectVoltageMonitor(port, context),
}
