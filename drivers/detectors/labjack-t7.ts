import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import type { Identity, VoltageMonitor } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import type { DriverEntry, IdentityQuestion } from '../driver-entry.ts'
import { float32At, float32Words, uint32At, wordAt } from '../protocols/modbus.ts'
import { ModbusLink } from '../transports/modbus.ts'
import type { ReadNow } from '../transports/modbus.ts'
import type { Wire } from '../transports/wire.ts'

const CHANNELS = 14
const SINGLE_ENDED = 199
/** Registers of a value of 32 bits. */
const PAIR = 2

const AIN = 0
const AIN_RANGE = 40000
const AIN_NEGATIVE_CH = 41000
const AIN_RESOLUTION_INDEX = 41500
const LAST_ERR_DETAIL = 55000
const TEST = 55100
/** PRODUCT_ID, HARDWARE_VERSION, FIRMWARE_VERSION: three float32 in a row. */
const PRODUCT = 60000
const SERIAL_NUMBER = 60028

const TEST_WORD = 0x00112233
const T7_PRODUCT_ID = 7
/** The converter reaches a little beyond its range. What lies farther out is no reading (the T7 says −9999). */
const OVER_RANGE = 1.1

/** Exception with which the T7 points at LAST_ERR_DETAIL. */
const SEE_DETAIL = 4
/** Source: ljm_constants. */
const DETAILS: Readonly<Record<number, string>> = {
  2300: 'reply too long',
  2301: 'request too long',
  2313: 'count does not match the types of the registers',
  2314: 'too many registers to read',
  2315: 'a value of 32 bits was cut in half',
  2605: 'a stream is running',
}

const TIMEOUT_MS = 1000
/** The high-resolution converter of a T7-Pro takes up to 160 ms a channel. */
const PRO_CONVERSION_MS = 200
const FIRST_PRO_INDEX = 9

const settingsSchema = z.strictObject({
  /** Unit number in the frames; the T7 takes any. */
  unit: z.int().min(0).max(247).default(1),
  /** Range of every input, plus and minus. */
  rangeV: z.union([z.literal(10), z.literal(1), z.literal(0.1), z.literal(0.01)]).default(1),
  /** 1 is fast, 8 is quiet, 9 to 12 are slow and quieter and need a T7-Pro. */
  resolutionIndex: z.int().min(1).max(12).default(8),
})

export type LabjackT7Settings = z.infer<typeof settingsSchema>

/**
 * LabJack T7 as a monitor of fourteen voltages, Modbus TCP.
 *
 * Opening sets range, resolution and single-ended inputs, and reads the ranges back.
 * Units: the wire carries volts, as callers see them. One read brings all channels asked for.
 * Throws: INSTRUMENT_WRONG_IDENTITY unless it is a T7; INSTRUMENT_STATE_LOST once when it has restarted, and then it is
 * configured again; INSTRUMENT_REFUSED with the detail of its last error;
 * PROTOCOL_UNEXPECTED_REPLY on a voltage that no input can have.
 * Leaves: nothing to make safe: it only listens, its outputs are not touched.
 * Source: labjack/ljm_constants, LabJack/LJM/ljm_constants.json. Not verified: that an input which cannot be read
 * shows −9999.
 */
export class LabjackT7 implements VoltageMonitor {
  readonly channelCount = CHANNELS
  readonly identity: Identity
  readonly #name: string
  readonly #link: ModbusLink
  readonly #settings: LabjackT7Settings
  readonly #maxV: number
  #configured = true

  private constructor(name: string, link: ModbusLink, identity: Identity, settings: LabjackT7Settings) {
    this.#name = name
    this.#link = link
    this.identity = identity
    this.#settings = settings
    this.#maxV = settings.rangeV * OVER_RANGE
  }

  static async open(
    wire: Wire,
    settings: LabjackT7Settings,
    clock: Clock,
    signal: AbortSignal,
    timeoutMs = patienceMs(settings.resolutionIndex),
  ): Promise<LabjackT7> {
    let monitor: LabjackT7 | undefined
    const link = ModbusLink.open(wire, {
      unit: settings.unit,
      framing: 'tcp',
      timeoutMs,
      clock,
      recognise: async (read) => {
        if (monitor !== undefined) await monitor.#recognise(read)
      },
    })
    try {
      const identity = await readIdentity(wire.name, link, signal)
      await configure(wire.name, link, settings, signal)
      monitor = new LabjackT7(wire.name, link, identity, settings)
      return monitor
    } catch (error) {
      await link[Symbol.asyncDispose]()
      throw error
    }
  }

  async readVoltagesV(first: number, count: number, signal: AbortSignal): Promise<Float64Array> {
    requireInRange('first', Number.isInteger(first) ? first : Number.NaN, { min: 0, max: CHANNELS - 1 })
    requireInRange('count', Number.isInteger(count) ? count : Number.NaN, { min: 1, max: CHANNELS - first })
    if (!this.#configured) await configure(this.#name, this.#link, this.#settings, signal)
    this.#configured = true
    const words = await explained(this.#name, this.#link, signal, () =>
      this.#link.readHolding(AIN + PAIR * first, PAIR * count, signal),
    )
    const voltagesV = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      const voltageV = float32At(words, PAIR * i)
      // Written this way round because NaN is no voltage, either.
      if (!(Math.abs(voltageV) <= this.#maxV)) throw this.#noVoltage(first + i, voltageV, words)
      voltagesV[i] = voltageV
    }
    return voltagesV
  }

  /** Nothing to switch off. */
  async makeSafe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]()
  }

  /** After a restart the resolution index is 0, which is never asked for: it tells whether the settings are still there. */
  async #recognise(read: ReadNow): Promise<void> {
    const serial = String(uint32At(await read(SERIAL_NUMBER, PAIR), 0))
    if (serial !== this.identity.serial) {
      throw new BenchError(
        'INSTRUMENT_WRONG_IDENTITY',
        `${this.#name} was the T7 with serial number ${this.identity.serial}, now ${serial} answers`,
        { context: { instrument: this.#name, expected: this.identity.serial, serial } },
      )
    }
    const indices = await read(AIN_RESOLUTION_INDEX, CHANNELS)
    if (indices.every((index) => index === this.#settings.resolutionIndex)) return
    this.#configured = false
    throw new BenchError('INSTRUMENT_STATE_LOST', `${this.#name} has restarted: it lost range and resolution`, {
      context: { instrument: this.#name, reply: Array.from(indices) },
    })
  }

  #noVoltage(channel: number, voltageV: number, words: Uint16Array): BenchError {
    const what = `${this.#name}: AIN${channel} reads ${voltageV} V, which is outside ±${this.#maxV} V`
    return new BenchError('PROTOCOL_UNEXPECTED_REPLY', what, {
      context: { instrument: this.#name, channel, voltageV, reply: Array.from(words) },
    })
  }
}

async function readIdentity(name: string, link: ModbusLink, signal: AbortSignal): Promise<Identity> {
  const expected = `${name}: expected a LabJack T7 with product 7`
  const wrong = (found: string, context: Readonly<Record<string, unknown>>, cause?: unknown): BenchError =>
    new BenchError('INSTRUMENT_WRONG_IDENTITY', `${expected}; this one ${found}`, {
      cause,
      context: { instrument: name, ...context },
    })
  try {
    const test = uint32At(await link.readHolding(TEST, PAIR, signal), 0)
    if (test !== TEST_WORD) throw wrong(`has ${test} where a LabJack has ${TEST_WORD}`, { test })
    const product = await link.readHolding(PRODUCT, 3 * PAIR, signal)
    const productId = float32At(product, 0)
    if (productId !== T7_PRODUCT_ID) throw wrong(`is product ${productId}`, { productId })
    const serial = uint32At(await link.readHolding(SERIAL_NUMBER, PAIR, signal), 0)
    const firmware = float32At(product, 2 * PAIR).toFixed(4)
    return { maker: 'LabJack', model: 'T7', serial: String(serial), firmware }
  } catch (error) {
    if (isBenchError(error, 'INSTRUMENT_REFUSED')) throw wrong(`answers: ${error.message}`, error.context, error)
    throw error
  }
}

async function configure(
  name: string,
  link: ModbusLink,
  settings: LabjackT7Settings,
  signal: AbortSignal,
): Promise<void> {
  const { rangeV, resolutionIndex } = settings
  const ranges = float32Words(new Array<number>(CHANNELS).fill(rangeV))
  await explained(name, link, signal, async () => {
    await link.writeRegisters(AIN_RANGE, ranges, signal)
    await link.writeRegisters(AIN_NEGATIVE_CH, new Uint16Array(CHANNELS).fill(SINGLE_ENDED), signal)
    await link.writeRegisters(AIN_RESOLUTION_INDEX, new Uint16Array(CHANNELS).fill(resolutionIndex), signal)
    const kept = await link.readHolding(AIN_RANGE, ranges.length, signal)
    if (kept.every((word, i) => word === ranges[i])) return
    throw new BenchError('INSTRUMENT_REFUSED', `${name} did not take a range of ${rangeV} V`, {
      context: { instrument: name, rangeV, reply: Array.from(kept) },
    })
  })
}

/** Asks what was wrong, when the instrument says that it knows. */
async function explained<T>(name: string, link: ModbusLink, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isBenchError(error, 'INSTRUMENT_REFUSED') || error.context['exception'] !== SEE_DETAIL) throw error
    const detail = wordAt(await link.readHolding(LAST_ERR_DETAIL, 1, signal), 0)
    const meaning = DETAILS[detail] ?? 'see the LabJack list of errors'
    throw new BenchError('INSTRUMENT_REFUSED', `${name}: ${error.message}, error ${detail} (${meaning})`, {
      cause: error,
      context: { ...error.context, instrument: name, detail },
    })
  }
}

const patienceMs = (resolutionIndex: number): number =>
  TIMEOUT_MS + (resolutionIndex >= FIRST_PRO_INDEX ? CHANNELS * PRO_CONVERSION_MS : 0)

const askIdentity: IdentityQuestion['ask'] = async (wire, { clock, unit = 1, timeoutMs = TIMEOUT_MS }, signal) => {
  await using link = ModbusLink.open(wire, { unit, framing: 'tcp', timeoutMs, clock })
  return await readIdentity(wire.name, link, signal)
}

export const labjackT7: DriverEntry<LabjackT7Settings, VoltageMonitor> = {
  kind: 'voltage-monitor',
  wires: ['modbus-tcp'],
  settings: settingsSchema,
  identity: { ask: askIdentity, fits: () => true },
  open: (wire, settings, clock, signal) => LabjackT7.open(wire, settings, clock, signal),
}
