import { BenchError } from '../../core/errors.ts'
import { currentStep } from '../../core/step-context.ts'
import type { ByteReceiver, ByteTransport, MessageControls } from '../../core/transport.ts'
import type { Framer } from '../protocols/framer.ts'
import { ByteQueue } from './byte-queue.ts'
import { Deadline } from './deadline.ts'
import { NextBytes } from './next-bytes.ts'
import type { RawWire, SessionOptions } from './session-options.ts'
import { aborted, cutShort, printable, stalled, timedOut } from './session-errors.ts'
import { ABORTED, TIMEOUT } from './session-words.ts'
import { WireRecovery } from './wire-recovery.ts'
import { Wakefulness } from '../../core/wakefulness.ts'

interface Waiting {
  take(ended: boolean): void
  fail(error: Error): void
  deadline(): void
  abort(): void
}

/**
 * One instrument's conversation: one exchange at a time, in order of the calls, each with a deadline.
 *
 * After an exchange that timed out, was aborted or could not be framed the session is suspect: before the next
 * one it resynchronises, so that a late reply never answers another question.
 *
 * Throws: TRANSPORT_TIMEOUT, TRANSPORT_LOST, TRANSPORT_ABORTED, and whatever the framer throws.
 */
export class WireSession implements AsyncDisposable, ByteReceiver, RawWire {
  readonly transport: ByteTransport
  readonly #options: SessionOptions
  readonly #arrived = new ByteQueue()
  readonly #wakefulness = new Wakefulness()
  readonly #deadline = new Deadline()
  readonly #next: NextBytes
  readonly #recovery: WireRecovery
  #waiting: Waiting | undefined
  /** Gives up the message that is being told. */
  #telling: ((error: Error) => void) | undefined
  #last: Promise<unknown> = Promise.resolve()
  #pending = 0
  /** Ends what is being written when its exchange fails; a new one only after that, because they are costly. */
  #giveUp = new AbortController()
  /** The signal that is listened to: callers come back with the same one thousands of times a second. */
  #watched: AbortSignal | undefined

  constructor(transport: ByteTransport, options: SessionOptions) {
    this.transport = transport
    this.#options = options
    this.#next = new NextBytes(transport.resource, options.tap, transport.keepsDeadlines !== true)
    this.#recovery = new WireRecovery(transport, options, this.#arrived)
    transport.connect(this)
  }

  get resource(): string {
    return this.transport.resource
  }

  /** Sends a message that has a reply. */
  ask<T>(request: Uint8Array, framer: Framer<T>, signal: AbortSignal, timeoutMs = this.#options.timeoutMs): Promise<T> {
    return this.#inTurn(signal, () => this.#ask(request, framer, signal, timeoutMs))
  }

  /** Sends a message that has none. A far end that takes no bytes is given up after the deadline of a reply. */
  tell(request: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, () => this.#tell(request, signal))
  }

  /** Serial poll. Throws: CALL_INVALID on a wire that has none. */
  readStatusByte(signal: AbortSignal): Promise<number> {
    return this.#inTurn(signal, () => this.#control(signal, (controls, limited) => controls.readStatusByte(limited)))
  }

  /** The trigger of the bus. Throws: CALL_INVALID on a wire that has none. */
  trigger(signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, () => this.#control(signal, (controls, limited) => controls.trigger(limited)))
  }

  /** `listener` runs each time the instrument asks for service. Throws: CALL_INVALID on a wire that has none. */
  onServiceRequest(listener: () => void, signal: AbortSignal): Promise<void> {
    return this.#inTurn(signal, () =>
      this.#control(signal, (controls, limited) => controls.onServiceRequest(listener, limited)),
    )
  }

  /** An operation beside the bytes; one that is not answered in time leaves the session suspect. */
  async #control<T>(
    signal: AbortSignal,
    operate: (controls: MessageControls, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { controls } = this.transport
    if (controls === undefined) {
      throw new BenchError('CALL_INVALID', `${this.resource} knows no status byte, triggers or requests for service`)
    }
    const giveUp = new AbortController()
    const { timeoutMs } = this.#options
    const stopTimer = this.#startDeadline(timeoutMs, () => giveUp.abort(timedOut(this.resource, timeoutMs, {})))
    try {
      return await operate(controls, AbortSignal.any([signal, giveUp.signal]))
    } catch (error) {
      this.#recovery.suspect()
      throw giveUp.signal.aborted && !signal.aborted ? giveUp.signal.reason : error
    } finally {
      stopTimer()
    }
  }

  #recover(signal: AbortSignal): Promise<void> {
    const { timeoutMs } = this.#options
    return this.#recovery.recover(this, (request, framer) => this.#ask(request, framer, signal, timeoutMs), signal)
  }

  #inTurn<T>(signal: AbortSignal, exchange: () => Promise<T>): Promise<T> {
    const cause = currentStep()
    const run = async (): Promise<T> => {
      try {
        if (signal.aborted) throw aborted(this.resource, signal)
        if (this.#options.tap !== undefined) this.#options.tap.cause = cause
        if (this.#recovery.isDue) await this.#recover(signal)
        return await exchange()
      } catch (error) {
        if (signal.aborted && error === signal.reason) throw aborted(this.resource, signal)
        throw error
      } finally {
        this.#pending--
      }
    }
    const queued = this.#pending++ > 0
    const result = queued ? this.#last.then(run, run) : run()
    this.#last = result
    return queued ? this.#unlessAborted(result, signal) : result
  }

  /** Who gives up while others are served need not wait for them; the turn itself then sends nothing. */
  #unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(aborted(this.resource, signal))
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#tell(bytes, signal)
  }

  nextBytes(silenceMs: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (signal.aborted) return Promise.reject(aborted(this.resource, signal))
    if (this.#arrived.length > 0) return Promise.resolve(new Uint8Array(this.#arrived.clear()))
    return this.#next.wait(silenceMs, signal)
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#next.areAwaited) return this.#next.take(new Uint8Array(bytes))
    this.#arrived.push(bytes)
    // While the wire is cleared, what comes between two calls of `nextBytes` belongs to the next one.
    if (!this.#recovery.isClearing) {
      if (this.#waiting === undefined) this.#stray()
      else this.#waiting.take(false)
    }
    this.#arrived.keep()
  }

  onEnd(): void {
    // An empty message says nothing: whoever asked goes on waiting.
    if (!this.#next.areAwaited && this.#arrived.length > 0) this.#waiting?.take(true)
  }

  onDeadline(): void {
    this.#next.take(undefined)
    this.#waiting?.deadline()
  }

  onLost(error: BenchError): void {
    this.#recovery.lost(error)
    this.#waiting?.fail(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // How the last exchange ended is its caller's concern.
    await this.#last.catch(() => undefined)
    this.#watch(undefined)
    await this.transport[Symbol.asyncDispose]()
  }

  #ask<T>(request: Uint8Array, framer: Framer<T>, signal: AbortSignal, timeoutMs: number): Promise<T> {
    const reply = this.#reply(framer, request, signal, timeoutMs)
    // The deadline ends a write that hangs, too; a write that fails leaves no timer to strike the next exchange.
    const waiting = this.#waiting
    this.#send(request, this.#giveUp.signal, timeoutMs).then(
      () => {
        if (this.#waiting === waiting && this.transport.inquire === undefined) this.transport.pull?.(timeoutMs)
      },
      (error: unknown) => {
        if (this.#waiting === waiting) waiting?.fail(error as Error)
      },
    )
    this.#wakefulness.expect()
    return reply
  }

  #tell(request: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#watch(signal)
    this.#recovery.told()
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        stopTimer()
        this.#telling = undefined
      }
      const fail = (error: Error): void => {
        settle()
        this.#recovery.settled()
        reject(error)
      }
      const giveUp = (error: Error): void => {
        fail(error)
        this.#endWrites(error)
      }
      const timeoutMs = this.#options.timeoutMs + request.length / SLOWEST_BYTES_PER_MS
      const stopTimer = this.#startDeadline(timeoutMs, () => giveUp(stalled(this.resource, request, timeoutMs)))
      this.#telling = giveUp
      this.#send(request, this.#giveUp.signal).then(() => {
        settle()
        resolve()
      }, fail)
    })
  }

  /** `pullMs`: a reply is wanted, and is asked for at once where the wire allows it. */
  async #send(request: Uint8Array, signal: AbortSignal, pullMs?: number): Promise<void> {
    try {
      if (pullMs === undefined || this.transport.inquire === undefined) await this.transport.write(request, signal)
      else await this.transport.inquire(request, pullMs, signal)
    } catch (error) {
      this.#recovery.writeFailed(error)
      throw error
    }
  }

  #reply<T>(framer: Framer<T>, request: Uint8Array, signal: AbortSignal, timeoutMs: number): Promise<T> {
    this.#watch(signal)
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        stopTimer()
        this.#wakefulness.settle()
        this.#waiting = undefined
      }
      const fail = (error: Error): void => {
        settle()
        this.#recovery.suspect()
        this.#recovery.settled()
        reject(error)
        this.#endWrites(error)
      }
      const take = (ended: boolean): void => {
        try {
          const framed = framer(this.#arrived.peek(), ended)
          if (framed === undefined && ended) throw cutShort(this.resource, this.#arrived.peek())
          if (framed === undefined) return
          this.#arrived.drop(framed.used)
          this.#recovery.settled()
          settle()
          if (this.#arrived.length > 0) this.#stray()
          resolve(framed.message)
        } catch (error) {
          fail(error as Error)
        }
      }
      const abort = (): void => {
        this.#options.tap?.record('err', ABORTED)
        fail(aborted(this.resource, signal))
      }
      const deadline = (): void => {
        this.#options.tap?.record('err', TIMEOUT)
        const received = printable(this.#arrived.peek().slice(0, 64))
        fail(timedOut(this.resource, timeoutMs, { request: printable(request), received }))
      }
      const stopTimer = this.#startDeadline(timeoutMs, deadline)
      this.#waiting = { take, fail, deadline, abort }
    })
  }

  #startDeadline(timeoutMs: number, expired: () => void): () => void {
    return this.transport.keepsDeadlines === true ? () => undefined : this.#deadline.start(timeoutMs, expired)
  }

  #endWrites(error: Error): void {
    const giveUp = this.#giveUp
    this.#giveUp = new AbortController()
    giveUp.abort(error)
  }

  readonly #onAbort = (): void => {
    this.#waiting?.abort()
    if (this.#watched !== undefined) this.#telling?.(aborted(this.resource, this.#watched))
  }

  #watch(signal: AbortSignal | undefined): void {
    if (signal === this.#watched) return
    this.#watched?.removeEventListener('abort', this.#onAbort)
    signal?.addEventListener('abort', this.#onAbort)
    this.#watched = signal
  }

  /** Bytes that nobody asked for. They must never answer the next question. */
  #stray(): void {
    const bytes = new Uint8Array(this.#arrived.clear())
    if (this.#options.onStray !== undefined) this.#options.onStray(bytes)
    else this.#recovery.suspect()
  }
}

/** A wire that takes fewer than this has stalled, however long the message. */
const SLOWEST_BYTES_PER_MS = 50
