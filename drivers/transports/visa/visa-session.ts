import { setImmediate as nextTurn } from 'node:timers/promises'
import { BenchError } from '../../../core/errors.ts'
import type { VisaResource } from './visa-resource.ts'

/** A call of the library cannot be interrupted: reads end after this long and are begun again. */
const READ_SLICE_MS = 100
/** On a stream nothing tells that a reply is whole: after bytes, a look for more must not keep the next question. */
const SHORTEST_SLICE_MS = 1
/**
 * For one piece. What was taken of a piece that timed out is not known on every interface, so that it cannot be gone
 * on with: the pieces are short enough for the slowest wire of their kind.
 */
const WRITE_TIMEOUT_MS = 3_000
const WRITE_PIECE_BYTES = 16_384
const SERIAL_PIECE_BYTES = 256
const SERVICE_POLL_MS = 10
/** Service requests taken at one look. */
const SERVICE_POLL_LIMIT = 16
/** More than the 16 ms that USB adapters hold bytes back. */
const SERIAL_SILENCE_MS = 20
const SERIAL_SILENCE_LIMIT_MS = 1_000

export interface VisaSessionEvents {
  bytes(bytes: Uint8Array, ended: boolean): void
  lost(error: unknown): void
  serviceRequest(): void
}

/**
 * The conversation with one VISA resource, on the thread that the calls of the library block.
 *
 * One thing at a time is read or written, and what begins ends what was under way. Between two calls of the library
 * the thread hears what else it is asked to do.
 * Throws: as `VisaResource` does; TRANSPORT_ABORTED for a write that something else ended; TRANSPORT_TIMEOUT when a
 * serial line does not fall silent.
 */
export class VisaSession {
  readonly #resource: VisaResource
  readonly #events: VisaSessionEvents
  /** The read or write under way. */
  #activity: object | undefined
  #servicePoll: NodeJS.Timeout | undefined

  constructor(resource: VisaResource, events: VisaSessionEvents) {
    this.#resource = resource
    this.#events = events
  }

  async write(bytes: Uint8Array): Promise<void> {
    const writing = (this.#activity = {})
    const pieceBytes = this.#resource.kind === 'serial' ? SERIAL_PIECE_BYTES : WRITE_PIECE_BYTES
    for (let at = 0; at < bytes.length; await nextTurn()) {
      if (this.#activity !== writing) {
        throw new BenchError('TRANSPORT_ABORTED', `${this.#resource.resource}: a write was given up`)
      }
      const piece = bytes.subarray(at, at + pieceBytes)
      const last = at + piece.length === bytes.length
      if (this.#resource.write(piece, last, WRITE_TIMEOUT_MS)) at += piece.length
    }
  }

  /** Until a message ends, the time is up or something else begins. */
  read(timeoutMs: number): void {
    const reading = (this.#activity = {})
    this.#readUntil(performance.now() + timeoutMs, reading).catch((error: unknown) => this.#lose(error))
  }

  stop(): void {
    this.#activity = undefined
  }

  /** After it, nothing asked before can still answer. A resource that cannot be cleared is opened anew. */
  clear(): void {
    this.stop()
    if (!this.#cleared()) {
      this.#resource.close()
      this.#resource.open()
      if (this.#resource.kind === 'messages') this.#resource.clear()
    }
    if (this.#resource.kind === 'serial') this.#awaitSilence()
    if (this.#servicePoll !== undefined) this.watchServiceRequests()
  }

  watchServiceRequests(): void {
    if (this.#servicePoll === undefined) this.#resource.watchServiceRequests()
    clearInterval(this.#servicePoll)
    this.#servicePoll = setInterval(() => this.#takeServiceRequests(), SERVICE_POLL_MS)
  }

  close(): void {
    this.stop()
    clearInterval(this.#servicePoll)
    this.#resource.close()
  }

  async #readUntil(endMs: number, reading: object): Promise<void> {
    let sliceMs = READ_SLICE_MS
    let any = false
    for (let nowMs = performance.now(); nowMs < endMs && this.#activity === reading; nowMs = performance.now()) {
      const { bytes, ended } = this.#resource.read(Math.ceil(Math.min(sliceMs, endMs - nowMs)))
      const some = bytes.length > 0
      any ||= some
      // An empty message says nothing: whoever asked goes on waiting.
      const whole = ended && any
      // The bytes are the listener's from here on.
      if (some || whole) this.#events.bytes(bytes, whole)
      if (whole) return this.stop()
      if (this.#resource.kind !== 'messages') {
        sliceMs = some ? SHORTEST_SLICE_MS : Math.min(2 * sliceMs, READ_SLICE_MS)
      }
      await nextTurn()
    }
  }

  #cleared(): boolean {
    // A socket's buffers lie in two machines, and no call clears both.
    if (this.#resource.kind === 'socket') return false
    try {
      this.#resource.clear()
      return true
    } catch {
      // Opening it anew says what is wrong, if something is.
      return false
    }
  }

  #awaitSilence(): void {
    const endMs = performance.now() + SERIAL_SILENCE_LIMIT_MS
    while (this.#resource.read(SERIAL_SILENCE_MS).bytes.length > 0) {
      if (performance.now() < endMs) continue
      const babble = `the line is not silent for ${SERIAL_SILENCE_MS} ms within ${SERIAL_SILENCE_LIMIT_MS} ms`
      throw new BenchError('TRANSPORT_TIMEOUT', `${this.#resource.resource}: ${babble}`)
    }
  }

  /** Never waits, so that it keeps no read or write. */
  #takeServiceRequests(): void {
    try {
      for (let taken = 0; taken < SERVICE_POLL_LIMIT && this.#resource.takeServiceRequest(); taken++) {
        this.#events.serviceRequest()
      }
    } catch (error) {
      this.#lose(error)
    }
  }

  #lose(error: unknown): void {
    this.stop()
    clearInterval(this.#servicePoll)
    this.#events.lost(error)
  }
}
