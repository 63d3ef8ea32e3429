import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError, isBenchError } from '../../core/errors.ts'
import type { Identity, TemperatureController } from '../../core/instruments.ts'
import { intersect, requireInRange } from '../../core/range.ts'
import type { Range } from '../../core/range.ts'
import type { DriverEntry, IdentityQuestion } from '../driver-entry.ts'
import { int16At, int32At, wordAt } from '../protocols/modbus.ts'
import { ModbusLink } from '../transports/modbus.ts'
import type { Wire } from '../transports/wire.ts'

/** Registers of the two-byte mode: one word a value. */
const PV_AND_STATUS = 0x2000
const SET_POINT = 0x2103
const STATUS = 0x2406
const DECIMAL_POINT_MONITOR = 0x2410
/** The same set point in the four-byte mode: two words. */
const SET_POINT_FOUR_BYTE = 0x0106

/** Operation commands: the code in the high byte, what to do in the low one, written to this address. */
const OPERATION = 0x0000
const WRITING_ON = 0x0001
const RUN = 0x0100
const STOP = 0x0101
const RAM_WRITE_MODE = 0x0401

/** Status bits 0 to 15, in the low word. */
const AD_CONVERTER_ERROR = 1 << 2
const INPUT_ERROR = 1 << 6
/** Status bits 16 to 31, in the high word. */
const RAM_MODE_ON = 1 << (20 - 16)
const STOPPED = 1 << (24 - 16)
const WRITING_ENABLED = 1 << (25 - 16)

/** Four digits, whatever the decimal point. */
const DISPLAY_CODES: Range = { min: -1999, max: 9999 }
const TIMEOUT_MS = 1000
/** 3.5 characters at 9600 Bd, 8E1, are 4 ms. */
const GAP_MS = 5
const SAFE_BUDGET_MS = 10_000
/** A stop command lost to noise is said again. */
const SAFE_ATTEMPTS = 3

const E5CC: Identity = { maker: 'Omron', model: 'E5_C', serial: '', firmware: '' }

const settingsSchema = z.strictObject({
  /** Unit number on the line. */
  unit: z.int().min(1).max(99).default(1),
  /** Digits behind the decimal point on the controller's display. */
  decimals: z.int().min(0).max(3).default(1),
  /** Limits of the set point. */
  minC: z.number().default(0),
  maxC: z.number().default(100),
})

export type OmronE5ccSettings = z.infer<typeof settingsSchema>

/** For tests: a real controller answers within tens of milliseconds. */
export interface SerialPatience {
  readonly timeoutMs?: number
  readonly silenceMs?: number
}

/**
 * Omron E5CC (E5EC, E5GC, E5AC) temperature controller, Modbus RTU in two-byte mode.
 *
 * Units: the wire carries whole display digits, callers see degrees Celsius. Converted here, nowhere else.
 * Identity: the family has no name to ask for. What no other instrument does is to show its set point twice, as
 * one word at 0x2103 and as two at 0x0106; both must agree. A serial number cannot be read.
 * Writes go to RAM: set points do not wear the non-volatile memory.
 * Throws: INSTRUMENT_REFUSED at a sensor break; INSTRUMENT_STATE_LOST when it has restarted, which shows when it is
 * told something; RANGE_EXCEEDED before a byte is sent.
 * Leaves: stopped; makeSafe reads the stop bit of the status back. What the output relay does is not on the wire.
 * Source: Omron H175 §4-4 (commands), §5-1 (registers), §5-2 (status); status bits also in the E5_C map of the
 * University of Amsterdam. Not verified on hardware: that every firmware shows the status at 0x2406.
 */
export class OmronE5cc implements TemperatureController {
  readonly identity = E5CC
  readonly temperatureRangeC: Range
  readonly #name: string
  readonly #link: ModbusLink
  readonly #codesPerC: number

  private constructor(name: string, link: ModbusLink, settings: OmronE5ccSettings) {
    this.#name = name
    this.#link = link
    this.#codesPerC = 10 ** settings.decimals
    this.temperatureRangeC = intersect(
      { min: settings.minC, max: settings.maxC },
      { min: DISPLAY_CODES.min / this.#codesPerC, max: DISPLAY_CODES.max / this.#codesPerC },
    )
  }

  static async open(
    wire: Wire,
    settings: OmronE5ccSettings,
    clock: Clock,
    signal: AbortSignal,
    patience: SerialPatience = {},
  ): Promise<OmronE5cc> {
    const { unit } = settings
    const link = ModbusLink.open(wire, {
      framing: 'rtu',
      timeoutMs: TIMEOUT_MS,
      gapMs: GAP_MS,
      ...patience,
      unit,
      clock,
    })
    try {
      const controller = new OmronE5cc(wire.name, link, settings)
      await requireFamily(wire.name, link, signal)
      await controller.#requireDecimals(settings.decimals, signal)
      await controller.#unlock(signal)
      return controller
    } catch (error) {
      await link[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Rounded to what the display can show. */
  async setTemperatureC(temperatureC: number, signal: AbortSignal): Promise<void> {
    requireInRange('temperatureC', temperatureC, this.temperatureRangeC)
    const code = Math.round(temperatureC * this.#codesPerC)
    await this.#write(SET_POINT, code & 0xffff, signal)
  }

  async readTemperatureC(signal: AbortSignal): Promise<number> {
    const words = await this.#link.readHolding(PV_AND_STATUS, 2, signal)
    const status = wordAt(words, 1)
    if ((status & (INPUT_ERROR | AD_CONVERTER_ERROR)) !== 0) {
      const what =
        (status & INPUT_ERROR) === 0 ? 'converter error' : 'input error: sensor broken, missing or of another type'
      throw new BenchError('INSTRUMENT_REFUSED', `${this.#name} measures no temperature, ${what}`, {
        context: { instrument: this.#name, status, processValueCode: int16At(words, 0) },
      })
    }
    return int16At(words, 0) / this.#codesPerC
  }

  async setRunning(on: boolean, signal: AbortSignal): Promise<void> {
    await this.#write(OPERATION, on ? RUN : STOP, signal)
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#stop(signal)
      } catch (error) {
        const again = isBenchError(error) && error.recovery === 'retry' && attempt < SAFE_ATTEMPTS
        if (!again) throw this.#unsafe(error)
      }
    }
  }

  /** Stopped first, then the line is let go even if that failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
    } finally {
      await this.#link[Symbol.asyncDispose]()
    }
  }

  /** A controller that is locked again has restarted, and is stopped. */
  async #write(address: number, value: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#link.writeRegister(address, value, signal)
    } catch (cause) {
      if (!isBenchError(cause, 'INSTRUMENT_REFUSED')) throw cause
      if (((await this.#readStatusHigh(signal)) & WRITING_ENABLED) !== 0) throw cause
      await this.#unlock(signal)
      throw new BenchError('INSTRUMENT_STATE_LOST', `${this.#name} has restarted: it is stopped, at an old set point`, {
        cause,
        context: { instrument: this.#name },
      })
    }
  }

  async #stop(signal: AbortSignal): Promise<void> {
    // After a restart the controller is locked again, and would refuse to stop.
    await this.#link.writeRegister(OPERATION, WRITING_ON, signal)
    await this.#link.writeRegister(OPERATION, STOP, signal)
    const status = await this.#readStatusHigh(signal)
    if ((status & STOPPED) !== 0) return
    throw new BenchError('SAFE_STATE_UNVERIFIED', `${this.#name} was told to stop, and says that it runs`, {
      context: { instrument: this.#name, status },
    })
  }

  #unsafe(error: unknown): BenchError {
    if (isBenchError(error, 'SAFE_STATE_UNVERIFIED', 'TRANSPORT_ABORTED')) return error
    return new BenchError('SAFE_STATE_UNVERIFIED', `${this.#name} could not be stopped: ${(error as Error).message}`, {
      cause: error,
      context: { instrument: this.#name },
    })
  }

  async #requireDecimals(decimals: number, signal: AbortSignal): Promise<void> {
    const shown = wordAt(await this.#link.readHolding(DECIMAL_POINT_MONITOR, 1, signal), 0)
    if (shown === decimals) return
    throw new BenchError(
      'BENCH_FILE_INVALID',
      `${this.#name}: the controller shows ${shown} decimals, the bench file says ${decimals}: every temperature would be ` +
        `off by a power of ten; write "decimals: ${shown}"`,
      { context: { instrument: this.#name, shown, decimals } },
    )
  }

  async #unlock(signal: AbortSignal): Promise<void> {
    await this.#link.writeRegister(OPERATION, WRITING_ON, signal)
    await this.#link.writeRegister(OPERATION, RAM_WRITE_MODE, signal)
    const status = await this.#readStatusHigh(signal)
    if ((status & WRITING_ENABLED) !== 0 && (status & RAM_MODE_ON) !== 0) return
    throw new BenchError('INSTRUMENT_REFUSED', `${this.#name} does not take settings from the line into RAM`, {
      context: { instrument: this.#name, status },
    })
  }

  async #readStatusHigh(signal: AbortSignal): Promise<number> {
    return wordAt(await this.#link.readHolding(STATUS, 2, signal), 1)
  }
}

async function requireFamily(name: string, link: ModbusLink, signal: AbortSignal): Promise<void> {
  const expected = `${name}: expected an Omron E5_C, which shows its set point at 0x2103 and at 0x0106`
  try {
    const short = int16At(await link.readHolding(SET_POINT, 1, signal), 0)
    const long = int32At(await link.readHolding(SET_POINT_FOUR_BYTE, 2, signal), 0)
    if (short === long) return
    throw new BenchError('INSTRUMENT_WRONG_IDENTITY', `${expected}; this one answers ${short} and ${long}`, {
      context: { instrument: name, short, long },
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
  await using link = ModbusLink.open(wire, { unit, framing: 'rtu', timeoutMs, clock, gapMs: GAP_MS })
  await requireFamily(wire.name, link, signal)
  return E5CC
}

export const omronE5cc: DriverEntry<OmronE5ccSettings, TemperatureController> = {
  kind: 'temperature-controller',
  wires: ['modbus-serial'],
  serialLine: { baudRate: 9600, dataBits: 8, parity: 'even', stopBits: 1 },
  settings: settingsSchema,
  identity: { ask: askIdentity, fits: () => true },
  open: (wire, settings, clock, signal) => OmronE5cc.open(wire, settings, clock, signal),
}
