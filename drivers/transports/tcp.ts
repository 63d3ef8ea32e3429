import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { BenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'

const REOPEN_DEADLINE_MS = 5_000

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
  #socket: Socket
  #receiver: ByteReceiver | undefined
  readonly #reportLost = (): void => this.#receiver?.onLost(lost(this.resource))

  private constructor(resource: string, host: string, port: number, socket: Socket) {
    this.resource = resource
    this.#host = host
    this.#port = port
    this.#socket = socket
    this.#listen(socket)
  }

  static async open(resource: string, host: string, port: number, signal: AbortSignal): Promise<TcpTransport> {
    return new TcpTransport(resource, host, port, await dial(resource, host, port, signal))
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#socket.destroyed) throw lost(this.resource)
    if (this.#socket.write(bytes)) return
    await new Promise<void>((resolve, reject) => {
      const socket = this.#socket
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
    this.#socket = await dial(this.resource, this.#host, this.#port, deadline)
    this.#listen(this.#socket)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#drop()
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes) => this.#receiver?.onBytes(bytes))
    socket.once('close', this.#reportLost)
    // 'close' follows and is what we report.
    socket.on('error', () => undefined)
  }

  #drop(): void {
    this.#socket.removeAllListeners('data')
    // Only ours: a write that still waits hears of the end.
    this.#socket.off('close', this.#reportLost)
    this.#socket.destroy()
  }
}

function lost(resource: string): BenchError {
  return new BenchError('TRANSPORT_LOST', `${resource}: the connection was closed by the far end`, {
    context: { resource },
  })
}

function dial(resource: string, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, noDelay: true })
    const settle = (error?: Error): void => {
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners()
      if (error === undefined) return resolve(socket)
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
