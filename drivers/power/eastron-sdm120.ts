import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import type { EnergyMeter, Identity } from '../../core/instruments.ts'
import type { DriverEntry, IdentityQuestion } from '../driver-entry.ts'
import { float32At, uint32At, wordAt } from '../protocols/modbus.ts'
import { ModbusLink } from '../transports/modbus.ts'
import type { Wire } from '../transports/wire.ts'

/** Input registers, float32. */
const ACTIVE_POWER_W = 0x000c
const TOTAL_ACTIVE_ENERGY_KWH = 0x0156
/** Holding registers: serial number as 32 bits, then the meter code in one word. */
const SERIAL_NUMBER = 0xfc00
const METER_CODE = 0xfc02
const SDM120_CODE = 0x0020

/** Addresses and counts must be even: everything is read in pairs. */
const PAIR = 2
const TIMEOUT_MS = 1000
/** "At least 60 ms" between two requests, or the meter misses the second. */
const MIN_SILENCE_MS = 60

const settingsSchema = z.strictObject({
  /** Unit number on the line. */
  unit: z.int().min(1).max(247).default(1),
  /** Silence between two requests; 500 ms for an SDM72D on the same line. */
  silenceMs: z.number().min(MIN_SILENCE_MS).default(100),
})

export type EastronSdm120Settings = z.infer<typeof settingsSchema>

/**
 * Eastron SDM120 single-phase energy meter, Modbus RTU.
 *
 * Units: the wire carries watts and kilowatt-hours, as callers see them. The meter renews its values about once a
 * second and is class 1: energy of a short run comes from the counter or from integration, not from one reading.
 * Throws: INSTRUMENT_WRONG_IDENTITY unless the meter code is 0x0020; PROTOCOL_UNEXPECTED_REPLY on a value that is
 * not a number.
 * Leaves: nothing to make safe, a meter drives nothing.
 * Source: Eastron SDM120 Modbus protocol v2.4 and v2.5.
 */
export class EastronSdm120 implements EnergyMeter {
  readonly accuracy = { relative: 0.01, from: 'class 1 (Eastron SDM120)' }
  readonly identity: Identity
  readonly #name: string
  readonly #link: ModbusLink

  private constructor(name: string, link: ModbusLink, identity: Identity) {
    this.#name = name
    this.#link = link
    this.identity = identity
  }

  static async open(
    wire: Wire,
    settings: EastronSdm120Settings,
    clock: Clock,
    signal: AbortSignal,
    timeoutMs = TIMEOUT_MS,
  ): Promise<EastronSdm120> {
    const { unit, silenceMs } = settings
    const link = ModbusLink.open(wire, { unit, framing: 'rtu', timeoutMs, clock, gapMs: silenceMs, silenceMs })
    try {
      return new EastronSdm120(wire.name, link, await readIdentity(wire.name, link, signal))
    } catch (error) {
      await link[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Active power, positive when drawn. */
  async readPowerW(signal: AbortSignal): Promise<number> {
    return this.#read('active power', ACTIVE_POWER_W, signal)
  }

  async readEnergyKwh(signal: AbortSignal): Promise<number> {
    return this.#read('total active energy', TOTAL_ACTIVE_ENERGY_KWH, signal)
  }

  /** Nothing to switch off. */
  async makeSafe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]()
  }

  async #read(what: string, address: number, signal: AbortSignal): Promise<number> {
    const words = await this.#link.readInput(address, PAIR, signal)
    const value = float32At(words, 0)
    if (Number.isFinite(value)) return value
    throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', `${this.#name}: ${what} is ${value}`, {
      context: { instrument: this.#name, reply: Array.from(words) },
    })
  }
}

async function readIdentity(name: string, link: ModbusLink, signal: AbortSignal): Promise<Identity> {
  await requireSdm120(name, link, signal)
  const serial = uint32At(await link.readHolding(SERIAL_NUMBER, PAIR, signal), 0)
  return { maker: 'Eastron', model: 'SDM120', serial: String(serial), firmware: '' }
}

async function requireSdm120(name: string, link: ModbusLink, signal: AbortSignal): Promise<void> {
  const expected = `${name}: expected an Eastron SDM120 with meter code 0x0020`
  try {
    const words = await link.readHolding(METER_CODE, PAIR, signal)
    if (wordAt(words, 0) === SDM120_CODE) return
    const code = wordAt(words, 0).toString(16).padStart(4, '0')
    throw new BenchError('INSTRUMENT_WRONG_IDENTITY', `${expected}; this one answers 0x${code}`, {
      context: { instrument: name, reply: Array.from(words) },
    })
  } catch (error) {
    if (!isBenchError(error, 'INSTRUMENT_REFUSED')) throw error
    throw new BenchError('INSTRUMENT_WRONG_IDENTITY', `${expected}; this one answers: ${error.message}`, {
      cause: error,
      context: { instrument: name, ...error.context },
    })
  }
}

const askIdentity: IdentityQuestion['ask'] = async (wire, { clock, unit = 1, timeoutMs = TIMEOUT_MS }, signal) => {
  const gap = { gapMs: MIN_SILENCE_MS, silenceMs: MIN_SILENCE_MS }
  await using link = ModbusLink.open(wire, { unit, framing: 'rtu', timeoutMs, clock, ...gap })
  return await readIdentity(wire.name, link, signal)
}

export const eastronSdm120: DriverEntry<EastronSdm120Settings, EnergyMeter> = {
  kind: 'energy-meter',
  wires: ['modbus-serial'],
  serialLine: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
  settings: settingsSchema,
  identity: { ask: askIdentity, fits: () => true },
  open: (wire, settings, clock, signal) => EastronSdm120.open(wire, settings, clock, signal),
}
