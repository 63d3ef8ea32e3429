import { FLAGS, REASONS, VXI11_ERRORS } from '../protocols/vxi11.ts'
import type { Vxi11ErrorNumber } from '../protocols/vxi11.ts'
import type { MessageInstrument, MessageSession } from './message-instrument.ts'
import type { DeviceLock, LockHolder } from './vxi11-lock.ts'

/** The longest that a timer of Node can wait; clients that never want to give up ask for more. */
const LONGEST_TIMER_MS = 0x7fff_ffff
const NOTHING = new Uint8Array(0)

export interface ReadRequest {
  readonly requestBytes: number
  readonly ioTimeoutMs: number
  readonly flags: number
  readonly termChar: number
}

export interface ReadResult {
  readonly error: Vxi11ErrorNumber
  readonly reason: number
  readonly data: Uint8Array
}

export interface Vxi11Device {
  readonly instrument: MessageInstrument
  readonly lock: DeviceLock
}

/** One client's link to one device. Calls of a link never overlap, except `unblock` and `close`. */
export class Vxi11Link implements LockHolder {
  readonly id: number
  readonly lock: DeviceLock
  readonly session: MessageSession
  /** Comes back with every service request; undefined while the client wants none. */
  serviceHandle: Uint8Array | undefined
  #blocked: { readonly reads: boolean; readonly end: (outcome: Vxi11ErrorNumber) => void } | undefined
  #closed = false

  /** `onServiceRequest`: with the handle of this link, if its client wants to know. */
  constructor(id: number, { instrument, lock }: Vxi11Device, onServiceRequest: (handle: Uint8Array) => void) {
    this.id = id
    this.lock = lock
    this.session = instrument.open({
      onAnswer: () => {
        if (this.#blocked?.reads === true) this.unblock(VXI11_ERRORS.none)
      },
      onInterrupted: () => undefined,
      onServiceRequest: () => {
        if (this.serviceHandle !== undefined) onServiceRequest(this.serviceHandle)
      },
    })
  }

  /** The next piece of the answer, or what came of waiting for it. */
  read(request: ReadRequest): ReadResult | Promise<ReadResult> {
    const ready = this.#take(request)
    if (ready !== undefined) return ready
    // Who reads what nobody asked for waits in vain, as in front of any instrument.
    if (!this.session.owesAnswer) this.session.readUnasked()
    return this.#readLater(request)
  }

  block(timeoutMs: number, late: Vxi11ErrorNumber, reads = false): Promise<Vxi11ErrorNumber> {
    return new Promise((resolve) => {
      const end = (outcome: Vxi11ErrorNumber): void => {
        clearTimeout(timer)
        this.#blocked = undefined
        resolve(outcome)
      }
      const timer = setTimeout(end, Math.min(timeoutMs, LONGEST_TIMER_MS), late)
      this.#blocked = { reads, end }
    })
  }

  unblock(outcome: Vxi11ErrorNumber): void {
    this.#blocked?.end(outcome)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.unblock(VXI11_ERRORS.aborted)
    this.lock.release(this)
    this.session.close()
  }

  async #readLater(request: ReadRequest): Promise<ReadResult> {
    const dueMs = performance.now() + request.ioTimeoutMs
    for (;;) {
      const leftMs = Math.max(0, dueMs - performance.now())
      const error = await this.block(leftMs, VXI11_ERRORS.ioTimeout, true)
      if (error !== VXI11_ERRORS.none) return { error, reason: 0, data: NOTHING }
      const ready = this.#take(request)
      if (ready !== undefined) return ready
    }
  }

  #take({ requestBytes, flags, termChar }: ReadRequest): ReadResult | undefined {
    const stopsAtChar = (flags & FLAGS.termCharSet) !== 0
    const piece = stopsAtChar ? this.#readThrough(termChar, requestBytes) : this.session.read(requestBytes)
    if (piece === undefined) return undefined
    const { bytes, end } = piece
    const reason =
      (end ? REASONS.end : 0) |
      (stopsAtChar && bytes.at(-1) === termChar ? REASONS.termChar : 0) |
      (bytes.length === requestBytes ? REASONS.requestCount : 0)
    return { error: VXI11_ERRORS.none, reason, data: bytes }
  }

  /** Byte by byte, so that the instrument knows what has not been read. */
  #readThrough(termChar: number, requestBytes: number): { bytes: Uint8Array; end: boolean } | undefined {
    const bytes: number[] = []
    let piece = this.session.read(1)
    if (piece === undefined) return undefined
    while (piece !== undefined) {
      bytes.push(...piece.bytes)
      if (piece.end || bytes.at(-1) === termChar || bytes.length >= requestBytes) break
      piece = this.session.read(1)
    }
    return { bytes: Uint8Array.from(bytes), end: piece?.end ?? false }
  }
}
