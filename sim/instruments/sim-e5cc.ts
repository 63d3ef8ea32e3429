import type { OvenPort } from '../optics/world-ports.ts'
import type { ModbusAnswer, ModbusDevice } from '../protocols/modbus-pdu.ts'
import { putInt32, uint32Of } from '../protocols/modbus-registers.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { RtuInstrument } from './modbus-instrument.ts'

/** Addresses of the two-byte mode. */
const PV = 0x2000
const STATUS = 0x2001
const INTERNAL_SET_POINT = 0x2002
const SET_POINT = 0x2103
const ALARM_VALUE_1 = 0x2104
const ALARM_UPPER_1 = 0x2105
const ALARM_LOWER_1 = 0x2106
const PV_MONITOR = 0x2402
const SET_POINT_MONITOR = 0x2403
const STATUS_LOW = 0x2406
const STATUS_HIGH = 0x2407
const DECIMAL_POINT_MONITOR = 0x2410

/** Status bits. Source: Omron H175 §5-2, and the E5_C register maps of the University of Amsterdam. */
const INPUT_ERROR = 1 << 6
const CONTROL_OUTPUT = 1 << 8
const RAM_WRITE_MODE = 1 << 20
const RAM_DIFFERS = 1 << 21
const STOPPED = 1 << 24
const COMMUNICATIONS_WRITING = 1 << 25

const MAX_READ_ELEMENTS = 0x6a
/** What four digits can show. */
const MIN_CODE = -1999
const MAX_CODE = 9999
/** Set point of a controller as it comes, in degrees. */
export const INITIAL_SET_POINT_C = 25

/**
 * Omron E5CC temperature controller, Modbus RTU.
 *
 * Values are whole numbers without their decimal point, in two maps: two-byte mode from 0x2000 (one register a
 * value) and four-byte mode from 0x0000 (two registers, even addresses and counts). Nothing is written before
 * communications writing was enabled. In backup mode every write wears the non-volatile memory; RAM write mode
 * keeps it, and a software reset brings the stored values back.
 *
 * Assumptions: stopped when it is switched on; at a sensor break the process value sticks at 9999; other
 * operation commands than those below are refused.
 * Source: Omron E5_C Communications Manual H175, §4-4, §5-1, §5-2.
 */
export class SimE5cc implements ModbusDevice {
  readonly functions: ReadonlySet<number> = new Set([3, 6, 8, 16])
  readonly #port: OvenPort
  readonly #decimals: number
  readonly #settings: Map<number, number>
  #stored: ReadonlyMap<number, number>
  #communicationsWriting = false
  #ramWriteMode = false
  #ramDiffers = false
  #running = false
  #eepromWrites = 0

  /** `decimals`: digits behind the point on its display. */
  constructor(port: OvenPort, decimals = 1) {
    this.#port = port
    this.#decimals = decimals
    this.#settings = new Map([
      [SET_POINT, Math.round(INITIAL_SET_POINT_C * 10 ** decimals)],
      [ALARM_VALUE_1, 0],
      [ALARM_UPPER_1, 0],
      [ALARM_LOWER_1, 0],
    ])
    this.#stored = new Map(this.#settings)
  }

  /** Wear of the non-volatile memory. The real one lasts a million writes. */
  get eepromWrites(): number {
    return this.#eepromWrites
  }

  get running(): boolean {
    return this.#running
  }

  readHolding(address: number, words: Uint16Array): ModbusAnswer {
    const count = words.length
    if (count > MAX_READ_ELEMENTS) return 3
    const double = isFourByte(address)
    if (double && address % 2 !== 0) return 2
    if (double && count % 2 !== 0) return 3
    const values = double ? count / 2 : count
    const first = double ? twoByteAddress(address) : address
    for (let i = 0; i < values; i++) {
      const value = this.#value(first + i)
      if (value === undefined) return 2
      if (double) putInt32(words, 2 * i, value)
      else words[i] = value & 0xffff
    }
    return 'ok'
  }

  readInput(): ModbusAnswer {
    return 1
  }

  write(address: number, words: Uint16Array, single: boolean): ModbusAnswer {
    if (single && (address === 0x0000 || address === 0xffff)) return this.#operate(words[0]! >> 8, words[0]! & 0xff)
    if (!this.#communicationsWriting) return 4
    const double = isFourByte(address)
    if (double && (single || address % 2 !== 0)) return 2
    if (double && words.length % 2 !== 0) return 3
    const count = double ? words.length / 2 : words.length
    const first = double ? twoByteAddress(address) : address
    const values = Array.from({ length: count }, (_, i) =>
      double ? uint32Of(words, 2 * i) | 0 : (words[i]! << 16) >> 16,
    )
    if (values.some((_, i) => !this.#settings.has(first + i))) return 2
    if (values.some((value) => value < MIN_CODE || value > MAX_CODE)) return 3
    values.forEach((value, i) => this.#settings.set(first + i, value))
    this.#keep()
    this.#drive()
    return 'ok'
  }

  #value(address: number): number | undefined {
    switch (address) {
      case PV:
      case PV_MONITOR:
        return this.#processValue()
      case STATUS:
      case STATUS_LOW:
        return this.#status()
      case STATUS_HIGH:
        return this.#status() >>> 16
      case INTERNAL_SET_POINT:
      case SET_POINT_MONITOR:
        return this.#settings.get(SET_POINT)
      case DECIMAL_POINT_MONITOR:
        return this.#decimals
      default:
        return this.#settings.get(address)
    }
  }

  #processValue(): number {
    return displayCode(this.#port.temperatureC(), this.#decimals)
  }

  #status(): number {
    let status = 0
    if (Number.isNaN(this.#port.temperatureC())) status |= INPUT_ERROR
    if (this.#running && this.#processValue() < this.#settings.get(SET_POINT)!) status |= CONTROL_OUTPUT
    if (this.#ramWriteMode) status |= RAM_WRITE_MODE
    if (this.#ramDiffers) status |= RAM_DIFFERS
    if (!this.#running) status |= STOPPED
    if (this.#communicationsWriting) status |= COMMUNICATIONS_WRITING
    return status
  }

  #operate(command: number, argument: number): ModbusAnswer {
    const flag = argument === 1
    const valid = command === 0x05 || command === 0x06 ? argument === 0 : argument <= 1
    if (!valid) return 3
    // This one command is heard at any time.
    if (command === 0x00) {
      this.#communicationsWriting = flag
      return 'ok'
    }
    if (!this.#communicationsWriting) return 4
    switch (command) {
      case 0x01:
        this.#running = !flag
        this.#drive()
        return 'ok'
      case 0x04:
        this.#ramWriteMode = flag
        if (!flag && this.#ramDiffers) this.#store()
        return 'ok'
      case 0x05:
        this.#store()
        return 'ok'
      case 0x06:
        this.#reset()
        return 'silent'
      default:
        return 3
    }
  }

  #keep(): void {
    if (this.#ramWriteMode) this.#ramDiffers = true
    else this.#store()
  }

  #store(): void {
    this.#stored = new Map(this.#settings)
    this.#ramDiffers = false
    this.#eepromWrites++
  }

  #reset(): void {
    for (const [address, value] of this.#stored) this.#settings.set(address, value)
    this.#communicationsWriting = false
    this.#ramWriteMode = false
    this.#ramDiffers = false
    this.#running = false
    this.#drive()
  }

  #drive(): void {
    this.#port.setSetPointC(this.#settings.get(SET_POINT)! / 10 ** this.#decimals, this.#running)
  }
}

/** What four digits show of a temperature; 9999 at a sensor break. */
export function displayCode(temperatureC: number, decimals: number): number {
  if (Number.isNaN(temperatureC)) return MAX_CODE
  return Math.min(Math.max(Math.round(temperatureC * 10 ** decimals), MIN_CODE), MAX_CODE)
}

const isFourByte = (address: number): boolean => address < 0x2000

/** 0x010A of the four-byte mode is 0x2105 of the two-byte mode. */
const twoByteAddress = (address: number): number => 0x2000 + (address & 0xff00) + ((address & 0x00ff) >> 1)

export const simE5cc: SimEntry<'temperature-controller'> = {
  kind: 'temperature-controller',
  create(port: OvenPort, context: SimContext) {
    const { decimals, unit } = context.settings
    const device = new SimE5cc(port, typeof decimals === 'number' ? decimals : 1)
    return new RtuInstrument(device, {
      unit: context.unit ?? (typeof unit === 'number' ? unit : 1),
      clock: context.clock,
    })
  },
}
