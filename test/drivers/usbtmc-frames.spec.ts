import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBenchError } from '../../core/errors.ts'
import { BulkInAnswer, bulkInRequest, bulkOutMessage, nextTag, usbtmcQuirks } from '../../drivers/protocols/usbtmc.ts'
import type { UsbtmcQuirks } from '../../drivers/protocols/usbtmc.ts'
import { readBulkOut, writeBulkIn } from '../../sim/protocols/usbtmc.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { vector } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('usbtmc')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const UNEXPECTED = { code: 'PROTOCOL_UNEXPECTED_REPLY' }
const RIGOL = usbtmcQuirks(0x1ab1, 0x04ce)
const tags = fc.integer({ min: 1, max: 255 })
const payloads = fc.uint8Array({ maxLength: 3000 })

/** Takes a transfer in pieces of this size; the last one ends it. */
function take(answer: BulkInAnswer, transfer: Uint8Array, piece = Infinity): Uint8Array {
  const taken: Uint8Array[] = []
  for (let at = 0; at === 0 || at < transfer.length; at += piece) {
    const end = Math.min(at + piece, transfer.length)
    taken.push(answer.push(transfer.subarray(at, end), end === transfer.length))
  }
  return Buffer.concat(taken)
}

const answerTo = (meaning: string, tag: number, maxBytes: number) => {
  const answer = new BulkInAnswer(tag, maxBytes)
  return { answer, text: latin1(take(answer, vector(vectors, meaning).reply)) }
}

describe('USBTMC frames of the driver', () => {
  test('are the bytes of the vectors', () => {
    const sent = (meaning: string): string => hex(vector(vectors, meaning).sent)
    expect(hex(bulkOutMessage(1, bytesOf('*IDN?\n'), true))).toBe(sent('a message of six bytes, whole, padded by two'))
    expect(hex(bulkOutMessage(7, bytesOf('ABCD'), false))).toBe(
      sent('the first part of a message of which more follows'),
    )
    expect(hex(bulkInRequest(2, 65_520))).toBe(sent('a request for at most 65520 bytes and the whole answer to it'))
    expect(hex(bulkInRequest(255, 256, 10))).toBe(sent('a request up to a line end, answered up to it'))
  })

  test('are read as the vectors say', () => {
    const whole = answerTo('a request for at most 65520 bytes and the whole answer to it', 2, 65_520)
    expect(whole).toMatchObject({ text: '+0\n', answer: { done: true, endsMessage: true } })
    const line = answerTo('a request up to a line end, answered up to it', 255, 256)
    expect(line).toMatchObject({ text: 'A\n', answer: { done: true, endsMessage: true } })
    const part = answerTo('a part of an answer, of which more is to be asked for', 9, 4)
    expect(part).toMatchObject({ text: '#12A', answer: { done: true, endsMessage: false } })
  })

  test('have tags from 1 to 255, one after the other', () => {
    const run = Array.from({ length: 256 }).reduce<number[]>((list) => [...list, nextTag(list.at(-1) ?? 0)], [])
    expect(run.slice(0, 2)).toEqual([1, 2])
    expect(run.slice(-2)).toEqual([255, 1])
  })

  test('are understood by the simulated device', () => {
    fc.assert(
      fc.property(tags, payloads, fc.boolean(), (tag, payload, end) => {
        const read = readBulkOut(bulkOutMessage(tag, payload, end))
        expect(read).toMatchObject({ what: 'message', tag, end })
        expect(hex(read?.what === 'message' ? read.payload : new Uint8Array())).toBe(hex(payload))
      }),
    )
  })

  test('bring the payload of an answer in whatever pieces it comes', () => {
    fc.assert(
      fc.property(tags, payloads, fc.boolean(), fc.integer({ min: 1, max: 600 }), (tag, payload, end, piece) => {
        const answer = new BulkInAnswer(tag, 3000)
        expect(hex(take(answer, writeBulkIn(tag, payload, { end }), piece))).toBe(hex(payload))
        expect(answer).toMatchObject({ done: true, endsMessage: end })
      }),
    )
  })

  test('pass over the empty packet that ended the transfer before', () => {
    const answer = new BulkInAnswer(4, 100)
    expect(answer.push(new Uint8Array(0), true)).toHaveLength(0)
    expect(answer.done).toBe(false)
    expect(latin1(take(answer, writeBulkIn(4, bytesOf('1\n'), { end: true })))).toBe('1\n')
  })

  test.each([
    ['to another tag', writeBulkIn(5, bytesOf('1\n'), { end: true })],
    ['whose tag does not match its complement', writeBulkIn(4, bytesOf('1\n'), { end: true }).fill(4, 2, 3)],
    ['whose complement does not match its tag', writeBulkIn(4, bytesOf('1\n'), { end: true }).fill(5, 1, 2)],
    ['of another kind', writeBulkIn(4, bytesOf('1\n'), { end: true }).fill(127, 0, 1)],
    ['longer than asked for', writeBulkIn(4, new Uint8Array(101), { end: true })],
    ['of a huge length', writeBulkIn(4, bytesOf('1\n'), { end: true }).fill(0xff, 4, 8)],
    ['cut within its header', writeBulkIn(4, bytesOf('1\n'), { end: true }).subarray(0, 11)],
    ['cut within its payload', writeBulkIn(4, bytesOf('12345678'), { end: true }).subarray(0, 16)],
    ['with more than padding behind it', Buffer.concat([writeBulkIn(4, bytesOf('1'), { end: true }), testPadding()])],
  ])('refuse an answer %s, with its bytes', (_, transfer) => {
    const answer = new BulkInAnswer(4, 100)
    expect(() => take(answer, transfer)).toThrow(
      expect.objectContaining({
        ...UNEXPECTED,
        context: { reply: expect.any(String) as string, expected: expect.any(String) as string },
      }) as Error,
    )
  })

  test.each([
    ['a plain device', {}],
    ['a Rigol', RIGOL],
  ])('never fall over garbage of %s', (_, quirks: UsbtmcQuirks) => {
    fc.assert(
      fc.property(tags, fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.boolean())), (tag, pieces) => {
        const answer = new BulkInAnswer(tag, 1000, quirks)
        try {
          for (const [bytes, ended] of [[Uint8Array.of(2, tag, ~tag), false] as const, ...pieces]) {
            if (!answer.done) answer.push(bytes, ended)
          }
        } catch (error) {
          expect(isBenchError(error, 'PROTOCOL_UNEXPECTED_REPLY')).toBe(true)
        }
      }),
    )
  })
})

function testPadding(): Uint8Array {
  return new Uint8Array(1024)
}

describe('USBTMC frames of a Rigol', () => {
  const header = (tag: number, size: number, end: number): Uint8Array =>
    Uint8Array.of(2, tag, ~tag, 0, size, 0, 0, 0, end, 0, 0, 0)

  test('are those of two products only', () => {
    expect(usbtmcQuirks(0x1ab1, 0x0588)).toEqual({ headerOnce: true })
    expect(usbtmcQuirks(0x1ab1, 0x0641)).toEqual({})
    expect(usbtmcQuirks(0x1313, 0x04ce)).toEqual({})
  })

  test('go on without header until the block is complete, whatever size and end mark say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), fc.integer({ min: 11, max: 64 }), (data, piece) => {
        const length = String(data.length)
        const block = Buffer.concat([bytesOf(`#${length.length}${length}`), data, bytesOf('\n')])
        const answer = new BulkInAnswer(1, 1000, RIGOL)
        const taken: Uint8Array[] = [answer.push(header(1, 3, 1), false)]
        for (let at = 0; at < block.length && !answer.done; at += piece) {
          // Each piece is a transfer of its own; the head of the block comes with the first.
          taken.push(answer.push(block.subarray(at, at + piece), at > 0))
        }
        expect(answer).toMatchObject({ done: true, endsMessage: true })
        expect(hex(Buffer.concat(taken)).startsWith(hex(block.subarray(0, -1)))).toBe(true)
      }),
    )
  })

  test('end a line where the transfer ends', () => {
    const answer = new BulkInAnswer(1, 1000, RIGOL)
    expect(latin1(take(answer, Buffer.concat([header(1, 200, 0), bytesOf('RIGOL,DS1054Z\n')]), 5))).toBe(
      'RIGOL,DS1054Z\n',
    )
    expect(answer).toMatchObject({ done: true, endsMessage: true })
  })
})
