import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { BenchError } from '../../core/errors.ts'
import type { WireDirection, WireTap } from '../../core/transport.ts'
import type { Framer } from '../../drivers/protocols/framer.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import type { SessionOptions } from '../../drivers/transports/session-options.ts'
import { ManualTransport, bytesOf, latin1, lost, settled } from '../support/manual-transport.ts'

const forever = (): AbortSignal => new AbortController().signal

/** Nothing here waits for a clock: the test says when time is up. */
const NEVER_MS = 3_600_000

const line: Framer<string> = (bytes) => {
  const end = bytes.indexOf(0x0a)
  if (end < 0) return undefined
  const message = latin1(bytes.subarray(0, end))
  if (message === '???') throw new BenchError('PROTOCOL_UNEXPECTED_REPLY', 'no such line')
  return { message, used: end + 1 }
}

function session(options: Partial<SessionOptions> = {}): {
  wire: ManualTransport
  session: WireSession
  ask: (question: string, signal?: AbortSignal) => Promise<string>
} {
  const wire = new ManualTransport()
  const opened = new WireSession(wire, { timeoutMs: NEVER_MS, ...options })
  return {
    wire,
    session: opened,
    ask: (question, signal = forever()) => opened.ask(bytesOf(`${question}\n`), line, signal),
  }
}

const echo = (wire: ManualTransport): void => {
  wire.onSent = (text) => wire.arrive(`re:${text}`)
}

class RecordingTap implements WireTap {
  cause = 0
  readonly records: string[] = []
  record(direction: WireDirection, bytes: Uint8Array): void {
    this.records.push(`${direction} ${latin1(bytes)}`)
  }
}

describe('A session', () => {
  test('answers each question with its own reply, in the order of the questions', async () => {
    const { wire, ask } = session()
    echo(wire)
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((question) => ask(question)))).toEqual([
      're:a',
      're:b',
      're:c',
      're:d',
    ])
    expect(wire.sent).toEqual(['a\n', 'b\n', 'c\n', 'd\n'])
  })

  test('sends a question only when the one before has its reply', async () => {
    const { wire, ask } = session()
    const both = Promise.all([ask('a'), ask('b')])
    await settled()
    expect(wire.sent).toEqual(['a\n'])
    wire.arrive('1\n')
    await settled()
    expect(wire.sent).toEqual(['a\n', 'b\n'])
    wire.arrive('2\n')
    expect(await both).toEqual(['1', '2'])
  })

  test('keeps commands without a reply in line with questions', async () => {
    const { wire, session: opened, ask } = session()
    const first = ask('a')
    const told = opened.tell(bytesOf('set\n'), forever())
    const second = ask('b')
    await settled()
    expect(wire.sent).toEqual(['a\n'])
    wire.arrive('1\n')
    await told
    await settled()
    wire.arrive('2\n')
    expect(await Promise.all([first, second])).toEqual(['1', '2'])
    expect(wire.sent).toEqual(['a\n', 'set\n', 'b\n'])
  })

  test('puts a reply together from any pieces', async () => {
    const replies = fc.array(
      fc.string({ minLength: 0, maxLength: 12, unit: fc.constantFrom('a', 'b', '?', ':', '0', ' ') }),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    await fc.assert(
      fc.asyncProperty(replies, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), async (texts, sizes) => {
        const { wire, ask } = session()
        const expected = texts.map((text) => (text === '???' ? 'x' : text))
        let next = 0
        let pieces = 0
        wire.onSent = () => {
          const reply = `${expected[next++] ?? ''}\n`
          for (let at = 0; at < reply.length;) {
            const end = at + (sizes[pieces++ % sizes.length] ?? 1)
            wire.arrive(reply.slice(at, end))
            at = end
          }
        }
        expect(await Promise.all(expected.map((_, index) => ask(`q${index}`)))).toEqual(expected)
        expect(wire.resynchronised).toBe(0)
      }),
    )
  })

  test('waits for everything under way before it lets go of the wire', async () => {
    const { wire, session: opened, ask } = session()
    const reply = ask('a')
    const closing = opened[Symbol.asyncDispose]()
    await settled()
    expect(wire.closed).toBe(false)
    wire.arrive('1\n')
    expect(await reply).toBe('1')
    await closing
    expect(wire.closed).toBe(true)
  })
})

describe('A question that is given up', () => {
  test('is a TRANSPORT_TIMEOUT that shows what was asked and what came, once time is up', async () => {
    const { wire, ask } = session()
    const reply = ask('volts?')
    await settled()
    wire.arrive('+4.')
    wire.timeIsUp()
    await expect(reply).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      context: { request: '"volts?\\n"', received: '"+4."' },
    })
  })

  test('never has its late reply taken for the next one', async () => {
    const { wire, ask } = session()
    const first = ask('slow')
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    wire.arrive('late\n')
    echo(wire)
    expect(await ask('next')).toBe('re:next')
    expect(await ask('and next')).toBe('re:and next')
    expect(wire.resynchronised).toBe(1)
  })

  test('is cleared away by the protocol’s own means where there are some', async () => {
    const { wire, ask } = session({
      resynchronise: async (raw, signal) => {
        const stopped = raw.nextBytes(NEVER_MS, signal)
        await raw.write(bytesOf('clear\n'), signal)
        expect(latin1((await stopped) ?? new Uint8Array())).toBe('late\ncleared\n')
      },
    })
    const first = ask('slow')
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    wire.onSent = (text) => wire.arrive(text === 'clear\n' ? 'late\ncleared\n' : `re:${text}`)
    expect(await ask('next')).toBe('re:next')
    expect(wire.resynchronised).toBe(0)
  })

  test('leaves the wire suspect until a resynchronisation has succeeded', async () => {
    const { wire, ask } = session()
    const first = ask('slow')
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    wire.nextResynchronisation = () => Promise.reject(new BenchError('TRANSPORT_OPEN_FAILED', 'still off'))
    await expect(ask('too early')).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    echo(wire)
    expect(await ask('next')).toBe('re:next')
    expect(wire.resynchronised).toBe(2)
    expect(wire.sent).toEqual(['slow\n', 'next\n'])
  })

  test('ends at once when its caller aborts, and the next one works', async () => {
    const { wire, ask } = session()
    const caller = new AbortController()
    const reply = ask('a', caller.signal)
    await settled()
    caller.abort()
    await expect(reply).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    wire.arrive('late\n')
    echo(wire)
    expect(await ask('b')).toBe('re:b')
  })

  test('sends nothing when it was aborted before its turn, and says so without waiting for it', async () => {
    const { wire, ask } = session()
    const first = ask('a')
    const caller = new AbortController()
    const second = ask('b', caller.signal)
    caller.abort()
    await expect(second).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    wire.onSent = (text) => wire.arrive(`re:${text}`)
    wire.arrive('1\n')
    expect(await first).toBe('1')
    expect(await ask('c')).toBe('re:c')
    expect(wire.sent).toEqual(['a\n', 'c\n'])
    await expect(ask('d', AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
  })

  test('poisons the wire when its reply cannot be framed', async () => {
    const { wire, ask } = session()
    wire.onSent = () => wire.arrive('???\nrest\n')
    await expect(ask('a')).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
    echo(wire)
    expect(await ask('b')).toBe('re:b')
    expect(wire.resynchronised).toBe(1)
  })
})

describe('A write', () => {
  test('that hangs ends with the deadline of its question', async () => {
    const { wire, ask } = session()
    wire.nextWrite = (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const reply = ask('a')
    await settled()
    wire.timeIsUp()
    await expect(reply).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    echo(wire)
    expect(await ask('b')).toBe('re:b')
  })

  test('that fails leaves no timer behind that could strike the next question', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const { wire, session: opened } = session()
      wire.nextWrite = () => Promise.reject(new BenchError('TRANSPORT_TIMEOUT', 'the line is full'))
      await expect(opened.ask(bytesOf('a\n'), line, forever(), 100)).rejects.toThrow('the line is full')
      const reply = opened.ask(bytesOf('b\n'), line, forever())
      await settled()
      vi.advanceTimersByTime(1000)
      wire.arrive('1\n')
      expect(await reply).toBe('1')
    } finally {
      vi.useRealTimers()
    }
  })

  test('that fails leaves the wire suspect, whether or not a reply was wanted', async () => {
    const { wire, session: opened, ask } = session()
    wire.nextWrite = () => Promise.reject(new BenchError('TRANSPORT_TIMEOUT', 'the line is full'))
    await expect(opened.tell(bytesOf('set\n'), forever())).rejects.toThrow('the line is full')
    echo(wire)
    expect(await ask('a')).toBe('re:a')
    expect(wire.resynchronised).toBe(1)
  })

  test('that finds the wire gone makes the next question reopen it', async () => {
    const { wire, ask } = session({
      resynchronise: () => Promise.reject(new Error('words on a dead wire say nothing')),
    })
    wire.nextWrite = () => Promise.reject(lost())
    await expect(ask('a')).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    echo(wire)
    expect(await ask('b')).toBe('re:b')
    expect(wire.resynchronised).toBe(1)
  })

  test('without a reply is given up when the wire takes no bytes, and the next question is asked on a clear wire', async () => {
    const { wire, session: opened, ask } = session({ timeoutMs: 1 })
    wire.nextWrite = (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    await expect(opened.tell(bytesOf('set\n'), forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    echo(wire)
    expect(await ask('b')).toBe('re:b')
    expect(wire.resynchronised).toBe(1)
  })

  test('without a reply is a TRANSPORT_ABORTED when its caller gives it up', async () => {
    const { wire, session: opened } = session()
    const caller = new AbortController()
    wire.nextWrite = (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const told = opened.tell(bytesOf('set\n'), caller.signal)
    await settled()
    caller.abort()
    await expect(told).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
  })
})

describe('Bytes that nobody asked for', () => {
  test('never answer the next question', async () => {
    const { wire, ask } = session()
    wire.arrive('stray\n')
    echo(wire)
    expect(await ask('a')).toBe('re:a')
    expect(wire.resynchronised).toBe(1)
  })

  test('behind a reply never answer the next question either', async () => {
    const { wire, ask } = session()
    wire.onSent = () => wire.arrive('1\nstray\n')
    expect(await ask('a')).toBe('1')
    echo(wire)
    expect(await ask('b')).toBe('re:b')
    expect(wire.resynchronised).toBe(1)
  })

  test('go to whoever listens for them, and then the wire is as good as before', async () => {
    const heard: string[] = []
    const { wire, ask } = session({ onStray: (bytes) => void heard.push(latin1(bytes)) })
    wire.arrive('E01:03\n')
    wire.onSent = () => wire.arrive('1\nE02:04\n')
    expect(await ask('a')).toBe('1')
    expect(heard).toEqual(['E01:03\n', 'E02:04\n'])
    expect(wire.resynchronised).toBe(0)
  })

  test('belong to the resynchronisation while there is one', async () => {
    const heard: string[] = []
    const drained: string[] = []
    const { wire, ask } = session({
      onStray: (bytes) => void heard.push(latin1(bytes)),
      resynchronise: async (raw, signal) => {
        for (let bytes = await raw.nextBytes(NEVER_MS, signal); bytes !== undefined;) {
          drained.push(latin1(bytes))
          bytes = await raw.nextBytes(NEVER_MS, signal)
        }
      },
    })
    const first = ask('slow')
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    const second = ask('next')
    await settled()
    wire.arrive('la')
    wire.arrive('te\n')
    await settled()
    echo(wire)
    wire.timeIsUp()
    expect(await second).toBe('re:next')
    expect(drained.join('')).toBe('late\n')
    expect(heard).toEqual([])
  })
})

describe('A wire that is lost', () => {
  test('ends the question under way and is reopened by the next one', async () => {
    const { wire, ask } = session()
    const reply = ask('a')
    await settled()
    wire.lose()
    await expect(reply).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    echo(wire)
    expect(await ask('b')).toBe('re:b')
    expect(wire.resynchronised).toBe(1)
  })

  test('between two questions is reopened before the second', async () => {
    const { wire, ask } = session()
    echo(wire)
    expect(await ask('a')).toBe('re:a')
    wire.lose()
    expect(await ask('b')).toBe('re:b')
    expect(wire.resynchronised).toBe(1)
  })

  test('while it is being cleared is reopened, not talked to', async () => {
    const { wire, ask } = session({
      resynchronise: async (raw, signal) => {
        await raw.nextBytes(NEVER_MS, signal)
      },
    })
    const first = ask('slow')
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    const second = ask('b')
    await settled()
    wire.lose()
    wire.timeIsUp()
    await expect(second).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    echo(wire)
    expect(await ask('c')).toBe('re:c')
    expect(wire.resynchronised).toBe(1)
  })

  test('is still lost after a reopening that failed', async () => {
    const { wire, ask } = session({ resynchronise: () => Promise.reject(new Error('not on a dead wire')) })
    wire.lose()
    wire.nextResynchronisation = () => Promise.reject(new BenchError('TRANSPORT_OPEN_FAILED', 'nobody there'))
    await expect(ask('a')).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    echo(wire)
    expect(await ask('b')).toBe('re:b')
    expect(wire.resynchronised).toBe(2)
  })
})

describe('Waiting for silence', () => {
  test('is given up by an abort, not taken for silence', async () => {
    const { wire, ask } = session({
      resynchronise: async (raw, signal) => {
        await raw.nextBytes(NEVER_MS, signal)
      },
    })
    const first = ask('slow')
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    const caller = new AbortController()
    const second = ask('b', caller.signal)
    await settled()
    caller.abort()
    await expect(second).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    // Still suspect: the next question waits for silence again.
    const third = ask('c')
    await settled()
    expect(wire.sent).toEqual(['slow\n'])
    echo(wire)
    wire.timeIsUp()
    expect(await third).toBe('re:c')
  })
})

describe('The tap', () => {
  test('hears of timeouts, aborts and resynchronisations', async () => {
    const tap = new RecordingTap()
    const { wire, ask } = session({ tap })
    const first = ask('a')
    await settled()
    wire.timeIsUp()
    await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    const caller = new AbortController()
    const second = ask('b', caller.signal)
    await settled()
    caller.abort()
    await expect(second).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    expect(tap.records).toEqual(['err timeout', 'ctl resynchronise', 'err aborted'])
  })
})

describe('A byte pipe', () => {
  /** Answers each line; `senders` has one entry a connection, to speak out of turn. */
  function echoing(): { pipe: BytePipe; senders: ((text: string) => void)[]; detached: () => number } {
    const senders: ((text: string) => void)[] = []
    let detached = 0
    const pipe = new BytePipe('PIPE', (send) => {
      senders.push((text) => send(bytesOf(text)))
      return { receive: (bytes) => send(bytesOf(`re:${latin1(bytes)}`)), detach: () => (detached += 1) }
    })
    return { pipe, senders, detached: () => detached }
  }

  test('hands bytes over after the write, never inside it', async () => {
    const { pipe } = echoing()
    const opened = new WireSession(pipe, { timeoutMs: NEVER_MS })
    expect(await opened.ask(bytesOf('a\n'), line, forever())).toBe('re:a')
  })

  test('carries a copy, so that its sender may use the buffer again', async () => {
    const received: Uint8Array[] = []
    const pipe = new BytePipe('PIPE', () => ({
      receive: (bytes) => void received.push(bytes),
      detach: () => undefined,
    }))
    pipe.connect({
      onBytes: () => undefined,
      onEnd: () => undefined,
      onLost: () => undefined,
      onDeadline: () => undefined,
    })
    const buffer = bytesOf('abc')
    await pipe.write(buffer, forever())
    buffer.fill(0)
    await settled()
    expect(received.map(latin1)).toEqual(['abc'])
  })

  test('drops what an earlier connection still sends', async () => {
    const { pipe, senders, detached } = echoing()
    const opened = new WireSession(pipe, { timeoutMs: NEVER_MS })
    senders[0]?.('stray\n')
    await settled()
    expect(await opened.ask(bytesOf('a\n'), line, forever())).toBe('re:a')
    expect([senders.length, detached()]).toEqual([2, 1])
    senders[0]?.('late\n')
    expect(await opened.ask(bytesOf('b\n'), line, forever())).toBe('re:b')
  })
})
