import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ScpiParser } from '../../sim/protocols/scpi-parser.ts'
import type { ScpiMessage } from '../../sim/protocols/scpi-message.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

function messagesOf(parser: ScpiParser): ScpiMessage[] {
  const messages: ScpiMessage[] = []
  for (let message = parser.next(); message !== undefined; message = parser.next()) messages.push(message)
  return messages
}

function parse(whole: Uint8Array, cuts: readonly number[] = [], limits?: ConstructorParameters<typeof ScpiParser>[0]) {
  const parser = new ScpiParser(limits)
  const messages: ScpiMessage[] = []
  const ends = [...new Set([...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort((a, b) => a - b)
  let at = 0
  for (const end of ends) {
    parser.push(whole.slice(at, end))
    messages.push(...messagesOf(parser))
    at = end
  }
  return messages
}

/** The one unit of the one message. */
const only = (text: string) => {
  const [message, ...others] = parse(bytes(text))
  expect(others).toEqual([])
  expect(message?.fault).toBe(0)
  expect(message?.units).toHaveLength(1)
  return message!.units[0]!
}

describe('the SCPI parser', () => {
  test('splits messages at NL, units at semicolons, parameters at commas', () => {
    expect(parse(bytes(':VOLT1 0.5;:OUTP1 ON\nSENS1:FUNC:PAR:LOGG 64 , 1ms\r\n*IDN?\n'))).toEqual([
      {
        units: [
          { header: ':VOLT1', query: false, parameters: ['0.5'] },
          { header: ':OUTP1', query: false, parameters: ['ON'] },
        ],
        fault: 0,
      },
      { units: [{ header: 'SENS1:FUNC:PAR:LOGG', query: false, parameters: ['64', '1ms'] }], fault: 0 },
      { units: [{ header: '*IDN', query: true, parameters: [] }], fault: 0 },
    ])
  })

  test('takes a question with parameters', () => {
    expect(only(':VOLT? MAX\n')).toEqual({ header: ':VOLT', query: true, parameters: ['MAX'] })
  })

  test('keeps separators that stand in quotes or in parentheses', () => {
    expect(only(':TRAC1:NAME 1,"a;b,#1c ""d"""\n').parameters).toEqual(['1', '"a;b,#1c ""d"""'])
    expect(only('ROUT:CLOS (@1,2,5:7)\n').parameters).toEqual(['(@1,2,5:7)'])
  })

  test('takes a block with line ends, hashes and semicolons in it for what it is', () => {
    const payload = bytes('a\nb;c,#15\n')
    const message = Buffer.concat([bytes(':TRAC1:DATA 1,0,#210'), payload, bytes(';:ABOR\n')])
    expect(parse(message)).toEqual([
      {
        units: [
          { header: ':TRAC1:DATA', query: false, parameters: ['1', '0', payload] },
          { header: ':ABOR', query: false, parameters: [] },
        ],
        fault: 0,
      },
    ])
  })

  test('takes a block of nothing, and a number that begins with a hash', () => {
    expect(only(':DATA #10\n').parameters).toEqual([bytes('')])
    expect(only('*ESE #H3C\n').parameters).toEqual(['#H3C'])
  })

  test('knows nothing of an empty line', () => {
    expect(parse(bytes('\n \r\n;;\n'))).toEqual(new Array(3).fill({ units: [], fault: 0 }))
  })

  test.each([
    [-101, 'a control character', ':VOLT\u00011\n'],
    [-101, 'a quote in a header', ':VO"LT" 1\n'],
    [-102, 'a comma in a header', ':VOLT,1\n'],
    [-103, 'two commas', ':DATA 1,,2\n'],
    [-103, 'a comma at the end', ':DATA 1,\n'],
    [-103, 'text behind a block', ':DATA #13abcdef\n'],
    [-151, 'a string without end', ':NAME "abc\n'],
    [-160, 'a block that only END would end', ':DATA #0abc\n'],
    [-161, 'a block whose length is no number', ':DATA #2x0abc\n'],
  ])('ends the message with %i at %s, and reads on at the next line', (fault, _what, text) => {
    const messages = parse(bytes(`*CLS;${text}*IDN?\n`))
    expect(messages[0]).toMatchObject({ fault, units: [{ header: '*CLS' }] })
    expect(messages.at(-1)).toEqual({ units: [{ header: '*IDN', query: true, parameters: [] }], fault: 0 })
  })

  test('throws a block away that is longer than it takes, and text that never ends, and reads on behind them', () => {
    const limits = { maxBlockBytes: 100, maxTextBytes: 100 }
    const long = Buffer.concat([bytes(':DATA #3200'), new Uint8Array(200).fill(10), bytes('\n*IDN?\n')])
    for (const cuts of [[], [20], [9, 50, 150, 211, 212]]) {
      expect(parse(long, cuts, limits).map(({ fault }) => fault)).toEqual([-223, 0])
      const text = bytes(`:DATA ${'1'.repeat(300)}\n*IDN?\n`)
      expect(parse(text, [120, 200], limits).map(({ fault }) => fault)).toEqual([-363, 0])
    }
  })

  test('believes no announcement: a block of a gigabyte takes no gigabyte', () => {
    const parser = new ScpiParser({ maxBlockBytes: 2 ** 30, maxTextBytes: 1000 })
    parser.push(bytes(':DATA #9999999999'))
    expect(parser.next()).toBeUndefined()
    const before = process.memoryUsage().arrayBuffers
    for (let piece = 0; piece < 100; piece++) parser.push(new Uint8Array(1000))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024)
  })

  test('reads the same from any pieces', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9.:+-]{1,12}$/)
    const parameter = fc.oneof(token, fc.uint8Array({ maxLength: 300 }))
    const unit = fc.tuple(token, fc.boolean(), fc.array(parameter, { maxLength: 4 }))
    fc.assert(
      fc.property(fc.array(fc.array(unit, { minLength: 1, maxLength: 4 })), fc.array(fc.nat()), (messages, cuts) => {
        const whole = Buffer.concat(messages.flatMap((units) => [encode(units), bytes('\n')]))
        expect(parse(whole, cuts)).toEqual(
          messages.map((units) => ({
            units: units.map(([header, query, parameters]) => ({
              header,
              query,
              parameters: parameters.map((each) => (typeof each === 'string' ? each : Buffer.from(each))),
            })),
            fault: 0,
          })),
        )
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.stringMatching(/^[#"'(),;:*?0-9A-Za-z \r-]{0,60}$/).map((text) => Uint8Array.from(bytes(text))),
  )

  test('leaves blocks alone that somebody may still look at, and uses their memory again afterwards', () => {
    const parser = new ScpiParser()
    const uploaded = (fill: string): Uint8Array => {
      const message = bytes(`:DATA #3500${fill.repeat(500)}\n`)
      parser.push(message.slice(0, 200))
      expect(parser.next()).toBeUndefined()
      parser.push(message.slice(200))
      return parser.next()!.units[0]!.parameters[0] as Uint8Array
    }
    const first = uploaded('a')
    const second = uploaded('b')
    expect([first, second]).toEqual([bytes('a'.repeat(500)), bytes('b'.repeat(500))])
    expect(second.buffer).not.toBe(first.buffer)
    parser.messagesDone()
    expect(uploaded('c').buffer).toBe(second.buffer)
  })

  test('survives garbage in any pieces', () => {
    fc.assert(
      fc.property(fc.array(noise), fc.array(fc.nat()), (garbage, cuts) => {
        parse(Buffer.concat(garbage), cuts, { maxBlockBytes: 50, maxTextBytes: 100 })
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  test('reads the line behind garbage that announces no block', () => {
    fc.assert(
      fc.property(fc.array(noise), fc.array(fc.nat()), (garbage, cuts) => {
        const silent = Buffer.concat(garbage).map((byte) => (byte === 0x23 ? 0x20 : byte))
        const messages = parse(Buffer.concat([silent, bytes('\n*IDN?\n')]), cuts)
        expect(messages.at(-1)).toEqual({ units: [{ header: '*IDN', query: true, parameters: [] }], fault: 0 })
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})

describe('the SCPI parser on a wire that marks the ends of messages', () => {
  /** Messages and what is left at each mark; the marks are the ends of the pieces. */
  function parseMarked(pieces: readonly (string | Uint8Array)[], limits: object = {}): ScpiMessage[] {
    const parser = new ScpiParser({ ...limits, marksEnds: true })
    return pieces.flatMap((piece) => {
      parser.push(typeof piece === 'string' ? bytes(piece) : piece)
      const rest = [...messagesOf(parser), parser.end()]
      return rest.filter((message) => message !== undefined)
    })
  }

  const plain = (header: string, ...parameters: (string | Uint8Array)[]) => ({
    units: [{ header, query: false, parameters }],
    fault: 0,
  })

  test('needs no line end, and makes no second message of one', () => {
    expect(parseMarked(['*CLS', '*RST\n', ':A 1\n:B 2', ''])).toEqual([
      plain('*CLS'),
      plain('*RST'),
      plain(':A', '1'),
      plain(':B', '2'),
    ])
  })

  test('takes a block without length up to the mark, without the line end before it', () => {
    expect(parseMarked([':D #0', ':D 1,#0a\n;b\n', ':D #0\n', '*CLS'])).toEqual([
      plain(':D', bytes('')),
      plain(':D', '1', bytes('a\n;b')),
      plain(':D', bytes('')),
      plain('*CLS'),
    ])
  })

  test('takes a block of a length whose last byte is the last of all', () => {
    expect(parseMarked([':D #15a\nb;c', ':D #15a\nb;c\n'])).toEqual([
      plain(':D', bytes('a\nb;c')),
      plain(':D', bytes('a\nb;c')),
    ])
  })

  test.each([
    [-151, 'inside a string', ':D "abc'],
    [-161, 'before the payload is complete', ':D #15abc'],
    [-161, 'inside the length', ':D #2'],
    [-161, 'behind the hash', ':D #'],
    [-103, 'behind a comma', ':D 1,'],
    [-101, 'behind a control character', ':D \u0001'],
    [-223, 'inside a block that is too long', ':D #3999abc'],
  ])('gives %i at a mark %s, and reads the next message', (fault, _where, text) => {
    const [first, second] = parseMarked([text, '*CLS'], { maxBlockBytes: 50 })
    expect(first).toMatchObject({ fault })
    expect(second).toEqual(plain('*CLS'))
  })

  test('executes nothing of a block without length that is too long, whatever lines stand in the rest of it', () => {
    const parser = new ScpiParser({ marksEnds: true, maxBlockBytes: 50 })
    const messages: (ScpiMessage | undefined)[] = []
    for (const piece of [`:D #0${'x'.repeat(60)}`, 'y\n:OUTP ON\n', ':OUTP ON\n']) {
      parser.push(bytes(piece))
      messages.push(...messagesOf(parser))
    }
    messages.push(parser.end())
    parser.push(bytes('*CLS'))
    messages.push(...messagesOf(parser), parser.end())
    expect(messages).toEqual([{ units: [], fault: -223 }, plain('*CLS')])
  })

  test('forgets what is not yet a message', () => {
    for (const half of [':D 1;:E', ':D "a', ':D #15a', ':D #0ab', ':D\u0001', ':D #9']) {
      const parser = new ScpiParser({ marksEnds: true })
      parser.push(bytes(half))
      expect(messagesOf(parser)).toEqual([])
      parser.clear()
      parser.push(bytes('*CLS'))
      expect([...messagesOf(parser), parser.end()], half).toEqual([plain('*CLS')])
    }
  })

  test('reads blocks of either kind the same from any pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), fc.array(fc.nat()), (payload, definite, cuts) => {
        const length = String(payload.length)
        const head = definite ? `:D #${length.length}${length}` : ':D #0'
        const whole = Buffer.concat([bytes(head), payload, bytes('\n')])
        const parser = new ScpiParser({ marksEnds: true })
        const messages: ScpiMessage[] = []
        const ends = [...new Set([...cuts.map((cut) => cut % whole.length), whole.length])].sort((a, b) => a - b)
        let at = 0
        for (const end of ends) {
          parser.push(whole.subarray(at, end))
          messages.push(...messagesOf(parser))
          at = end
        }
        const last = parser.end()
        if (last !== undefined) messages.push(last)
        expect(messages).toEqual([plain(':D', Buffer.from(payload))])
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

function encode(units: readonly (readonly [string, boolean, readonly (string | Uint8Array)[]])[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [header, query, parameters] of units) {
    if (parts.length > 0) parts.push(bytes(';'))
    parts.push(bytes(header + (query ? '?' : '')))
    for (const [index, parameter] of parameters.entries()) {
      parts.push(bytes(index === 0 ? ' ' : ','))
      if (typeof parameter === 'string') parts.push(bytes(parameter))
      else {
        const length = String(parameter.length)
        parts.push(bytes(`#${length.length}${length}`), parameter)
      }
    }
  }
  return Buffer.concat(parts)
}
