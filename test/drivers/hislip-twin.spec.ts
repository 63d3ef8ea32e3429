import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { KeysightN7745, keysightN7745 } from '../../drivers/detectors/keysight-n7745.ts'
import { scpiBlockMessage, scpiBlockReply } from '../../drivers/protocols/scpi.ts'
import { HislipTransport } from '../../drivers/transports/hislip.ts'
import type { HislipOptions } from '../../drivers/transports/hislip.ts'
import { ScpiSession } from '../../drivers/transports/scpi-session.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import { serveHislip } from '../../sim/ports/hislip-server.ts'
import type { HislipServerOptions } from '../../sim/ports/hislip-server.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { IDENTITY, MessageBench } from '../support/message-bench.ts'
import { testBytes } from '../support/wire-instruments.ts'

const forever = (): AbortSignal => new AbortController().signal
const NEVER_MS = 3_600_000
const MODES = ['synchronised', 'overlap'] as const
const VERSIONS = ['1.0', '1.1', '2.0'] as const

const openAt = (port: number, options: Partial<HislipOptions> = {}): Promise<HislipTransport> =>
  HislipTransport.open(
    'TCPIP::127.0.0.1::hislip0::INSTR',
    { host: '127.0.0.1', port, device: 'hislip0', ...options },
    forever(),
  )

/** The small instrument behind a server, and one client. */
async function bench(options: Partial<HislipOptions> = {}, serverOptions: HislipServerOptions = {}) {
  const instrument = new MessageBench()
  const server = await serveHislip(new Map([['hislip0', instrument.instrument]]), serverOptions)
  const transport = await openAt(server.port, options)
  const session = new ScpiSession({ name: 'bench', transport }, NEVER_MS)
  return {
    instrument,
    server,
    transport,
    session,
    ask: (question: string, signal = forever()) => session.ask(question, signal),
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe.each(MODES)('HiSLIP in %s mode', (mode) => {
  test.each(VERSIONS.flatMap((ours) => VERSIONS.map((theirs) => [ours, theirs] as const)))(
    'asks and is answered, client %s, server %s',
    async (version, highestVersion) => {
      await using wire = await bench({ version, mode }, { highestVersion })
      expect([wire.transport.version, wire.transport.mode]).toEqual([
        version < highestVersion ? version : highestVersion,
        mode,
      ])
      expect(await wire.ask('*IDN?')).toBe(IDENTITY)
      for (let mask = 0; mask < 40; mask++) expect(await wire.ask(`*ESE ${mask};*ESE?`)).toBe(String(mask))
      expect(await wire.ask(':SYST:ERR?')).toBe('0,"No error"')
    },
  )

  test('is what the server prefers when the client does not care', async () => {
    await using wire = await bench({}, { prefer: mode })
    expect(wire.transport.mode).toBe(mode)
    expect(await wire.ask('*IDN?')).toBe(IDENTITY)
    await wire.transport.resynchronise(forever())
    expect(wire.transport.mode).toBe(mode)
  })

  test.each([64, 1000, 2 ** 18])(
    'carries a block of 1 MiB both ways in messages of %d bytes',
    async (maxMessageBytes) => {
      await using wire = await bench({ mode }, { maxMessageBytes })
      const data = testBytes(2 ** 20)
      const { message, payload } = scpiBlockMessage(':DATA ', data.length)
      payload.set(data)
      await wire.session.tell(message, forever())
      const copy = (bytes: Uint8Array): Uint8Array => bytes.slice()
      const back = await wire.session.askFramed(':DATA?', scpiBlockReply(copy), forever())
      expect(Buffer.compare(back, data)).toBe(0)
      expect(await wire.ask(':SYST:ERR?')).toBe('0,"No error"')
    },
  )

  test('never takes the late reply for that of the next question', async () => {
    await using wire = await bench({ mode })
    for (let round = 0; round < 20; round++) {
      const slow = wire.session.ask(':SLOW?', forever(), 1)
      await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
      await wire.instrument.asked()
      wire.instrument.answer(`late ${round}`)
      expect(await wire.ask(`*ESE ${round};*ESE?`)).toBe(String(round))
    }
    expect(await wire.ask(':SYST:ERR?')).toBe('0,"No error"')
  })

  test('waits for a slow answer, and polls meanwhile', async () => {
    await using wire = await bench({ mode })
    const slow = wire.ask(':SLOW?')
    await wire.instrument.asked()
    expect(await wire.transport.controls.readStatusByte(forever())).toBe(0)
    wire.instrument.answer('at last')
    expect(await slow).toBe('at last')
  })

  test('reads the status byte: a message is available until it has been taken', async () => {
    await using wire = await bench({ mode })
    expect(await wire.ask('*IDN?')).toBe(IDENTITY)
    const { controls } = wire.transport
    expect(await controls.readStatusByte(forever())).toBe(0)
    await wire.session.tell(':NOSUCH', forever())
    expect(await wire.ask('*ESE?')).toBe('0')
    expect(await controls.readStatusByte(forever())).toBe(0x04)
  })

  test('hears a request for service, which the poll clears', async () => {
    await using wire = await bench({ mode })
    const { controls } = wire.transport
    const requested = new Promise<void>((resolve) => void controls.onServiceRequest(resolve, forever()))
    await wire.session.tell('*CLS;*ESE 32;*SRE 32', forever())
    await wire.session.tell(':NOSUCH', forever())
    await requested
    expect(await controls.readStatusByte(forever())).toBe(0x64)
    expect(await controls.readStatusByte(forever())).toBe(0x24)
  })

  test('triggers, in order with messages', async () => {
    await using wire = await bench({ mode })
    await wire.transport.controls.trigger(forever())
    await wire.transport.controls.trigger(forever())
    expect(await wire.ask('*IDN?')).toBe(IDENTITY)
    expect(wire.instrument.triggers).toBe(2)
  })

  test('comes clear in the middle of a long answer and of a long message', async () => {
    await using wire = await bench({ mode }, { maxMessageBytes: 4096 })
    wire.instrument.data = testBytes(8_000_000)
    const caller = new AbortController()
    const long = wire.session.askFramed(
      ':DATA?',
      (bytes) => {
        if (bytes.length > 0) caller.abort()
        return undefined
      },
      caller.signal,
    )
    await expect(long).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    expect(await wire.ask('*IDN?')).toBe(IDENTITY)
    const giveUp = new AbortController()
    const write = wire.transport.write(new Uint8Array(30_000_000).fill(0x20), giveUp.signal)
    giveUp.abort(new Error('enough'))
    await expect(write).rejects.toThrow('enough')
    await wire.transport.resynchronise(forever())
    expect(await wire.ask('*IDN?')).toBe(IDENTITY)
    expect(await wire.ask(':SYST:ERR?')).toBe('0,"No error"')
  })

  test('connects anew when the server has been away', async () => {
    const wire = await bench({ mode })
    await using session = wire.session
    const { port } = wire.server
    const slow = wire.ask(':SLOW?')
    const lost = expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_LOST' })
    await wire.instrument.asked()
    await wire.server[Symbol.asyncDispose]()
    await lost
    await expect(wire.ask('*IDN?')).rejects.toMatchObject({ code: 'TRANSPORT_OPEN_FAILED' })
    await using _ = await serveHislip(new Map([['hislip0', wire.instrument.instrument]]), { port })
    expect(await session.ask('*IDN?', forever())).toBe(IDENTITY)
    expect(wire.transport.mode).toBe(mode)
  })
})

describe('Two clients of one instrument', () => {
  test('are told who has the exclusive lock, and who waits gets it in time', async () => {
    await using wire = await bench({ lock: true })
    const { port } = wire.server
    const locked = openAt(port, { lock: true, lockWaitMs: 1 })
    await expect(locked).rejects.toMatchObject({
      code: 'TRANSPORT_LOCKED',
      message: 'TCPIP::127.0.0.1::hislip0::INSTR is locked by another client',
    })
    await using looking = await openAt(port)
    expect(await looking.lockInfo(forever())).toEqual({ exclusive: true, holders: 1 })
    const waiting = openAt(port, { lock: 'shared', lockWaitMs: NEVER_MS })
    await wire.transport[Symbol.asyncDispose]()
    await using next = await waiting
    expect(await next.lockInfo(forever())).toEqual({ exclusive: false, holders: 1 })
  })

  test('share a lock by its key; another key and the exclusive lock stay outside', async () => {
    await using wire = await bench({ lock: 'a' })
    const { port } = wire.server
    await using second = await openAt(port, { lock: 'a' })
    await expect(openAt(port, { lock: 'b', lockWaitMs: 0 })).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
    await expect(openAt(port, { lock: true, lockWaitMs: 0 })).rejects.toMatchObject({ code: 'TRANSPORT_LOCKED' })
    expect(await second.lockInfo(forever())).toEqual({ exclusive: false, holders: 2 })
    expect(await wire.ask('*IDN?')).toBe(IDENTITY)
  })

  test('wait with their messages, not with their polls, for the lock of the other', async () => {
    await using wire = await bench()
    const holder = await openAt(wire.server.port, { lock: true })
    let answered = false
    const asked = wire.ask('*IDN?').then((reply) => {
      answered = true
      return reply
    })
    expect(await wire.transport.controls.readStatusByte(forever())).toBe(0)
    expect(answered).toBe(false)
    await holder[Symbol.asyncDispose]()
    expect(await asked).toBe(IDENTITY)
  })

  test('have buffers of their own, and a lock that its holder loses with its connection', async () => {
    await using wire = await bench()
    await using other = await openAt(wire.server.port, { lock: true })
    const session = new ScpiSession({ name: 'other', transport: other }, NEVER_MS)
    const caller = new AbortController()
    const slow = session.ask(':SLOW?', caller.signal)
    await wire.instrument.asked()
    const asked = wire.ask('*IDN?')
    caller.abort()
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    wire.instrument.answer('late')
    expect(await session.ask('*ESE?', forever())).toBe('0')
    expect(await other.lockInfo(forever())).toEqual({ exclusive: true, holders: 1 })
    await session[Symbol.asyncDispose]()
    expect(await asked).toBe(IDENTITY)
  })
})

describe('A Keysight N7745 on HiSLIP', () => {
  test.each(MODES)('is configured, read and logged by its own driver, in %s mode', async (mode) => {
    const light = new FakeDetectors()
    light.powerAtMw = (port) => 0.1 * (port + 1)
    const clock = new SystemClock()
    const meter = simN7745.create(light, { name: 'meter', seed: 1, clock, settings: {} })
    if (!isMessageInstrument(meter)) expect.fail('the twin cannot be put behind a message-based wire')
    await using server = await serveHislip(new Map([['hislip0', meter]]))
    const wire = { name: 'meter', transport: await openAt(server.port, { mode }) }
    const settings = keysightN7745.settings.parse({ readAveragingS: 1e-6 })
    await using driver = await KeysightN7745.open(wire, settings, clock, forever())
    expect(driver.identity.model).toBe('N7745C')
    await driver.configure({ wavelengthNm: 1550, rangeDbm: 0 }, forever())
    expect(Math.abs((await driver.readPowerMw(2, forever())) - 0.3)).toBeLessThan(0.002)
    await driver.armLog({ points: 3, averagingS: 1e-5 }, forever())
    light.pulse()
    await driver.waitLog(forever())
    const logsMw = await driver.readLogMw(forever())
    expect(logsMw.map((logMw) => logMw.length)).toEqual(new Array(8).fill(3))
    // Half a step of 4096 in a range of 2 mW.
    for (const [port, logMw] of logsMw.entries()) {
      for (const powerMw of logMw) expect(Math.abs(powerMw - 0.1 * (port + 1))).toBeLessThan(0.0003)
    }
  })
})
