import type { Clock } from '../../core/clock.ts'
import type { DetectorPort } from '../optics/world-ports.ts'
import { ScpiFault } from '../protocols/scpi-fault.ts'
import { NO_READING, digitise, encodeRecord, fullScaleMw, inDbm, inWatts } from './n7745-converter.ts'

export const LOG_LIMITS = {
  points: { min: 1, max: 1_000_000 },
  averagingS: { min: 1e-6, max: 10 },
} as const

const AUTO_RANGES_DBM = [-30, -20, -10, 0, 10] as const

interface Log {
  readonly points: number
  readonly averagingS: number
}

interface Recording {
  readonly endNs: number
  readonly fullScaleMw: number
  samplesMw?: Float64Array
}

type Logging =
  | { readonly state: 'none' }
  /** Waits for its trigger, or for the next of them. */
  | { readonly state: 'waiting'; readonly taken: Float64Array[] }
  | { readonly state: 'recording'; readonly recording: Recording }

/**
 * One optical input of an N7745: photocurrent through a range and a 12-bit converter, single readings, logging.
 *
 * A log of several loops begins each of them at a trigger of its own, and fills two buffers in turn: the last complete
 * record can be read while the next one is taken. That every loop waits for a trigger is an assumption.
 * Full scale and steps: n7745-converter.ts.
 * Source of the two buffers: N774xA User's Guide, "Continuous Logging Using Data Buffers".
 */
export class N7745Port {
  wavelengthM = 1550e-9
  inWatt = false
  rangeDbm = 10
  autoRange = true
  autoGain = true
  averagingS = 0.2
  continuous = true
  triggerInput = 'IGN'
  triggerOutput = 'DIS'
  log: Log = { points: 100, averagingS: 0.2 }
  /** 0 goes on until it is stopped. */
  loops = 1
  readonly #channel: number
  readonly #port: DetectorPort
  readonly #clock: Clock
  #logging: Logging = { state: 'none' }
  /** The record under way or just complete, and the one before it, in turn. */
  readonly #buffers: [Recording?, Recording?] = []
  #recordsBegun = 0
  #lastMw: number | undefined

  constructor(channel: number, port: DetectorPort, clock: Clock) {
    this.#channel = channel
    this.#port = port
    this.#clock = clock
  }

  reset(): void {
    this.wavelengthM = 1550e-9
    this.inWatt = false
    this.rangeDbm = 10
    this.autoRange = this.autoGain = this.continuous = true
    this.averagingS = 0.2
    this.triggerInput = 'IGN'
    this.triggerOutput = 'DIS'
    this.log = { points: 100, averagingS: 0.2 }
    this.loops = 1
    this.stop()
    this.#lastMw = undefined
  }

  /** A log is under way. */
  get busy(): boolean {
    return this.#logging.state !== 'none' && (!this.#complete() || this.#goesOn())
  }

  /** Answer to FUNC:RES:IND?: records complete since the start. */
  get records(): number {
    return this.#logging.state === 'recording' && !this.#complete() ? this.#recordsBegun - 1 : this.#recordsBegun
  }

  start(): void {
    const { log } = this
    this.stop()
    if (this.triggerInput === 'IGN') {
      if (this.loops !== 1) throw new ScpiFault(-221, 'this twin repeats logs at triggers only')
      // No pulse began this record: it is one reading after the other.
      this.#record(log, () => Float64Array.from({ length: log.points }, () => this.#port.powerMw(this.#channel)))
    } else this.#logging = { state: 'waiting', taken: [] }
  }

  stop(): void {
    this.#logging = { state: 'none' }
    this.#buffers.length = 0
    this.#recordsBegun = 0
  }

  /** Any change of settings stops a log under way; a complete one stays to be read. */
  interrupt(): void {
    if (this.busy) this.stop()
  }

  /** A pulse at the trigger input. */
  pulse(): void {
    if (this.#complete() && this.#goesOn()) this.#logging = { state: 'waiting', taken: [] }
    if (this.#logging.state !== 'waiting') return
    const { log } = this
    if (this.triggerInput === 'CME') {
      return this.#record(log, () => this.#port.captureMw(this.#channel, log.points, log.averagingS))
    }
    const { taken } = this.#logging
    taken.push(this.#port.captureMw(this.#channel, 1, log.averagingS))
    if (taken.length < log.points) return
    const samplesMw = Float64Array.from(taken, ([sampleMw]) => sampleMw!)
    this.#record({ points: 1, averagingS: log.averagingS }, () => samplesMw)
  }

  /** Answer to FUNC:STAT?. */
  state(): string {
    if (this.#logging.state === 'none') return 'NONE,COMPLETE'
    return `LOGGING_STABILITY,${this.busy ? 'PROGRESS' : 'COMPLETE'}`
  }

  /** Answer to FUNC:RES?: the last complete record. */
  results(): Uint8Array {
    return this.buffer(this.records - 1)
  }

  /** A complete record, in the unit that is set: little-endian 32-bit floats. Of even numbers and odd ones there is one each. */
  buffer(record: number): Uint8Array {
    const { samplesMw, fullScaleMw, endNs } = this.#buffers[record & 1] ?? { fullScaleMw: 0, endNs: Infinity }
    if (samplesMw === undefined || this.#clock.monotonicNs() < endNs) throw new ScpiFault(-420)
    return encodeRecord(samplesMw, fullScaleMw, this.inWatt)
  }

  /** One reading, now. */
  measure(): void {
    this.#lastMw = this.#port.powerMw(this.#channel)
  }

  /** The latest reading in the unit that is set. */
  reading(): { readonly value: number; readonly valid: boolean } {
    const powerMw = this.#digitised()
    const value = this.#inUnit(powerMw)
    return { value, valid: value !== NO_READING }
  }

  readingW(): number {
    return inWatts(this.#digitised())
  }

  #digitised(): number {
    if (this.continuous) this.measure()
    if (this.#lastMw === undefined) return NO_READING
    const analogMw = this.#lastMw
    const rangeDbm = this.autoRange
      ? (AUTO_RANGES_DBM.find((dbm) => analogMw <= fullScaleMw(dbm)) ?? 10)
      : this.rangeDbm
    return digitise(analogMw, fullScaleMw(rangeDbm))
  }

  #inUnit(powerMw: number): number {
    return this.inWatt ? inWatts(powerMw) : inDbm(powerMw)
  }

  #record({ points, averagingS }: Log, take: () => Float64Array): void {
    // One nanosecond less: a client that sleeps exactly as long finds it complete, whatever the rounding.
    const endNs = this.#clock.monotonicNs() + points * averagingS * 1e9 - 1
    const recording: Recording = { endNs, fullScaleMw: fullScaleMw(this.rangeDbm) }
    this.#logging = { state: 'recording', recording }
    this.#buffers[this.#recordsBegun++ & 1] = recording
    // Every instrument that this pulse reaches must have heard it before the record is taken.
    queueMicrotask(() => {
      if (this.#logging.state === 'recording' && this.#logging.recording === recording) recording.samplesMw = take()
    })
  }

  #complete(): boolean {
    return this.#logging.state === 'recording' && this.#clock.monotonicNs() >= this.#logging.recording.endNs
  }

  #goesOn(): boolean {
    return this.loops === 0 || this.#recordsBegun < this.loops
  }
}
