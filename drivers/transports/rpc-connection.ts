import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { BenchError } from '../../core/errors.ts'
import { readRpcReply } from '../protocols/onc-rpc.ts'
import { RecordReader } from '../protocols/rpc-records.ts'
import type { RecordReaderOptions } from '../protocols/rpc-records.ts'
import { unexpectedRpc } from '../protocols/xdr.ts'
import type { XdrReader } from '../protocols/xdr.ts'

const READ_BUFFER_BYTES = 65_536
const OPEN_TIMEOUT_MS = 5000

export interface RpcEndpoint extends RecordReaderOptions {
  /** For messages. */
  readonly resource: string
  readonly host: string
  readonly port: number
}

/** How a call ends: one of the two is called once. */
export interface PendingCall {
  replied(results: XdrReader): void
  failed(error: BenchError): void
}

/** A call that nobody waits for any more: its reply is dropped when it comes. */
const GIVEN_UP: PendingCall = { replied: () => undefined, failed: () => undefined }

/**
 * A client of ONC RPC on one TCP connection: a reply belongs to the call whose number it bears.
 *
 * Throws: TRANSPORT_OPEN_FAILED; TRANSPORT_LOST once the far end is gone; INSTRUMENT_REFUSED for a call that is not
 * carried out; PROTOCOL_UNEXPECTED_REPLY, after which the connection is closed, because nothing on it can be trusted.
 */
export class RpcConnection {
  readonly #endpoint: RpcEndpoint
  readonly #socket: Socket
  readonly #onLost: (error: BenchError) => void
  readonly #pending = new Map<number, PendingCall>()
  #nextXid = Math.floor(Math.random() * 0x1_0000_0000)
  #lost: BenchError | undefined

  private constructor(endpoint: RpcEndpoint, onLost: (error: BenchError) => void) {
    this.#endpoint = endpoint
    this.#onLost = onLost
    const records = new RecordReader(endpoint)
    this.#socket = connectSocket({
      host: endpoint.host,
      port: endpoint.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (count, buffer) => {
          this.#receive(records, buffer.subarray(0, count))
          return true
        },
      },
    })
  }

  /** `onLost` is called once, when the connection breaks without having been closed here. */
  static async open(
    endpoint: RpcEndpoint,
    onLost: (error: BenchError) => void,
    signal: AbortSignal,
  ): Promise<RpcConnection> {
    const connection = new RpcConnection(endpoint, onLost)
    await connected(connection.#socket, endpoint, signal)
    connection.#socket.once('close', connection.#onClose)
    return connection
  }

  get usable(): boolean {
    return this.#lost === undefined
  }

  /** Some call has not been answered yet. */
  get busy(): boolean {
    return this.#pending.size > 0
  }

  get addresses(): { readonly local: string | undefined; readonly remote: string | undefined } {
    return { local: this.#socket.localAddress, remote: this.#socket.remoteAddress }
  }

  /** Sends the call that `encode` makes of a new number. Returns what gives it up. */
  begin(encode: (xid: number) => Uint8Array, pending: PendingCall): () => void {
    if (this.#lost !== undefined) {
      pending.failed(this.#lost)
      return () => undefined
    }
    const xid = this.#nextXid
    this.#nextXid = (xid + 1) >>> 0
    this.#pending.set(xid, pending)
    this.#socket.write(encode(xid))
    return () => {
      if (this.#pending.get(xid) === pending) this.#pending.set(xid, GIVEN_UP)
    }
  }

  /** What `calls` begins leaves in one piece: the far end is woken once. */
  together(calls: () => void): void {
    this.#socket.cork()
    calls()
    this.#socket.uncork()
  }

  /** Throws TRANSPORT_TIMEOUT after `timeoutMs`, and the reason of `signal`. */
  call<T>(
    encode: (xid: number) => Uint8Array,
    read: (results: XdrReader) => T,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      if (this.#lost !== undefined) return reject(this.#lost)
      const settle = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
      const giveUp = this.begin(encode, {
        replied: (results) => {
          settle()
          resolve(read(results))
        },
        failed: (error) => {
          settle()
          reject(error)
        },
      })
      const onAbort = (): void => {
        giveUp()
        settle()
        reject(signal.reason as Error)
      }
      const timer = setTimeout(() => {
        giveUp()
        settle()
        reject(silent(this.#endpoint.resource, timeoutMs))
      }, timeoutMs)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  close(): void {
    this.#socket.off('close', this.#onClose)
    this.#end(lost(this.#endpoint.resource))
  }

  readonly #onClose = (): void => this.#lose(lost(this.#endpoint.resource))

  #receive(records: RecordReader, piece: Uint8Array): void {
    try {
      records.push(piece, (record) => {
        if (this.#lost === undefined) this.#take(record)
      })
    } catch (error) {
      this.#lose(error as BenchError)
    }
  }

  #take(record: Uint8Array): void {
    const { xid, refusal, results } = readRpcReply(record)
    const pending = this.#pending.get(xid)
    if (pending === undefined) throw unexpectedRpc(`an answer to call ${xid}, which nobody made`, record)
    if (refusal === undefined) pending.replied(results)
    else pending.failed(refused(this.#endpoint.resource, refusal))
    this.#pending.delete(xid)
  }

  #lose(error: BenchError): void {
    if (this.#lost !== undefined) return
    this.#end(error)
    this.#onLost(error)
  }

  #end(error: BenchError): void {
    this.#lost ??= error
    this.#socket.destroy()
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const call of pending) call.failed(error)
  }
}

function connected(socket: Socket, endpoint: RpcEndpoint, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('connect', settle)
      if (error === undefined) return resolve()
      socket.destroy()
      const { resource, host, port } = endpoint
      reject(
        new BenchError('TRANSPORT_OPEN_FAILED', `${resource} does not answer: ${error.message}`, {
          cause: error,
          context: { resource, host, port },
        }),
      )
    }
    const onAbort = (): void => settle(new Error('gave up waiting for the connection'))
    const timer = setTimeout(onAbort, OPEN_TIMEOUT_MS)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', settle)
    // Once connected, 'close' follows and is what we report.
    socket.on('error', settle)
  })
}

function lost(resource: string): BenchError {
  return new BenchError('TRANSPORT_LOST', `${resource}: the connection was closed by the far end`, {
    context: { resource },
  })
}

function silent(resource: string, timeoutMs: number): BenchError {
  return new BenchError('TRANSPORT_TIMEOUT', `${resource}: a call was not answered within ${timeoutMs} ms`, {
    context: { resource, timeoutMs },
  })
}

function refused(resource: string, why: string): BenchError {
  return new BenchError('INSTRUMENT_REFUSED', `${resource} refuses a call: ${why}`, { context: { resource } })
}
