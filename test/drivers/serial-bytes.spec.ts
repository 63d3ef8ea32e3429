import { execFileSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SerialPort } from 'serialport'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { serialBytes } from '../../drivers/transports/serial-bytes.ts'
import type { SerialBytes } from '../../drivers/transports/serial-bytes.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'

const READABLE = 1
const WRITABLE = 2

/** The part of the binding that watches the descriptor, as `serialport` makes it. */
class Poller extends EventEmitter {
  /** What it was last told to wait for. */
  awaited = 0

  poll(events: number): void {
    this.awaited = events
  }

  /** Waits no longer for what has come. */
  override emit(event: 'readable' | 'writable', error: Error | null): boolean {
    this.awaited &= ~(event === 'readable' ? READABLE : WRITABLE)
    return super.emit(event, error)
  }
}

/** A port on a named pipe that is open both ways: what is written to it comes back, once it is taken. */
class PipePort {
  readonly poller = new Poller()
  readonly heard: string[] = []
  readonly bytes: SerialBytes
  readonly fd: number
  closedBy: Error | null | undefined
  isOpen = true
  readonly port: { readonly poller: Poller; fd: number | null }

  constructor(path: string) {
    this.fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    this.port = { poller: this.poller, fd: this.fd }
    this.bytes = serialBytes(this as unknown as SerialPort, (bytes) => this.heard.push(latin1(bytes)))
  }

  close(_done: undefined, error: Error | null): void {
    this.closedBy = error
    this.isOpen = false
    this.port.fd = null
    closeSync(this.fd)
  }
}

/** More than any pipe holds. */
const TOO_MUCH = 2 ** 20

describe.skipIf(process.platform === 'win32')('The descriptor of a serial port', () => {
  let folder: string
  let port: PipePort

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'serial-'))
    execFileSync('mkfifo', [join(folder, 'line')])
    port = new PipePort(join(folder, 'line'))
  })

  afterEach(() => {
    if (port.isOpen) port.close(undefined, null)
    rmSync(folder, { recursive: true })
  })

  test('is written at once when there is room, and read when something is there', () => {
    let isDone = false
    port.bytes.write(bytesOf('hello'), () => (isDone = true))
    expect(isDone).toBe(true)
    expect(port.poller.awaited).toBe(READABLE)
    port.poller.emit('readable', null)
    expect(port.heard).toEqual(['hello'])
    expect(port.poller.awaited).toBe(READABLE)
  })

  test('is read again when it was empty after all', () => {
    port.poller.emit('readable', null)
    expect(port.heard).toEqual([])
    expect(port.isOpen).toBe(true)
    expect(port.poller.awaited).toBe(READABLE)
  })

  test('goes on waiting for room while bytes come, and writes the rest, 1 MiB in all', () => {
    const ends: (Error | null | undefined)[] = []
    port.bytes.write(new Uint8Array(TOO_MUCH), (error) => ends.push(error))
    expect(port.poller.awaited).toBe(READABLE | WRITABLE)
    port.poller.emit('readable', null)
    expect(port.poller.awaited).toBe(READABLE | WRITABLE)
    while (ends.length === 0) {
      port.poller.emit('writable', null)
      port.poller.emit('readable', null)
    }
    expect(ends).toEqual([undefined])
    expect(port.poller.awaited).toBe(READABLE)
    expect(port.heard.join('')).toHaveLength(TOO_MUCH)
  })

  test('ends a write that waits for room when the port is closed', () => {
    const ends: (Error | null | undefined)[] = []
    port.bytes.write(new Uint8Array(TOO_MUCH), (error) => ends.push(error))
    port.poller.emit('writable', new Error('Canceled'))
    expect(ends).toEqual([new Error('Canceled')])
  })

  test('is neither watched nor written once the port is closed', () => {
    port.close(undefined, null)
    port.poller.awaited = 0
    port.poller.emit('writable', null)
    expect(port.poller.awaited).toBe(0)
    port.poller.emit('readable', null)
    expect(port.poller.awaited).toBe(0)
    const ends: (Error | null | undefined)[] = []
    port.bytes.write(bytesOf('x'), (error) => ends.push(error))
    expect(ends).toEqual([new Error('the port is closed')])
  })

  test('closes the port when the watching fails', () => {
    port.poller.emit('readable', new Error('bad file descriptor'))
    expect(port.closedBy).toEqual(new Error('bad file descriptor'))
  })

  test('closes the port when it is read without a byte: the line has hung up', () => {
    const nothing = new PipePort('/dev/null')
    nothing.poller.emit('readable', null)
    expect(nothing.closedBy).toEqual(new Error('the line has hung up'))
  })
})

test('A serial port without a descriptor goes through the stream of its package', () => {
  const stream = Object.assign(new EventEmitter(), {
    port: {},
    write: (piece: Buffer, done: () => void) => {
      stream.emit('data', piece)
      done()
    },
  })
  const heard: string[] = []
  const bytes = serialBytes(stream as unknown as SerialPort, (said) => heard.push(latin1(said)))
  let isDone = false
  bytes.write(bytesOf('round').subarray(1), () => (isDone = true))
  expect(heard).toEqual(['ound'])
  expect(isDone).toBe(true)
})
