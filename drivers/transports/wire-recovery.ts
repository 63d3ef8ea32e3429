import { setTimeout as sleep } from 'node:timers/promises'
import { isBenchError } from '../../core/errors.ts'
import type { BenchError } from '../../core/errors.ts'
import type { ByteTransport } from '../../core/transport.ts'
import type { ByteQueue } from './byte-queue.ts'
import type { AskNow, RawWire, SessionOptions } from './session-options.ts'
import { RESYNCHRONISE } from './session-words.ts'

/** Before the second attempt to reopen a wire twice this, then doubled each time. */
const REOPEN_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 2_000

/**
 * Whether what a wire brings can be believed, and what brings it back where it cannot: a suspect wire is cleared, a lost
 * one reopened, and then it is looked who answers.
 */
export class WireRecovery {
  readonly #transport: ByteTransport
  readonly #options: SessionOptions
  readonly #arrived: ByteQueue
  #suspect = false
  #lost: BenchError | undefined
  #clearing = false
  /** Commands were told since the instrument last answered, and nobody has heard that they may be lost. */
  #unconfirmed = false
  /** Attempts to reopen the wire that failed in a row. */
  #refusals = 0
  /** The instrument may not have the settings that were made. */
  #doubtful = false

  /** `arrived`: what the wire has brought and nobody has read. */
  constructor(transport: ByteTransport, options: SessionOptions, arrived: ByteQueue) {
    this.#transport = transport
    this.#options = options
    this.#arrived = arrived
  }

  /** Before the next exchange. */
  get isDue(): boolean {
    return this.#suspect || this.#lost !== undefined
  }

  /** What the wire brings now belongs to the clearing. */
  get isClearing(): boolean {
    return this.#clearing
  }

  suspect(): void {
    this.#suspect = true
  }

  lost(error: BenchError): void {
    this.#lost = error
  }

  writeFailed(error: unknown): void {
    this.#suspect = true
    // Some transports notice only when they write; then, too, nothing but reopening helps.
    if (isBenchError(error, 'TRANSPORT_LOST')) this.#lost ??= error
  }

  told(): void {
    this.#unconfirmed = true
  }

  /** The instrument has answered, or the caller hears that what was told may not have been done. */
  settled(): void {
    this.#unconfirmed = false
  }

  /** Throws, with the wire in doubt as before, what went wrong; INSTRUMENT_STATE_LOST as `recognise` does. */
  async recover(wire: RawWire, ask: AskNow, signal: AbortSignal): Promise<void> {
    const { resynchronise, recognise } = this.#options
    const wasLost = this.#lost !== undefined
    // A lost transport can only be reopened; words on a dead wire say nothing.
    if (resynchronise !== undefined && !wasLost) await this.#clear(() => resynchronise(wire, signal))
    else await this.#reopen(signal)
    this.#doubtful ||= wasLost || this.#unconfirmed
    this.#unconfirmed = false
    if (recognise === undefined) return
    const doubtful = this.#doubtful
    // Until it is known who answers. Whoever asks what happened may be the only one who is told.
    this.#doubtful = true
    try {
      await recognise(ask, doubtful)
      this.#doubtful = false
    } catch (error) {
      if (isBenchError(error, 'INSTRUMENT_STATE_LOST')) this.#doubtful = false
      else this.#suspect = true
      throw error
    }
  }

  /** Waits longer before each attempt that follows a failed one: callers come back at once. */
  async #reopen(signal: AbortSignal): Promise<void> {
    const pauseMs = this.#refusals === 0 ? 0 : Math.min(REOPEN_PAUSE_MS * 2 ** this.#refusals, LONGEST_PAUSE_MS)
    if (pauseMs > 0 && this.#transport.keepsDeadlines !== true) await sleep(pauseMs, undefined, { signal })
    this.#refusals++
    await this.#clear(() => this.#transport.resynchronise(signal))
    this.#refusals = 0
  }

  async #clear(work: () => Promise<void>): Promise<void> {
    this.#options.tap?.record('ctl', RESYNCHRONISE)
    this.#arrived.clear()
    this.#clearing = true
    const lostBefore = this.#lost
    try {
      this.#lost = undefined
      await work()
      this.#requireNotLost()
      this.#suspect = false
    } catch (error) {
      this.#lost ??= lostBefore
      throw error
    } finally {
      this.#clearing = false
      this.#arrived.clear()
    }
  }

  /** A wire that was lost while it was being cleared is not clear. */
  #requireNotLost(): void {
    if (this.#lost !== undefined) throw this.#lost
  }
}
