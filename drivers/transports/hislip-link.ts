import { BenchError } from '../../core/errors.ts'
import { HISLIP, HISLIP_HEADER_BYTES, OVERLAP } from '../protocols/hislip.ts'
import { readSizePayload, sizePayload, unexpectedHislip } from '../protocols/hislip.ts'
import type { HislipMessage } from '../protocols/hislip.ts'
import { HislipConversation } from '../protocols/hislip-conversation.ts'
import type { HislipMode } from '../protocols/hislip-conversation.ts'
import type { HislipChannel } from './hislip-channel.ts'
import { LARGEST_MESSAGE_BYTES, dialHislip, hislipMode } from './hislip-dial.ts'
import type { HislipChannels, HislipTarget } from './hislip-dial.ts'

/** A server that takes less than this has no room for a command. */
const SMALLEST_MESSAGE_BYTES = 32
const REQUEST_LOCK = 1
const RELEASE_LOCK = 0
const LOCK_REFUSED = 0
const LOCK_GRANTED = 1
const DONE = Promise.resolve()

export interface HislipLinkEvents {
  onBytes(bytes: Uint8Array): void
  onEnd(): void
  onLost(error: BenchError): void
  onServiceRequest(): void
}

export interface HislipLockInfo {
  readonly exclusive: boolean
  /** Clients that hold a lock, shared or exclusive. */
  readonly holders: number
}

/**
 * One HiSLIP session: the synchronous channel with messages and replies, the asynchronous one with everything beside.
 *
 * Source: IVI-6.1 rev. 2.0, chapters 3 and 6; without TLS.
 */
export class HislipLink {
  readonly #resource: string
  readonly #sync: HislipChannel
  readonly #async: HislipChannel
  readonly #events: HislipLinkEvents
  readonly #conversation: HislipConversation
  /** The lower of the two sides' versions, major in the high byte. */
  readonly version: number
  #largestPayloadBytes = 0
  #refused: BenchError | undefined
  #clearing = false
  /** Messages that wait, or are written in parts: whatever comes after them has to wait, too. */
  #queued = 0
  #lastQueued: Promise<unknown> = DONE
  /** Lets go on who waits for the second half of an interruption. */
  #released: (() => void)[] = []

  private constructor(resource: string, channels: HislipChannels, events: HislipLinkEvents) {
    this.#resource = resource
    this.#sync = channels.sync
    this.#async = channels.async
    this.#events = events
    this.version = channels.version
    this.#conversation = new HislipConversation(
      (bytes) => events.onBytes(bytes),
      () => events.onEnd(),
    )
    this.#conversation.restart(channels.mode)
    const ends = {
      onRefused: (error: BenchError) => this.#refuse(error),
      onLost: (error: BenchError) => this.#lose(error),
    }
    this.#sync.listener = {
      ...ends,
      onData: (header, piece, last) => this.#conversation.receive(header, piece, last),
      onMessage: ({ type }) => type === HISLIP.Interrupted && this.#interrupted('synchronous'),
    }
    this.#async.listener = {
      ...ends,
      onData: (_, piece) => {
        throw unexpectedHislip('data on the asynchronous channel', piece)
      },
      onMessage: ({ type }) => {
        if (type === HISLIP.AsyncInterrupted) return this.#interrupted('asynchronous')
        if (type !== HISLIP.AsyncServiceRequest) return false
        events.onServiceRequest()
        return true
      },
    }
  }

  /** Throws: as `dialHislip`. */
  static async open(
    resource: string,
    target: HislipTarget,
    events: HislipLinkEvents,
    signal: AbortSignal,
  ): Promise<HislipLink> {
    const link = new HislipLink(resource, await dialHislip(resource, target, signal), events)
    try {
      await link.#agreeOnSizes(signal)
      return link
    } catch (error) {
      link.destroy()
      throw error
    }
  }

  get mode(): HislipMode {
    return this.#conversation.mode
  }

  /** Why nothing can be written; a device clear helps only where the channels still stand. */
  get broken(): BenchError | undefined {
    return this.#sync.lost ?? this.#async.lost ?? this.#refused
  }

  get connected(): boolean {
    return this.#sync.lost === undefined && this.#async.lost === undefined
  }

  /** One message, in as many parts as the server's largest message makes necessary. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    if (this.broken !== undefined) return Promise.reject(this.broken)
    if (this.#queued > 0 || this.#conversation.mustWait || bytes.length > this.#largestPayloadBytes) {
      return this.#queue(() => this.#writeParts(bytes, signal), signal)
    }
    return this.#sendFlagged(HISLIP.DataEnd, bytes) ? DONE : this.#sync.drained(signal)
  }

  trigger(signal: AbortSignal): Promise<void> {
    return this.#queue(async () => {
      if (!this.#sendFlagged(HISLIP.Trigger)) await this.#sync.drained(signal)
    }, signal)
  }

  async readStatusByte(signal: AbortSignal): Promise<number> {
    const conversation = this.#conversation
    const response = await this.#async.request(
      () => this.#async.send(HISLIP.AsyncStatusQuery, conversation.takeFlag(), conversation.statusId),
      HISLIP.AsyncStatusResponse,
      signal,
    )
    return response.control
  }

  /**
   * Device clear: what was asked before is not answered any more. It is also how a mode is agreed upon.
   *
   * Throws: the reason of `signal`, TRANSPORT_LOST, INSTRUMENT_REFUSED. Leaves: the link unusable if it throws.
   */
  async clear(mode: HislipMode | undefined, signal: AbortSignal): Promise<void> {
    this.#clearing = true
    this.#conversation.beginClear()
    const acknowledged = await this.#ask(HISLIP.AsyncDeviceClear, HISLIP.AsyncDeviceClearAcknowledge, signal)
    const wanted = mode === undefined ? acknowledged.control & OVERLAP : mode === 'overlap' ? OVERLAP : 0
    const { control } = await this.#sync.request(
      () => this.#sync.send(HISLIP.DeviceClearComplete, wanted, 0),
      HISLIP.DeviceClearAcknowledge,
      signal,
    )
    this.#conversation.restart(hislipMode(control))
    this.#refused = undefined
    this.#clearing = false
    this.#release()
  }

  /** `key` shares the lock with others of the same key; '' keeps everybody else out. Throws: TRANSPORT_LOCKED. */
  async lock(key: string, waitMs: number, signal: AbortSignal): Promise<void> {
    const payload = Buffer.from(key, 'latin1')
    const response = await this.#async.request(
      () => this.#async.send(HISLIP.AsyncLock, REQUEST_LOCK, waitMs, payload),
      HISLIP.AsyncLockResponse,
      signal,
    )
    if (response.control === LOCK_GRANTED) return
    if (response.control !== LOCK_REFUSED) throw unexpectedHislip(`answer ${response.control} to a lock`, payload)
    throw new BenchError('TRANSPORT_LOCKED', `${this.#resource} is locked by another client`, {
      context: { resource: this.#resource, key, waitMs },
    })
  }

  async unlock(signal: AbortSignal): Promise<void> {
    await this.#async.request(
      () => this.#async.send(HISLIP.AsyncLock, RELEASE_LOCK, this.#conversation.lastId),
      HISLIP.AsyncLockResponse,
      signal,
    )
  }

  async lockInfo(signal: AbortSignal): Promise<HislipLockInfo> {
    const { control, parameter } = await this.#ask(HISLIP.AsyncLockInfo, HISLIP.AsyncLockInfoResponse, signal)
    return { exclusive: control === 1, holders: parameter }
  }

  async remoteLocal(code: number, signal: AbortSignal): Promise<void> {
    await this.#async.request(
      () => this.#async.send(HISLIP.AsyncRemoteLocalControl, code, this.#conversation.lastId),
      HISLIP.AsyncRemoteLocalResponse,
      signal,
    )
  }

  destroy(): void {
    this.#sync.destroy()
    this.#async.destroy()
    this.#release()
  }

  async #agreeOnSizes(signal: AbortSignal): Promise<void> {
    const response = await this.#async.request(
      () => this.#async.send(HISLIP.AsyncMaximumMessageSize, 0, 0, sizePayload(LARGEST_MESSAGE_BYTES)),
      HISLIP.AsyncMaximumMessageSizeResponse,
      signal,
    )
    const largest = readSizePayload(response)
    if (largest < SMALLEST_MESSAGE_BYTES) {
      throw unexpectedHislip(`${largest} bytes as the largest message`, response.payload)
    }
    this.#largestPayloadBytes = largest - HISLIP_HEADER_BYTES
  }

  #ask(type: number, expects: number, signal: AbortSignal): Promise<HislipMessage> {
    return this.#async.request(() => this.#async.send(type, 0, 0), expects, signal)
  }

  #sendFlagged(type: number, payload?: Uint8Array): boolean {
    return this.#sync.send(type, this.#conversation.takeFlag(), this.#conversation.takeId(), payload)
  }

  #queue(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    this.#queued++
    const turn = this.#lastQueued
      .then(() => this.#untilReleased(signal))
      .then(() => {
        signal.throwIfAborted()
        if (this.broken !== undefined) throw this.broken
        return work()
      })
      .finally(() => this.#queued--)
    this.#lastQueued = turn.catch(() => undefined)
    return turn
  }

  async #writeParts(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    let at = 0
    for (; bytes.length - at > this.#largestPayloadBytes; at += this.#largestPayloadBytes) {
      const part = bytes.subarray(at, at + this.#largestPayloadBytes)
      if (!this.#sendFlagged(HISLIP.Data, part)) await this.#sync.drained(signal)
    }
    if (!this.#sendFlagged(HISLIP.DataEnd, bytes.subarray(at))) await this.#sync.drained(signal)
  }

  async #untilReleased(signal: AbortSignal): Promise<void> {
    while (this.#conversation.mustWait && this.broken === undefined) {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => reject(signal.reason as Error)
        if (signal.aborted) return onAbort()
        signal.addEventListener('abort', onAbort, { once: true })
        this.#released.push(() => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        })
      })
    }
  }

  #interrupted(channel: 'synchronous' | 'asynchronous'): true {
    this.#conversation.interrupted(channel)
    if (!this.#conversation.mustWait) this.#release()
    return true
  }

  #release(): void {
    for (const released of this.#released.splice(0)) released()
  }

  /** An Error that nothing waits for: what it is about will not be answered. */
  #refuse(error: BenchError): void {
    this.#refused = error
    if (!this.#clearing) this.#events.onLost(error)
  }

  #lose(error: BenchError): void {
    this.destroy()
    // Whoever clears hears of it from the request that fails.
    if (!this.#clearing) this.#events.onLost(error)
  }
}
