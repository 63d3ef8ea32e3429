import { CounterRandom } from '../../core/random.ts'
import type { Clock } from '../../core/clock.ts'
import type { AnalogPort } from '../optics/world-ports.ts'
import type { ModbusAnswer, ModbusDevice, ModbusException } from '../protocols/modbus-pdu.ts'
import { float32Of, putFloat32, putInt32, uint32Of } from '../protocols/modbus-registers.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { MbapInstrument } from './modbus-instrument.ts'
import { AIN_COUNT, T7AnalogInputs } from './t7-analog-inputs.ts'

const PRODUCT_ID = 7
const HARDWARE_VERSION = 1.35
export const FIRMWARE_VERSION = 1.0318
const TEST_WORD = 0x00112233
/** Detail of exception 4. Source: ljm_constants. */
const MUST_BE_EVEN = 2315
const CORE_TIMER_HZ = 40e6
const DEVICE_K = 303.15
/** Assumption: what settings that differ between inputs read back as, for all of them at once. */
const MIXED_F32 = -9999
const MIXED_U16 = 0xffff
const MAX_DAC_V = 5
const NAME_BYTES = 50

type RegisterType = 'u16' | 'u32' | 'f32'

interface Register {
  readonly type: RegisterType
  readonly read: () => number
  /** False refuses the value. Absent: read only. */
  readonly write?: (value: number) => boolean
}

/**
 * LabJack T7, Modbus TCP: fourteen analog inputs and the registers around them.
 *
 * Every register has a type; those of 32 bits are read and written whole, high word first, else exception 4 with
 * 2315 in LAST_ERR_DETAIL. Unknown registers are exception 2, values out of range exception 3 (assumption).
 * Not simulated: streaming, digital lines, watchdog, and the time a conversion takes.
 * Source: labjack/ljm_constants, LabJack/LJM/ljm_constants.json.
 */
export class SimT7 implements ModbusDevice {
  readonly functions: ReadonlySet<number> = new Set([3, 4, 6, 16])
  readonly #registers = new Map<number, Register>()
  readonly #lastError = { detail: 0, exception: 0, transactionId: 0 }

  constructor(port: AnalogPort, options: SimT7Options) {
    const inputs = new T7AnalogInputs(port, options.seed, options.name)
    this.#addIdentity(options)
    this.#addInputs(inputs)
    this.#addAllInputs(inputs)
    const dacV = [0, 0]
    dacV.forEach((_, i) =>
      this.#registers.set(1000 + 2 * i, {
        type: 'f32',
        read: () => dacV[i]!,
        write: (value) => {
          if (value >= 0 && value <= MAX_DAC_V) dacV[i] = value
          return value >= 0 && value <= MAX_DAC_V
        },
      }),
    )
  }

  /** Function 04 reads the same registers as function 03. */
  readInput(address: number, words: Uint16Array, transactionId: number): ModbusAnswer {
    return this.readHolding(address, words, transactionId)
  }

  readHolding(address: number, words: Uint16Array, transactionId: number): ModbusAnswer {
    for (let i = 0; i < words.length;) {
      const register = this.#registers.get(address + i)
      if (register === undefined) return this.#fail(this.#unknown(address + i), transactionId)
      if (register.type === 'u16') words[i] = register.read()
      else if (i + 1 === words.length) return this.#fail(4, transactionId)
      else if (register.type === 'f32') putFloat32(words, i, register.read())
      else putInt32(words, i, register.read())
      i += sizeOf(register)
    }
    return 'ok'
  }

  write(address: number, words: Uint16Array, _single: boolean, transactionId: number): ModbusAnswer {
    const writes: (() => boolean)[] = []
    for (let i = 0; i < words.length;) {
      const register = this.#registers.get(address + i)
      if (register === undefined) return this.#fail(this.#unknown(address + i), transactionId)
      const { write } = register
      if (write === undefined) return this.#fail(2, transactionId)
      if (sizeOf(register) === 2 && i + 1 === words.length) return this.#fail(4, transactionId)
      const value = valueAt(register.type, words, i)
      writes.push(() => write(value))
      i += sizeOf(register)
    }
    return writes.every((write) => write()) ? 'ok' : this.#fail(3, transactionId)
  }

  #addIdentity(options: SimT7Options): void {
    const { clock, serial, name } = options
    const error = this.#lastError
    const constant = (address: number, type: RegisterType, value: number): void => {
      this.#registers.set(address, { type, read: () => value })
    }
    constant(60000, 'f32', PRODUCT_ID)
    constant(60002, 'f32', HARDWARE_VERSION)
    constant(60004, 'f32', FIRMWARE_VERSION)
    // Neither high-resolution converter nor radio.
    constant(60010, 'u32', 0)
    constant(60028, 'u32', serial)
    constant(60050, 'f32', DEVICE_K)
    constant(60052, 'f32', DEVICE_K)
    constant(55100, 'u32', TEST_WORD)
    this.#registers.set(55000, { type: 'u16', read: () => error.detail })
    this.#registers.set(55001, { type: 'u16', read: () => error.exception })
    constant(55002, 'u16', 0)
    this.#registers.set(55003, { type: 'u16', read: () => error.transactionId })
    this.#registers.set(61520, { type: 'u32', read: () => (clock.monotonicNs() * CORE_TIMER_HZ) / 1e9 })
    const text = Buffer.alloc(NAME_BYTES)
    text.write(name, 0, NAME_BYTES - 1, 'latin1')
    for (let i = 0; i < NAME_BYTES / 2; i++) constant(60500 + i, 'u16', text.readUInt16BE(2 * i))
  }

  #addInputs(inputs: T7AnalogInputs): void {
    for (let channel = 0; channel < AIN_COUNT; channel++) {
      this.#registers.set(2 * channel, { type: 'f32', read: () => inputs.measureV(channel) })
      this.#registers.set(40000 + 2 * channel, {
        type: 'f32',
        read: () => inputs.rangeV(channel),
        write: (value) => inputs.setRangeV(channel, value),
      })
      this.#registers.set(41000 + channel, {
        type: 'u16',
        read: () => inputs.negativeChannel(channel),
        write: (value) => inputs.setNegativeChannel(channel, value),
      })
      this.#registers.set(41500 + channel, {
        type: 'u16',
        read: () => inputs.resolutionIndex(channel),
        write: (value) => inputs.setResolutionIndex(channel, value),
      })
      this.#registers.set(42000 + 2 * channel, {
        type: 'f32',
        read: () => inputs.settlingUs(channel),
        write: (value) => inputs.setSettlingUs(channel, value),
      })
    }
  }

  /** One register that writes a setting of every input. */
  #addAllInputs(inputs: T7AnalogInputs): void {
    const all = (address: number, one: number, step: number, mixed: number): void => {
      const each = Array.from({ length: AIN_COUNT }, (_, i) => this.#registers.get(one + step * i)!)
      this.#registers.set(address, {
        type: each[0]!.type,
        read: () => {
          const values = new Set(each.map((register) => register.read()))
          return values.size === 1 ? each[0]!.read() : mixed
        },
        write: (value) => each.every((register) => register.write?.(value)),
      })
    }
    all(43900, 40000, 2, MIXED_F32)
    // The inputs have different neighbours: only "single-ended" fits all of them.
    this.#registers.set(43902, {
      type: 'u16',
      read: () => (inputs.allSingleEnded() ? inputs.negativeChannel(0) : MIXED_U16),
      write: (value) =>
        value === inputs.singleEnded &&
        Array.from({ length: AIN_COUNT }, (_, i) => i).every((i) => inputs.setNegativeChannel(i, value)),
    })
    all(43903, 41500, 1, MIXED_U16)
    all(43904, 42000, 2, MIXED_F32)
  }

  /** The second half of a value of 32 bits, or nothing at all. */
  #unknown(address: number): ModbusException {
    const before = this.#registers.get(address - 1)
    return before !== undefined && sizeOf(before) === 2 ? 4 : 2
  }

  #fail(exception: ModbusException, transactionId: number): ModbusException {
    const error = this.#lastError
    error.detail = exception === 4 ? MUST_BE_EVEN : 0
    error.exception = exception
    error.transactionId = transactionId
    return exception
  }
}

export interface SimT7Options {
  readonly clock: Clock
  readonly name: string
  readonly seed: number
  readonly serial: number
}

const sizeOf = (register: Register): 1 | 2 => (register.type === 'u16' ? 1 : 2)

function valueAt(type: RegisterType, words: Uint16Array, at: number): number {
  switch (type) {
    case 'u16':
      return words[at]!
    case 'u32':
      return uint32Of(words, at)
    case 'f32':
      return float32Of(words, at)
  }
}

/** LabJack numbers its T7s from 470010000. */
export const t7Serial = (context: SimContext): number =>
  470_010_000 + Math.floor(new CounterRandom(context.seed, `${context.name} serial`).uniform(0) * 90_000)

export const simT7: SimEntry<'voltage-monitor'> = {
  kind: 'voltage-monitor',
  create(port: AnalogPort, context: SimContext) {
    const { clock, name, seed } = context
    return new MbapInstrument(new SimT7(port, { clock, name, seed, serial: t7Serial(context) }))
  },
}
