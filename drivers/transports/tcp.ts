import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'

const REOPEN_DEADLINE_MS = 5_000
/** Most that is taken from the kernel at once. */
const READ_BYTES = 256 * 1024

/**
 * A raw TCP stream.
 *
 * A socket has no device clear: to resynchronise is to connect again.
 * Throws: TRANSPORT_OPEN_FAILED when nobody listens; TRANSPORT_LOST when the far end goes.
 */
export class TcpTransport implements ByteTransport {
  readonly resource: string
  readonly #host: string
  readonly #port: number
  #dialled: Dialled
  #receiver: ByteReceiver | undefined
  readonly #reportLost = (reset: boolean): void => this.#receiver?.onLost(lost(this.resource, reset))

  private constructor(resource: string, host: string, port: number, dialled: Dialled) {
    this.resource = resource
    this.#host = host
    this.#port = port
    this.#dialled = dialled
    this.#listen(dialled)
  }

  static async open(resource: string, host: string, port: number, signal: AbortSignal): Promise<TcpTransport> {
    return new TcpTransport(resource, host, port, await dial(resource, host, port, signal))
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { socket } = this.#dialled
    if (socket.destroyed) throw lost(this.resource)
    if (socket.write(bytes)) return
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        socket.off('drain', settle)
        socket.off('close', onClose)
        signal.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onClose = (): void => settle(lost(this.resource))
      const onAbort = (): void => settle(signal.reason as Error)
      socket.once('drain', settle)
      socket.once('close', onClose)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    this.#drop()
    // A host that is switched off stays silent for minutes.
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(REOPEN_DEADLINE_MS)])
    this.#dialled = await dial(this.resource, this.#host, this.#port, deadline)
    this.#listen(this.#dialled)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#drop()
  }

  #listen(dialled: Dialled): void {
    dialled.onBytes = (bytes) => this.#receiver?.onBytes(bytes)
    dialled.socket.once('close', this.#reportLost)
    // 'close' follows and is what we report.
    dialled.socket.on('error', () => undefined)
  }

  #drop(): void {
    this.#dialled.onBytes = () => undefined
    // Only ours: a write that still waits hears of the end.
    this.#dialled.socket.off('close', this.#reportLost)
    this.#dialled.socket.destroy()
  }
}

/** A connection, and who hears what comes over it. */
interface Dialled {
  readonly socket: Socket
  onBytes: (bytes: Uint8Array) => void
}

/** `reset`: broken off, not closed in order. */
function lost(resource: string, reset = false): BenchError {
  return new BenchError('TRANSPORT_LOST', `${resource}: the connection was closed by the far end`, {
    context: { resource, reset },
  })
}

function dial(resource: string, host: string, port: number, signal: AbortSignal): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    // One piece of memory for all reads: Node's own streams take new memory for each, however short.
    const callback = (count: number, received: Uint8Array): boolean => {
      dialled.onBytes(received.subarray(0, count))
      return true
    }
    const onread = { buffer: new Uint8Array(READ_BYTES), callback }
    const socket = connectSocket({ host, port, noDelay: true, onread })
    const dialled: Dialled = { socket, onBytes: () => undefined }
    const settle = (error?: Error): void => {
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners()
      if (error === undefined) return resolve(dialled)
      socket.on('error', () => undefined)
      socket.destroy()
      reject(
        new BenchError('TRANSPORT_OPEN_FAILED', `${resource} does not answer: ${error.message}`, {
          cause: error,
          context: { resource, host, port },
        }),
      )
    }
    const onAbort = (): void => settle(new Error('gave up waiting for the connection'))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => settle())
    socket.once('error', settle)
  })
}
