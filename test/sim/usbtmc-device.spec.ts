import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ScpiServer } from '../../sim/instruments/scpi-server.ts'
import { UsbtmcDevice } from '../../sim/ports/usbtmc-device.ts'
import { ScpiStatus } from '../../sim/protocols/scpi-status.ts'
import { readBulkOut, writeBulkIn } from '../../sim/protocols/usbtmc.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { settled, vector } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('usbtmc')
const forever = (): AbortSignal => new AbortController().signal
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const sent = (meaning: string): Uint8Array => vector(vectors, meaning).sent
const MESSAGE = 'a message of six bytes, whole, padded by two'
const REQUEST = 'a request for at most 65520 bytes and the whole answer to it'
const UP_TO_LINE_END = 'a request up to a line end, answered up to it'
const TRIGGER = 'the trigger of USB488'

/** Says who it is, in two lines where it is asked for its story, and counts triggers. */
function plugged() {
  const status = new ScpiStatus({ signed: false })
  const seen = { triggers: 0 }
  const server = new ScpiServer(
    {
      identity: 'FRINGE,TEST,1,0',
      status,
      reset: () => undefined,
      rows: [
        {
          header: '*TRG',
          takes: 0,
          set: () => {
            seen.triggers++
          },
        },
        { header: ':STORy', query: () => 'A\nB' },
      ],
    },
    { whileAnswering: 'interrupt' },
  )
  return { device: new UsbtmcDevice(server), status, seen }
}

describe('USBTMC frames of the simulated device', () => {
  test('are read and written as the vectors say', () => {
    expect(readBulkOut(sent(MESSAGE))).toEqual({ what: 'message', tag: 1, payload: bytesOf('*IDN?\n'), end: true })
    expect(readBulkOut(sent('the first part of a message of which more follows'))).toMatchObject({ end: false })
    expect(readBulkOut(sent(REQUEST))).toEqual({ what: 'request', tag: 2, maxBytes: 65_520 })
    expect(readBulkOut(sent(UP_TO_LINE_END))).toEqual({ what: 'request', tag: 255, maxBytes: 256, termChar: 10 })
    expect(readBulkOut(sent(TRIGGER))).toEqual({ what: 'trigger', tag: 3 })
    expect(hex(writeBulkIn(2, bytesOf('+0\n'), { end: true }))).toBe(hex(vector(vectors, REQUEST).reply))
    expect(hex(writeBulkIn(255, bytesOf('A\n'), { end: false, atTermChar: true }))).toBe(
      hex(vector(vectors, UP_TO_LINE_END).reply),
    )
  })

  test('are told from garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const read = readBulkOut(bytes)
        if (read !== undefined) expect(bytes[1]! ^ bytes[2]!).toBe(0xff)
      }),
    )
    const whole = sent(MESSAGE)
    expect(readBulkOut(whole.subarray(0, 16))).toBeUndefined()
    expect(readBulkOut(whole.with(4, 9))).toBeUndefined()
    expect(readBulkOut(whole.with(2, 0))).toBeUndefined()
    expect(readBulkOut(whole.with(0, 3))).toBeUndefined()
  })
})

describe('a simulated USB device', () => {
  test('answers a request once there is an answer', async () => {
    const file = plugged().device.open()
    await file.send(sent(MESSAGE), forever())
    const answer = file.receive(forever())
    await file.send(sent(REQUEST), forever())
    const { bytes, ended } = await answer
    expect(latin1(bytes.subarray(12, 12 + bytes[4]!))).toBe('FRINGE,TEST,1,0\n')
    expect(ended).toBe(true)
  })

  test('stops at the term char that was asked for, and has the rest for the next request', async () => {
    const file = plugged().device.open()
    await file.send(Uint8Array.from([1, 1, 254, 0, 6, 0, 0, 0, 1, 0, 0, 0, ...bytesOf(':STOR?'), 0, 0]), forever())
    await file.send(sent(UP_TO_LINE_END), forever())
    expect(hex((await file.receive(forever())).bytes)).toBe(hex(vector(vectors, UP_TO_LINE_END).reply))
    await file.send(sent(REQUEST), forever())
    const { bytes } = await file.receive(forever())
    expect(latin1(bytes.subarray(12, 14))).toBe('B\n')
    expect(bytes[8]).toBe(1)
  })

  test('stays silent when nothing was asked, and notes it', async () => {
    const { device, status } = plugged()
    const file = device.open()
    const stop = new AbortController()
    await file.send(sent(REQUEST), forever())
    const nothing = file.receive(stop.signal)
    stop.abort(new Error('enough'))
    await expect(nothing).rejects.toThrow('enough')
    expect(status.statusByte(false) & 4, 'error queue').toBe(4)
  })

  test('halts on a transfer that it does not understand, and on a second request, until it is cleared', async () => {
    const file = plugged().device.open()
    for (const bad of [[sent(REQUEST), sent(REQUEST)], [new Uint8Array(12)]]) {
      const last = bad.at(-1)!
      for (const transfer of bad.slice(0, -1)) await file.send(transfer, forever())
      await expect(file.send(last, forever())).rejects.toMatchObject({ code: 'EPIPE' })
      await expect(file.send(sent(MESSAGE), forever())).rejects.toMatchObject({ code: 'EPIPE' })
      await file.clear()
      await file.send(sent(MESSAGE), forever())
    }
  })

  test('is triggered by the bus, over the pipe or by the kernel', async () => {
    const { device, seen } = plugged()
    const file = device.open()
    await file.send(sent(TRIGGER), forever())
    await file.trigger()
    await settled()
    expect(seen.triggers).toBe(2)
  })

  test('belongs to one client at a time, and is gone when it is unplugged', async () => {
    const { device } = plugged()
    const file = device.open()
    expect(() => device.open()).toThrow(expect.objectContaining({ code: 'EBUSY' }) as Error)
    const waiting = file.receive(forever())
    device.unplug()
    await expect(waiting).rejects.toMatchObject({ code: 'ENODEV' })
    await expect(file.send(sent(MESSAGE), forever())).rejects.toMatchObject({ code: 'ENODEV' })
    await expect(file.clear()).rejects.toMatchObject({ code: 'ENODEV' })
    await file[Symbol.asyncDispose]()
    expect(() => device.open()).toThrow(expect.objectContaining({ code: 'ENODEV' }) as Error)
    device.plugIn()
    await expect(device.open().readStatusByte()).resolves.toBe(0)
  })
})
