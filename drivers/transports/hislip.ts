import { BenchError, isBenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport, MessageControls } from '../../core/transport.ts'
import { HISLIP_PORT } from '../protocols/hislip.ts'
import type { HislipMode } from '../protocols/hislip-conversation.ts'
import { HislipLink } from './hislip-link.ts'
import type { HislipLockInfo } from './hislip-link.ts'

export interface HislipOptions {
  readonly host: string
  /** Default: 4880. */
  readonly port?: number
  /** Sub-address, mostly `hislip0`. */
  readonly device: string
  /** Default: what the server prefers. */
  readonly mode?: 'server-preference' | HislipMode
  /** True keeps all others out; a text shares the instrument with those that lock with the same. Default: no lock. */
  readonly lock?: boolean | string
  /** How long to wait while another client has the lock. Default: 2 s. */
  readonly lockWaitMs?: number
  /** Highest version to speak. Default: 2.0. */
  readonly version?: keyof typeof VERSIONS
  /** Longest wait for the server itself, whatever the instrument does. Default: 5 s. */
  readonly timeoutMs?: number
}

const VERSIONS = { '1.0': 0x0100, '1.1': 0x0101, '2.0': 0x0200 }
const UNLOCK_MS = 500

/** What remote/local control can ask for. Source: IVI-6.1 rev. 2.0, remote local transaction. */
const REMOTE_LOCAL = {
  'disable-remote': 0,
  'enable-remote': 1,
  'disable-remote-go-to-local': 2,
  'enable-remote-go-to-remote': 3,
  'enable-remote-lock-out-local': 4,
  'enable-remote-go-to-remote-lock-out-local': 5,
  'go-to-local': 6,
}

export type RemoteLocalRequest = keyof typeof REMOTE_LOCAL

/**
 * A HiSLIP instrument on the network, version 1.0 to 2.0 without TLS.
 *
 * To resynchronise is a device clear; where that does not succeed, a new connection, which locks again.
 * Throws: TRANSPORT_OPEN_FAILED, TRANSPORT_LOCKED when another client holds the lock; TRANSPORT_LOST when either
 * channel goes; INSTRUMENT_REFUSED with what the server says in an Error; PROTOCOL_UNEXPECTED_REPLY with raw bytes.
 * Leaves: when disposed, no lock held.
 * Source: IVI-6.1 rev. 2.0.
 */
export class HislipTransport implements ByteTransport {
  readonly resource: string
  readonly controls: MessageControls
  readonly #options: HislipOptions
  readonly #timeoutMs: number
  #link!: HislipLink
  #receiver: ByteReceiver | undefined
  #onServiceRequest: () => void = () => undefined

  private constructor(resource: string, options: HislipOptions) {
    this.resource = resource
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? 5000
    this.controls = {
      readStatusByte: (signal) => this.#within(this.#timeoutMs, signal, (limit) => this.#link.readStatusByte(limit)),
      trigger: (signal) => this.#within(this.#timeoutMs, signal, (limit) => this.#link.trigger(limit)),
      onServiceRequest: async (listener) => {
        this.#onServiceRequest = listener
      },
    }
  }

  static async open(resource: string, options: HislipOptions, signal: AbortSignal): Promise<HislipTransport> {
    const transport = new HislipTransport(resource, options)
    transport.#link = await transport.#connect(signal)
    return transport
  }

  /** The lower of the two sides' versions. */
  get version(): string {
    return `${this.#link.version >>> 8}.${this.#link.version & 0xff}`
  }

  get mode(): HislipMode {
    return this.#link.mode
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#link.write(bytes, signal)
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    if (this.#link.connected) {
      try {
        const { mode } = this.#link
        await this.#within(this.#timeoutMs, signal, (limit) => this.#link.clear(mode, limit))
        return
      } catch (error) {
        this.#link.destroy()
        if (signal.aborted) throw error
        // What does not come clear is replaced.
      }
    }
    this.#link = await this.#connect(signal)
  }

  lockInfo(signal: AbortSignal): Promise<HislipLockInfo> {
    return this.#within(this.#timeoutMs, signal, (limit) => this.#link.lockInfo(limit))
  }

  remoteLocal(request: RemoteLocalRequest, signal: AbortSignal): Promise<void> {
    return this.#within(this.#timeoutMs, signal, (limit) => this.#link.remoteLocal(REMOTE_LOCAL[request], limit))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lockKey !== undefined && this.#link.connected) {
      // The server drops the lock anyway once it sees the connection close.
      const unlock = this.#within(UNLOCK_MS, neverAborted, (limit) => this.#link.unlock(limit))
      await unlock.catch(() => undefined)
    }
    this.#link.destroy()
  }

  get #lockKey(): string | undefined {
    const { lock = false } = this.#options
    if (lock === true) return ''
    return lock === false ? undefined : lock
  }

  async #connect(signal: AbortSignal): Promise<HislipLink> {
    const { host, port = HISLIP_PORT, device, version = '2.0' } = this.#options
    const target = { host, port, device, version: VERSIONS[version] }
    try {
      const link = await this.#within(this.#timeoutMs, signal, (limit) =>
        HislipLink.open(this.resource, target, this.#events(), limit),
      )
      try {
        await this.#agree(link, signal)
        return link
      } catch (error) {
        link.destroy()
        throw error
      }
    } catch (error) {
      if (isBenchError(error) && !isBenchError(error, 'TRANSPORT_TIMEOUT', 'TRANSPORT_LOST')) throw error
      const cause = error as Error
      const reason = signal.aborted ? 'gave up waiting for the connection' : cause.message
      throw new BenchError('TRANSPORT_OPEN_FAILED', `${this.resource} cannot be opened: ${reason}`, {
        cause,
        context: { ...(isBenchError(error) ? error.context : {}), resource: this.resource, host, port, device },
      })
    }
  }

  async #agree(link: HislipLink, signal: AbortSignal): Promise<void> {
    const { mode = 'server-preference', lockWaitMs = 2000 } = this.#options
    const key = this.#lockKey
    if (key !== undefined) {
      await this.#within(this.#timeoutMs + lockWaitMs, signal, (limit) => link.lock(key, lockWaitMs, limit))
    }
    if (mode === 'server-preference' || mode === link.mode) return
    await this.#within(this.#timeoutMs, signal, (limit) => link.clear(mode, limit))
    if (mode === link.mode) return
    throw new BenchError('TRANSPORT_OPEN_FAILED', `${this.resource} does not speak in ${mode} mode`, {
      context: { resource: this.resource, mode },
    })
  }

  #events() {
    return {
      onBytes: (bytes: Uint8Array) => this.#receiver?.onBytes(bytes),
      onEnd: () => this.#receiver?.onEnd(),
      onLost: (error: BenchError) => this.#receiver?.onLost(error),
      onServiceRequest: () => this.#onServiceRequest(),
    }
  }

  /** Throws: TRANSPORT_TIMEOUT, or the reason of `signal`. */
  async #within<T>(timeoutMs: number, signal: AbortSignal, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const onAbort = (): void => controller.abort(signal.reason)
    const expired = (): void =>
      controller.abort(
        new BenchError('TRANSPORT_TIMEOUT', `${this.resource}: no answer from the server within ${timeoutMs} ms`, {
          context: { resource: this.resource, timeoutMs },
        }),
      )
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(expired, timeoutMs)
    try {
      return await work(controller.signal)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }
}

const neverAborted = new AbortController().signal
