import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { BenchError, isBenchError } from '../../core/errors.ts'
import { HISLIP, hislipHeader, hislipMessage, hislipServerError, unexpectedHislip } from '../protocols/hislip.ts'
import type { HislipHeader, HislipMessage } from '../protocols/hislip.ts'
import { HislipReader } from '../protocols/hislip-reader.ts'
import type { HislipLimits } from '../protocols/hislip-reader.ts'

/** Longer payloads are not copied to stand behind their header. */
const COPIED_PAYLOAD_BYTES = 16_384
const RECEIVE_BYTES = 65_536
const POORLY_FORMED_HEADER = 1
const NOT_HISLIP = Buffer.from('not HiSLIP')

/** What comes that was not requested. */
export interface HislipChannelListener {
  onData(header: HislipHeader, piece: Uint8Array, last: boolean): void
  /** False when there is no such message on this channel. */
  onMessage(message: HislipMessage): boolean
  /** An Error that answers no request; the connection stays. */
  onRefused(error: BenchError): void
  onLost(error: BenchError): void
}

/** What a channel does before it has a listener, and after. */
export const NOTHING_EXPECTED: HislipChannelListener = {
  onData: (_, piece) => {
    throw unexpectedHislip('data that nothing asked for', piece)
  },
  onMessage: () => false,
  onRefused: () => undefined,
  onLost: () => undefined,
}

export interface HislipAddress {
  readonly host: string
  readonly port: number
}

interface Request {
  readonly expects: number
  readonly resolve: (message: HislipMessage) => void
  readonly reject: (error: BenchError) => void
}

/**
 * One of the two TCP connections of a HiSLIP session: messages out, messages in, and one request at a time.
 *
 * Throws: TRANSPORT_LOST when the far end goes or says FatalError, PROTOCOL_UNEXPECTED_REPLY on bytes that are not
 * HiSLIP; both end the connection.
 */
export class HislipChannel {
  readonly #resource: string
  readonly #socket: Socket
  readonly #reader: HislipReader
  listener = NOTHING_EXPECTED
  #lost: BenchError | undefined
  #request: Request | undefined
  /** Settled once the last request has its response: one that was given up must not get that of the next. */
  #lastResponse: Promise<unknown> = Promise.resolve()

  private constructor(resource: string, address: HislipAddress, limits: HislipLimits) {
    this.#resource = resource
    this.#reader = new HislipReader(limits, {
      onData: (header, piece, last) => {
        if (this.#lost === undefined) this.listener.onData(header, piece, last)
      },
      onMessage: (message) => {
        if (this.#lost === undefined) this.#take(message)
      },
    })
    // One buffer for all reads: to allocate one for each costs more than to copy what came.
    const onread = {
      buffer: Buffer.allocUnsafeSlow(RECEIVE_BYTES),
      callback: (count: number, buffer: Uint8Array) => {
        this.#receive(Buffer.from(buffer.subarray(0, count)))
        return true
      },
    }
    this.#socket = connectSocket({ ...address, noDelay: true, onread })
    // 'close' follows and is what we report.
    this.#socket.on('error', () => undefined)
    this.#socket.once('close', () => this.#lose(lost(resource)))
  }

  /** Throws: TRANSPORT_OPEN_FAILED when nobody listens, or the reason of `signal`. */
  static dial(
    resource: string,
    address: HislipAddress,
    limits: HislipLimits,
    signal: AbortSignal,
  ): Promise<HislipChannel> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const channel = new HislipChannel(resource, address, limits)
      const socket = channel.#socket
      const settle = (error?: Error): void => {
        signal.removeEventListener('abort', onAbort)
        socket.off('connect', onConnect)
        socket.off('error', onError)
        if (error === undefined) return resolve(channel)
        channel.destroy()
        reject(error)
      }
      const onAbort = (): void => settle(signal.reason as Error)
      const onConnect = (): void => settle()
      const onError = (cause: Error): void =>
        settle(
          new BenchError('TRANSPORT_OPEN_FAILED', `${resource} does not answer: ${cause.message}`, {
            cause,
            context: { resource, ...address },
          }),
        )
      signal.addEventListener('abort', onAbort, { once: true })
      socket.once('connect', onConnect)
      socket.once('error', onError)
    })
  }

  get lost(): BenchError | undefined {
    return this.#lost
  }

  /** False when the far end is slow to read: wait for `drained`. */
  send(type: number, control: number, parameter: number, payload?: Uint8Array): boolean {
    if (this.#lost !== undefined) throw this.#lost
    if (payload === undefined || payload.length <= COPIED_PAYLOAD_BYTES) {
      return this.#socket.write(hislipMessage(type, control, parameter, payload))
    }
    this.#socket.cork()
    this.#socket.write(hislipHeader(type, control, parameter, payload.length))
    const room = this.#socket.write(payload)
    this.#socket.uncork()
    return room
  }

  /** Throws: TRANSPORT_LOST, or the reason of `signal`. */
  drained(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost)
      if (signal.aborted) return reject(signal.reason as Error)
      const settle = (error?: Error): void => {
        this.#socket.off('drain', settle)
        this.#socket.off('close', onClose)
        signal.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onClose = (): void => settle(this.#lost ?? lost(this.#resource))
      const onAbort = (): void => settle(signal.reason as Error)
      this.#socket.once('drain', settle)
      this.#socket.once('close', onClose)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /**
   * Sends a message, once its turn has come, and resolves with the response.
   *
   * Throws: the reason of `signal`; INSTRUMENT_REFUSED when the server answers Error.
   */
  request(send: () => void, expects: number, signal: AbortSignal): Promise<HislipMessage> {
    const response = this.#lastResponse.then(() => {
      signal.throwIfAborted()
      if (this.#lost !== undefined) throw this.#lost
      return new Promise<HislipMessage>((resolve, reject) => {
        this.#request = { expects, resolve, reject }
        send()
      })
    })
    this.#lastResponse = response.catch(() => undefined)
    return unlessAborted(response, signal)
  }

  /** Without a word: the far end sees the connection close. Nothing more is reported. */
  destroy(): void {
    this.listener = NOTHING_EXPECTED
    this.#socket.destroy()
    this.#lose(lost(this.#resource))
  }

  #receive(bytes: Buffer): void {
    if (this.#lost !== undefined) return
    try {
      this.#reader.push(bytes)
    } catch (error) {
      if (!isBenchError(error)) throw error
      this.#socket.write(hislipMessage(HISLIP.FatalError, POORLY_FORMED_HEADER, 0, NOT_HISLIP))
      this.#socket.destroySoon()
      this.#lose(error)
    }
  }

  #take(message: HislipMessage): void {
    const { type } = message
    const request = this.#request
    if (type === HISLIP.FatalError) {
      this.#socket.destroy()
      this.#lose(hislipServerError(this.#resource, message))
    } else if (type === request?.expects) {
      this.#request = undefined
      request.resolve(message)
    } else if (type === HISLIP.Error) {
      const error = hislipServerError(this.#resource, message)
      this.#request = undefined
      if (request === undefined) this.listener.onRefused(error)
      else request.reject(error)
    } else if (!this.listener.onMessage(message)) {
      const raw = hislipMessage(type, message.control, message.parameter, message.payload)
      throw unexpectedHislip(`a message of type ${type}, which nothing asked for`, raw)
    }
  }

  #lose(error: BenchError): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#request?.reject(error)
    this.#request = undefined
    this.listener.onLost(error)
  }
}

/** Who gives up need not wait for a response. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function lost(resource: string): BenchError {
  return new BenchError('TRANSPORT_LOST', `${resource}: the connection was closed by the far end`, {
    context: { resource },
  })
}
