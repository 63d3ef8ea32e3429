import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { LinePace } from '../../sim/ports/line-pace.ts'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'
import { SerialTransport } from '../../drivers/transports/serial.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { whyNoSerialPorts } from '../support/serial-ports.ts'
import { TestInstrument, testBytes } from '../support/wire-instruments.ts'

const reason = await whyNoSerialPorts()

/** Everything that comes out, each piece with the time at which it came. */
function listen(options: { baudRate: number; bitsPerCharacter: number; whole?: boolean }) {
  const clock = new VirtualClock()
  const heard: { readonly atMs: number; readonly bytes: Uint8Array }[] = []
  let arrived: () => void = () => undefined
  const pace = new LinePace({ ...options, clock }, (bytes) => {
    heard.push({ atMs: clock.monotonicNs() / 1e6, bytes })
    arrived()
  })
  const count = (): number => heard.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const until = async (bytes: number): Promise<void> => {
    while (count() < bytes) await new Promise<void>((resolve) => (arrived = resolve))
  }
  return { clock, pace, heard, until }
}

describe('A paced line', () => {
  test('lets the eleven bits of a byte at 9600 Bd, 8E1, take 1.146 ms', async () => {
    const { pace, heard, until } = listen({ baudRate: 9600, bitsPerCharacter: 11 })
    pace.put(bytesOf('abc'))
    await until(3)
    expect(heard.map(({ atMs, bytes }) => [latin1(bytes), Number(atMs.toFixed(3))])).toEqual([
      ['a', 1.146],
      ['b', 2.292],
      ['c', 3.438],
    ])
  })

  test('never hands on a byte before the line could have carried it, and loses and swaps none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }),
        fc.constantFrom(9600, 115_200, 1_000_000),
        fc.constantFrom(10, 11),
        fc.boolean(),
        async (sizes, baudRate, bitsPerCharacter, whole) => {
          const { pace, heard, until } = listen({ baudRate, bitsPerCharacter, whole })
          const all = testBytes(sizes.reduce((sum, size) => sum + size, 0))
          let at = 0
          for (const size of sizes) pace.put(all.subarray(at, (at += size)))
          await until(all.length)
          let count = 0
          for (const { atMs, bytes } of heard) {
            count += bytes.length
            expect(atMs).toBeGreaterThanOrEqual((count * bitsPerCharacter * 1e3) / baudRate - 1e-6)
          }
          expect(Buffer.compare(Buffer.concat(heard.map(({ bytes }) => bytes)), all)).toBe(0)
          if (whole) expect(heard.map(({ bytes }) => bytes.length)).toEqual(sizes)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('that has rested does not hurry afterwards', async () => {
    const { clock, pace, heard, until } = listen({ baudRate: 10_000, bitsPerCharacter: 10 })
    pace.put(bytesOf('a'))
    await until(1)
    clock.moveTo(50e6)
    pace.put(bytesOf('b'))
    await until(2)
    expect(heard.map(({ atMs }) => atMs)).toEqual([1, 51])
  })

  test('that is closed hands on nothing more', async () => {
    const { clock, pace, heard } = listen({ baudRate: 10_000, bitsPerCharacter: 10 })
    pace.put(bytesOf('a'))
    pace.close()
    pace.put(bytesOf('b'))
    await clock.sleep(100, new AbortController().signal)
    expect(heard).toEqual([])
  })
})

test.skipIf(reason !== undefined)('a paced pseudo-terminal takes the time of question and answer', async () => {
  const clock = new VirtualClock()
  const instrument = new TestInstrument()
  instrument.reply = (_, send) => send(bytesOf('0123456789'))
  const pace = { clock, baudRate: 10_000, bitsPerCharacter: 10 }
  await using port = await servePseudoTerminal(instrument, { pace })
  const line = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
  const { signal } = new AbortController()
  const transport = await SerialTransport.open('paced', port.path, line, signal)
  await using session = new WireSession(transport, { timeoutMs: 60_000 })
  const ten = (bytes: Uint8Array) => (bytes.length < 10 ? undefined : { message: latin1(bytes), used: 10 })
  expect(await session.ask(bytesOf('id?\n'), ten, signal)).toBe('0123456789')
  expect(clock.monotonicNs()).toBe(14e6)
})
