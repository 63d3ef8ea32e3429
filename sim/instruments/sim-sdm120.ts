import { CounterRandom } from '../../core/random.ts'
import type { MainsPort } from '../optics/world-ports.ts'
import type { ModbusAnswer, ModbusDevice } from '../protocols/modbus-pdu.ts'
import { float32Of, putFloat32, putInt32 } from '../protocols/modbus-registers.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { RtuInstrument } from './modbus-instrument.ts'

const MAINS_V = 230
const MAINS_HZ = 50
/** Assumption: switched-mode supplies with power-factor correction. */
const POWER_FACTOR = 0.95
/** The counter steps in watt-hours. */
const KWH_STEP = 1e-3
/** "Maximum 40 parameters": two registers each. */
const MAX_READ_REGISTERS = 80
/** Last input register of this model; what lies between the quantities reads 0 (assumption). */
const LAST_INPUT = 0x0159
const SERIAL_NUMBER = 0xfc00
const METER_CODE = 0xfc02
const SDM120_CODE = 0x0020
/** Assumption: stands behind the meter code, in the same pair of registers. */
const SOFTWARE_VERSION = 0x0205

/** Settings that may be written, with what is in them when it comes: float32 at even addresses. */
const DEFAULT_SETTINGS: readonly (readonly [address: number, value: number])[] = [
  [0x0002, 60], // demand period, min
  [0x000c, 100], // pulse width, ms
  [0x0012, 0], // 8N1
  [0x0016, 0], // pulse constant
  [0x001c, 2], // 9600 Bd
]
const DEMAND_TIME = 0x0000
const NODE = 0x0014

/**
 * Eastron SDM120 energy meter, Modbus RTU: 230 V, 50 Hz, and whatever the bench draws.
 *
 * Every quantity is a float32 in two registers, high word first; addresses and counts are even, else exception 2.
 * Source: Eastron SDM120 Modbus protocol v2.4 and v2.5, SDM630 protocol v1.8.
 */
export class SimSdm120 implements ModbusDevice {
  readonly functions: ReadonlySet<number> = new Set([3, 4, 8, 16])
  readonly #port: MainsPort
  readonly #unit: number
  readonly #serial: number
  readonly #settings = new Map(DEFAULT_SETTINGS)

  constructor(port: MainsPort, options: { readonly unit: number; readonly serial: number }) {
    this.#port = port
    this.#unit = options.unit
    this.#serial = options.serial
  }

  readInput(address: number, words: Uint16Array): ModbusAnswer {
    const count = words.length
    if (address % 2 !== 0 || count % 2 !== 0) return 2
    if (count > MAX_READ_REGISTERS) return 3
    if (address + count - 1 > LAST_INPUT) return 2
    for (let i = 0; i < count; i += 2) putFloat32(words, i, this.#quantity(address + i))
    return 'ok'
  }

  readHolding(address: number, words: Uint16Array): ModbusAnswer {
    const count = words.length
    if (address % 2 !== 0 || count % 2 !== 0) return 2
    if (count > MAX_READ_REGISTERS) return 3
    for (let i = 0; i < count; i += 2) {
      if (!this.#putSetting(address + i, words, i)) return 2
    }
    return 'ok'
  }

  write(address: number, words: Uint16Array): ModbusAnswer {
    if (address % 2 !== 0 || words.length % 2 !== 0) return 2
    if (words.length !== 2) return 3
    if (!this.#settings.has(address)) return 2
    const value = float32Of(words, 0)
    if (!Number.isFinite(value) || value < 0) return 3
    this.#settings.set(address, value)
    return 'ok'
  }

  #quantity(address: number): number {
    const powerW = this.#port.powerW()
    const apparentVa = powerW / POWER_FACTOR
    switch (address) {
      case 0x0000:
        return MAINS_V
      case 0x0006:
        return apparentVa / MAINS_V
      case 0x000c:
        return powerW
      case 0x0012:
        return apparentVa
      case 0x0018:
        return apparentVa * Math.sqrt(1 - POWER_FACTOR ** 2)
      case 0x001e:
        return POWER_FACTOR
      case 0x0024:
        return (Math.acos(POWER_FACTOR) * 180) / Math.PI
      case 0x0046:
        return MAINS_HZ
      case 0x0048:
      case 0x0156:
        return countedKwh(this.#port.energyKwh())
      default:
        return 0
    }
  }

  #putSetting(address: number, words: Uint16Array, at: number): boolean {
    if (address === SERIAL_NUMBER) putInt32(words, at, this.#serial)
    else if (address === METER_CODE) putInt32(words, at, SDM120_CODE * 0x1_0000 + SOFTWARE_VERSION)
    else if (address === NODE) putFloat32(words, at, this.#unit)
    else if (address === DEMAND_TIME) putFloat32(words, at, 0)
    else {
      const value = this.#settings.get(address)
      if (value === undefined) return false
      putFloat32(words, at, value)
    }
    return true
  }
}

/** What the counter shows. */
export const countedKwh = (energyKwh: number): number => Math.floor(energyKwh / KWH_STEP) * KWH_STEP

/** Eight digits, as printed on the front. */
export const sdm120Serial = (context: SimContext): number =>
  10_000_000 + Math.floor(new CounterRandom(context.seed, `${context.name} serial`).uniform(0) * 90_000_000)

export const simSdm120: SimEntry<'energy-meter'> = {
  kind: 'energy-meter',
  create(port: MainsPort, context: SimContext) {
    const { unit: setting } = context.settings
    const unit = context.unit ?? (typeof setting === 'number' ? setting : 1)
    // The real one misses requests that come within 60 ms of the last; `minGapMs` of RtuInstrument does that on
    // request. Off here, so that a client in a hurry on another bus timing still sees the values.
    return new RtuInstrument(new SimSdm120(port, { unit, serial: sdm120Serial(context) }), {
      unit,
      clock: context.clock,
    })
  },
}
