import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { Identity, MultichannelPowerMeter, PowerLog } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import { SCPI_WIRES } from '../driver-entry.ts'
import type { DriverEntry } from '../driver-entry.ts'
import { parseScpiInteger, parseScpiNumber, scpiBlocksReply, unexpected } from '../protocols/scpi.ts'
import { ScpiSession, askScpiIdentity } from '../transports/scpi-session.ts'
import type { Wire } from '../transports/wire.ts'
import { bufferOf, BYTES_PER_POINT, decodeW } from './n7745-log.ts'

const MW_PER_W = 1e3
/** As the meter numbers its units; 0 is dBm. */
const WATT = 1
/** Readings beyond this stand for "no valid power": the meter writes 3.4E+38. */
const NO_READING_W = 1e20
const WAVELENGTH_RANGE_NM = { min: 1250, max: 1650 }
const RANGES_DBM = { min: -30, max: 10 }
const RANGE_STEP_DB = 10
const AVERAGING_RANGE_S = { min: 1e-6, max: 10 }
const MAX_LOG_POINTS = 1_000_000

/** A record takes as long as it takes; between polls of its last stretch, this share of it passes. */
const POLL_SHARE = 1 / 100
const SHORTEST_POLL_MS = 0.1
/** How much longer than its own length a record may take before it is given up: no trigger came. */
const TRIGGER_PATIENCE_MS = 10_000
/** Slowest wire on which a record is still waited for. */
const SLOWEST_BYTES_PER_MS = 50
/** Longer records are asked for a port at a time. Assumption: the meter holds this much of an answer. */
const MOST_BYTES_TOGETHER = 2 ** 18
const SAFE_BUDGET_MS = 5_000

const isN7745 = ({ model }: Identity): boolean => /^N774[45][AC]$/.test(model)

/** Left behind by readings that were questionable, ignored software triggers and questions that were given up. */
const HARMLESS_ERRORS = [-213, -231, -261, -410, -420]

const settings = z.strictObject({
  /** Averaging time of a single reading; logs bring their own. */
  readAveragingS: z.number().min(AVERAGING_RANGE_S.min).max(AVERAGING_RANGE_S.max).default(0.2),
  /** Longest silence before a reply, besides averaging and transfer. */
  timeoutMs: z.number().positive().default(5_000),
  /** Records follow each other without being armed, and each is read while the next one is taken. */
  continuousLog: z.boolean().default(false),
})

export type KeysightN7745Settings = z.output<typeof settings>

/**
 * Keysight N7745A/C (eight ports) or N7744A/C (four): optical power meter whose ports log together on one trigger.
 *
 * Units: the wire carries metres, watts and dBm; callers see nm, mW and dBm. Converted here, nowhere else.
 * Throws: RANGE_EXCEEDED before a byte is sent, and for readings above the range; CALL_INVALID when not configured or
 * armed; INSTRUMENT_NOT_SETTLED when a record never completes; INSTRUMENT_REFUSED with the meter's own errors.
 * Leaves: no log under way, trigger inputs ignored.
 * Source: Keysight N77xx Series Programming Guide 9018-02434 and N774xC Programming Guide, as used by LabExT.
 */
export class KeysightN7745 implements MultichannelPowerMeter {
  readonly identity: Identity
  readonly channelCount: number
  readonly maxLogPoints = MAX_LOG_POINTS
  readonly rangesDbm = RANGES_DBM
  readonly keepsRecords: boolean
  readonly #scpi: ScpiSession
  readonly #clock: Clock
  readonly #settings: KeysightN7745Settings
  readonly #ports: readonly number[]
  #rangeDbm: number | undefined
  /** What the ports are set up to log; undefined when it may be anything. */
  #logSetup: PowerLog | undefined
  #armed: PowerLog | undefined
  /** A record was armed, and is not known to be complete. */
  #awaited = false
  /** Complete records of a continuous log that were waited for. */
  #records = 0
  /** A continuous log was seen to stand still until its next trigger. */
  #seenWaiting = false
  /** [turn][port]: what the last two reads filled, because fresh memory costs more than filling it. */
  readonly #logs: [Float64Array[], Float64Array[]] = [[], []]
  #turn: 0 | 1 = 0
  #closed = false

  private constructor(scpi: ScpiSession, identity: Identity, settings: KeysightN7745Settings, clock: Clock) {
    this.#scpi = scpi
    this.identity = identity
    this.channelCount = identity.model.startsWith('N7745') ? 8 : 4
    this.#ports = Array.from({ length: this.channelCount }, (_, port) => port + 1)
    this.#settings = settings
    this.keepsRecords = settings.continuousLog
    this.#clock = clock
    scpi.onStateLost = () => this.#forget()
  }

  static async open(
    wire: Wire,
    settings: KeysightN7745Settings,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<KeysightN7745> {
    const scpi = new ScpiSession(wire, settings.timeoutMs)
    try {
      const expected = 'a Keysight N7744A, N7745A, N7744C or N7745C'
      const identity = await scpi.identify(expected, isN7745, signal)
      await scpi.tell('*CLS', signal)
      return new KeysightN7745(scpi, identity, settings, clock)
    } catch (error) {
      await scpi[Symbol.asyncDispose]()
      throw error
    }
  }

  async configure(
    { wavelengthNm, rangeDbm }: { readonly wavelengthNm: number; readonly rangeDbm: number },
    signal: AbortSignal,
  ): Promise<void> {
    requireInRange('wavelengthNm', wavelengthNm, WAVELENGTH_RANGE_NM)
    requireInRange('rangeDbm', rangeDbm, RANGES_DBM)
    if (rangeDbm % RANGE_STEP_DB !== 0) {
      throw new BenchError('RANGE_EXCEEDED', `rangeDbm ${rangeDbm} is none of 10, 0, -10, -20, -30`, {
        context: { name: 'rangeDbm', value: rangeDbm },
      })
    }
    this.#forget()
    for (const n of this.#ports) {
      for (const command of [
        `SENS${n}:FUNC:STAT LOGG,STOP`,
        `SENS${n}:POW:WAV ${wavelengthNm}NM`,
        // Autoranging would tear gaps into a log.
        `SENS${n}:POW:RANG:AUTO 0`,
        `SENS${n}:POW:RANG ${rangeDbm}DBM`,
        `SENS${n}:POW:UNIT 1`,
        // Best transient response: symbols follow each other within microseconds.
        `SENS${n}:POW:GAIN:AUTO 0`,
        `SENS${n}:POW:ATIM ${this.#settings.readAveragingS}S`,
        // A reading begins when it is asked for; a free-running meter would give one from before.
        `INIT${n}:CONT 0`,
        `SENS${n}:FUNC:LOOP ${this.keepsRecords ? 0 : 1}`,
      ]) {
        await this.#scpi.tell(command, signal)
      }
    }
    await this.#requireNoError('be configured', signal)
    this.#rangeDbm = rangeDbm
  }

  async armLog(log: PowerLog, signal: AbortSignal): Promise<void> {
    const { points, averagingS } = log
    requireInRange('points', points, { min: 1, max: MAX_LOG_POINTS })
    requireInRange('averagingS', averagingS, AVERAGING_RANGE_S)
    if (!Number.isInteger(points)) {
      throw new BenchError('RANGE_EXCEEDED', `points ${points} is not a whole number`, { context: { points } })
    }
    this.#requireConfigured()
    const known = this.#logSetup
    const alike = known?.points === points && known.averagingS === averagingS
    const waitsByItself = this.keepsRecords && alike && !this.#awaited
    this.#awaited = true
    if (waitsByItself) return
    this.#armed = this.#logSetup = undefined
    const stop = each('FUNC:STAT LOGG,STOP', this.#ports)
    const start = each('FUNC:STAT LOGG,STAR', this.#ports)
    // The answer proves that every port waits: a trigger on another cable must not come before.
    const armed = ':SYST:ERR?'
    if (alike) {
      await this.#requireNoError('arm a log', signal, [stop, start, armed].join(';'))
    } else {
      await this.#scpi.tell(stop, signal)
      for (const n of this.#ports) {
        await this.#scpi.tell(`SENS${n}:FUNC:PAR:LOGG ${points},${averagingS}S`, signal)
        await this.#scpi.tell(`TRIG${n}:INP CME`, signal)
      }
      await this.#requireNoError('arm a log', signal, [start, armed].join(';'))
    }
    this.#records = 0
    this.#armed = this.#logSetup = { points, averagingS }
  }

  /**
   * Polls: at once, after the length of the record, then often. The first answer proves that the trigger is not still on
   * its way while the clock goes on.
   *
   * The deadline is counted in time slept, not read from a clock, so that a replay asks as often as the run did.
   */
  async waitLog(signal: AbortSignal): Promise<void> {
    const log = this.#requireArmed()
    const { points, averagingS } = log
    const recordMs = points * averagingS * 1e3
    const deadlineMs = recordMs + TRIGGER_PATIENCE_MS
    const startNs = this.#clock.monotonicNs()
    let pauseMs = Math.max(recordMs, SHORTEST_POLL_MS)
    for (let sleptMs = 0; !(await this.#logComplete(signal)); sleptMs += pauseMs) {
      if (sleptMs > 0) pauseMs = Math.max(recordMs * POLL_SHARE, SHORTEST_POLL_MS)
      if (sleptMs >= deadlineMs) {
        throw new BenchError(
          'INSTRUMENT_NOT_SETTLED',
          `${this.#scpi.name}: no complete record within ${deadlineMs} ms; the trigger may not have reached the meter`,
          { context: { instrument: this.#scpi.name, points, averagingS, deadlineMs } },
        )
      }
      const askedMs = sleptMs > 0 ? 0 : (this.#clock.monotonicNs() - startNs) / 1e6
      await this.#clock.sleep(Math.max(0, pauseMs - askedMs), signal)
    }
    if (this.keepsRecords) await this.#recordTaken(log, signal)
    this.#awaited = false
  }

  async readLogMw(signal: AbortSignal): Promise<Float64Array[]> {
    const { points } = this.#requireArmed()
    const record = this.#records
    const together = points * BYTES_PER_POINT * this.channelCount <= MOST_BYTES_TOGETHER
    this.#turn = this.#turn === 0 ? 1 : 0
    const logs = this.#logs[this.#turn]
    for (const port of this.#ports.keys()) if (logs[port]?.length !== points) logs[port] = new Float64Array(points)
    for (const ports of together ? [this.#ports] : this.#ports.map((n) => [n])) {
      await this.#readW(this.keepsRecords ? bufferOf(record) : 'RES', ports, (n) => logs[n - 1]!, signal)
    }
    if (this.keepsRecords && (await this.#recordsBeyond(record, signal)) > 1) {
      throw this.#refused('has overwritten a record before it was read')
    }
    for (const [port, log] of logs.entries()) {
      for (let point = 0; point < points; point++) {
        const powerW = log[point]!
        // Also false for NaN.
        if (!(Math.abs(powerW) <= NO_READING_W)) throw this.#outOfRange(port, powerW, point)
        log[point] = powerW * MW_PER_W
      }
    }
    return logs
  }

  async readPowerMw(port: number, signal: AbortSignal): Promise<number> {
    const n = this.#ports[port]
    if (n === undefined) {
      throw new BenchError('RANGE_EXCEEDED', `port ${port} is none of 0 to ${this.channelCount - 1}`, {
        context: { name: 'port', value: port },
      })
    }
    this.#requireConfigured()
    const timeoutMs = this.#settings.timeoutMs + this.#settings.readAveragingS * 1e3
    const powerW = parseScpiNumber(await this.#scpi.ask(`READ${n}:POW?`, signal, timeoutMs))
    await this.#requireWatts(n, signal)
    if (Math.abs(powerW) > NO_READING_W) throw this.#outOfRange(port, powerW)
    return powerW * MW_PER_W
  }

  /** Behind a gateway a meter can restart without a word, and then speaks of dBm. */
  async #requireWatts(n: number, signal: AbortSignal): Promise<void> {
    const unit = parseScpiInteger(await this.#scpi.ask(`SENS${n}:POW:UNIT?`, signal))
    if (unit === WATT) return
    this.#forget()
    throw new BenchError('INSTRUMENT_STATE_LOST', `${this.#scpi.name} has forgotten its unit: it was restarted`, {
      context: { instrument: this.#scpi.name, port: n, unit },
    })
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    this.#forget()
    await this.#scpi.makeSafe('may still be logging', () => this.#stopLogging(signal))
  }

  /** Logs stopped first; then the wire closes even if that failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      // A fresh deadline. The caller's signal is often why we are here, and already aborted.
      await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
    } finally {
      await this.#scpi[Symbol.asyncDispose]()
    }
  }

  async #stopLogging(signal: AbortSignal): Promise<void> {
    for (const n of this.#ports) {
      await this.#scpi.tell(`SENS${n}:FUNC:STAT LOGG,STOP`, signal)
      await this.#scpi.tell(`TRIG${n}:INP IGN`, signal)
    }
    for (const n of this.#ports) {
      const state = await this.#scpi.ask(`SENS${n}:FUNC:STAT?`, signal)
      if (logUnderWay(state)) throw unexpected(`port ${n} to have stopped logging`, state)
      const input = await this.#scpi.ask(`TRIG${n}:INP?`, signal)
      if (!/^IGN(ORE)?$/i.test(input)) throw unexpected(`port ${n} to ignore triggers`, input)
    }
  }

  /** All ports began at the same trigger: the last one speaks for them. */
  async #logComplete(signal: AbortSignal): Promise<boolean> {
    if (this.keepsRecords) return (await this.#recordsBeyond(this.#records, signal)) > 0
    const state = await this.#scpi.ask(`SENS${this.channelCount}:FUNC:STAT?`, signal)
    if (logUnderWay(state)) return false
    if (/^LOGGING_STABILITY,COMPLETE$/i.test(state)) return true
    if (!/^NONE,/i.test(state)) throw unexpected('a log under way or complete', state)
    throw new BenchError('INSTRUMENT_STATE_LOST', `${this.#scpi.name} stopped logging by itself or for somebody else`, {
      context: { instrument: this.#scpi.name, reply: state },
    })
  }

  /**
   * How many records of a continuous log are complete beyond so many. The ports count alike: the last one speaks for them.
   *
   * Source: N774xA User's Guide, "Continuous Logging Using Data Buffers"; Keysight's streaming example (FUNC:LOOP 0,
   * FUNC:RES:IND?).
   */
  async #recordsBeyond(known: number, signal: AbortSignal): Promise<number> {
    const records = parseScpiInteger(await this.#scpi.ask(`SENS${this.channelCount}:FUNC:RES:IND?`, signal))
    if (records >= known) return records - known
    throw new BenchError('INSTRUMENT_STATE_LOST', `${this.#scpi.name} stopped logging by itself or for somebody else`, {
      context: { instrument: this.#scpi.name, records, expected: known },
    })
  }

  /**
   * The first time, as long again passes without a trigger, and the record is read from its buffer and as the last one:
   * that every record waits for its trigger, and the first one is in buffer A, the guide does not say.
   */
  async #recordTaken({ points, averagingS }: PowerLog, signal: AbortSignal): Promise<void> {
    this.#records++
    if (this.#seenWaiting) return
    await this.#clock.sleep(points * averagingS * 1e3 + SHORTEST_POLL_MS, signal)
    if ((await this.#recordsBeyond(this.#records, signal)) > 0) {
      throw this.#refused('goes on without waiting for triggers')
    }
    const port = this.#ports.slice(-1)
    const [last, buffer] = [new Float64Array(points), new Float64Array(points)]
    await this.#readW('RES', port, () => last, signal)
    await this.#readW(bufferOf(this.#records), port, () => buffer, signal)
    if (last.some((powerW, point) => !Object.is(powerW, buffer[point]))) {
      throw this.#refused('keeps its records in other buffers than expected')
    }
    this.#seenWaiting = true
  }

  /** Fills the log of each port. */
  async #readW(
    what: string,
    ports: readonly number[],
    logOf: (n: number) => Float64Array,
    signal: AbortSignal,
  ): Promise<void> {
    const framer = scpiBlocksReply(ports.length, (payload, block) =>
      decodeW(ports[block]!, payload, logOf(ports[block]!)),
    )
    const bytes = ports.reduce((sum, n) => sum + logOf(n).length * BYTES_PER_POINT, 0)
    const timeoutMs = this.#settings.timeoutMs + bytes / SLOWEST_BYTES_PER_MS
    await this.#scpi.askFramed(each(`FUNC:${what}?`, ports), framer, signal, timeoutMs)
  }

  #refused(what: string): BenchError {
    return new BenchError('INSTRUMENT_REFUSED', `${this.#scpi.name} ${what}; set continuousLog to false`, {
      context: { instrument: this.#scpi.name, setting: 'continuousLog', records: this.#records },
    })
  }

  #outOfRange(port: number, reading: number, point?: number): BenchError {
    const where = `port ${port + 1}${point === undefined ? '' : `, point ${point}`}`
    return new BenchError(
      'RANGE_EXCEEDED',
      `${this.#scpi.name} ${where}: no valid power in the ${this.#rangeDbm} dBm range; choose a higher one`,
      { context: { instrument: this.#scpi.name, port, point, rangeDbm: this.#rangeDbm, reading: String(reading) } },
    )
  }

  #requireNoError(doing: string, signal: AbortSignal, question = ':SYST:ERR?'): Promise<void> {
    return this.#scpi.requireNoError(doing, signal, { question, harmless: HARMLESS_ERRORS })
  }

  #requireConfigured(): void {
    if (this.#rangeDbm !== undefined) return
    throw new BenchError('CALL_INVALID', `${this.#scpi.name}: configure before measuring; unit and range are unknown`)
  }

  #requireArmed(): PowerLog {
    if (this.#armed !== undefined) return this.#armed
    throw new BenchError('CALL_INVALID', `${this.#scpi.name}: arm a log before waiting for one or reading it`)
  }

  #forget(): void {
    this.#rangeDbm = this.#logSetup = this.#armed = undefined
    this.#awaited = false
  }
}

/** One message for several ports: a round trip is worth more than its bytes. */
const each = (command: string, ports: readonly number[]): string => ports.map((n) => `:SENS${n}:${command}`).join(';')

const logUnderWay = (state: string): boolean => /^LOGGING_STABILITY,PROGRESS$/i.test(state)

export const keysightN7745: DriverEntry<KeysightN7745Settings, KeysightN7745> = {
  kind: 'power-meter',
  wires: SCPI_WIRES,
  settings,
  identity: { ask: askScpiIdentity, fits: isN7745 },
  open: (wire, settings, clock, signal) => KeysightN7745.open(wire, settings, clock, signal),
}
