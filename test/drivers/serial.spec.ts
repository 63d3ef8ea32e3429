import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { isBenchError } from '../../core/errors.ts'
import type { BenchError } from '../../core/errors.ts'
import type { ByteReceiver } from '../../core/transport.ts'
import { QontrolQ8, qontrolQ8 } from '../../drivers/phase-shifters/qontrol-q8.ts'
import type { Framer } from '../../drivers/protocols/framer.ts'
import { SerialTransport } from '../../drivers/transports/serial.ts'
import { WireSession } from '../../drivers/transports/session.ts'
import { SimQontrol } from '../../sim/instruments/sim-qontrol.ts'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'
import { describePhaseShifterBank } from '../contracts/phase-shifter-bank.contract.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { ResistiveHeaters } from '../support/resistive-heaters.ts'
import { whyNoSerialPorts } from '../support/serial-ports.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { TestInstrument, testBytes } from '../support/wire-instruments.ts'

const forever = (): AbortSignal => new AbortController().signal
const LINE = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 } as const
const NEVER_MS = 3_600_000
const reason = await whyNoSerialPorts()

const openPort = (path: string): Promise<SerialTransport> =>
  SerialTransport.open(`ASRL${path}::INSTR`, path, LINE, forever())

const line: Framer<string> = (bytes) => {
  const end = bytes.indexOf(0x0a)
  return end < 0 ? undefined : { message: latin1(bytes.subarray(0, end)), used: end + 1 }
}

const exactly =
  (count: number): Framer<Uint8Array> =>
  (bytes) =>
    bytes.length < count ? undefined : { message: bytes.slice(0, count), used: count }

/** Keeps what arrives on a transport. */
class Listener implements ByteReceiver {
  readonly lost: Promise<BenchError>
  readonly heard: Uint8Array[] = []
  #onLost: (error: BenchError) => void = () => undefined
  #onBytes: () => void = () => undefined

  constructor() {
    this.lost = new Promise((resolve) => (this.#onLost = resolve))
  }

  onBytes(bytes: Uint8Array): void {
    this.heard.push(bytes)
    this.#onBytes()
  }

  onEnd(): void {
    throw new Error('a serial line marks no ends')
  }

  onLost(error: BenchError): void {
    this.#onLost(error)
  }

  onDeadline(): void {
    // Nothing waits here.
  }

  get length(): number {
    return this.heard.reduce((sum, bytes) => sum + bytes.length, 0)
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.heard))
  }

  async untilLength(count: number): Promise<void> {
    while (this.length < count) await new Promise<void>((resolve) => (this.#onBytes = resolve))
  }

  async untilEnd(text: string): Promise<void> {
    while (!latin1(this.bytes).endsWith(text)) await new Promise<void>((resolve) => (this.#onBytes = resolve))
  }
}

/** It says so much to everything it hears that it listens only now and then. */
function beTalkative(instrument: TestInstrument): void {
  let replies = 0
  instrument.reply = (_bytes, send) => {
    if (replies++ < 10) send(new Uint8Array(300_000))
  }
}

/** As often as it takes: an instrument may have much to say. */
async function untilSilent(transport: SerialTransport): Promise<void> {
  try {
    await transport.resynchronise(forever())
  } catch (error) {
    if (!isBenchError(error, 'TRANSPORT_TIMEOUT')) throw error
    await untilSilent(transport)
  }
}

/** Keeps the event loop busy. */
function computeForMs(durationMs: number): void {
  const endMs = performance.now() + durationMs
  while (performance.now() < endMs);
}

if (reason === undefined)
  describePhaseShifterBank('a chain of Q8iv on a serial port', async () => {
    const clock = new SystemClock()
    const heaters = new ResistiveHeaters(16)
    const sim = new SimQontrol(heaters, { name: 'heaters', seed: 5, clock, settings: { modules: 2 } })
    let messages = 0
    const port = await servePseudoTerminal({
      attach: (send) => {
        const connection = sim.attach(send)
        return {
          receive: (bytes) => {
            messages++
            connection.receive(bytes)
          },
          detach: () => connection.detach(),
        }
      },
    })
    const transport = await openPort(port.path)
    const settings = qontrolQ8.settings.parse({ modules: 2 })
    const bank = await QontrolQ8.open({ name: 'heaters', transport }, settings, clock, forever())
    return { bank, messagesSent: () => messages, outputsV: () => heaters.voltagesV, powersMw: () => heaters.powersMw }
  })

describe.skipIf(reason !== undefined)('A serial port', () => {
  test('asks and is answered, one line after the other', async () => {
    const instrument = new TestInstrument()
    instrument.reply = (bytes, send) => send(bytesOf(`re:${latin1(bytes)}`))
    await using port = await servePseudoTerminal(instrument)
    await using session = new WireSession(await openPort(port.path), { timeoutMs: NEVER_MS })
    for (let question = 0; question < 50; question++)
      expect(await session.ask(bytesOf(`q${question}\n`), line, forever())).toBe(`re:q${question}`)
  })

  test('carries 64 KiB to the instrument and 64 KiB back, again and again, every byte value', async () => {
    const size = 65_536
    const instrument = new TestInstrument()
    let got = 0
    instrument.reply = (bytes, send) => {
      got += bytes.length
      if (got < size) return
      got = 0
      send(Uint8Array.from(Buffer.concat(instrument.connections[0]!.heard)))
      instrument.connections[0]!.heard = []
    }
    await using port = await servePseudoTerminal(instrument)
    await using session = new WireSession(await openPort(port.path), { timeoutMs: NEVER_MS })
    for (let round = 0; round < 30; round++) {
      const sent = testBytes(size, round)
      const reply = await session.ask(sent, exactly(size), forever())
      expect(Buffer.compare(reply, sent), `round ${round}`).toBe(0)
    }
  })

  test('stalls neither way when bytes arrive while the instrument takes no more', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    await using transport = await openPort(port.path)
    for (let round = 0; round < 5; round++) {
      const listener = new Listener()
      transport.connect(listener)
      const before = instrument.heard().length
      const sent = testBytes(200_000, round)
      beTalkative(instrument)
      await transport.write(sent, forever())
      await instrument.until(() => instrument.heard().length === before + sent.length)
      expect(instrument.heard().slice(before)).toBe(latin1(sent))
      instrument.reply = (_bytes, send) => send(bytesOf('that was all'))
      await transport.write(bytesOf('?'), forever())
      await listener.untilEnd('that was all')
    }
  })

  test('sends what two callers write in the order of the calls', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    await using transport = await openPort(port.path)
    const pieces = [testBytes(20_000, 1), testBytes(3, 2), testBytes(9000, 3)]
    await Promise.all(pieces.map((piece) => transport.write(piece, forever())))
    const sent = Buffer.concat(pieces)
    await instrument.until(() => instrument.heard().length === sent.length)
    expect(instrument.heard()).toBe(latin1(sent))
  })

  test('that is unplugged ends the question under way, and says so to whoever writes next', async () => {
    const instrument = new TestInstrument()
    const port = await servePseudoTerminal(instrument)
    await using transport = await openPort(port.path)
    await using session = new WireSession(transport, { timeoutMs: NEVER_MS })
    const reply = session.ask(bytesOf('q\n'), line, forever())
    const rejected = expect(reply).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await instrument.until(() => instrument.heard() === 'q\n')
    await port[Symbol.asyncDispose]()
    await rejected
    await expect(transport.write(bytesOf('q\n'), forever())).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await expect(session.ask(bytesOf('q\n'), line, forever())).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
  })

  test('that is unplugged while it speaks says so, too', async () => {
    for (let round = 0; round < 10; round++) {
      const instrument = new TestInstrument()
      const port = await servePseudoTerminal(instrument)
      instrument.reply = (bytes, send) => {
        send(bytes)
        void port[Symbol.asyncDispose]()
      }
      await using transport = await openPort(port.path)
      const listener = new Listener()
      transport.connect(listener)
      await transport.write(bytesOf('q\n'), forever())
      expect(await listener.lost).toMatchObject({ code: 'TRANSPORT_LOST' })
    }
  })

  test('that is plugged in again is opened again by the next question', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'serial-'))
    try {
      const path = join(folder, 'adapter')
      const instrument = new TestInstrument()
      instrument.reply = (bytes, send) => send(bytesOf(`re:${latin1(bytes)}`))
      const first = await servePseudoTerminal(instrument)
      await symlink(first.path, path)
      await using session = new WireSession(await openPort(path), { timeoutMs: NEVER_MS })
      expect(await session.ask(bytesOf('a\n'), line, forever())).toBe('re:a')
      const unanswered = session.ask(new Uint8Array(0), line, forever())
      const lost = expect(unanswered).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
      await first[Symbol.asyncDispose]()
      await lost
      await using second = await servePseudoTerminal(instrument)
      await unlink(path)
      await symlink(second.path, path)
      expect(await session.ask(bytesOf('b\n'), line, forever())).toBe('re:b')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('belongs to one process at a time, and says so', async () => {
    await using port = await servePseudoTerminal(new TestInstrument())
    {
      await using _ = await openPort(port.path)
      await expect(openPort(port.path)).rejects.toMatchObject({
        code: 'TRANSPORT_OPEN_FAILED',
        message: `ASRL${port.path}::INSTR: ${port.path} is in use by another process; close that one first`,
      })
    }
    await using again = await openPort(port.path)
    expect(again.resource).toBe(`ASRL${port.path}::INSTR`)
  })

  test('that is not there is named, with what is', async () => {
    await expect(openPort('/dev/ttyNOWHERE0')).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringMatching(/there is no serial port \/dev\/ttyNOWHERE0; .*plugged in/) as string,
    })
  })

  test('that is no serial port is refused', async () => {
    await expect(openPort('/dev/null')).rejects.toMatchObject({
      code: 'TRANSPORT_OPEN_FAILED',
      message: expect.stringContaining('cannot open /dev/null') as string,
    })
  })

  test('is not opened for a caller who has given up', async () => {
    await using port = await servePseudoTerminal(new TestInstrument())
    const gone = SerialTransport.open('ASRL::INSTR', '/dev/nowhere', LINE, AbortSignal.abort(new Error('enough')))
    await expect(gone).rejects.toThrow('enough')
    const caller = new AbortController()
    const opening = SerialTransport.open('ASRL::INSTR', port.path, LINE, caller.signal)
    caller.abort()
    await expect(opening).rejects.toThrow()
    await using _ = await openPort(port.path)
  })

  test('starts with an empty line: what was said before it was opened is not heard', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    instrument.connections[0]!.send(bytesOf('stale\n'))
    await using transport = await openPort(port.path)
    const listener = new Listener()
    transport.connect(listener)
    instrument.connections[0]!.send(bytesOf('fresh\n'))
    await listener.untilLength(6)
    expect(latin1(listener.bytes)).toBe('fresh\n')
  })

  test('drops a late reply while it resynchronises, and waits until it is silent', async () => {
    const instrument = new TestInstrument()
    let question = 0
    instrument.reply = (bytes, send) => {
      if (question++ > 0) return send(bytesOf(`re:${latin1(bytes)}`))
      caller.abort()
    }
    const caller = new AbortController()
    await using port = await servePseudoTerminal(instrument)
    await using session = new WireSession(await openPort(port.path), { timeoutMs: NEVER_MS })
    await expect(session.ask(bytesOf('slow\n'), line, caller.signal)).rejects.toMatchObject({
      code: 'TRANSPORT_ABORTED',
    })
    const next = session.ask(bytesOf('next\n'), line, forever())
    instrument.connections[0]!.send(bytesOf('late\n'))
    expect(await next).toBe('re:next')
  })

  test('hears what came during a long computation before it believes in silence', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    await using transport = await openPort(port.path)
    const listener = new Listener()
    transport.connect(listener)
    const resynchronised = transport.resynchronise(forever())
    // Far enough that the line was emptied and the silence is being waited for.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    instrument.connections[0]!.send(bytesOf('late\n'))
    computeForMs(60)
    await resynchronised
    instrument.connections[0]!.send(bytesOf('next\n'))
    await listener.untilLength(5)
    expect(latin1(listener.bytes)).toBe('next\n')
  })

  test('stops a long write when it is given up', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    await using transport = await openPort(port.path)
    const caller = new AbortController()
    const sent = testBytes(3_000_000)
    const rejected = expect(transport.write(sent, caller.signal)).rejects.toThrow('enough')
    await instrument.until(() => instrument.heard() !== '')
    caller.abort(new Error('enough'))
    await rejected
    await transport.write(bytesOf('something else\n'), forever())
    await instrument.until(() => instrument.heard().endsWith('something else\n'))
    expect(instrument.heard().length).toBeLessThan(sent.length)
  })

  test('gives up at once a write that the instrument does not take, and works again once it does', async () => {
    const instrument = new TestInstrument()
    await using port = await servePseudoTerminal(instrument)
    await using transport = await openPort(port.path)
    const listener = new Listener()
    transport.connect(listener)
    instrument.reply = (_bytes, send) => {
      instrument.reply = () => undefined
      send(new Uint8Array(3_000_000))
    }
    const caller = new AbortController()
    const rejected = expect(transport.write(testBytes(300_000), caller.signal)).rejects.toThrow('enough')
    // By then there is no room left on the line, and there will be none for a while.
    await listener.untilLength(1_000_000)
    const heard = instrument.heard().length
    caller.abort(new Error('enough'))
    await rejected
    expect(instrument.heard().length).toBe(heard)
    await untilSilent(transport)
    await transport.write(bytesOf('here again\n'), forever())
    await instrument.until(() => instrument.heard().endsWith('here again\n'))
    expect(instrument.heard().length).toBeLessThan(300_000)
  })

  test('that is unplugged ends a write that the instrument does not take', async () => {
    const instrument = new TestInstrument()
    beTalkative(instrument)
    const port = await servePseudoTerminal(instrument)
    await using transport = await openPort(port.path)
    transport.connect(new Listener())
    const rejected = expect(transport.write(testBytes(300_000), forever())).rejects.toMatchObject({
      code: 'TRANSPORT_LOST',
    })
    await instrument.until(() => instrument.heard() !== '')
    await port[Symbol.asyncDispose]()
    await rejected
  })
})

describe.skipIf(reason !== undefined)('The settings of a line', () => {
  test.each([
    [{ ...LINE, baudRate: 57_600 }, ['speed 57600 baud', '-crtscts', '-cstopb', '-ixon', '-ixoff']],
    [{ ...LINE, baudRate: 9600, stopBits: 2, flow: 'rts-cts' }, ['speed 9600 baud', ' crtscts', ' cstopb', '-ixon']],
    [{ ...LINE, baudRate: 19_200, flow: 'xon-xoff' }, ['speed 19200 baud', '-crtscts', ' ixon', ' ixoff']],
  ] as const)('reach the port: %j', async (line, settings) => {
    await using port = await servePseudoTerminal(new TestInstrument())
    const transport = await SerialTransport.open('port', port.path, line, forever())
    await using _ = transport
    // A pseudo-terminal keeps no parity and no number of bits, but everything else.
    const { stdout } = await promisify(execFile)('stty', ['-a', '-F', port.path])
    const seen = ` ${stdout.replaceAll(/\s+/g, ' ')}`
    for (const setting of settings) expect(seen).toContain(setting)
  })

  test.skipIf(!pythonHas('fcntl'))('may have a baud rate that no standard lists', async () => {
    await using port = await servePseudoTerminal(new TestInstrument())
    const transport = await SerialTransport.open('port', port.path, { ...LINE, baudRate: 250_000 }, forever())
    await using _ = transport
    // TCGETS2: the only question whose answer has room for such a rate.
    const code = `
import fcntl, os, struct, sys
settings = fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), 0x802C542A, bytes(44))
print(*struct.unpack('2I', settings[36:44]))`
    expect((await runPython(code, { modules: ['fcntl'], args: [port.path] })).trim()).toBe('250000 250000')
  })
})
