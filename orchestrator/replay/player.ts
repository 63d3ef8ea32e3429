import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { ByteTransport, WireTap } from '../../core/transport.ts'
import type { RunRecording } from '../journal/records.ts'
import { CHAIN_START } from '../journal/wire-chain.ts'
import { divergence, shown } from './divergence.ts'
import { RecordFeed } from './record-feed.ts'
import { ReplayClock } from './replay-clock.ts'
import { ReplayWire } from './replay-wire.ts'
import type { Stage } from './replay-wire.ts'
import { WireScript } from './wire-script.ts'

/** Turns of the event loop without any event, before the player starts to wait for the program. */
const IDLE_TURNS = 20
/** How long it then waits for what came next in the recorded run, before it goes on with what came after. */
const STALL_MS = 100
/** How long the program may take to give up what the recorded one gave up; longer than any deadline of a safe state. */
const GIVE_UP_MS = 30_000

/**
 * Plays the far ends of all wires of a recorded run to the drivers and plans that ran it.
 *
 * Strict on each wire: every write and control operation must be the recorded one, byte for byte, and nothing is
 * answered that was not asked. Among the wires the recorded order is kept as long as the program keeps to it; a
 * program that overlaps its wires in another way is followed. Each record is checked against the checksum of
 * its wire before it counts.
 *
 * Time is the recorded time, and passes at once. No timer of a session runs: waits end where they ended then.
 *
 * Errors: the first difference, or the first record that was tampered with, is the `divergence`
 * (REPLAY_DIVERGED); from then on every call on every wire fails with it.
 */
export class Player implements AsyncDisposable {
  readonly clock: Clock
  readonly #recording: RunRecording
  readonly #feed: RecordFeed
  readonly #clock: ReplayClock
  readonly #stage: Stage
  readonly #wires = new Map<string, ReplayWire>()
  readonly #abort = new AbortController()
  #divergence: BenchError | undefined
  #progress = 0
  #idleTurns = 0
  #scheduled: NodeJS.Immediate | undefined
  #stall: NodeJS.Timeout | undefined
  #closed = false

  private constructor(recording: RunRecording, feed: RecordFeed) {
    this.#recording = recording
    this.#feed = feed
    this.#clock = new ReplayClock(recording.startedMs, {
      horizonNs: () => this.#horizonNs(),
      stepStartNs: (step) => recording.steps.get(step)?.timeNs,
      onSleep: () => this.#changed(),
    })
    this.clock = this.#clock
    const readDivergence = (): BenchError | undefined => this.#divergence
    this.#stage = {
      get divergence() {
        return readDivergence()
      },
      isComplete: recording.status === 'done' || recording.status === 'failed',
      diverge: (wire, expected, actual, why) => this.#diverge(wire, expected, actual, why),
      consumed: (timeNs) => {
        this.#progress++
        this.#clock.reach(timeNs)
        this.#changed()
      },
      changed: () => this.#changed(),
    }
    for (const script of feed.scripts.values())
      this.#wires.set(script.wire, new ReplayWire(script.wire, script, this.#stage))
  }

  static async open(recording: RunRecording): Promise<Player> {
    const feed = new RecordFeed(recording)
    await feed.load()
    return new Player(recording, feed)
  }

  /** The first difference. */
  get divergence(): BenchError | undefined {
    return this.#divergence
  }

  /** Aborted where the recorded run was given up in the middle of an exchange, and when the replay diverges. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What a driver is opened on instead of its instrument, by the instrument's name in the bench file. */
  wire(name: string): { readonly name: string; readonly transport: ByteTransport; readonly tap: WireTap } {
    let wire = this.#wires.get(name)
    if (wire === undefined) {
      // The run never spoke to it, and so must the replay not.
      wire = new ReplayWire(name, new WireScript(name, { records: 0, crc: CHAIN_START }), this.#stage)
      this.#wires.set(name, wire)
    }
    return { name, transport: wire, tap: wire }
  }

  /** Ends the replay. Throws the divergence, if there was one; what was left over is one. */
  async finish(): Promise<void> {
    this.#stop()
    if (this.#divergence === undefined) {
      for (const wire of this.#wires.values()) wire.arrive()
      await this.#feed.loadAll()
      this.#requireEnd()
    }
    if (this.#divergence !== undefined) throw this.#divergence
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop()
  }

  #stop(): void {
    this.#closed = true
    clearImmediate(this.#scheduled)
    clearTimeout(this.#stall)
  }

  #changed(): void {
    this.#idleTurns = 0
    this.#schedule()
  }

  #schedule(): void {
    if (this.#closed || this.#scheduled !== undefined) return
    clearTimeout(this.#stall)
    // Later than all that the program does in this turn of the event loop, as bytes on any wire are.
    this.#scheduled = setImmediate(() => void this.#turn())
  }

  async #turn(): Promise<void> {
    const before = this.#progress
    try {
      if (this.#feed.hungry) await this.#feed.load()
    } catch (error) {
      this.#divergence ??= error as BenchError
    }
    this.#scheduled = undefined
    if (this.#closed) return
    if (this.#divergence !== undefined) return this.#failAll(this.#divergence)
    for (const wire of this.#wires.values()) wire.advance()
    this.#advance()
    if (this.#progress > before) return this.#changed()
    for (const wire of this.#wires.values()) wire.probe()
    if (++this.#idleTurns < IDLE_TURNS) this.#schedule()
    else this.#stall = setTimeout(() => this.#goOn(), STALL_MS)
  }

  /** The next event, when it is not the program's turn: something arrives, or a sleeper awakes. */
  #advance(): void {
    const dueNs = this.#clock.nextDueNs
    const arriving = this.#firstArriving()
    const arrives = arriving !== undefined && this.#isFirst(arriving)
    if (this.#clock.isDue(dueNs) && !(arrives && timeOf(arriving) < dueNs)) this.#wakeNext()
    else if (arrives) arriving.arrive()
  }

  /** The program does not do what came next in the recorded run: go on with what came after. */
  #goOn(): void {
    const arriving = this.#firstArriving()
    const aborting = [...this.#wires.values()].find((wire) => wire.isAwaitingAbort)
    const arrivesNs = arriving === undefined ? Infinity : timeOf(arriving)
    const abortsNs = aborting === undefined || this.#abort.signal.aborted ? Infinity : timeOf(aborting)
    const firstNs = Math.min(arrivesNs, abortsNs, this.#clock.nextDueNs)
    if (firstNs === Infinity) {
      // A wait that was given up then but goes on now ends as what it is: a divergence.
      if (aborting !== undefined) this.#stall = setTimeout(() => aborting.timeIsUp(), GIVE_UP_MS)
      return
    }
    if (firstNs === arrivesNs) {
      for (const wire of this.#wires.values()) wire.isPassedOver ||= wire.turn === 'program'
    } else if (firstNs === abortsNs) {
      this.#abort.abort(new BenchError('TRANSPORT_ABORTED', `${this.#recording.run} was given up here`))
    } else this.#wakeNext()
    this.#changed()
  }

  #wakeNext(): void {
    this.#progress++
    this.#clock.wakeNext()
  }

  #firstArriving(): ReplayWire | undefined {
    let first: ReplayWire | undefined
    for (const wire of this.#wires.values()) {
      if (wire.turn === undefined || wire.turn === 'program') continue
      if (first === undefined || rowOf(wire) < rowOf(first)) first = wire
    }
    return first
  }

  /** False while the program still has to do what came before. */
  #isFirst(arriving: ReplayWire): boolean {
    for (const wire of this.#wires.values()) {
      if (wire.turn === 'program' && !wire.isPassedOver && rowOf(wire) < rowOf(arriving)) return false
    }
    return true
  }

  #horizonNs(): number {
    let horizonNs = Infinity
    for (const wire of this.#wires.values()) {
      if (wire.turn !== undefined && !wire.isPassedOver) horizonNs = Math.min(horizonNs, timeOf(wire))
    }
    return horizonNs
  }

  #requireEnd(): void {
    const unfinished = [...this.#wires.values()].sort((left, right) => rowOf(left) - rowOf(right))
    for (const wire of unfinished) {
      if (this.#divergence === undefined) wire.requireEnd()
    }
    const [stranger] = this.#feed.strangers
    if (stranger === undefined || this.#divergence !== undefined) return
    const place = { run: this.#recording.run, wire: stranger.wire, record: stranger.seq, step: stranger.step }
    const actual = shown(stranger.direction, stranger.bytes)
    this.#divergence = divergence({ ...place, stepName: this.#stepName(stranger.step) }, 'no such wire', actual)
  }

  #diverge(wire: ReplayWire, expected: string, actual: string, why?: string): BenchError {
    const { next, nextNumber } = wire.script
    const step = next?.step ?? wire.cause
    const place = { run: this.#recording.run, wire: wire.script.wire, record: nextNumber, step }
    this.#divergence ??= divergence({ ...place, stepName: this.#stepName(step) }, expected, actual, why)
    this.#changed()
    return this.#divergence
  }

  #stepName(step: number): string {
    return this.#recording.steps.get(step)?.name ?? ''
  }

  #failAll(error: BenchError): void {
    this.#abort.abort(error)
    this.#clock.failAll(error)
    for (const wire of this.#wires.values()) wire.fail(error)
  }
}

const rowOf = (wire: ReplayWire): number => wire.script.next?.row ?? Infinity

/** A time that was edited into something else counts as early. */
function timeOf(wire: ReplayWire): number {
  const timeNs = wire.script.next?.timeNs ?? Infinity
  return Number.isNaN(timeNs) ? 0 : timeNs
}
