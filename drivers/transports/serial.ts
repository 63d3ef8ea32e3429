import { readdir } from 'node:fs/promises'
import type { SerialPort } from 'serialport'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError, isBenchError } from '../../core/errors.ts'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'
import type { SerialLine } from '../driver-entry.ts'
import { silence } from './line-silence.ts'
import { serialBytes } from './serial-bytes.ts'
import type { SerialBytes } from './serial-bytes.ts'

/** Written between two drains: what a kernel takes at once, and the most that can still leave once given up. */
const PIECE_BYTES = 4096
/** How `serialport` says that another holds the port, on Unix and on Windows. */
const LOCKED = /cannot lock|access denied/i
const UNLOCK_TRIES = 20
const UNLOCK_RETRY_MS = 10

/**
 * A serial line: an adapter, a built-in port or a pseudo-terminal.
 *
 * A line has no device clear: to resynchronise is to throw away what is under way and wait until it is silent.
 * Throws: TRANSPORT_OPEN_FAILED when the port is not there, is locked or may not be opened; TRANSPORT_LOST when it
 * is unplugged; TRANSPORT_TIMEOUT when the line does not fall silent.
 */
export class SerialTransport implements ByteTransport {
  readonly resource: string
  readonly #path: string
  readonly #line: SerialLine
  #port: SerialPort
  #bytes: SerialBytes
  #receiver: ByteReceiver | undefined
  #lastWrite: Promise<void> = Promise.resolve()
  /** Messages that are being written or wait for their turn. */
  #writes = 0
  #undrainedBytes = 0
  #underWay = 0
  /** While resynchronising: told of bytes, which go no further. */
  #discard: (() => void) | undefined

  private constructor(resource: string, path: string, line: SerialLine, port: SerialPort) {
    this.resource = resource
    this.#path = path
    this.#line = line
    this.#port = port
    this.#bytes = this.#listen(port)
  }

  /** Takes the port for this process alone. */
  static async open(resource: string, path: string, line: SerialLine, signal: AbortSignal): Promise<SerialTransport> {
    return new SerialTransport(resource, path, line, await openPort(resource, path, line, signal))
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const write = (): Promise<void> => this.#writePieces(bytes, signal)
    const written = this.#writes++ === 0 ? write() : this.#lastWrite.then(write)
    this.#lastWrite = written.then(this.#written, this.#written)
    return written
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    let arrived = (): void => undefined
    this.#discard = () => arrived()
    try {
      // A write that hangs would go on after the flush; only closing the port ends it.
      if (this.#port.isOpen && this.#underWay > 0) await this.#close()
      if (!this.#port.isOpen) await this.#reopen(signal)
      await flush(this.#port)
      await silence(this.resource, signal, (listener) => (arrived = listener))
    } catch (error) {
      if (error instanceof BenchError || signal.aborted) throw error
      throw lost(this.resource, error)
    } finally {
      this.#discard = undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#receiver = undefined
    if (this.#port.isOpen) await this.#close()
  }

  readonly #written = (): void => {
    this.#writes--
  }

  async #writePieces(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES)
      if (this.#undrainedBytes + piece.length > PIECE_BYTES) {
        await this.#operate(signal, (port, done) => port.drain(done))
        this.#undrainedBytes = 0
      }
      this.#undrainedBytes += piece.length
      await this.#operate(signal, (_, done) => this.#bytes.write(piece, done))
    }
  }

  /** Runs one operation of the port; an abort stops the waiting, and `resynchronise` then ends the operation. */
  #operate(
    signal: AbortSignal,
    start: (port: SerialPort, done: (error?: Error | null) => void) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const port = this.#port
      if (!port.isOpen) return reject(lost(this.resource))
      const settle = (error?: Error): void => {
        signal.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = (): void => settle(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#underWay++
      start(port, (error) => {
        if (port === this.#port) this.#underWay--
        settle(error ? lost(this.resource, error) : undefined)
      })
    })
  }

  #listen(port: SerialPort): SerialBytes {
    port.once('close', (error?: Error | null) => this.#receiver?.onLost(lost(this.resource, error)))
    // Each operation reports its own error, and 'close' follows when the port is gone.
    port.on('error', () => undefined)
    return serialBytes(port, (bytes) => {
      if (this.#discard === undefined) this.#receiver?.onBytes(bytes)
      else this.#discard()
    })
  }

  async #close(): Promise<void> {
    const port = this.#port
    port.removeAllListeners('close')
    // Otherwise the kernel may hold the port for half a minute to get unsent bytes out.
    await flush(port).catch(() => undefined)
    await new Promise<void>((resolve) => port.close(() => resolve()))
  }

  /** The lock of a port that was just closed lasts until the kernel has ended what was under way on it. */
  async #openAgain(signal: AbortSignal): Promise<SerialPort> {
    for (let tries = 1; ; tries++) {
      try {
        return await openPort(this.resource, this.#path, this.#line, signal)
      } catch (error) {
        if (tries === UNLOCK_TRIES || !isBenchError(error) || error.context['locked'] !== true) throw error
        await sleep(UNLOCK_RETRY_MS)
        signal.throwIfAborted()
      }
    }
  }

  async #reopen(signal: AbortSignal): Promise<void> {
    this.#port = await this.#openAgain(signal)
    this.#undrainedBytes = 0
    this.#underWay = 0
    this.#bytes = this.#listen(this.#port)
  }
}

function lost(resource: string, cause?: unknown): BenchError {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new BenchError('TRANSPORT_LOST', `${resource}: the serial port is gone${reason}`, {
    cause,
    context: { resource },
  })
}

async function openPort(resource: string, path: string, line: SerialLine, signal: AbortSignal): Promise<SerialPort> {
  signal.throwIfAborted()
  // Loaded when a port is opened: its native part need not exist on a machine without serial instruments.
  const { SerialPort } = await import('serialport')
  const { flow, ...settings } = line
  const handshake = { rtscts: flow === 'rts-cts', xon: flow === 'xon-xoff', xoff: flow === 'xon-xoff' }
  const port = new SerialPort({ path, ...settings, ...handshake, autoOpen: false })
  const failure = await new Promise<Error | null>((resolve) => port.open(resolve))
  if (failure !== null) throw await openFailed(resource, path, failure)
  if (!signal.aborted) return port
  await new Promise<void>((resolve) => port.close(() => resolve()))
  throw signal.reason
}

async function openFailed(resource: string, path: string, cause: Error): Promise<BenchError> {
  return new BenchError('TRANSPORT_OPEN_FAILED', `${resource}: ${await explain(path, cause.message)}`, {
    cause,
    context: { resource, path, locked: LOCKED.test(cause.message) },
  })
}

async function explain(path: string, message: string): Promise<string> {
  if (LOCKED.test(message)) return `${path} is in use by another process; close that one first`
  if (/permission denied/i.test(message))
    return `no permission to open ${path}; on Linux, add yourself to the group that owns it (usually dialout)`
  if (/no such file|file not found/i.test(message)) return `there is no serial port ${path}; ${await portsHere()}`
  return `cannot open ${path}: ${message}`
}

/** What could have been meant. Reads names only: asking the system would need tools that may be missing. */
async function portsHere(): Promise<string> {
  if (process.platform === 'win32') return 'the device manager lists the COM ports of this machine'
  const names = await readdir('/dev').catch(() => [])
  const ports = names.filter((name) => /^(tty(USB|ACM)\d+|cu\..+)$/.test(name)).map((name) => `/dev/${name}`)
  return ports.length === 0 ? 'no USB serial adapter is plugged in' : `plugged in are ${ports.join(', ')}`
}

function flush(port: SerialPort): Promise<void> {
  return new Promise((resolve, reject) => {
    port.flush((error) => {
      if (error instanceof Error) reject(error)
      else resolve()
    })
  })
}
