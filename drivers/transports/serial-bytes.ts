import { readSync, writeSync } from 'node:fs'
import type { SerialPort } from 'serialport'

/** The bytes of a serial port that is open. */
export interface SerialBytes {
  /** One piece after the other: the next when `done` was called, which may be at once. */
  write(piece: Uint8Array, done: (error?: Error | null) => void): void
}

type Binding = NonNullable<SerialPort['port']>
/** The binding on Linux and macOS. */
type UnixBinding = Extract<Binding, { readonly poller: unknown }>

/** Most that is taken from the kernel at once. */
const READ_BYTES = 65_536
const AGAIN = ['EAGAIN', 'EWOULDBLOCK', 'EINTR']
/** libuv's poll events. */
const READABLE = 1
const WRITABLE = 2

/**
 * Reads and writes a port that `serialport` opened; `heard` is lent what comes.
 *
 * Where the port is a descriptor that does not block it is read and written here, and `serialport` only watches it:
 * its own stream takes four hops through a pool of threads for a question and its answer. On Windows its stream is all
 * there is.
 */
export function serialBytes(port: SerialPort, heard: (bytes: Uint8Array) => void): SerialBytes {
  const binding = port.port
  if (binding !== undefined && 'poller' in binding) return new DescriptorBytes(port, binding, heard)
  port.on('data', heard)
  return { write: (piece, done) => void port.write(asBuffer(piece), done) }
}

/**
 * Reads when there is something and writes at once what there is room for.
 *
 * Waiting for bytes must not replace the waiting for room, or a write that waits stalls for ever: the poller knows
 * only what it was told last. A line that was unplugged is readable, and answers every read with no bytes at all.
 */
class DescriptorBytes implements SerialBytes {
  readonly #port: SerialPort
  readonly #binding: UnixBinding
  readonly #heard: (bytes: Uint8Array) => void
  readonly #room = Buffer.allocUnsafeSlow(READ_BYTES)
  #wanted = 0
  #resume: ((error: Error | null) => void) | undefined

  constructor(port: SerialPort, binding: UnixBinding, heard: (bytes: Uint8Array) => void) {
    this.#port = port
    this.#binding = binding
    this.#heard = heard
    binding.poller.on('readable', (error: Error | null) => {
      if (error === null) this.#read()
      else this.#gone(error)
    })
    binding.poller.on('writable', (error: Error | null) => {
      this.#wanted &= ~WRITABLE
      const resume = this.#resume
      this.#resume = undefined
      if (error === null) this.#want(0)
      resume?.(error)
    })
    this.#want(READABLE)
  }

  write(piece: Uint8Array, done: (error?: Error | null) => void): void {
    try {
      const { fd } = this.#binding
      if (fd === null) return done(new Error('the port is closed'))
      const written = unlessBusy(() => writeSync(fd, piece)) ?? 0
      if (written === piece.length) return done()
      this.#resume = (error) => {
        if (error === null) this.write(piece.subarray(written), done)
        else done(error)
      }
      this.#want(WRITABLE)
    } catch (error) {
      this.#gone(error as Error)
      done(error as Error)
    }
  }

  #read(): void {
    this.#wanted &= ~READABLE
    const { fd } = this.#binding
    if (fd === null) return
    try {
      const count = unlessBusy(() => readSync(fd, this.#room, 0, READ_BYTES, null))
      if (count === 0) return this.#gone(new Error('the line has hung up'))
      this.#want(READABLE)
      if (count !== undefined) this.#heard(this.#room.subarray(0, count))
    } catch (error) {
      this.#gone(error as Error)
    }
  }

  #want(event: number): void {
    this.#wanted |= event
    // To poll a descriptor that is gone is to crash.
    if (this.#binding.fd !== null) this.#binding.poller.poll(this.#wanted)
  }

  #gone(error: Error): void {
    if (this.#port.isOpen) this.#port.close(undefined, error)
  }
}

function unlessBusy(operate: () => number): number | undefined {
  try {
    return operate()
  } catch (error) {
    if (AGAIN.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}
