import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { QontrolQ8, qontrolQ8 } from '../../drivers/phase-shifters/qontrol-q8.ts'
import type { Framer } from '../../drivers/protocols/framer.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { TcpTransport } from '../../drivers/transports/tcp.ts'
import { SimQontrol } from '../../sim/instruments/sim-qontrol.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { ResistiveHeaters } from '../support/resistive-heaters.ts'
import { TestInstrument, testBytes } from '../support/wire-instruments.ts'

const forever = (): AbortSignal => new AbortController().signal
const NEVER_MS = 3_600_000

const openTcp = (port: number): Promise<TcpTransport> =>
  TcpTransport.open(`TCPIP::127.0.0.1::${port}::SOCKET`, '127.0.0.1', port, forever())

const line: Framer<string> = (bytes) => {
  const end = bytes.indexOf(0x0a)
  return end < 0 ? undefined : { message: latin1(bytes.subarray(0, end)), used: end + 1 }
}

const echoing = (): TestInstrument => {
  const instrument = new TestInstrument()
  instrument.reply = (bytes, send) => send(bytesOf(`re:${latin1(bytes)}`))
  return instrument
}

describe('A TCP stream', () => {
  test('asks and is answered, one line after the other, on one connection', async () => {
    const instrument = echoing()
    await using server = await serveTcp(instrument)
    await using session = new WireSession(await openTcp(server.port), { timeoutMs: NEVER_MS })
    for (let question = 0; question < 50; question++)
      expect(await session.ask(bytesOf(`q${question}\n`), line, forever())).toBe(`re:q${question}`)
    expect(instrument.connections).toHaveLength(1)
  })

  test('resynchronises by connecting anew: a late reply never answers the next question', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    await using session = new WireSession(await openTcp(server.port), { timeoutMs: NEVER_MS })
    const caller = new AbortController()
    const slow = session.ask(bytesOf('slow\n'), line, caller.signal)
    await instrument.until(() => instrument.heard() === 'slow\n')
    caller.abort()
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    instrument.connections[0]!.send(bytesOf('late\n'))
    instrument.reply = (bytes, send) => send(bytesOf(`re:${latin1(bytes)}`))
    expect(await session.ask(bytesOf('next\n'), line, forever())).toBe('re:next')
    expect(instrument.connections.map(({ attached }) => attached)).toEqual([false, true])
  })

  test('carries megabytes both ways', async () => {
    const size = 3_000_000
    const instrument = new TestInstrument()
    instrument.reply = (bytes, send) => send(bytes)
    await using server = await serveTcp(instrument)
    await using session = new WireSession(await openTcp(server.port), { timeoutMs: NEVER_MS })
    const sent = testBytes(size)
    const whole: Framer<Uint8Array> = (bytes) =>
      bytes.length < size ? undefined : { message: bytes.slice(), used: size }
    expect(Buffer.compare(await session.ask(sent, whole, forever()), sent)).toBe(0)
  })

  test('ends the question under way when the instrument hangs up, and connects again for the next', async () => {
    const instrument = echoing()
    const server = await serveTcp(instrument)
    await using session = new WireSession(await openTcp(server.port), { timeoutMs: NEVER_MS })
    instrument.reply = () => undefined
    const unanswered = session.ask(bytesOf('q\n'), line, forever())
    const lost = expect(unanswered).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await instrument.until(() => instrument.heard() === 'q\n')
    await server[Symbol.asyncDispose]()
    await lost
    await expect(session.ask(bytesOf('q\n'), line, forever())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    await using _ = await serveTcp(echoing(), { port: server.port })
    expect(await session.ask(bytesOf('back\n'), line, forever())).toBe('re:back')
  })

  test('says who does not answer', async () => {
    const server = await serveTcp(new TestInstrument())
    await server[Symbol.asyncDispose]()
    await expect(openTcp(server.port)).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining(`TCPIP::127.0.0.1::${server.port}::SOCKET does not answer`) as string,
    })
  })

  test('is not opened for a caller who has given up', async () => {
    const instrument = new TestInstrument()
    await using server = await serveTcp(instrument)
    const gone = TcpTransport.open('TCPIP', '127.0.0.1', server.port, AbortSignal.abort())
    await expect(gone).rejects.toThrow()
    const caller = new AbortController()
    const opening = TcpTransport.open('TCPIP', '127.0.0.1', server.port, caller.signal)
    caller.abort()
    await expect(opening).rejects.toThrow()
  })

  test('gives up a write to an instrument that does not read', async () => {
    // Accepts and never reads.
    const server = createServer({ pauseOnConnect: true })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
    const { port } = server.address() as { port: number }
    const transport = await openTcp(port)
    const caller = new AbortController()
    const write = transport.write(new Uint8Array(50_000_000), caller.signal)
    caller.abort(new Error('enough'))
    await expect(write).rejects.toThrow('enough')
    const hanging = transport.write(new Uint8Array(50_000_000), forever())
    const lost = expect(hanging).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await transport[Symbol.asyncDispose]()
    await lost
    await expect(transport.write(bytesOf('x'), forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    server.close()
  })

  test('drops what arrives after it was let go', async () => {
    const instrument = echoing()
    await using server = await serveTcp(instrument)
    const transport = await openTcp(server.port)
    const heard: string[] = []
    transport.connect({
      onBytes: (bytes) => void heard.push(latin1(bytes)),
      onEnd: () => void heard.push('end'),
      onLost: () => void heard.push('lost'),
      onDeadline: () => undefined,
    })
    await transport.write(bytesOf('q\n'), forever())
    await transport[Symbol.asyncDispose]()
    await instrument.until(() => instrument.connections[0]?.attached === false)
    expect(heard).toEqual([])
  })

  test('carries a whole chain of heaters', async () => {
    const clock = new SystemClock()
    const heaters = new ResistiveHeaters(16)
    const sim = new SimQontrol(heaters, { name: 'heaters', seed: 5, clock, settings: { modules: 2 } })
    await using server = await serveTcp(sim)
    {
      const wire = { name: 'heaters', transport: await openTcp(server.port) }
      await using bank = await QontrolQ8.open(wire, qontrolQ8.settings.parse({ modules: 2 }), clock, forever())
      await bank.setVoltagesV(0, new Float64Array(16).fill(3), forever())
      expect(heaters.voltagesV.map(Math.round)).toEqual(new Array<number>(16).fill(3))
    }
    expect(heaters.voltagesV).toEqual(new Array<number>(16).fill(0))
  })
})
