import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { Identity, MultichannelPowerMeter, PowerLog } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'
import { NO_READING, digitise, fullScaleMw, inWatts } from '../instruments/n7745-converter.ts'
import { n7745Identity } from '../instruments/sim-n7745.ts'
import type { DetectorPort } from '../optics/world-ports.ts'
import { formatNr3 } from '../protocols/scpi-call.ts'
import type { SimContext } from '../sim-entry.ts'
import { numberSetting } from './direct-entry.ts'
import type { DirectEntry } from './direct-entry.ts'
import { Turns, requireLive, wait } from './turns.ts'

const PORTS = 8
const MW_PER_W = 1e3
const MAX_LOG_POINTS = 1_000_000
const WAVELENGTH_RANGE_NM = { min: 1250, max: 1650 }
const RANGES_DBM = { min: -30, max: 10 }
const RANGE_STEP_DB = 10
const AVERAGING_RANGE_S = { min: 1e-6, max: 10 }
/** Between polls of the last stretch of a record, this share of it passes. */
const POLL_SHARE = 1 / 100
const SHORTEST_POLL_MS = 0.1
const TRIGGER_PATIENCE_MS = 10_000
const SAFE_BUDGET_MS = 5_000

/** Waits for its trigger until `endNs` is known; `samplesMw[port]` is [point], as the photodiodes show it. */
interface Recording {
  readonly log: PowerLog
  readonly fullScaleMw: number
  endNs?: number
  samplesMw?: readonly Float64Array[]
}

/** A Keysight N7745C: 12 bits of the range, float32 watts in logs and nine digits in single readings. Leaves: no log under way. */
export class DirectPowerMeter implements MultichannelPowerMeter {
  readonly identity: Identity
  readonly channelCount = PORTS
  readonly maxLogPoints = MAX_LOG_POINTS
  readonly rangesDbm = RANGES_DBM
  readonly #port: DetectorPort
  readonly #name: string
  readonly #clock: Clock
  readonly #readAveragingS: number
  readonly #turns: Turns
  #rangeDbm: number | undefined
  #armed: PowerLog | undefined
  #recording: Recording | undefined

  constructor(port: DetectorPort, context: SimContext) {
    this.identity = n7745Identity(context.name, context.seed)
    this.#port = port
    this.#name = context.name
    this.#clock = context.clock
    this.#readAveragingS = numberSetting(context, 'readAveragingS')
    this.#turns = new Turns(context.name, context.clock)
    port.onTrigger(() => this.#pulse())
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
    requireLive(this.#name, signal)
    this.#forget()
    this.#rangeDbm = rangeDbm
  }

  async armLog({ points, averagingS }: PowerLog, signal: AbortSignal): Promise<void> {
    requireInRange('points', points, { min: 1, max: MAX_LOG_POINTS })
    requireInRange('averagingS', averagingS, AVERAGING_RANGE_S)
    if (!Number.isInteger(points)) {
      throw new BenchError('RANGE_EXCEEDED', `points ${points} is not a whole number`, { context: { points } })
    }
    const rangeDbm = this.#requireConfigured()
    requireLive(this.#name, signal)
    this.#armed = { points, averagingS }
    this.#recording = { log: this.#armed, fullScaleMw: fullScaleMw(rangeDbm) }
  }

  async waitLog(signal: AbortSignal): Promise<void> {
    const { points, averagingS } = this.#requireArmed()
    const recordMs = points * averagingS * 1e3
    const deadlineMs = recordMs + TRIGGER_PATIENCE_MS
    let pauseMs = Math.max(recordMs, SHORTEST_POLL_MS)
    for (let sleptMs = 0; !this.#complete(signal); sleptMs += pauseMs) {
      if (sleptMs > 0) pauseMs = Math.max(recordMs * POLL_SHARE, SHORTEST_POLL_MS)
      if (sleptMs >= deadlineMs) {
        throw new BenchError(
          'INSTRUMENT_NOT_SETTLED',
          `${this.#name}: no complete record within ${deadlineMs} ms; the trigger may not have reached the meter`,
          { context: { instrument: this.#name, points, averagingS, deadlineMs } },
        )
      }
      await wait(this.#name, this.#clock, pauseMs, signal)
    }
  }

  async readLogMw(signal: AbortSignal): Promise<Float64Array[]> {
    this.#requireArmed()
    const recording = this.#recording
    if (!this.#complete(signal) || recording?.samplesMw === undefined) {
      // Behind a wire the meter says nothing then, until the driver gives up.
      throw new BenchError('TRANSPORT_TIMEOUT', `${this.#name}: no answer, because the record is not complete`)
    }
    return recording.samplesMw.map((samplesMw, port) => this.#reported(samplesMw, recording.fullScaleMw, port))
  }

  readPowerMw(port: number, signal: AbortSignal): Promise<number> {
    return this.#turns.take(signal, async () => {
      if (!Number.isInteger(port) || port < 0 || port >= PORTS) {
        throw new BenchError('RANGE_EXCEEDED', `port ${port} is none of 0 to ${PORTS - 1}`, {
          context: { name: 'port', value: port },
        })
      }
      const rangeDbm = this.#requireConfigured()
      await wait(this.#name, this.#clock, this.#readAveragingS * 1e3, signal)
      const powerMw = digitise(this.#port.powerMw(port), fullScaleMw(rangeDbm))
      if (powerMw === NO_READING) throw this.#outOfRange(port)
      return Number(formatNr3(inWatts(powerMw))) * MW_PER_W
    })
  }

  async makeSafe(signal: AbortSignal): Promise<void> {
    this.#forget()
    requireLive(this.#name, signal)
    if (this.logging) throw new BenchError('SAFE_STATE_UNVERIFIED', `${this.#name}: may still be logging`)
  }

  /** A log waits for its trigger, or is being recorded. */
  get logging(): boolean {
    const recording = this.#recording
    return recording !== undefined && this.#clock.monotonicNs() < (recording.endNs ?? Infinity)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.makeSafe(AbortSignal.timeout(SAFE_BUDGET_MS))
  }

  #pulse(): void {
    const recording = this.#recording
    if (recording === undefined || recording.endNs !== undefined) return
    const { points, averagingS } = recording.log
    // One nanosecond less: a client that sleeps exactly as long finds it complete, whatever the rounding.
    recording.endNs = this.#clock.monotonicNs() + points * averagingS * 1e9 - 1
    // Every instrument that this pulse reaches must have heard it before the record is taken.
    queueMicrotask(() => {
      if (this.#recording !== recording) return
      recording.samplesMw = Array.from({ length: PORTS }, (_, port) => this.#port.captureMw(port, points, averagingS))
    })
  }

  #complete(signal: AbortSignal): boolean {
    requireLive(this.#name, signal)
    const { endNs = Infinity } = this.#recording ?? {}
    return this.#clock.monotonicNs() >= endNs
  }

  /** A record can be read more than once: its samples stay as they are. */
  #reported(samplesMw: Float64Array, fullScaleMw: number, port: number): Float64Array {
    const reportedMw = new Float64Array(samplesMw.length)
    for (let point = 0; point < samplesMw.length; point++) {
      const powerMw = digitise(samplesMw[point]!, fullScaleMw)
      if (powerMw === NO_READING) throw this.#outOfRange(port, point)
      reportedMw[point] = Math.fround(inWatts(powerMw)) * MW_PER_W
    }
    return reportedMw
  }

  #outOfRange(port: number, point?: number): BenchError {
    const where = `port ${port + 1}${point === undefined ? '' : `, point ${point}`}`
    return new BenchError(
      'RANGE_EXCEEDED',
      `${this.#name} ${where}: no valid power in the ${this.#rangeDbm} dBm range; choose a higher one`,
      { context: { instrument: this.#name, port, point, rangeDbm: this.#rangeDbm } },
    )
  }

  #requireConfigured(): number {
    if (this.#rangeDbm !== undefined) return this.#rangeDbm
    throw new BenchError('CALL_INVALID', `${this.#name}: configure before measuring; unit and range are unknown`)
  }

  #requireArmed(): PowerLog {
    if (this.#armed !== undefined) return this.#armed
    throw new BenchError('CALL_INVALID', `${this.#name}: arm a log before waiting for one or reading it`)
  }

  #forget(): void {
    this.#rangeDbm = this.#armed = this.#recording = undefined
  }
}

export const directN7745: DirectEntry<'power-meter'> = {
  kind: 'power-meter',
  open: async (port, context) => new DirectPowerMeter(port, context),
}
