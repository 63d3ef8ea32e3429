import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Framer } from '../../drivers/protocols/framer.ts'
import {
  parseScpiBoolean,
  parseScpiError,
  parseScpiIdentity,
  parseScpiInteger,
  parseScpiNumber,
  parseScpiString,
  scpiBlockMessage,
  scpiBlockReply,
  scpiBlocksReply,
  scpiLine,
  scpiLineReply,
} from '../../drivers/protocols/scpi.ts'
import { ByteQueue } from '../../drivers/transports/byte-queue.ts'
import { readVectors } from '../support/vectors.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** The reply is refused, and the error shows it as it came: text, or hex pairs. */
function expectRefused(parse: () => unknown, reply: string): void {
  let refusal: unknown
  try {
    parse()
  } catch (error) {
    refusal = error
  }
  expect(refusal).toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY', context: { reply } })
}

/** Feeds a framer as a session does, with bytes that arrive in these pieces. */
function frameIn<T>(framer: Framer<T>, whole: Uint8Array, cuts: readonly number[]): T[] {
  const queue = new ByteQueue()
  const messages: T[] = []
  const ends = [...new Set([...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort((a, b) => a - b)
  let at = 0
  for (const end of ends) {
    queue.push(whole.slice(at, end))
    at = end
    for (let framed = framer(queue.peek()); framed !== undefined; framed = framer(queue.peek())) {
      messages.push(framed.message)
      queue.drop(framed.used)
    }
  }
  return messages
}

describe('SCPI replies', () => {
  test.each([
    ['0', 0],
    ['+1.55000000E-006', 1.55e-6],
    ['-2.5', -2.5],
    ['.5', 0.5],
    ['5.', 5],
    ['1e3', 1000],
    ['9.91E+37', 9.91e37],
  ])('%s is the number %d', (reply, value) => {
    expect(parseScpiNumber(reply)).toBe(value)
  })

  test.each(['', ' ', '1.5 dBm', '1,5', 'NaN', 'Infinity', '0x10', '1E', '--1', '1E999', '1 2'])(
    '%j is no number, and no number is made of it',
    (reply) => {
      expectRefused(() => parseScpiNumber(reply), reply)
    },
  )

  test('an integer has no point and fits a double exactly', () => {
    expect(parseScpiInteger('+33554432')).toBe(33_554_432)
    for (const reply of ['1.0', '1E3', '', '9007199254740993']) {
      expectRefused(() => parseScpiInteger(reply), reply)
    }
  })

  test('a switch is 0 or 1, signed or in words, and nothing else', () => {
    expect(['0', '+0', 'OFF', '1', '+1', 'on'].map(parseScpiBoolean)).toEqual([false, false, false, true, true, true])
    for (const reply of ['', '2', 'true', '1.0']) {
      expectRefused(() => parseScpiBoolean(reply), reply)
    }
  })

  test('a string may hold its own quote, written twice', () => {
    expect(parseScpiString('"a ""b"" c"')).toBe('a "b" c')
    expect(parseScpiString("'it''s'")).toBe("it's")
    for (const reply of ['', '"', 'abc', '"a"b"', '"abc\'']) {
      expectRefused(() => parseScpiString(reply), reply)
    }
  })

  test('an identity is maker, model, serial number and firmware', () => {
    expect(parseScpiIdentity('Keysight Technologies,N7745C,MY59000123,V2.022')).toEqual({
      maker: 'Keysight Technologies',
      model: 'N7745C',
      serial: 'MY59000123',
      firmware: 'V2.022',
    })
    expect(parseScpiIdentity('A, B ,C,1.0,2.0').firmware).toBe('1.0,2.0')
    expectRefused(() => parseScpiIdentity('A,B,C'), 'A,B,C')
  })

  test.each([
    ['0,"No error"', { number: 0, text: 'No error' }],
    ['+0,"No error"', { number: 0, text: 'No error' }],
    ['-222,"Data out of range;segment length"', { number: -222, text: 'Data out of range;segment length' }],
    ['-113,Undefined header', { number: -113, text: 'Undefined header' }],
  ])('%s from the error queue', (reply, error) => {
    expect(parseScpiError(reply)).toEqual(error)
  })

  test('the error queue in the vectors is understood', () => {
    const lines = readVectors('scpi').flatMap(({ reply }) => frameIn(scpiLineReply, reply, []))
    const errors = lines.filter((line) => /^[+-]?\d+,"/.test(line)).map(parseScpiError)
    expect(new Set(errors.map(({ number }) => number))).toEqual(new Set([0, -113, -109, -108, -222]))
    expectRefused(() => parseScpiError('No error'), 'No error')
  })

  test('a line ends at NL or CR NL, whatever pieces it comes in', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[\x20-\x7e]{0,40}$/), fc.constantFrom('\n', '\r\n'))),
        fc.array(fc.nat()),
        (lines, cuts) => {
          const whole = bytes(lines.map(([text, end]) => text + end).join(''))
          expect(frameIn(scpiLineReply, whole, cuts)).toEqual(lines.map(([text]) => text))
        },
      ),
      { seed: 1 },
    )
  })

  test('bytes that are no text are an error with those bytes', () => {
    expectRefused(() => scpiLineReply(Uint8Array.of(0x00, 0xff, 0x0a)), '00ff')
  })

  test('a line that never ends is an error, not a leak', () => {
    expect(() => scpiLineReply(new Uint8Array(70_000).fill(0x41))).toThrow(/line of text/)
  })
})

describe('definite blocks', () => {
  const copy = scpiBlockReply((payload) => Uint8Array.from(payload))

  test('what was encoded is decoded, in any pieces, whatever bytes it holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(Uint8Array.of(10, 35, 10, 35, 49)))),
        fc.array(fc.nat()),
        (payloads, cuts) => {
          const encoded = payloads.map((payload) => {
            const block = scpiBlockMessage('', payload.length)
            block.payload.set(payload)
            return block.message
          })
          expect(frameIn(copy, Buffer.concat(encoded), cuts)).toEqual(
            payloads.map((payload) => Uint8Array.from(payload)),
          )
        },
      ),
      { seed: 1 },
    )
  })

  test('the examples of the sheet: 8 and 2000 bytes', () => {
    const block = scpiBlockMessage('', 8)
    expect(Buffer.from(block.message.subarray(0, 3)).toString()).toBe('#18')
    expect(block.message).toHaveLength(3 + 8 + 1)
    expect(Buffer.from(scpiBlockMessage('', 2000).message.subarray(0, 6)).toString()).toBe('#42000')
  })

  test('a nine-digit length is a length like any other', () => {
    expect(copy(bytes('#9000000003abc\n'))).toEqual({ message: Uint8Array.from(bytes('abc')), used: 15 })
  })

  test.each([
    ['a line of text', '1.5\n'],
    ['a block without its hash', '?15hello\n'],
    ['a block without length', '#0abc\n'],
    ['a block of nothing without length', '#0\n'],
    ['a length that is no number', '#2x5hello\n'],
    ['something else behind the payload', '#15helloworld\n'],
  ])('%s is no block, and is shown', (_what, reply) => {
    expectRefused(() => copy(bytes(reply)), Buffer.from(reply, 'latin1').toString('hex'))
  })

  test('without a length it is taken where the wire marks the end, line ends inside and all', () => {
    for (const [reply, payload] of [
      ['#0a\nb', 'a\nb'],
      ['#0a\nb\n', 'a\nb'],
      ['#0', ''],
      ['#0\n', ''],
    ] as const) {
      expect(copy(bytes(reply), false), reply).toBeUndefined()
      expect(copy(bytes(reply), true), reply).toEqual({ message: Uint8Array.from(bytes(payload)), used: reply.length })
    }
  })

  test('without a length it may grow so far and no further', () => {
    const short = scpiBlockReply((payload) => payload.length, 10)
    expect(short(bytes('#012345678'), true)).toEqual({ message: 8, used: 10 })
    expect(() => short(bytes('#0123456789'), false)).toThrow('a block that ends within 10 bytes')
  })

  test('with a length needs no line end where the wire marks the end, and is not cut short by the mark', () => {
    expect(copy(bytes('#15a\nbcd'), false)).toBeUndefined()
    expect(copy(bytes('#15a\nbcd'), true)).toEqual({ message: Uint8Array.from(bytes('a\nbcd')), used: 8 })
    expect(copy(bytes('#15a\nb'), true)).toBeUndefined()
  })

  test('garbage never makes the framers do anything but wait or refuse', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        for (const framer of [
          copy,
          scpiBlocksReply(2, (payload) => payload.length),
          scpiLineReply,
        ] as Framer<unknown>[]) {
          for (const ended of [undefined, false, true])
            try {
              const framed = framer(garbage, ended)
              if (framed !== undefined) expect(framed.used).toBeLessThanOrEqual(garbage.length)
            } catch (error) {
              expect(error).toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
            }
        }
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  test('a command line ends with one NL', () => {
    expect(Buffer.from(scpiLine(':ABOR')).toString('latin1')).toBe(':ABOR\n')
  })
})

describe('blocks that answer several questions of one message', () => {
  const two = scpiBlocksReply(2, (payload, block) => [block, Buffer.from(payload).toString('latin1')])

  test('what was encoded is decoded, in any pieces, whatever bytes the payloads hold', () => {
    const payload = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(Uint8Array.of(59, 35, 49, 10, 59, 35)))
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 8 }), fc.array(fc.nat()), (payloads, cuts) => {
        const answer = Buffer.concat(
          payloads.flatMap((one, block) => {
            const encoded = scpiBlockMessage('', one.length)
            encoded.payload.set(one)
            return [Buffer.from(block === 0 ? '' : ';'), encoded.message.subarray(0, -1)]
          }),
        )
        const framer = scpiBlocksReply(payloads.length, (one) => Uint8Array.from(one))
        const twice = Buffer.concat([answer, bytes('\n'), answer, bytes('\r\n')])
        const expected = payloads.map((one) => Uint8Array.from(one))
        expect(frameIn(framer, twice, cuts)).toEqual([expected, expected])
        expect(framer(answer, true)).toEqual({ message: expected, used: answer.length })
      }),
      { seed: 1 },
    )
  })

  test('are counted, and each is known by its place', () => {
    expect(two(bytes('#11a;#12bc\n'))).toEqual({
      message: [
        [0, 'a'],
        [1, 'bc'],
      ],
      used: 11,
    })
    expect(two(bytes('#11a;#12bc'))).toBeUndefined()
    expect(two(bytes('#11a'))).toBeUndefined()
  })

  test.each([
    ['one block too few', '#11a\n'],
    ['one block too many', '#11a;#11b;#11c\n'],
    ['a comma between them', '#11a,#11b\n'],
    ['a number among them', '#11a;1.5\n'],
    ['one without length', '#11a;#0b\n'],
  ])('%s is refused, and shown', (_what, reply) => {
    expectRefused(() => two(bytes(reply)), Buffer.from(reply, 'latin1').toString('hex'))
  })
})
