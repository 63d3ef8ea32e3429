import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BenchError } from '../../core/errors.ts'
import {
  HISLIP,
  hislipHeader,
  hislipMessage,
  hislipServerError,
  initializeParameter,
  readSizePayload,
  sizePayload,
} from '../../drivers/protocols/hislip.ts'
import type { HislipMessage } from '../../drivers/protocols/hislip.ts'
import { HislipReader } from '../../drivers/protocols/hislip-reader.ts'
import { HislipFrameReader, hislipFrame, messageSize, readMessageSize } from '../../sim/protocols/hislip-frames.ts'
import type { HislipFrame, HislipKind } from '../../sim/protocols/hislip-frames.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { vector } from '../support/scpi-wires.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('hislip')
const LIMITS = { dataBytes: 2 ** 20, otherBytes: 4096 }
const QUARTER_MIB = 2 ** 18

type Told = readonly [type: number, control: number, parameter: number, payload: string]

/** What each vector says, in numbers. */
const MEANINGS: readonly (readonly [meaning: string, sent: Told | undefined, reply: Told | undefined])[] = [
  [
    'initialize 2.0 at hislip0: version 2.0, synchronised preferred, session 7',
    [0, 0, initializeParameter(0x0200, 'FR'), 'hislip0'],
    [1, 0, 0x0200_0007, ''],
  ],
  [
    'initialize 1.0 at the first device: version 1.0, overlap preferred, session 65535',
    [0, 0, initializeParameter(0x0100, 'FR'), ''],
    [1, 1, 0x0100_ffff, ''],
  ],
  ['initialize the asynchronous channel of session 7', [17, 0, 7, ''], [18, 0, 0x4652, '']],
  [
    'maximum message size 1 MiB: the server takes 256 KiB',
    [15, 0, 0, latin1(sizePayload(2 ** 20))],
    [16, 0, 0, latin1(sizePayload(QUARTER_MIB))],
  ],
  [
    'identity, the first message, and its reply with the same id',
    [7, 0, 0xffff_ff00, '*IDN?\n'],
    [7, 0, 0xffff_ff00, 'FRINGE,TEST,1,0\n'],
  ],
  ['a message after a reply was delivered', [7, 1, 0xffff_ff02, '*CLS\n'], undefined],
  [
    'a part of a message, and a part of a reply that does not say to what',
    [6, 0, 0xffff_fffe, ':DATA #15'],
    [6, 0, 0xffff_ffff, '#15'],
  ],
  ['the id after the last one is 0', [7, 0, 0, 'hello\n'], undefined],
  ['trigger', [12, 0, 0xffff_ff04, ''], undefined],
  ['trigger after a reply was delivered', [12, 1, 0xffff_ff06, ''], undefined],
  ['status query before any message: no bit is set', [21, 0, 0xffff_fefe, ''], [22, 0, 0, '']],
  ['status query after a reply was delivered: request for service, event', [21, 1, 0xffff_ff04, ''], [22, 0x60, 0, '']],
  ['service request, status byte 0x50 (reply alone)', undefined, [20, 0x50, 0, '']],
  ['device clear: the server prefers synchronised mode', [19, 0, 0, ''], [23, 0, 0, '']],
  ['device clear complete, overlap mode wanted: granted', [8, 1, 0, ''], [9, 1, 0, '']],
  ['interrupted by message 0xffffff08, synchronous channel (reply alone)', undefined, [13, 0, 0xffff_ff08, '']],
  ['interrupted by message 0xffffff08, asynchronous channel (reply alone)', undefined, [14, 0, 0xffff_ff08, '']],
  ['exclusive lock, 250 ms: granted', [4, 1, 250, ''], [5, 1, 0, '']],
  ['shared lock bench, no wait: refused', [4, 1, 0, 'bench'], [5, 0, 0, '']],
  ['release after message 0xffffff02: the shared lock is released', [4, 0, 0xffff_ff02, ''], [5, 2, 0, '']],
  ['lock info: exclusive, one holder', [24, 0, 0, ''], [25, 1, 1, '']],
  ['remote with local lockout', [10, 5, 0xffff_fefe, ''], [11, 0, 0, '']],
  ['error 4 (reply alone)', undefined, [3, 4, 0, 'Data is too large']],
  ['fatal error 1, as either side says it', [2, 1, 0, 'not HiSLIP'], [2, 1, 0, 'not HiSLIP']],
]

/** Everything the driver's reader makes of these bytes; data as one message however many pieces it came in. */
function driverReads(bytes: Uint8Array, pieceBytes = Infinity): Told[] {
  const read: Told[] = []
  let data = ''
  const reader = new HislipReader(LIMITS, {
    onData: ({ type, control, parameter }, piece, last) => {
      data += latin1(piece)
      if (last) read.push([type, control, parameter, data])
      if (last) data = ''
    },
    onMessage: ({ type, control, parameter, payload }) => void read.push([type, control, parameter, latin1(payload)]),
  })
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(Buffer.from(bytes.subarray(at, Math.min(bytes.length, at + pieceBytes))))
  }
  return read
}

const toldBy = ({ kind, control, parameter, payload }: HislipFrame): Told => {
  const number = hislipFrame(kind)[2] ?? expect.fail(`no such kind: ${kind}`)
  return [number, control, parameter, latin1(payload)]
}

function simReads(bytes: Uint8Array, pieceBytes = Infinity): Told[] {
  const reader = new HislipFrameReader(LIMITS.dataBytes)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, Math.min(bytes.length, at + pieceBytes)))
  }
  const read: Told[] = []
  for (let item = reader.next(); item !== undefined; item = reader.next()) {
    if ('odd' in item) expect.fail(`the twin found ${item.odd}`)
    read.push(toldBy(item))
  }
  return read
}

describe('the bytes of HiSLIP', () => {
  test('are told by a vector for every message there is', () => {
    const types = vectors.flatMap(({ sent, reply }) => [sent[2], reply[2]]).filter((type) => type !== undefined)
    expect([...new Set(types)].sort((a, b) => a - b)).toEqual(Object.values(HISLIP).sort((a, b) => a - b))
    expect(MEANINGS.map(([meaning]) => meaning)).toEqual(vectors.map(({ meaning }) => meaning))
  })

  test.each(MEANINGS)('%s', (meaning, sent, reply) => {
    const bytes = vector(vectors, meaning)
    if (sent !== undefined) {
      const [type, control, parameter, payload] = sent
      expect(hexOf(hislipMessage(type, control, parameter, bytesOf(payload)))).toBe(hexOf(bytes.sent))
      for (const piece of [Infinity, 1, 7]) expect(simReads(bytes.sent, piece)).toEqual([sent])
    }
    if (reply !== undefined) {
      const [, control, parameter, payload] = reply
      const kind = simKind(bytes.reply)
      expect(hexOf(hislipFrame(kind, control, parameter, bytesOf(payload)))).toBe(hexOf(bytes.reply))
      for (const piece of [Infinity, 1, 7]) expect(driverReads(bytes.reply, piece)).toEqual([reply])
    }
  })

  test('carry sizes of 64 bits; one beyond all counting is as good as no limit', () => {
    const size = (payload: Uint8Array): number => readSizePayload({ payload } as HislipMessage)
    expect(size(messageSize(2 ** 40 + 3))).toBe(2 ** 40 + 3)
    expect(readMessageSize(sizePayload(2 ** 40 + 3))).toBe(2 ** 40 + 3)
    expect(size(new Uint8Array(8).fill(255))).toBe(Number.MAX_SAFE_INTEGER)
    expect(readMessageSize(new Uint8Array(8).fill(255))).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => size(new Uint8Array(4))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY', context: { reply: '00000000' } }) as Error,
    )
    expect(readMessageSize(new Uint8Array(4))).toBeUndefined()
  })

  test('of any messages arrive whole in any pieces, at either end', () => {
    const told = fc.record({
      type: fc.constantFrom(...Object.values(HISLIP)),
      control: fc.nat(255),
      parameter: fc.nat(0xffff_ffff),
      payload: fc.string({ unit: 'binary-ascii', maxLength: 60 }),
    })
    fc.assert(
      fc.property(fc.array(told, { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), (messages, piece) => {
        const stream = Buffer.concat(
          messages.map((m) => hislipMessage(m.type, m.control, m.parameter, bytesOf(m.payload))),
        )
        const expected = messages.map((m) => [m.type, m.control, m.parameter, m.payload])
        expect(driverReads(stream, piece)).toEqual(expected)
        expect(simReads(stream, piece)).toEqual(expected)
      }),
    )
  })
})

describe('hostile bytes', () => {
  test.each([
    ['another prologue', '4854 06 00 00000000 0000000000000000'],
    ['a length that no double holds', '4853 06 00 00000000 0020000000000000'],
    ['a length beyond what was agreed upon', '4853 06 00 00000000 0000000000100001'],
    ['a text beyond all reason', '4853 03 00 00000000 0000000000001001'],
  ])('with %s are refused by the driver, which shows them', (_, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    for (const piece of [Infinity, 1]) {
      expect(() => driverReads(bytes, piece)).toThrow(
        expect.objectContaining({
          code: 'PROTOCOL_UNEXPECTED_REPLY',
          context: { reply: bytes.toString('hex') },
        }) as Error,
      )
    }
  })

  test('are told apart by the twin, which keeps no payload that is too long or has no meaning', () => {
    const reader = new HislipFrameReader(4)
    const endless = hislipHeader(HISLIP.Data, 0, 0, Number.MAX_SAFE_INTEGER)
    reader.push(hislipMessage(99, 0, 0, new Uint8Array(100)))
    reader.push(hislipMessage(HISLIP.DataEnd, 0, 0, new Uint8Array(5)))
    reader.push(hislipMessage(HISLIP.Trigger, 0, 9))
    reader.push(endless)
    reader.push(new Uint8Array(10_000))
    const read = [reader.next(), reader.next(), reader.next(), reader.next(), reader.next()]
    expect(read).toEqual([
      { odd: 'unknown-type', type: 99 },
      { odd: 'too-large', kind: 'DataEND' },
      { kind: 'Trigger', control: 0, parameter: 9, payload: new Uint8Array(0) },
      { odd: 'too-large', kind: 'Data' },
      undefined,
    ])
  })

  test('never crash or hang either reader', () => {
    const header = fc
      .tuple(fc.nat(40), fc.nat(255), fc.nat(0xffff_ffff), fc.nat(70))
      .map(([type, control, parameter, length]) => hislipHeader(type, control, parameter, length))
    const garbage = fc.array(fc.oneof(header, fc.uint8Array({ maxLength: 40 })), { maxLength: 12 })
    fc.assert(
      fc.property(garbage, fc.integer({ min: 1, max: 40 }), (pieces, size) => {
        const stream = Buffer.concat(pieces)
        const sim = new HislipFrameReader(64)
        for (let at = 0; at < stream.length; at += size) sim.push(stream.subarray(at, at + size))
        let items = 0
        for (let item = sim.next(); item !== undefined; item = sim.next()) items++
        expect(items).toBeLessThanOrEqual(stream.length / 16 + 1)
        try {
          driverReads(stream, size)
        } catch (error) {
          expect(error).toBeInstanceOf(BenchError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

test('what the server says in an error is typed, named and shown', () => {
  const error = (type: number, control: number): BenchError =>
    hislipServerError('TCPIP::x::hislip0::INSTR', {
      type,
      control,
      parameter: 0,
      payloadBytes: 2,
      payload: bytesOf('oh'),
    })
  expect(error(HISLIP.FatalError, 4)).toMatchObject({
    code: 'TRANSPORT_LOST',
    message:
      'TCPIP::x::hislip0::INSTR: the server reports fatal error 4, the server has no room for another client: "oh"',
  })
  expect(error(HISLIP.Error, 4)).toMatchObject({
    code: 'INSTRUMENT_REFUSED',
    message: 'TCPIP::x::hislip0::INSTR: the server reports error 4, message too large: "oh"',
    context: { hislipError: 4, fatal: false },
  })
  expect(error(HISLIP.Error, 200).message).toContain('error 200, unidentified error')
})

/** The twin's name of a message on the wire. */
function simKind(bytes: Uint8Array): HislipKind {
  const reader = new HislipFrameReader(LIMITS.dataBytes)
  reader.push(bytes)
  const item = reader.next()
  if (item === undefined || 'odd' in item) expect.fail('the twin does not know its own message')
  return item.kind
}
