import { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport, MessageControls, WireDirection, WireTap } from '../../core/transport.ts'
import { firstDifference, shown } from './divergence.ts'
import { isEnd, isResynchronisation, isServiceRequest, isWord, statusOf, turnOf } from './wire-script.ts'
import type { Turn, WireScript } from './wire-script.ts'
import type { WireRecord } from '../journal/records.ts'

/** What the wires of one replay share. */
export interface Stage {
  readonly divergence: BenchError | undefined
  /** True when the recorded run came to its own end; otherwise its wires may stop in the middle of a word. */
  readonly isComplete: boolean
  diverge(wire: ReplayWire, expected: string, actual: string, why?: string): BenchError
  /** A record is done with. */
  consumed(timeNs: number): void
  /** Something happened that may allow more. */
  changed(): void
}

interface Write {
  readonly bytes: Uint8Array
  readonly signal: AbortSignal
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

interface Resynchronisation {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * The far end of one wire, as it was: takes exactly what was sent then and answers exactly what was answered.
 *
 * It is the transport and the tap of a session at once, because a session's control operations pass the tap.
 */
export class ReplayWire implements ByteTransport, WireTap {
  readonly resource: string
  readonly keepsDeadlines = true
  readonly script: WireScript
  cause = 0
  /** The others have waited long enough for what the program does on this wire. */
  isPassedOver = false
  readonly #stage: Stage
  #receiver: ByteReceiver | undefined
  /** Number of a recorded end of a wait for which nobody waits yet. */
  #unawaited: number | undefined
  /** To be compared as soon as it is the program's turn. */
  #writes: Write[] = []
  /** Were the right ones. They end when all that followed them has arrived. */
  #sent: Write[] = []
  #resynchronisation: Resynchronisation | undefined
  #poll: { readonly resolve: (statusByte: number) => void; readonly reject: (error: Error) => void } | undefined
  #onServiceRequest: (() => void) | undefined

  constructor(resource: string, script: WireScript, stage: Stage) {
    this.resource = resource
    this.script = script
    this.#stage = stage
  }

  /** Whose turn it is; undefined at the end of the wire. */
  get turn(): Turn | undefined {
    const { next, nextNumber } = this.script
    if (next === undefined) return undefined
    if (this.#receiver === undefined || this.#unawaited === nextNumber) return 'program'
    return turnOf(next)
  }

  /** The recorded program gave up here, and this one must as well. */
  get isAwaitingAbort(): boolean {
    const { next } = this.script
    return this.#receiver !== undefined && next?.direction === 'err' && isWord(next, 'aborted')
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
    // What had come before the first word must not look like the answer to it.
    this.arrive()
    this.#stage.changed()
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writes.push({ bytes: new Uint8Array(bytes), signal, resolve, reject })
      this.advance()
      this.#stage.changed()
    })
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      this.#resynchronisation = { resolve, reject }
      this.#stage.changed()
    })
  }

  readonly controls: MessageControls = {
    readStatusByte: () =>
      new Promise((resolve, reject) => {
        this.#poll = { resolve, reject }
        this.record('ctl', Buffer.from('poll'))
        this.#stage.changed()
      }),
    trigger: async () => this.record('ctl', Buffer.from('trigger')),
    onServiceRequest: async (listener) => {
      this.#onServiceRequest = listener
    },
  }

  record(direction: WireDirection, bytes: Uint8Array): void {
    if (this.#stage.divergence === undefined) {
      // Had come before the program did this.
      if (this.turn === 'arrival') this.arrive()
      this.#take(direction, bytes)
    }
    // Sessions that still wait must hear of it.
    if (this.#stage.divergence !== undefined) this.#stage.changed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stage.divergence === undefined) this.arrive()
    this.#receiver = undefined
    this.#stage.changed()
  }

  /** Everything that comes before the program's next turn, in one go, as it lay in the buffers then. */
  arrive(): void {
    for (let count = Math.max(1, this.script.burstLength); count > 0 && this.#arriveOne(); count--);
    this.advance()
  }

  /** Ends the wait of a session, if it waits: it will say so to `record`. */
  timeIsUp(): void {
    this.#receiver?.onDeadline()
  }

  /**
   * Ends the wait of a session that waits for what will never come: a wait that ended so in the recorded run,
   * or one that it did not have. In the latter case the session's word about it is the divergence.
   */
  probe(): void {
    const isBusy = this.#writes.length + this.#sent.length > 0 || this.#resynchronisation !== undefined
    const isWaitedFor = this.turn === 'arrival' || this.turn === 'deadline' || this.isAwaitingAbort
    if (!isBusy && !isWaitedFor) this.timeIsUp()
  }

  /** Lets go on what need wait no longer. */
  advance(): void {
    if (this.#stage.divergence !== undefined) return
    this.#settle()
    while (this.#writes.length > 0 && this.#isProgramsTurn) {
      const [write] = this.#writes
      if (write === undefined || !this.#take('tx', write.bytes)) return
      this.#writes.shift()
      // The session had to clear the wire although nothing had come back: the write itself had failed.
      if (isResynchronisation(this.script.next)) settle(write, lost(this.resource))
      else this.#sent.push(write)
    }
    this.#settle()
  }

  /** After a divergence nothing more succeeds. */
  fail(error: BenchError): void {
    for (const write of [...this.#writes.splice(0), ...this.#sent.splice(0)]) write.reject(error)
    this.#resynchronisation?.reject(error)
    this.#resynchronisation = undefined
    this.#poll?.reject(error)
    this.#receiver?.onLost(error)
    this.timeIsUp()
  }

  /** Diverges unless the wire was gone through to its end. */
  requireEnd(): void {
    const { next, nextNumber, head } = this.script
    if (this.#isFlawed()) return
    if (next !== undefined) {
      const left = head.records - nextNumber + 1
      const why = left === 1 ? 'it was left over' : `it and ${left - 1} more were left over`
      this.#stage.diverge(this, shown(next.direction, next.bytes), 'nothing: the replay ended before', why)
    } else if (nextNumber <= head.records) this.#divergeAtEnd('the end of the recording')
  }

  /** False while something has to arrive, or to be loaded, before what the program sends can be compared. */
  get #isProgramsTurn(): boolean {
    return this.turn !== 'arrival' && !this.script.needsMore
  }

  #arriveOne(): boolean {
    const { next, nextNumber } = this.script
    if (next === undefined || this.#receiver === undefined || this.#stage.divergence !== undefined) return false
    const turn = turnOf(next)
    if (turn === 'program') return false
    if (turn === 'deadline') {
      this.timeIsUp()
      if (this.script.nextNumber > nextNumber) return true
      this.#unawaited = nextNumber
      return false
    }
    if (this.#isFlawed()) return false
    this.script.take()
    this.#stage.consumed(next.timeNs)
    this.#deliver(next, this.#receiver)
    return true
  }

  #deliver(record: WireRecord, receiver: ByteReceiver): void {
    const statusByte = statusOf(record)
    if (record.direction === 'rx') receiver.onBytes(record.bytes)
    else if (isEnd(record)) receiver.onEnd()
    else if (statusByte !== undefined) this.#poll?.resolve(statusByte)
    else if (isServiceRequest(record)) this.#onServiceRequest?.()
    else if (isWord(record, 'no status')) this.#poll?.reject(lost(this.resource))
    else receiver.onLost(lost(this.resource))
  }

  /** Compares with the next record what the program does, and takes it. False: it diverged. */
  #take(direction: WireDirection, bytes: Uint8Array): boolean {
    const { next } = this.script
    if (this.#isFlawed()) return false
    if (next === undefined) {
      this.#divergeAtEnd(shown(direction, bytes))
      return false
    }
    const difference = firstDifference(next.bytes, bytes)
    if (next.direction !== direction || difference !== undefined) {
      const why = difference === undefined ? undefined : `first difference at byte ${difference + 1}`
      this.#stage.diverge(this, shown(next.direction, next.bytes), shown(direction, bytes), why)
      return false
    }
    this.script.take()
    this.isPassedOver = false
    this.#stage.consumed(next.timeNs)
    return true
  }

  #isFlawed(): boolean {
    const { next, flaw } = this.script
    if (next === undefined || flaw === undefined) return false
    this.#stage.diverge(this, 'the record that the run wrote', shown(next.direction, next.bytes), flaw)
    return true
  }

  #settle(): void {
    if (!this.#isProgramsTurn) return
    for (const write of this.#sent.splice(0)) settle(write)
    this.#settleResynchronisation()
  }

  /** Clearing succeeded where the session went on to speak; where it had to clear again, it had failed. */
  #settleResynchronisation(): void {
    const pending = this.#resynchronisation
    if (pending === undefined) return
    this.#resynchronisation = undefined
    const { next, nextNumber, head } = this.script
    if (next !== undefined && !isResynchronisation(next)) return pending.resolve()
    if (next === undefined && (nextNumber <= head.records || !this.#stage.isComplete)) {
      return pending.reject(this.#divergeAtEnd('the wire being cleared'))
    }
    const message = `${this.resource}: could not be reopened, as in the recorded run`
    pending.reject(new BenchError('TRANSPORT_OPEN_FAILED', message, { context: { resource: this.resource } }))
  }

  #divergeAtEnd(actual: string): BenchError {
    const { nextNumber, head } = this.script
    const { isComplete } = this.#stage
    if (nextNumber > head.records) {
      const expected = isComplete ? 'nothing more on this wire' : 'nothing more: the run was cut off here'
      return this.#stage.diverge(this, expected, actual)
    }
    const why = `record ${nextNumber} of ${head.records} is missing: the journal was changed`
    return this.#stage.diverge(this, 'the record that the run wrote', actual, why)
  }
}

function settle({ signal, resolve, reject }: Write, failure?: BenchError): void {
  if (signal.aborted) reject(signal.reason as Error)
  else if (failure !== undefined) reject(failure)
  else resolve()
}

function lost(resource: string): BenchError {
  return new BenchError('TRANSPORT_LOST', `${resource}: the wire was lost here in the recorded run`, {
    context: { resource },
  })
}
