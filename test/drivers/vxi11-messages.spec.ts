import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBenchError } from '../../core/errors.ts'
import { readRpcReply, rpcCall } from '../../drivers/protocols/onc-rpc.ts'
import { getPortCall, readPort } from '../../drivers/protocols/portmapper.ts'
import { RecordReader } from '../../drivers/protocols/rpc-records.ts'
import { ServiceRequestFinder } from '../../drivers/protocols/service-requests.ts'
import {
  DEVICE_CORE,
  createInterruptChannelCall,
  createLinkCall,
  destroyLinkCall,
  deviceAbortCall,
  deviceReadCall,
  deviceWriteCall,
  enableServiceRequestsCall,
  genericCall,
  readCreateLink,
  readDeviceRead,
  readDeviceWrite,
  readNothing,
  readStatusByte,
  vxi11Error,
} from '../../drivers/protocols/vxi11.ts'
import { XdrReader } from '../../drivers/protocols/xdr.ts'
import { bytesOf } from '../support/manual-transport.ts'
import { chunked } from '../support/modbus-lines.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'
import type { VectorExchange } from '../support/vectors.ts'

const vectors = readVectors('vxi11')
const PART = 1_048_576
const handle = bytesOf('fringe00')

function vector(meaning: string): VectorExchange {
  const found = vectors.find((candidate) => candidate.meaning.startsWith(meaning))
  if (found === undefined) throw new Error(`no vector ${meaning}`)
  return found
}

const replyOf = (meaning: string): ReturnType<typeof readRpcReply> => readRpcReply(vector(meaning).reply.subarray(4))

const records = (pieces: readonly Uint8Array[], options = { longestBytes: 4096 }): Uint8Array[] => {
  const reader = new RecordReader(options)
  const found: Uint8Array[] = []
  for (const piece of pieces) reader.push(Uint8Array.from(piece), (record) => found.push(record))
  return found
}

const unexpected = (): Error => expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY' }) as Error

describe('A VXI-11 call', () => {
  const link = 7
  test.each([
    ['create_link: client 291 opens inst0', createLinkCall(1, { clientId: 291, device: 'inst0', lock: false })],
    ['create_link: client 291 opens gpib0,20', createLinkCall(2, { clientId: 291, device: 'gpib0,20', lock: true })],
    ['device_write: *IDN? and a line end', deviceWriteCall(3, link, 5000, bytesOf('*IDN?\n'), true)],
    ['device_write: the first 4 bytes', deviceWriteCall(4, link, 5000, bytesOf('*IDN'), false)],
    ['device_read: up to 1048576 bytes', deviceReadCall(5, link, 1000, PART)],
    ['device_readstb', genericCall(8, 'read status byte', link, 5000)],
    ['device_trigger', genericCall(9, 'trigger', link, 5000)],
    ['device_clear', genericCall(10, 'clear', link, 5000)],
    ['device_enable_srq', enableServiceRequestsCall(15, link, handle)],
    ['destroy_link', destroyLinkCall(17, link)],
    ['create_intr_chan', createInterruptChannelCall(18, '127.0.0.1', 40_000)],
    ['device_abort', deviceAbortCall(20, link)],
    ['GETPORT: core channel over TCP', getPortCall(21, DEVICE_CORE)],
    ['procedure 0 of the core channel', rpcCall(28, DEVICE_CORE, 0, 0).bytes],
  ])('%s', (meaning, call) => expect(hexOf(call)).toBe(hexOf(vector(meaning).sent)))
})

describe('A VXI-11 reply', () => {
  test('names the link, the abort port and the longest part', () => {
    expect(readCreateLink(replyOf('create_link: client 291 opens inst0').results)).toEqual({
      error: 0,
      value: { link: 7, abortPort: 4660, longestWriteBytes: 1024 },
    })
  })

  test('says how many bytes were taken', () => {
    expect(readDeviceWrite(replyOf('device_write: *IDN? and').results, 6)).toEqual({ error: 0, value: 6 })
  })

  test('brings data, and says whether that was all', () => {
    const whole = readDeviceRead(replyOf('device_read: up to 1048576').results, PART)
    expect(whole).toMatchObject({ value: { end: true } })
    expect(hexOf(whole.value!.data)).toBe(hexOf(bytesOf('1.25\n')))
    expect(readDeviceRead(replyOf('device_read: up to a line end').results, 4)).toMatchObject({ value: { end: false } })
  })

  test('brings the status byte', () => {
    expect(readStatusByte(replyOf('device_readstb').results)).toEqual({ error: 0, value: 0x50 })
  })

  test('brings the port of a program, or that there is none', () => {
    expect(readPort(replyOf('GETPORT: core channel').results)).toBe(40_111)
    expect(readPort(replyOf('GETPORT: unknown').results)).toBeUndefined()
  })

  test.each([
    ['create_link: client 291 opens gpib0,20', 11],
    ['device_read: nothing came', 15],
    ['device_unlock', 12],
    ['destroy_intr_chan', 6],
  ])('%s: error %i', (meaning, error) => {
    expect(readNothing(replyOf(meaning).results)).toEqual({ error })
  })

  test.each([
    [3, 'TRANSPORT_LOST'],
    [4, 'TRANSPORT_LOST'],
    [8, 'INSTRUMENT_REFUSED'],
    [11, 'TRANSPORT_LOCKED'],
    [15, 'TRANSPORT_TIMEOUT'],
    [23, 'TRANSPORT_ABORTED'],
    [4711, 'INSTRUMENT_REFUSED'],
  ])('with error %i is %s', (error, code) => {
    expect(vxi11Error('TEST', 'write', error)).toMatchObject({ code, context: { vxi11Error: error } })
  })

  test.each([
    ['unknown program 7', 'it does not have this program'],
    ['version 2 of the core', 'it has another version of this program'],
    ['procedure 21', 'it does not have this procedure'],
    ['device_write without arguments', 'it cannot read the arguments'],
    ['RPC version 3', 'it speaks another version of RPC'],
  ])('to %s says: %s', (meaning, refusal) => {
    expect(replyOf(meaning)).toMatchObject({ refusal })
  })
})

describe('A reply that cannot be', () => {
  const results = (...words: readonly number[]): XdrReader =>
    new XdrReader(Uint8Array.from(words.flatMap((word) => [word >>> 24, word >>> 16, word >>> 8, word])))

  test.each([
    ['a call', '00000001 00000000 00000002'],
    ['neither accepted nor denied', '00000001 00000001 00000002'],
    ['an unknown acceptance', '00000001 00000001 00000000 00000000 00000000 00000009'],
    ['a verifier beyond its limit', '00000001 00000001 00000000 00000000 00000194'],
    ['cut short', '00000001 00000001 0000'],
    ['empty', ''],
  ])('%s is refused with its bytes', (_, hex) => {
    const record = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(() => readRpcReply(record)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY', context: { reply: hexOf(record) } }) as Error,
    )
  })

  test.each([
    ['more bytes written than sent', () => readDeviceWrite(results(0, 7), 6)],
    ['no byte written', () => readDeviceWrite(results(0, 0), 6)],
    ['more bytes read than asked for', () => readDeviceRead(results(0, 4, 9, 0, 0, 0), 8)],
    ['data that is not there', () => readDeviceRead(results(0, 4, 0xffff_ffff), PART)],
    ['data cut short', () => readDeviceRead(results(0, 4, 5, 0), PART)],
    ['a status byte of 9 bits', () => readStatusByte(results(0, 256))],
    ['an instrument that takes nothing', () => readCreateLink(results(0, 1, 2, 0))],
    ['a port beyond all ports', () => readPort(results(65_536))],
    ['no results', () => readNothing(results())],
  ])('%s is refused', (_, read) => expect(read).toThrow(unexpected()))

  test('may lack the zeros at its end, and the abort port', () => {
    const unpadded = new XdrReader(Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0x41]))
    expect(readDeviceRead(unpadded, PART)).toMatchObject({ value: { end: true, data: Uint8Array.of(0x41) } })
    expect(readCreateLink(results(0, 1, 0, 1024))).toMatchObject({ value: { abortPort: undefined } })
  })

  test('ends in a typed error or in a value, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const read of [readCreateLink, readNothing, readStatusByte, readPort])
          attempt(() => read(new XdrReader(bytes)))
        attempt(() => readDeviceRead(new XdrReader(bytes), 16))
        attempt(() => readRpcReply(bytes))
      }),
    )
  })
})

describe('A record', () => {
  const mark = (length: number, last: boolean): number[] => [
    (last ? 0x80 : 0) | (length >>> 24),
    length >>> 16,
    length >>> 8,
    length,
  ]
  const fragments = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 })

  test('is put together from any fragments in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 4 }), fc.array(fc.nat()), (wanted, cuts) => {
        // An empty fragment that is not the last says nothing, and is refused.
        const cleaned = wanted.map((parts) => parts.filter((part, at) => part.length > 0 || at === parts.length - 1))
        const stream = cleaned.flatMap((parts) =>
          parts.flatMap((part, at) => [...mark(part.length, at === parts.length - 1), ...part]),
        )
        const found = records(chunked(Uint8Array.from(stream), cuts))
        expect(found.map(hexOf)).toEqual(cleaned.map((parts) => hexOf(Buffer.concat(parts))))
      }),
    )
  })

  test('is its taker’s to keep', () => {
    const reader = new RecordReader({ longestBytes: 64 })
    const kept: Uint8Array[] = []
    const buffer = Uint8Array.from([...mark(3, true), 1, 2, 3])
    reader.push(buffer, (record) => kept.push(record))
    buffer.fill(0)
    expect(kept.map(hexOf)).toEqual(['010203'])
  })

  test.each([
    ['claims more than it may have', [mark(4097, true)]],
    ['claims two gigabytes', [[0xff, 0xff, 0xff, 0xff]]],
    ['grows beyond what it may have', [mark(4000, false), new Array<number>(4000).fill(0), mark(97, true)]],
    ['has empty fragments', [mark(0, false)]],
  ])('that %s is refused', (_, parts) => {
    expect(() => records([Uint8Array.from(parts.flat())])).toThrow(unexpected())
  })

  test('ends with any fragment where they are known to be unmarked', () => {
    const options = { longestBytes: 64, singleFragments: true }
    expect(records([Uint8Array.from([...mark(2, false), 5, 6])], options).map(hexOf)).toEqual(['0506'])
  })

  test('in a stream of garbage ends in a typed error or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat()), (bytes, cuts) => {
        attempt(() => records(chunked(bytes, cuts), { longestBytes: 100 }))
      }),
    )
  })
})

describe('Service requests', () => {
  const { sent } = vector('device_intr_srq')
  const count = (pieces: readonly Uint8Array[]): number => {
    const finder = new ServiceRequestFinder()
    return pieces.reduce((found, piece) => found + finder.push(piece), 0)
  }

  test('are counted in any pieces, also where their last four bytes are missing', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 6 }), fc.array(fc.nat()), (whole, cuts) => {
        const stream = Buffer.concat(whole.map((complete) => (complete ? sent : sent.subarray(0, -4))))
        expect(count(chunked(stream, cuts))).toBe(whole.length)
      }),
    )
  })

  test('of other programs and other bytes are none', () => {
    const other = Buffer.from(vector('device_abort').sent)
    expect(count([other, new Uint8Array(5000)])).toBe(0)
  })
})

/** Only typed errors may come out of bytes. */
function attempt(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!isBenchError(error, 'PROTOCOL_UNEXPECTED_REPLY')) throw error
  }
}
