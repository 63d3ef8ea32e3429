import * as fc from 'fast-check'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { HislipConnection } from '../../sim/ports/hislip-connection.ts'
import { HislipLocks } from '../../sim/ports/hislip-locks.ts'
import type { LockAnswer } from '../../sim/ports/hislip-locks.ts'
import { serveHislip } from '../../sim/ports/hislip-server.ts'
import type { HislipServerOptions } from '../../sim/ports/hislip-server.ts'
import { hislipFrame, messageSize } from '../../sim/protocols/hislip-frames.ts'
import { HislipEnd } from '../support/hislip-script.ts'
import { bytesOf, latin1, settled } from '../support/manual-transport.ts'
import { IDENTITY, MessageBench } from '../support/message-bench.ts'
import { testBytes } from '../support/wire-instruments.ts'

const FIRST = 0xffff_ff00
const VERSION_2 = 0x0200_7878
const NO_ERROR = '0,"No error"\n'
const INTERRUPTED = '-410,"Query INTERRUPTED"\n'

async function bench(options: HislipServerOptions = {}) {
  const instrument = new MessageBench()
  const other = new MessageBench()
  const devices = new Map([
    ['hislip0', instrument.instrument],
    ['hislip1', other.instrument],
  ])
  const server = await serveHislip(devices, options)
  return { instrument, other, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const dial = (port: number): Promise<HislipEnd> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => resolve(new HislipEnd(socket)))
    socket.once('error', reject)
  })

async function initialize(port: number, device = 'hislip0'): Promise<{ sync: HislipEnd; sessionId: number }> {
  const sync = await dial(port)
  sync.send('Initialize', 0, VERSION_2, device)
  const response = await sync.next()
  expect(response.kind).toBe('InitializeResponse')
  return { sync, sessionId: response.parameter & 0xffff }
}

async function attach(port: number, { sync, sessionId }: { sync: HislipEnd; sessionId: number }) {
  const async = await dial(port)
  async.send('AsyncInitialize', 0, sessionId)
  expect(await async.told()).toEqual(['AsyncInitializeResponse', 0, 0x4652, ''])
  return { sync, async }
}

/** A raw client, both channels. */
const client = async (port: number, device?: string) => attach(port, await initialize(port, device))

const poll = async (async: HislipEnd, id: number, flag = 0): Promise<number> => {
  async.send('AsyncStatusQuery', flag, id)
  const { kind, control } = await async.next()
  expect(kind).toBe('AsyncStatusResponse')
  return control
}

async function clear({ sync, async }: { sync: HislipEnd; async: HislipEnd }, feature = 0): Promise<void> {
  async.send('AsyncDeviceClear')
  for (let next = await async.next(); next.kind !== 'AsyncDeviceClearAcknowledge'; next = await async.next());
  sync.send('DeviceClearComplete', feature)
  for (;;) {
    const next = await sync.told()
    if (next[0] !== 'DeviceClearAcknowledge') continue
    expect(next).toEqual(['DeviceClearAcknowledge', feature, 0, ''])
    return
  }
}

describe('A HiSLIP server', () => {
  test('ties connections by their session, whichever second one comes first', async () => {
    await using wire = await bench()
    const { port } = wire.server
    const openings = await Promise.all(['hislip0', 'hislip1', '', 'hislip1'].map((device) => initialize(port, device)))
    expect(new Set(openings.map(({ sessionId }) => sessionId)).size).toBe(4)
    const clients = await Promise.all([...openings].reverse().map((opening) => attach(port, opening)))
    for (const [index, { sync }] of clients.reverse().entries()) {
      sync.send('DataEND', 0, FIRST, `*ESE ${index};*ESE?`)
      expect(await sync.told()).toEqual(['DataEND', 0, FIRST, `${index}\n`])
    }
    expect([wire.instrument.status.eventEnable, wire.other.status.eventEnable]).toEqual([2, 3])
  })

  test('bears with a client that only looks', async () => {
    await using wire = await bench({ maxClients: 1 })
    const { sync } = await initialize(wire.server.port)
    sync.socket.end()
    await sync.closed()
    const { sync: next } = await client(wire.server.port)
    next.send('DataEND', 0, FIRST, '*IDN?')
    expect((await next.told())[3]).toBe(`${IDENTITY}\n`)
  })

  test('takes messages in any parts and pieces, with and without a line end', async () => {
    await using wire = await bench()
    const { sync } = await client(wire.server.port)
    const stream = Buffer.concat([
      hislipFrame('Data', 0, FIRST, bytesOf('*ID')),
      hislipFrame('Data', 0, FIRST + 2, bytesOf('')),
      hislipFrame('DataEND', 0, FIRST + 4, bytesOf('N?')),
    ])
    for (const byte of stream) await new Promise<void>((sent) => void sync.socket.write(Buffer.of(byte), () => sent()))
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 4, `${IDENTITY}\n`])
    sync.send('DataEND', 1, FIRST + 6, '*IDN?\r\n')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 6, `${IDENTITY}\n`])
  })

  test('cuts its answers to what the client takes, at worst a byte a message', async () => {
    await using wire = await bench()
    const { sync, async } = await client(wire.server.port)
    for (const [index, [bytes, first]] of (
      [
        [24, IDENTITY.slice(0, 8)],
        [0, IDENTITY.slice(0, 1)],
      ] as const
    ).entries()) {
      async.send('AsyncMaximumMessageSize', 0, 0, latin1(messageSize(bytes)))
      expect(await async.told()).toEqual(['AsyncMaximumMessageSizeResponse', 0, 0, latin1(messageSize(2 ** 20))])
      const id = FIRST + 2 * index
      sync.send('DataEND', Math.min(index, 1), id, '*IDN?')
      let whole = ''
      for (;;) {
        const [kind, , parameter, part] = await sync.told()
        if (whole === '') expect(part).toBe(first)
        whole += part
        expect(parameter).toBe(id)
        if (kind === 'DataEND') break
      }
      expect(whole).toBe(`${IDENTITY}\n`)
    }
  })

  test('says that a message is available while its answer is out, for the last message only', async () => {
    await using wire = await bench()
    const { sync, async } = await client(wire.server.port)
    expect(await poll(async, 0xffff_fefe)).toBe(0)
    sync.send('DataEND', 0, FIRST, '*IDN?')
    await sync.next()
    expect(await poll(async, FIRST)).toBe(0x10)
    expect(await poll(async, FIRST + 2)).toBe(0)
    expect(await poll(async, FIRST)).toBe(0x10)
    expect(await poll(async, FIRST, 1)).toBe(0)
    expect(await poll(async, FIRST)).toBe(0)
    sync.send('DataEND', 0, FIRST + 2, ':SYST:ERR?')
    expect((await sync.told())[3]).toBe(NO_ERROR)
  })

  test('numbers its answers in overlap mode, in the order of the questions, and tells by them what is available', async () => {
    await using wire = await bench({ prefer: 'overlap' })
    const { sync, async } = await client(wire.server.port)
    const questions = [':SLOW?', '*ESE?', ':FAIL?', '*IDN?']
    sync.socket.write(
      Buffer.concat(
        questions.map((question, index) => hislipFrame('DataEND', 0, FIRST + 2 * index, bytesOf(question))),
      ),
    )
    await wire.instrument.asked()
    expect(await poll(async, 0xffff_fefe)).toBe(0)
    wire.instrument.answer('slow')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST, 'slow\n'])
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 2, '0\n'])
    expect([await poll(async, FIRST), await poll(async, FIRST + 2)]).toEqual([0x10, 0])
    await wire.instrument.asked()
    wire.instrument.fail()
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 4, `${IDENTITY}\n`])
    sync.send('DataEND', 0, FIRST + 8, ':SYST:ERR?')
    expect((await sync.told())[3]).toMatch(/^-200/)
  })

  test('interrupts an answer that is still made, on both channels, with the id of what interrupted', async () => {
    await using wire = await bench()
    const { sync, async } = await client(wire.server.port)
    sync.send('DataEND', 0, FIRST, ':SLOW?')
    await wire.instrument.asked()
    sync.send('DataEND', 0, FIRST + 2, '*IDN?')
    expect(await async.told()).toEqual(['AsyncInterrupted', 0, FIRST + 2, ''])
    expect(await sync.told()).toEqual(['Interrupted', 0, FIRST + 2, ''])
    // What was interrupted is executed to its end; its answer goes to nobody.
    wire.instrument.answer('late')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 2, `${IDENTITY}\n`])
    sync.send('DataEND', 1, FIRST + 4, ':SYST:ERR?')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 4, INTERRUPTED])
  })

  test('interrupts an answer when more has come by the time it is ready', async () => {
    await using wire = await bench()
    const { sync, async } = await client(wire.server.port)
    const messages = ['*IDN?', '*ESE 4', ':SYST:ERR?']
    sync.socket.write(
      Buffer.concat(messages.map((message, index) => hislipFrame('DataEND', 0, FIRST + 2 * index, bytesOf(message)))),
    )
    expect(await async.told()).toEqual(['AsyncInterrupted', 0, FIRST + 2, ''])
    expect([await sync.told(), await sync.told()]).toEqual([
      ['Interrupted', 0, FIRST + 2, ''],
      ['DataEND', 0, FIRST + 4, INTERRUPTED],
    ])
  })

  test('counts an answer that the client did not take as interrupted, and says nothing', async () => {
    await using wire = await bench()
    const { sync, async } = await client(wire.server.port)
    sync.send('DataEND', 0, FIRST, '*IDN?')
    await sync.next()
    sync.send('DataEND', 0, FIRST + 2, ':SYST:ERR?')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 2, INTERRUPTED])
    sync.send('DataEND', 1, FIRST + 4, ':SYST:ERR?')
    expect(await sync.told()).toEqual(['DataEND', 0, FIRST + 4, NO_ERROR])
    expect(async.more).toBe(false)
  })

  test('comes clear in the middle of an answer, of a message and of a wait for a lock', async () => {
    await using wire = await bench({ maxMessageBytes: 4096 })
    const { port } = wire.server
    const holder = await client(port)
    const ends = await client(port)
    wire.instrument.data = testBytes(8_000_000)
    ends.sync.socket.pause()
    ends.sync.send('DataEND', 0, FIRST, ':DATA?')
    holder.async.send('AsyncLock', 1, 0)
    expect(await holder.async.told()).toEqual(['AsyncLockResponse', 1, 0, ''])
    ends.async.send('AsyncLock', 1, 1e6)
    ends.sync.send('Data', 0, FIRST + 2, '*ES')
    ends.async.send('AsyncDeviceClear')
    expect(await ends.async.told()).toEqual(['AsyncLockResponse', 0, 0, ''])
    expect(await ends.async.told()).toEqual(['AsyncDeviceClearAcknowledge', 0, 0, ''])
    ends.sync.socket.resume()
    ends.sync.send('DataEND', 0, FIRST + 4, 'E?')
    ends.sync.send('DeviceClearComplete')
    let dropped = 0
    for (let next = await ends.sync.next(); next.kind !== 'DeviceClearAcknowledge'; next = await ends.sync.next())
      dropped += next.payload.length
    expect(dropped).toBeLessThan(8_000_000)
    holder.async.send('AsyncLock', 0, 0)
    ends.sync.send('DataEND', 0, FIRST, ':SYST:ERR?')
    expect(await ends.sync.told()).toEqual(['DataEND', 0, FIRST, NO_ERROR])
  })

  test('changes its mode at a device clear', async () => {
    await using wire = await bench()
    const ends = await client(wire.server.port)
    await clear(ends, 1)
    for (const id of [FIRST, FIRST + 2]) {
      ends.sync.send('DataEND', 0, 77, '*ESE?')
      expect(await ends.sync.told()).toEqual(['DataEND', 0, id, '0\n'])
    }
    await clear(ends, 0)
    ends.sync.send('DataEND', 0, 77, '*ESE?')
    expect(await ends.sync.told()).toEqual(['DataEND', 0, 77, '0\n'])
  })

  test('triggers, asks for service, and is polled for the reason', async () => {
    await using wire = await bench()
    const { sync, async } = await client(wire.server.port)
    sync.send('DataEND', 0, FIRST, '*CLS;*SRE 4')
    sync.send('Trigger', 0, FIRST + 2)
    sync.send('DataEND', 0, FIRST + 4, ':NOSUCH')
    expect(await async.told()).toEqual(['AsyncServiceRequest', 0x44, 0, ''])
    expect(wire.instrument.triggers).toBe(1)
    expect([await poll(async, FIRST + 4), await poll(async, FIRST + 4)]).toEqual([0x44, 0x04])
  })

  test('accepts every remote/local control that there is', async () => {
    await using wire = await bench()
    const { async } = await client(wire.server.port)
    for (let code = 0; code <= 6; code++) {
      async.send('AsyncRemoteLocalControl', code, 0)
      expect((await async.told())[0]).toBe('AsyncRemoteLocalResponse')
    }
    async.send('AsyncRemoteLocalControl', 7, 0)
    expect(await async.told()).toEqual(['Error', 2, 0, 'no remote/local control 7'])
  })

  test('takes the port that it is given, says so when that is taken, and leaves it free', async () => {
    const wire = await bench()
    const { port } = wire.server
    await expect(serveHislip(new Map(), { port })).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    const { sync } = await client(port)
    await wire.server[Symbol.asyncDispose]()
    await sync.closed()
    await using again = await serveHislip(new Map(), { port })
    expect(again.port).toBe(port)
  })
})

describe('A client that breaks the rules', () => {
  test.each([
    ['uses a channel that is not one', 'Data', 3, 'Data comes first'],
    ['names a device that is not here', 'Initialize', 3, 'no such device here'],
    ['names a session that nobody opened', 'AsyncInitialize', 3, 'no session waits for this channel'],
  ] as const)('and %s is told FatalError', async (_, kind, code, why) => {
    await using wire = await bench()
    const end = await dial(wire.server.port)
    end.send(kind, 0, VERSION_2, 'hislip9')
    expect(await end.told()).toEqual(['FatalError', code, 0, why])
    await end.closed()
  })

  test('and is one too many, or of no version, is told FatalError', async () => {
    await using wire = await bench({ maxClients: 1 })
    const old = await dial(wire.server.port)
    old.send('Initialize', 0, 0x0007_7878, 'hislip0')
    expect(await old.told()).toEqual(['FatalError', 3, 0, 'no such version'])
    await client(wire.server.port)
    const end = await dial(wire.server.port)
    end.send('Initialize', 0, VERSION_2, 'hislip0')
    expect(await end.told()).toEqual(['FatalError', 4, 0, 'too many clients'])
    await end.closed()
  })

  test('and talks before the second channel, or initializes twice, loses both', async () => {
    await using wire = await bench()
    const { port } = wire.server
    const { sync: early } = await initialize(port)
    early.send('DataEND', 0, FIRST, '*IDN?')
    expect((await early.told()).slice(0, 2)).toEqual(['FatalError', 2])
    await early.closed()
    const opening = await initialize(port)
    const first = await attach(port, opening)
    const second = await dial(port)
    second.send('AsyncInitialize', 0, opening.sessionId)
    expect((await second.told()).slice(0, 2)).toEqual(['FatalError', 3])
    first.sync.send('Initialize', 0, VERSION_2, 'hislip0')
    expect((await first.async.told()).slice(0, 2)).toEqual(['FatalError', 3])
    expect((await first.sync.told()).slice(0, 2)).toEqual(['FatalError', 3])
    await Promise.all([first.sync.closed(), first.async.closed()])
  })

  test('by a message too large, of no type or of the other channel is told, and goes on', async () => {
    await using wire = await bench({ maxMessageBytes: 64 })
    const { sync, async } = await client(wire.server.port)
    sync.send('DataEND', 0, FIRST, 'x'.repeat(65))
    expect(await sync.told()).toEqual(['Error', 4, 0, 'DataEND is too large'])
    sync.socket.write(Buffer.from('48534d00000000000000000000000002abcd', 'hex'))
    expect(await sync.told()).toEqual(['Error', 1, 0, 'no message type 77'])
    sync.socket.write(Buffer.from('4853c800000000000000000000000000', 'hex'))
    expect(await sync.told()).toEqual(['Error', 3, 0, 'no vendor message 200'])
    sync.send('AsyncLockInfo')
    expect(await sync.told()).toEqual(['Error', 1, 0, 'no AsyncLockInfo on this channel'])
    sync.send('DeviceClearComplete')
    expect((await sync.told()).slice(0, 2)).toEqual(['Error', 0])
    async.send('Data')
    expect(await async.told()).toEqual(['Error', 1, 0, 'no Data on this channel'])
    async.send('AsyncLock', 9)
    expect(await async.told()).toEqual(['Error', 2, 0, 'no lock control 9'])
    async.send('AsyncMaximumMessageSize', 0, 0, 'short')
    expect((await async.told()).slice(0, 2)).toEqual(['Error', 0])
    sync.send('DataEND', 0, FIRST + 2, ':SYST:ERR?')
    expect((await sync.told())[3]).toBe(NO_ERROR)
  })

  test.each(['sync', 'async'] as const)(
    'by sending no header on the %s channel is told FatalError 1',
    async (channel) => {
      await using wire = await bench()
      const ends = await client(wire.server.port)
      ends[channel].socket.write(bytesOf('GET / HTTP/1.1\r\n\r\n'))
      expect((await ends[channel].told()).slice(0, 2)).toEqual(['FatalError', 1])
      await Promise.all([ends.sync.closed(), ends.async.closed()])
    },
  )

  test('harms neither the server nor other clients, whatever it sends', async () => {
    await using wire = await bench({ maxMessageBytes: 256 })
    const { port } = wire.server
    const steady = await client(port)
    const frame = fc
      .tuple(
        fc.constantFrom(0, 2, 3, 4, 6, 7, 8, 10, 12, 15, 17, 19, 21, 24, 99, 222),
        fc.nat(2),
        fc.constantFrom(0, 1, FIRST, 0xffff_ffff),
        fc.oneof(fc.constantFrom('*IDN?', ':DATA?', 'hislip0'), fc.string({ unit: 'binary-ascii', maxLength: 300 })),
      )
      .map(([type, control, parameter, text]) => {
        const bytes = Buffer.from(hislipFrame('Initialize', control, parameter, bytesOf(text)))
        bytes[2] = type
        return bytes
      })
    const said = fc.array(fc.oneof({ weight: 5, arbitrary: frame }, { weight: 1, arbitrary: fc.uint8Array() }))
    let id = FIRST
    await fc.assert(
      fc.asyncProperty(said, said, async (onSync, onAsync) => {
        const rude = await client(port)
        rude.sync.socket.end(Buffer.concat(onSync))
        rude.async.socket.end(Buffer.concat(onAsync))
        await Promise.all([rude.sync.closed(), rude.async.closed()])
        steady.sync.send('DataEND', id === FIRST ? 0 : 1, id, '*IDN?')
        expect(await steady.sync.told()).toEqual(['DataEND', 0, id, `${IDENTITY}\n`])
        id += 2
      }),
      { numRuns: 60 },
    )
  })

  test('by not reading what it is sent is not listened to until it does', async () => {
    const unread: (() => void)[] = []
    const wire = new Duplex({ read: () => undefined, write: (_, __, read) => void unread.push(read) })
    const connection = new HislipConnection(wire as unknown as Socket, 0)
    let taken = 0
    connection.taker = {
      take: () => {
        taken++
        connection.send('Error', 0, 0, new Uint8Array(2 ** 18))
      },
      blocked: () => false,
      idle: () => undefined,
      drained: () => undefined,
      closed: () => undefined,
    }
    wire.push(Buffer.concat(Array.from({ length: 20 }, () => hislipFrame('AsyncStatusQuery'))))
    await settled()
    // A mebibyte and one message wait; the client is paused.
    expect([taken, wire.isPaused()]).toEqual([4, true])
    while (taken < 20) {
      unread.shift()?.()
      await settled()
    }
    for (let read = unread.shift(); read !== undefined; read = unread.shift()) {
      read()
      await settled()
    }
    expect(wire.isPaused()).toBe(false)
  })
})

describe('Locks', () => {
  const setup = () => {
    const locks = new HislipLocks()
    const answers: string[] = []
    const ask = (client: { name: string }, key: string, waitMs = 0): void =>
      locks.request(client, key, waitMs, (answer: LockAnswer) => void answers.push(`${client.name} ${answer}`))
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name }))
    return { locks, answers, ask, a: a!, b: b!, c: c! }
  }

  test('are shared by key, topped by an exclusive one, and released in that order', () => {
    const { locks, answers, ask, a, b, c } = setup()
    ask(a, 'key')
    ask(b, 'key')
    ask(c, 'other')
    ask(c, '')
    ask(a, '')
    expect(answers.splice(0)).toEqual(['a success', 'b success', 'c failure', 'c failure', 'a success'])
    expect([locks.mayTalk(a), locks.mayTalk(b), locks.mayTalk(c), locks.holders, locks.exclusive]).toEqual([
      true,
      false,
      false,
      2,
      true,
    ])
    ask(a, '')
    ask(a, 'key')
    expect(answers.splice(0)).toEqual(['a error', 'a error'])
    expect([locks.release(a), locks.release(a), locks.release(a)]).toEqual(['success', 'shared-released', 'error'])
    expect([locks.mayTalk(a), locks.mayTalk(b), locks.mayTalk(c), locks.holders]).toEqual([false, true, false, 1])
  })

  test('are waited for in order, once a client, until they are free or the client is gone', () => {
    const { locks, answers, ask, a, b, c } = setup()
    ask(a, '')
    ask(b, '', 1e9)
    ask(b, 'key', 1e9)
    ask(c, 'key', 1e12)
    expect(answers.splice(0)).toEqual(['a success', 'b error'])
    locks.release(a)
    expect(answers.splice(0)).toEqual(['b success'])
    locks.drop(b)
    expect(answers.splice(0)).toEqual(['c success'])
    ask(a, '', 1e9)
    locks.stopWaiting(a)
    expect(answers.splice(0)).toEqual(['a failure'])
    ask(a, '', 1e9)
    locks.drop(a)
    locks.drop(c)
    expect([answers, locks.holders, locks.mayTalk(a)]).toEqual([[], 0, true])
  })
})
