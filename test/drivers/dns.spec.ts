import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBenchError } from '../../core/errors.ts'
import { decodeDnsMessage, dnsLabels, encodeDnsQuery } from '../../drivers/protocols/dns.ts'
import { readDnsQuery, writeDnsAnswer } from '../../sim/protocols/dns-messages.ts'
import type { DnsAnswer } from '../../sim/protocols/dns-messages.ts'
import { readVectors } from '../support/vectors.ts'
import { vector } from '../support/scpi-wires.ts'

const vectors = readVectors('dns')
const written = (labels: readonly string[]): string =>
  labels.map((label) => label.replaceAll(/[.\\]/g, '\\$&')).join('.')

// RFC 1035 §2.3.4: labels of 63 bytes at most; four of 60 keep names below 255.
const label = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => Buffer.byteLength(text, 'utf8') <= 60)
const name = fc.array(label, { minLength: 1, maxLength: 4 })
const port = fc.nat({ max: 65_535 })
const key = fc.stringMatching(/^[a-z]{1,8}$/)
const answer: fc.Arbitrary<DnsAnswer> = fc.oneof(
  fc.record({ type: fc.constant('PTR' as const), name, ttlS: fc.constant(10), target: name }),
  fc.record({ type: fc.constant('SRV' as const), name, ttlS: fc.constant(10), target: name, port }),
  fc.record({
    type: fc.constant('TXT' as const),
    name,
    ttlS: fc.constant(10),
    entries: fc
      .uniqueArray(key, { maxLength: 4 })
      .map((keys) => keys.map((one, index) => `${one}=${'v'.repeat(index)}=`)),
  }),
  fc.record({ type: fc.constant('A' as const), name, ttlS: fc.constant(10), address: fc.ipV4() }),
)

describe('DNS messages', () => {
  test('ask one-shot questions as RFC 6762 has them', () => {
    const { sent } = vector(vectors, 'a one-shot question for HiSLIP instruments, answer wanted by unicast')
    expect(encodeDnsQuery(0, [{ name: '_hislip._tcp.local', type: 'PTR' }])).toEqual(Buffer.from(sent))
    expect(readDnsQuery(sent)).toEqual({
      id: 0,
      questions: [{ name: ['_hislip', '_tcp', 'local'], type: 12, unicast: true }],
    })
  })

  test('are read with names that point to earlier ones', () => {
    const { reply } = vector(vectors, 'a one-shot question for HiSLIP instruments, answer wanted by unicast')
    const instance = 'Meter 1\\.5._hislip._tcp.local'
    expect(decodeDnsMessage(reply)).toEqual({
      id: 0,
      isResponse: true,
      records: [
        { type: 'PTR', name: '_hislip._tcp.local', target: instance },
        { type: 'SRV', name: instance, port: 4880, target: 'm.local' },
        {
          type: 'TXT',
          name: instance,
          entries: new Map([
            ['txtvers', '1'],
            ['model', 'N7745C'],
          ]),
        },
        { type: 'A', name: 'm.local', address: '192.0.2.7' },
      ],
    })
    expect(dnsLabels(instance)).toEqual(['Meter 1.5', '_hislip', '_tcp', 'local'])
  })

  test('of the twin are read by the driver as they were meant', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 6 }), fc.array(answer, { maxLength: 6 }), (answers, additional) => {
        const { records } = decodeDnsMessage(writeDnsAnswer(7, [], answers, additional))
        const meant = [...answers, ...additional].map((one) => {
          const owner = written(one.name)
          if (one.type === 'A') return { type: one.type, name: owner, address: one.address }
          if (one.type === 'PTR') return { type: one.type, name: owner, target: written(one.target) }
          if (one.type === 'SRV') return { type: one.type, name: owner, port: one.port, target: written(one.target) }
          const entries = new Map(one.entries.map((entry) => [entry.split('=')[0]!, entry.replace(/^[^=]*=/, '')]))
          return { type: one.type, name: owner, entries }
        })
        expect(lowerCase(records)).toEqual(lowerCase(meant))
      }),
    )
  })

  test('with questions of the driver are understood by the twin', () => {
    fc.assert(
      fc.property(fc.nat({ max: 65_535 }), fc.array(name, { maxLength: 5 }), (id, names) => {
        const query = encodeDnsQuery(
          id,
          names.map((one) => ({ name: written(one), type: 'SRV' })),
        )
        expect(readDnsQuery(query)).toEqual({
          id,
          questions: names.map((one) => ({ name: one, type: 33, unicast: true })),
        })
      }),
    )
  })

  test.each([
    ['a pointer to itself', 'c00c'],
    ['two pointers that lead to each other', 'c00ec00c'],
    ['a pointer to what follows', 'c0200000'],
    ['a pointer cut in half', 'c0'],
    ['a label longer than the message', '3f61'],
    ['a label of a kind that does not exist', '4161'],
    ['a record that promises 65535 bytes', '0000010001000000000000ffff'.slice(0, 22) + 'ffff'],
    ['an address of five bytes', '00000100010000000a00050102030405'],
    ['text that runs out of its record', '00001000010000000a0002ff61'],
  ])('with %s are refused with their bytes', (_, hex) => {
    const bytes = Buffer.from(`000084000000000100000000${hex}`, 'hex')
    expect(() => decodeDnsMessage(bytes)).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_UNEXPECTED_REPLY',
        context: expect.objectContaining({ reply: bytes.toString('hex') }) as object,
      }) as Error,
    )
  })

  test('that promise 65535 records are over with their bytes', () => {
    expect(() => decodeDnsMessage(Buffer.from('00008400ffffffffffffffff', 'hex'))).toThrow(/expected/)
    expect(readDnsQuery(Buffer.from('00000000ffffffffffffffff', 'hex'))).toBeUndefined()
  })

  test('longer than multicast DNS allows are not even read', () => {
    expect(() => decodeDnsMessage(new Uint8Array(9001))).toThrow(/at most 9000 bytes/)
  })

  test('of a chain of a thousand pointers are refused', () => {
    const start = 24
    const pointers = Array.from({ length: 1000 }, (_, at) => 0xc000 | (at === 0 ? start - 1 : start + 2 * (at - 1)))
    const words = (...values: readonly number[]): string =>
      values.map((value) => value.toString(16).padStart(4, '0')).join('')
    // A record of unknown type holds the chain; the name of the next one begins at its far end.
    const chain = `00${words(99, 1, 0, 0, 1 + 2 * pointers.length)}00${words(...pointers)}`
    const bytes = Buffer.from(`${words(0, 0x8400, 0, 2, 0, 0)}${chain}${words(pointers.at(-1)! + 2)}`, 'hex')
    expect(() => decodeDnsMessage(bytes)).toThrow(/names whose pointers lead backwards/)
  })

  test('of garbage, or of good messages with bytes changed, are read or refused, never more', () => {
    const good = fc
      .tuple(fc.array(answer, { maxLength: 4 }), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 8 }))
      .map(([answers, changes]) => {
        const bytes = writeDnsAnswer(1, [], answers, [])
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), good), (bytes) => {
        readDnsQuery(bytes)
        try {
          decodeDnsMessage(bytes)
        } catch (error) {
          expect(isBenchError(error, 'PROTOCOL_UNEXPECTED_REPLY')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('with a name longer than DNS allows are not sent', () => {
    expect(() => encodeDnsQuery(0, [{ name: 'x'.repeat(64), type: 'A' }])).toThrow(/longer than a DNS name/)
    expect(() => encodeDnsQuery(0, [{ name: 'abcdefg.'.repeat(40), type: 'A' }])).toThrow(/longer than a DNS name/)
  })
})

/** The twin points to names that differ in case only: DNS does not tell them apart. */
const lowerCase = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (inner instanceof Map ? [...inner] : inner)).toLowerCase(),
  ) as unknown
