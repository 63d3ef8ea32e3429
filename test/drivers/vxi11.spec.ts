import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { scpiBlockReply, scpiLine } from '../../drivers/protocols/scpi.ts'
import type { Framer } from '../../drivers/protocols/framer.ts'
import { ScpiSession } from '../../drivers/transports/scpi-session.ts'
import { TappedTransport } from '../../drivers/transports/tapped.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { Vxi11Transport } from '../../drivers/transports/vxi11.ts'
import type { MessageInstrument } from '../../sim/ports/message-instrument.ts'
import { serveVxi11 } from '../../sim/ports/vxi11-server.ts'
import type { Vxi11ServerOptions } from '../../sim/ports/vxi11-server.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { TestMessageInstrument, simulatedMeter } from '../support/message-instruments.ts'
import { readVectors } from '../support/vectors.ts'
import { testBytes } from '../support/wire-instruments.ts'

const forever = (): AbortSignal => new AbortController().signal
const NEVER_MS = 3_600_000
const RESOURCE = 'TCPIP::127.0.0.1::inst0::INSTR'

const serve = (instrument: MessageInstrument, options: Vxi11ServerOptions = {}): ReturnType<typeof serveVxi11> =>
  serveVxi11(new Map([['inst0', instrument]]), options)

const open = (port: number, { lock = false, signal = forever() } = {}): Promise<Vxi11Transport> =>
  Vxi11Transport.open(RESOURCE, { host: '127.0.0.1', port, device: 'inst0', lock }, signal)

const scpi = (transport: Vxi11Transport, timeoutMs = NEVER_MS): ScpiSession =>
  new ScpiSession({ name: 'meter', transport }, timeoutMs)

/** A reply is what the wire says it is. */
const whole: Framer<string> = (bytes, ended) =>
  ended === true ? { message: latin1(bytes), used: bytes.length } : undefined

/** Something that happens once, and may be waited for. */
class Occasion {
  readonly came: Promise<void>
  now = (): void => undefined

  constructor() {
    this.came = new Promise((resolve) => (this.now = resolve))
  }
}

describe('VXI-11', () => {
  test('asks a power meter who it is, sets it, reads it, and is told of its errors', async () => {
    await using server = await serve(simulatedMeter())
    await using meter = scpi(await open(server.port))
    expect(await meter.ask('*IDN?', forever())).toMatch(/^Keysight Technologies,N7745C,/)
    await meter.tell('SENS1:POW:ATIM 20MS', forever())
    expect(await meter.ask('SENS1:POW:ATIM?', forever())).toBe('+2.00000000E-002')
    await meter.tell('SENS1:POW:UNIT 1', forever())
    expect(Number(await meter.ask('READ1:POW?', forever()))).toBeCloseTo(1e-3, 6)
    await meter.tell('SENS1:POW:RANG 99DBM', forever())
    await expect(meter.requireNoError('set a range', forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: expect.stringContaining('-222') as string,
    })
  })

  test('fetches a block of a megabyte, in as many reads as it takes', async () => {
    await using server = await serve(simulatedMeter())
    await using meter = scpi(await open(server.port))
    const points = 300_000
    await meter.tell(`SENS1:FUNC:PAR:LOGG ${points},1US`, forever())
    await meter.tell('INIT2:CONT 0;:SENS2:POW:ATIM 1S;:SENS1:FUNC:STAT LOGG,STAR', forever())
    // A reading of one second, in which the log becomes complete.
    await meter.ask('READ2:POW?', forever())
    const read = scpiBlockReply((payload) => payload.length)
    expect(await meter.askFramed('SENS1:FUNC:RES?', read, forever())).toBe(4 * points)
  })

  test('sends a megabyte in parts that the instrument takes, the last one marked', async () => {
    const instrument = new TestMessageInstrument()
    instrument.reply = (message) => bytesOf(String(message.length))
    await using server = await serve(instrument, { maxReceiveBytes: 4096 })
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    const message = testBytes(1_048_577)
    expect(await session.ask(message, whole, forever())).toBe('1048577')
    const { pieces } = instrument.sessions[0]!
    expect(pieces.map(({ length }) => length)).toEqual([...new Array<number>(256).fill(4096), 1])
    expect(Buffer.compare(Buffer.concat(pieces), message)).toBe(0)
  })

  test('takes a reply for whole when the instrument says so, with or without a line end', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    expect(await session.ask(bytesOf('a'), whole, forever())).toBe('re:a')
    expect(await session.ask(bytesOf('b\n'), whole, forever())).toBe('re:b\n')
  })

  test('shows the journal questions, answers and ends, not calls', async () => {
    const records: string[] = []
    const tap = {
      cause: 0,
      record: (direction: string, bytes: Uint8Array) => void records.push(`${direction} ${latin1(bytes)}`),
    }
    await using server = await serve(new TestMessageInstrument())
    const transport = new TappedTransport(await open(server.port), tap)
    await using session = new WireSession(transport, { timeoutMs: NEVER_MS, tap })
    await session.tell(bytesOf('set'), forever())
    expect(await session.ask(bytesOf('q'), whole, forever())).toBe('re:q')
    expect(records).toEqual(['tx set', 'tx q', 'rx re:q', 'ctl end'])
  })

  test('finds the instrument through the portmapper of its host', async () => {
    await using server = await serve(simulatedMeter(), { portmapper: 'if-possible', portmapperPort: 0 })
    const { portmapperPort } = server
    const address = { host: '127.0.0.1', portmapperPort: portmapperPort!, device: 'inst0' }
    await using meter = scpi(await Vxi11Transport.open(RESOURCE, address, forever()))
    expect(await meter.ask('*IDN?', forever())).toMatch(/^Keysight/)
  })
})

describe('A question that is given up', () => {
  test('because time is up never has its late answer taken for the next one', async () => {
    const instrument = new TestMessageInstrument()
    instrument.reply = () => undefined
    await using server = await serve(instrument)
    await using session = new WireSession(await open(server.port), { timeoutMs: 50 })
    const slow = session.ask(bytesOf('slow'), whole, forever())
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    instrument.sessions[0]!.answer(bytesOf('late'))
    instrument.reply = (message) => bytesOf(`re:${latin1(message)}`)
    expect(await session.ask(bytesOf('next'), whole, forever(), NEVER_MS)).toBe('re:next')
    expect(instrument.sessions.map(({ events }) => events)).toEqual([['slow', 'clear', 'next']])
  })

  test('by its caller is aborted on the instrument, and the link lives on', async () => {
    const instrument = new TestMessageInstrument()
    instrument.reply = () => undefined
    await using server = await serve(instrument)
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    const caller = new AbortController()
    const slow = session.ask(bytesOf('slow'), whole, caller.signal)
    await instrument.until(() => instrument.sessions[0]!.owesAnswer)
    caller.abort()
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    instrument.reply = (message) => bytesOf(`re:${latin1(message)}`)
    expect(await session.ask(bytesOf('next'), whole, forever())).toBe('re:next')
    expect(instrument.sessions.map(({ events }) => events)).toEqual([['slow', 'clear', 'next']])
  })

  test('in the middle of a long message leaves no half of it behind', async () => {
    const instrument = new TestMessageInstrument()
    await using server = await serve(instrument, { maxReceiveBytes: 1024 })
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    const caller = new AbortController()
    const long = session.tell(testBytes(10_000_000), caller.signal)
    await instrument.until(() => instrument.sessions[0] !== undefined)
    while (instrument.sessions[0]!.pieces.length < 3) await new Promise((resolve) => setImmediate(resolve))
    caller.abort()
    await expect(long).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    expect(await session.ask(bytesOf('next'), whole, forever())).toBe('re:next')
    expect(instrument.sessions.map(({ events }) => events)).toEqual([['clear', 'next']])
  })

  test('is over at once for a caller who had given up before', async () => {
    await using server = await serve(new TestMessageInstrument())
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    await expect(session.ask(bytesOf('a'), whole, AbortSignal.abort())).rejects.toMatchObject({
      code: 'TRANSPORT_ABORTED',
    })
    expect(await session.ask(bytesOf('b'), whole, forever())).toBe('re:b')
  })
})

describe('An answer that was taken before its end', () => {
  test('has its rest cleared away before the next message', async () => {
    const instrument = new TestMessageInstrument()
    const size = 2_000_000
    instrument.reply = (message) => (latin1(message) === 'long' ? testBytes(size) : bytesOf('short'))
    await using server = await serve(instrument)
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    const first: Framer<number> = (bytes) => ({ message: bytes.length, used: bytes.length })
    expect(await session.ask(bytesOf('long'), first, forever())).toBe(1_048_576)
    expect(await session.ask(bytesOf('next'), whole, forever())).toBe('short')
    expect(instrument.sessions[0]!.events).toEqual(['long', 'clear', 'next'])
  })
})

describe('The lock of an instrument', () => {
  test('keeps a second client out until the first lets go', async () => {
    await using server = await serve(simulatedMeter())
    await using other = scpi(await open(server.port))
    {
      await using meter = scpi(await open(server.port, { lock: true }))
      expect(await meter.ask('*IDN?', forever())).toMatch(/^Keysight/)
      await expect(open(server.port, { lock: true })).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
      await expect(other.ask('*IDN?', forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
    }
    expect(await other.ask('*IDN?', forever())).toMatch(/^Keysight/)
    await using next = scpi(await open(server.port, { lock: true }))
    expect(await next.ask('*OPC?', forever())).toMatch(/1/)
  })
})

describe('Beside the bytes', () => {
  test('the status byte is polled and the trigger is sent', async () => {
    const instrument = new TestMessageInstrument()
    await using server = await serve(instrument)
    await using transport = await open(server.port)
    instrument.sessions[0]!.statusByte = 0x50
    expect(await transport.controls.readStatusByte(forever())).toBe(0x50)
    await transport.controls.trigger(forever())
    expect(instrument.sessions[0]!.events).toEqual(['poll', 'trigger'])
  })

  test('a service request reaches the listener, who learns why by polling', async () => {
    await using server = await serve(simulatedMeter())
    const transport = await open(server.port)
    await using meter = scpi(transport)
    const requested = new Occasion()
    await transport.controls.onServiceRequest(requested.now, forever())
    await meter.tell('*ESE 32;*SRE 32', forever())
    await meter.tell('NONSENSE', forever())
    await requested.came
    const statusByte = await transport.controls.readStatusByte(forever())
    expect(statusByte & 0x60).toBe(0x60)
    expect((await transport.controls.readStatusByte(forever())) & 0x40).toBe(0)
  })

  test('service requests go to whoever listened last, also after the link was lost', async () => {
    const instrument = new TestMessageInstrument()
    const server = await serve(instrument)
    const { port } = server
    const transport = await open(port)
    await using session = new WireSession(transport, { timeoutMs: NEVER_MS })
    await transport.controls.onServiceRequest(() => expect.unreachable('replaced'), forever())
    const requested = new Occasion()
    await transport.controls.onServiceRequest(requested.now, forever())
    instrument.reply = () => undefined
    const lost = expect(session.ask(bytesOf('q'), whole, forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await instrument.until(() => instrument.sessions[0]!.owesAnswer)
    await server[Symbol.asyncDispose]()
    await lost
    instrument.reply = (message) => bytesOf(`re:${latin1(message)}`)
    await using _ = await serve(instrument, { port })
    expect(await session.ask(bytesOf('a'), whole, forever())).toBe('re:a')
    instrument.sessions.at(-1)!.client.onServiceRequest(0x40)
    await requested.came
  })
})

describe('A link that is lost', () => {
  test('ends the question under way and is opened anew for the next', async () => {
    const instrument = new TestMessageInstrument()
    instrument.reply = () => undefined
    const server = await serve(instrument)
    const { port } = server
    await using session = new WireSession(await open(port), { timeoutMs: NEVER_MS })
    const lost = expect(session.ask(bytesOf('q'), whole, forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await instrument.until(() => instrument.sessions[0]!.owesAnswer)
    await server[Symbol.asyncDispose]()
    await lost
    expect(instrument.sessions[0]!.events.at(-1)).toBe('close')
    await expect(session.ask(bytesOf('q'), whole, forever())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    const echoing = new TestMessageInstrument()
    await using _ = await serve(echoing, { port })
    expect(await session.ask(bytesOf('back'), whole, forever())).toBe('re:back')
  })

  test('is given back when the wire is let go', async () => {
    const instrument = new TestMessageInstrument()
    await using server = await serve(instrument)
    const transport = await open(server.port)
    await transport[Symbol.asyncDispose]()
    expect(instrument.sessions[0]!.events).toEqual(['close'])
    await expect(transport.write(bytesOf('x'), forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
  })
})

describe('What cannot be opened', () => {
  test('is a device that the instrument does not have', async () => {
    await using server = await serve(new TestMessageInstrument())
    const address = { host: '127.0.0.1', port: server.port, device: 'inst7' }
    await expect(Vxi11Transport.open(RESOURCE, address, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      context: { vxi11Error: 3 },
    })
  })

  test('is a host without portmapper, a portmapper without instrument, and a caller who gave up', async () => {
    const server = await serve(new TestMessageInstrument(), { portmapper: 'if-possible', portmapperPort: 0 })
    const address = { host: '127.0.0.1', portmapperPort: server.portmapperPort!, device: 'inst0' }
    await expect(open(server.port, { signal: AbortSignal.abort() })).rejects.toThrow()
    await server[Symbol.asyncDispose]()
    await expect(Vxi11Transport.open(RESOURCE, address, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining(`${RESOURCE} does not answer`) as string,
    })
  })
})

/** Says to each call whatever the test makes it say. */
async function hostile(
  say: (socket: Socket, call: Buffer, calls: number) => void,
  { losesCalls = false } = {},
): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let calls = 0
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      for (let rest = bytes; rest.length > 0;) {
        const callBytes = 4 + (rest.readUInt32BE() & 0x7fff_ffff)
        say(socket, rest.subarray(0, callBytes), calls++)
        rest = losesCalls ? Buffer.alloc(0) : rest.subarray(callBytes)
      }
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

describe('A hostile instrument', () => {
  const created = readVectors('vxi11')[0]!.reply
  /** A reply under the number of the call. */
  const answer = (call: Uint8Array, words: readonly number[]): Buffer => {
    const reply = Buffer.alloc(28 + 4 * words.length)
    reply.writeUInt32BE(0x8000_0000 + reply.length - 4)
    reply.set(call.subarray(4, 8), 4)
    reply.writeUInt32BE(1, 8)
    words.forEach((word, index) => reply.writeUInt32BE(word, 28 + 4 * index))
    return reply
  }
  const welcome = (call: Uint8Array): Buffer => {
    const reply = Buffer.from(created)
    reply.set(call.subarray(4, 8), 4)
    return reply
  }
  const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

  test.each<[string, (call: Buffer) => Buffer]>([
    ['a fragment of two gigabytes', () => bytes('ffffffff 00000000')],
    ['empty fragments', () => bytes('00000000 00000000')],
    ['an answer to another call', (call) => answer(Buffer.from(call).fill(0xaa, 4, 8), [0, 2])],
    ['a call instead of a reply', (call) => call],
    ['a reply that ends too early', (call) => answer(call, [0])],
    ['more bytes written than were sent', (call) => answer(call, [0, 99])],
    ['garbage', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('that says %s gets a typed error and is hung up on', async (_, say) => {
    const hungUp = new Occasion()
    await using server = await hostile((socket, call, calls) => {
      socket.once('close', hungUp.now)
      socket.write(calls === 0 ? welcome(call) : say(call))
    })
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    await expect(session.ask(scpiLine('q'), whole, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply: expect.stringMatching(/^[0-9a-f]+$/) as string },
    })
    await hungUp.came
  })

  test('that reads out more than was asked for loses its link', async () => {
    await using server = await hostile((socket, call, calls) => {
      socket.write([welcome(call), answer(call, [0, 2]), answer(call, [0, 4, 0x7fff_ffff, 0])][calls] ?? call)
    })
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    await expect(session.ask(scpiLine('q'), whole, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
    })
  })

  test('that never comes to an end is given up with the deadline of the question', async () => {
    await using server = await hostile((socket, call, calls) => {
      socket.write([welcome(call), answer(call, [0, 2])][calls] ?? answer(call, [0, 0, 4, 0x4141_4141]))
    })
    await using session = new WireSession(await open(server.port), { timeoutMs: 30 })
    await expect(session.ask(scpiLine('q'), whole, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
  })

  test('that never comes to an end is not asked any more once time is up', async () => {
    const [CREATE_LINK, READ, TRIGGER] = [10, 12, 14]
    const procedures: number[] = []
    await using server = await hostile((socket, call) => {
      const procedure = call.readUInt32BE(24)
      procedures.push(procedure)
      if (procedure === CREATE_LINK) socket.write(welcome(call))
      else socket.write(procedure === READ ? answer(call, [0, 0, 4, 0x4141_4141]) : answer(call, [0]))
    })
    await using transport = await open(server.port)
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const timeIsUp = new Occasion()
      const onBytes = (): void => {
        vi.advanceTimersByTime(10_000)
        timeIsUp.now()
      }
      const ignored = (): void => undefined
      transport.connect({ onBytes, onEnd: ignored, onLost: ignored, onDeadline: ignored })
      transport.pull(5000)
      await timeIsUp.came
      await transport.controls.trigger(forever())
      await transport.controls.trigger(forever())
      expect(procedures.slice(-2)).toEqual([TRIGGER, TRIGGER])
      expect(procedures.filter((procedure) => procedure === READ).length).toBeLessThanOrEqual(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test('that cannot be cleared gets a new link', async () => {
    const [CREATE_LINK, WRITE, READ] = [10, 11, 12]
    const links: Socket[] = []
    const asked = new Occasion()
    await using server = await hostile((socket, call) => {
      const procedure = call.readUInt32BE(24)
      if (procedure === CREATE_LINK) links.push(socket)
      if (procedure === CREATE_LINK) socket.write(welcome(call))
      else if (procedure === WRITE) socket.write(answer(call, [0, 2]))
      else if (procedure !== READ) socket.write(answer(call, [socket === links[0] ? 4 : 0]))
      else if (socket === links[0]) asked.now()
      else socket.write(answer(call, [0, 4, 2, 0x6f6b_0000]))
    })
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    const caller = new AbortController()
    const silent = session.ask(scpiLine('q'), whole, caller.signal)
    await asked.came
    caller.abort()
    await expect(silent).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    // Nobody listens at the abort port of the vector either.
    expect(await session.ask(scpiLine('q'), whole, forever())).toBe('ok')
    expect(links.map(({ destroyed }) => destroyed)).toEqual([true, false])
  })

  test('that takes half a question is asked slowly from then on', async () => {
    const READ = 12
    await using server = await hostile((socket, call, calls) => {
      const procedure = call.readUInt32BE(24)
      if (calls === 0) socket.write(welcome(call))
      else if (procedure === READ) socket.write(answer(call, [0, 4, 2, 0x6f6b_0000]))
      else socket.write(answer(call, [0, 1]))
    })
    await using session = new WireSession(await open(server.port), { timeoutMs: NEVER_MS })
    await expect(session.ask(scpiLine('q'), () => undefined, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
    })
    expect(await session.ask(scpiLine('q'), whole, forever())).toBe('ok')
  })

  test.each([
    ['fails once and is asked slowly from then on', false],
    ['never fails when it is asked slowly from the beginning', true],
  ])('that loses calls which come together %s', async (_, oneCallAtATime) => {
    const [CREATE_LINK, WRITE, READ] = [10, 11, 12]
    const say = (socket: Socket, call: Buffer): void => {
      const procedure = call.readUInt32BE(24)
      if (procedure === CREATE_LINK) socket.write(welcome(call))
      else if (procedure === WRITE) socket.write(answer(call, [0, 2]))
      else if (procedure === READ) socket.write(answer(call, [0, 4, 2, 0x6f6b_0000]))
      else socket.write(answer(call, [0]))
    }
    await using server = await hostile(say, { losesCalls: true })
    const address = { host: '127.0.0.1', port: server.port, device: 'inst0', oneCallAtATime }
    await using session = new WireSession(await Vxi11Transport.open(RESOURCE, address, forever()), {
      timeoutMs: NEVER_MS,
    })
    const first = session.ask(scpiLine('q'), whole, forever(), oneCallAtATime ? NEVER_MS : 30)
    if (oneCallAtATime) expect(await first).toBe('ok')
    else await expect(first).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(await session.ask(scpiLine('q'), whole, forever())).toBe('ok')
  })

  test('that refuses the first call is not opened', async () => {
    await using server = await hostile((socket, call) => {
      const refusal = answer(call, [])
      refusal.writeUInt32BE(1, 24)
      socket.write(refusal)
    })
    await expect(open(server.port)).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('it does not have this program') as string,
    })
  })
})
