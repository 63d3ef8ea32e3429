import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import { currentStep } from '../../core/step-context.ts'
import type { WireTap } from '../../core/transport.ts'
import type { Batch } from './batch.ts'
import { BatchWriter } from './batch-writer.ts'
import type { Durability } from './batch-writer.ts'
import { toJson } from './json.ts'
import type { Calibration, RunHeader, RunStatus, Sample, WireHead } from './records.ts'
import { RecordingTap } from './recording-tap.ts'
import type { RunStore } from './run-store.ts'

/**
 * One run being journalled.
 *
 * What is said is written in batches: `flush` resolves when all of it is committed, and so is kept whatever
 * happens to the process. Start, calibrations and end are on the disk, against loss of power too, when their call
 * resolves; `flush('durable')` does the same for what else must be, such as the word that the bench is safe.
 *
 * Throws: CALL_INVALID for values that JSON cannot hold, and after the end; JOURNAL_WRITE_FAILED from the first
 * call after a failed write, so that the run stops. Taps never throw: a bench whose journal is full must still
 * be made safe, over the same wires.
 */
export class RunWriter {
  readonly id: string
  readonly #store: RunStore
  readonly #clock: Clock
  readonly #startNs: number
  readonly #taps = new Map<string, RecordingTap>()
  readonly #writer: BatchWriter
  readonly #onEnd: (run: RunWriter) => void
  #header: RunHeader
  #steps = 0
  #frames = 0
  #journalledNs = 0
  #ended = false

  constructor(store: RunStore, header: RunHeader, clock: Clock, onEnd: (run: RunWriter) => void) {
    this.id = store.run
    this.#onEnd = onEnd
    this.#store = store
    this.#header = header
    this.#clock = clock
    this.#startNs = clock.monotonicNs()
    this.#writer = new BatchWriter((batch, durability) => this.#write(batch, durability))
  }

  /** Since the start of the run. */
  get timeNs(): number {
    return Math.round(this.#clock.monotonicNs() - this.#startNs)
  }

  /** Time of the step or frame that was journalled last. */
  get journalledNs(): number {
    return this.#journalledNs
  }

  /** The wire of an instrument, by its name in the bench file. One tap a wire, however often it is opened. */
  tap(wire: string): WireTap {
    const known = this.#taps.get(wire)
    if (known !== undefined) return known
    if (wire !== wire.trim() || wire === '') {
      throw new BenchError('CALL_INVALID', `"${wire}" cannot name a wire: no blanks at its ends, and not empty`)
    }
    const tap = new RecordingTap(wire, this.#writer, () => this.timeNs)
    this.#taps.set(wire, tap)
    return tap
  }

  /** Starts a step inside the step that is running, and returns its number for `withStep`. */
  step(name: string, detail?: unknown): number {
    this.#requireOpen()
    const json = detail === undefined ? null : toJson(`detail of step "${name}"`, detail)
    const step = ++this.#steps
    this.#journalledNs = this.timeNs
    this.#writer.filling.step(step, currentStep(), name, json, this.#journalledNs)
    this.#writer.added()
    return step
  }

  /** What one frame was and how good it is; belongs to the step that is running. */
  frame(data: unknown): void {
    this.#requireOpen()
    const json = toJson('frame', data)
    this.#journalledNs = this.timeNs
    this.#writer.filling.frame(++this.#frames, currentStep(), this.#journalledNs, json)
    this.#writer.added()
  }

  /** Returns the time of the reading, since the start of the run. */
  sample(sample: Sample): number {
    this.#requireOpen()
    if (!Number.isFinite(sample.value)) {
      throw new BenchError('CALL_INVALID', `${sample.quantity} of ${sample.source} is ${sample.value}: not a reading`)
    }
    const { timeNs } = this
    this.#writer.filling.sample(sample, timeNs)
    this.#writer.added()
    return timeNs
  }

  /** Keeps bytes under their SHA-256, once, however often they come; returns it. */
  blob(bytes: Uint8Array): string {
    this.#requireOpen()
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    this.#writer.filling.blob(sha256, bytes)
    this.#writer.added()
    return sha256
  }

  /** Keeps a calibration for good and returns its id. */
  async calibration(calibration: Calibration): Promise<string> {
    this.#requireOpen()
    return this.#store.calibration(calibration, toJson('calibration record', calibration.record))
  }

  /** Completes the header with what was not known at the start: identities, calibrations. */
  async amendHeader(known: Partial<RunHeader>): Promise<void> {
    this.#requireOpen()
    this.#header = { ...this.#header, ...known }
    await this.#store.header(toJson('header', this.#header))
  }

  /** Waits while too much waits for the disk. Between frames, a run that awaits it cannot fill the memory. */
  ready(): Promise<void> {
    return this.#writer.ready()
  }

  async flush(durability: Durability = 'process'): Promise<void> {
    await this.#writer.flush(durability)
  }

  /**
   * Ends the run, after its instruments were closed: what passes a tap later belongs to no run.
   *
   * When it resolves, the disk has everything.
   */
  async finish(status: Exclude<RunStatus, 'running'>, result?: unknown): Promise<void> {
    this.#requireOpen()
    const json = result === undefined ? null : toJson('result', result)
    this.#ended = true
    const heads = this.#heads()
    for (const tap of this.#taps.values()) tap.close()
    await this.#writer.flush('process')
    await this.#store.finish(status, json, JSON.stringify(Object.fromEntries(heads)))
    this.#onEnd(this)
  }

  /** For whoever closes the journal under a run that nobody finished. */
  async abandon(): Promise<void> {
    if (this.#ended) return
    if (this.#writer.failure === undefined) return this.finish('interrupted')
    // The failure has been told already. What was committed before it stands, and says where it ends.
    await this.#store.finish('interrupted', null, null).catch(() => undefined)
  }

  #requireOpen(): void {
    this.#writer.requireWorking()
    if (this.#ended) throw new BenchError('CALL_INVALID', `run ${this.id} has ended: start another one`)
  }

  #write(batch: Batch, durability: Durability): Promise<void> {
    // Taken now: while this batch is on its way, the wires go on.
    const heads = this.#heads()
    return this.#store.batch(batch, heads, durability)
  }

  #heads(): Map<string, WireHead> {
    return new Map([...this.#taps].map(([wire, tap]) => [wire, tap.head]))
  }
}
