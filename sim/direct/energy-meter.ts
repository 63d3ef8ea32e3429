import type { EnergyMeter, Identity } from '../../core/instruments.ts'
import { countedKwh, sdm120Serial } from '../instruments/sim-sdm120.ts'
import type { MainsPort } from '../optics/world-ports.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { Turns } from './turns.ts'

/** Meter code and serial number. */
const OPENING_EXCHANGES = 2

/** An Eastron SDM120: float32, a counter in watt-hours, and silence between questions. Leaves: nothing to make safe. */
export class DirectEnergyMeter implements EnergyMeter {
  readonly accuracy = { relative: 0.01, from: 'class 1 (Eastron SDM120)' }
  readonly identity: Identity
  readonly #port: MainsPort
  readonly #turns: Turns

  private constructor(port: MainsPort, context: SimContext) {
    this.identity = { maker: 'Eastron', model: 'SDM120', serial: String(sdm120Serial(context)), firmware: '' }
    this.#port = port
    this.#turns = new Turns(context.name, context.clock, numberSetting(context, 'silenceMs'))
  }

  static async open(port: MainsPort, context: SimContext, signal: AbortSignal): Promise<DirectEnergyMeter> {
    const meter = new DirectEnergyMeter(port, context)
    for (let asked = 0; asked < OPENING_EXCHANGES; asked++) await meter.#turns.take(signal, () => undefined)
    return meter
  }

  readPowerW(signal: AbortSignal): Promise<number> {
    return this.#turns.take(signal, () => Math.fround(this.#port.powerW()))
  }

  readEnergyKwh(signal: AbortSignal): Promise<number> {
    return this.#turns.take(signal, () => Math.fround(countedKwh(this.#port.energyKwh())))
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

export const directSdm120: DirectEntry<'energy-meter'> = {
  kind: 'energy-meter',
  open: (port, context, signal) => DirectEnergyMeter.open(port, context, signal),
}
