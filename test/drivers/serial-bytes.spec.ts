import { EventEmitter } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import type { SerialPort } from 'serialport'
import { describe, expect, test } from 'vitest'
import { repair } from '../../drivers/transports/serial-repair.ts'

const READABLE = 1
const WRITABLE = 2

/** The part of the binding that is mended, as `serialport` makes it. */
class Poller extends EventEmitter {
  /** What the native poller was told to wait for. */
  readonly waits: number[] = []
  readonly poller = { poll: (events: number) => void this.waits.push(events) }

  override once(event: 'readable' | 'writable' | 'disconnect', listener: (error: Error | null) => void): this {
    this.poll({ readable: READABLE, writable: WRITABLE, disconnect: 4 }[event])
    return super.once(event, listener)
  }

  poll(events: number): void {
    this.poller.poll(events)
  }
}

function repaired(fd: number | null = null): { poller: Poller; read: () => Promise<unknown> } {
  const poller = new Poller()
  const binding = { poller, fd, read: (..._args: unknown[]) => Promise.reject(new Error('not mended')) }
  repair({ port: binding } as unknown as SerialPort)
  return { poller, read: () => binding.read(Buffer.alloc(8), 0, 8) }
}

describe('A mended serial port', () => {
  test('goes on waiting for room when it begins to wait for bytes', () => {
    const { poller } = repaired()
    poller.once('writable', () => undefined)
    poller.once('readable', () => undefined)
    expect(poller.waits).toEqual([WRITABLE, WRITABLE | READABLE])
  })

  test('goes on waiting for the one when the other has come, and for nothing when both have', () => {
    const { poller } = repaired()
    poller.once('writable', () => undefined)
    poller.once('readable', () => undefined)
    poller.emit('writable', null)
    expect(poller.waits.slice(2)).toEqual([READABLE])
    poller.emit('readable', null)
    expect(poller.waits.slice(3)).toEqual([])
  })

  test('waits for nothing once it was told that it is closed', () => {
    const { poller } = repaired()
    poller.once('writable', () => undefined)
    poller.once('readable', () => undefined)
    poller.emit('readable', new Error('Canceled'))
    poller.emit('writable', new Error('Canceled'))
    expect(poller.waits).toHaveLength(2)
  })

  test('takes a read of no bytes for what it is: the line has hung up', async () => {
    const nothing = openSync('/dev/null', 'r')
    await expect(repaired(nothing).read()).rejects.toThrow('hung up')
    closeSync(nothing)
  })

  test('is not read once it is closed, and says that this was on purpose', async () => {
    const { poller, read } = repaired(null)
    await expect(read()).rejects.toMatchObject({ canceled: true })
    expect(poller.waits).toEqual([])
  })

  test('of another make is left alone', () => {
    const binding = { read: () => 'untouched' }
    repair({ port: binding } as unknown as SerialPort)
    expect(binding.read()).toBe('untouched')
  })
})
