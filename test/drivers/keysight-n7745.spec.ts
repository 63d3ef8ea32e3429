import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { ByteTransport } from '../../core/transport.ts'
import { KeysightN7745, keysightN7745 } from '../../drivers/detectors/keysight-n7745.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { describePowerMeter } from '../contracts/power-meter.contract.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { MessageWire } from '../support/message-wire.ts'
import { RawClient, TranscriptWire, pipeTo, said, vector } from '../support/scpi-wires.ts'
import { TamperedWire } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'
import type { VectorExchange } from '../support/vectors.ts'

const vectors = readVectors('n7745')
const forever = (): AbortSignal => new AbortController().signal
const SETUP = { wavelengthNm: 1550, rangeDbm: 0 }
const LOG = { points: 2, averagingS: 1e-5 }

const IDENTITY = said('*IDN?\n', 'Agilent Technologies,N7744A,MY49000123,V1.17\n')
const PORTS = [1, 2, 3, 4]
const NO_ERROR = said(':SYST:ERR?\n', '+0,"No error"\n')

/** The first command of a vector, for one port. */
const set = (meaning: string, n: number): VectorExchange => {
  const [command = ''] = Buffer.from(vector(vectors, meaning).sent).toString().split('\n')
  return said(`${command.replace(/^(SENS|TRIG|INIT)\d/, `$1${n}`)}\n`)
}

const configured = PORTS.flatMap((n) => [
  said(`SENS${n}:FUNC:STAT LOGG,STOP\n`),
  set('wavelength is set in nanometres and answered in metres', n),
  set('fixed range of 0 dBm', n),
  said(`SENS${n}:POW:RANG 0DBM\n`),
  set('watts', n),
  set('best transient response', n),
  set('averaging time of single readings', n),
  set('readings begin when they are asked for', n),
  set('one record a log', n),
])
/** One command for all ports in one message. */
const each = (command: string): string => PORTS.map((n) => `:SENS${n}:${command}`).join(';')
const [stop, start] = [each('FUNC:STAT LOGG,STOP'), each('FUNC:STAT LOGG,STAR')]
const setUpLog = [
  said(`${stop}\n`),
  ...PORTS.flatMap((n) => [
    set('parameters of a log: 2 points of 10 µs', n),
    set('the whole record at one trigger', n),
  ]),
]
const answered = (reply: string, ...commands: string[]): VectorExchange =>
  said(`${[...commands, ':SYST:ERR?'].join(';')}\n`, reply)
const started = answered('+0,"No error"\n', start)
const startedAgain = answered('+0,"No error"\n', stop, start)
const safe = [
  ...PORTS.flatMap((n) => [said(`SENS${n}:FUNC:STAT LOGG,STOP\n`), set('triggers are ignored again', n)]),
  ...PORTS.flatMap((n) => [said(`SENS${n}:FUNC:STAT?\n`, 'NONE,PROGRESS\n'), said(`TRIG${n}:INP?\n`, 'IGN\n')]),
]

/** Answer to FUNC:RES? of all ports: little-endian floats in watts, a block a port. */
const results = (...portsW: readonly (readonly number[])[]): VectorExchange => {
  const blocks = portsW.map((powersW) => {
    const payload = Buffer.alloc(4 * powersW.length)
    powersW.forEach((powerW, index) => payload.writeFloatLE(powerW, 4 * index))
    return Buffer.concat([Buffer.from(`#${String(payload.length).length}${payload.length}`), payload])
  })
  return {
    meaning: 'results of all ports',
    sent: Buffer.from(`${each('FUNC:RES?')}\n`),
    reply: Buffer.concat(
      blocks.flatMap((block, port) => [Buffer.from(port === 0 ? '' : ';'), block]).concat(Buffer.from('\n')),
    ),
  }
}

/** Of the other three ports. */
const DARK = [
  [0, 0],
  [0, 0],
  [0, 0],
]

const open = (
  transport: ByteTransport,
  settings: Record<string, unknown> = {},
  clock = new VirtualClock(),
): Promise<KeysightN7745> =>
  KeysightN7745.open({ name: 'pm-0', transport }, keysightN7745.settings.parse(settings), clock, forever())

function twin(settings: Record<string, unknown> = {}) {
  const clock = new VirtualClock()
  const light = new FakeDetectors()
  const sim = simN7745.create(light, { name: 'pm-0', seed: 1, clock, settings: {} })
  const wire = new TamperedWire(pipeTo(sim))
  return { clock, light, sim, wire, opened: open(wire, settings, clock) }
}

const underTest = async (
  carry: (sim: WireInstrument) => ByteTransport & { readonly sent: readonly Uint8Array[] },
  settings: Record<string, unknown> = {},
) => {
  const clock = new VirtualClock()
  const light = new FakeDetectors()
  const sim = simN7745.create(light, { name: 'pm-0', seed: 1, clock, settings: {} })
  const wire = carry(sim)
  const onlooker = new RawClient(sim)
  return {
    meter: await open(wire, settings, clock),
    messagesSent: () => wire.sent.length,
    light: {
      get powerMw() {
        return light.powerAtMw
      },
      set powerMw(powerMw) {
        light.powerAtMw = powerMw
      },
    },
    pulse: () => light.pulse(),
    portsArmed: () =>
      Array.from({ length: 8 }, (_, port) => onlooker.ask(`SENS${port + 1}:FUNC:STAT?\n`)).filter((state) =>
        state.includes('PROGRESS'),
      ).length,
    // Half a step of 12 bits, and what a 32-bit float rounds.
    resolution: 0.501 / 4096,
  }
}

describePowerMeter('Keysight N7745 on a simulated wire', () => underTest((sim) => new TamperedWire(pipeTo(sim))))
describePowerMeter('Keysight N7745 on a wire that marks ends', () => underTest((sim) => new MessageWire(sim)))
describePowerMeter('Keysight N7745 on a wire where only the mark ends an answer', () =>
  underTest((sim) => new MessageWire(sim, { bare: true })),
)
describePowerMeter('Keysight N7745 with a continuous log', () =>
  underTest((sim) => new TamperedWire(pipeTo(sim)), { continuousLog: true }),
)

describe('a continuous log', () => {
  const begun = async (settings: Record<string, unknown> = {}) => {
    const bench = twin({ continuousLog: true, ...settings })
    const meter = await bench.opened
    await meter.configure(SETUP, forever())
    await meter.armLog(LOG, forever())
    return { ...bench, meter }
  }
  const asRead = (powerMw: number): Float64Array => new Float64Array(LOG.points).fill(1e3 * Math.fround(powerMw / 1e3))
  const lit = (light: FakeDetectors, powerMw: number): void => {
    light.powerAtMw = () => powerMw
    light.pulse()
  }

  test('is armed once, and read while the next record is taken', async () => {
    const { meter, light, wire, clock } = await begun()
    await using _ = meter
    expect(meter.keepsRecords).toBe(true)
    lit(light, 0.25)
    await meter.waitLog(forever())
    const sent = wire.sent.length
    await meter.armLog(LOG, forever())
    expect(wire.sent).toHaveLength(sent)
    lit(light, 0.5)
    expect((await meter.readLogMw(forever()))[7]).toEqual(asRead(0.25))
    const startNs = clock.monotonicNs()
    await meter.waitLog(forever())
    // The shortest pause between two questions, and not once more.
    expect((clock.monotonicNs() - startNs) / 1e6).toBeCloseTo(0.1, 9)
    expect((await meter.readLogMw(forever()))[7]).toEqual(asRead(0.5))
    expect(wire.sent.slice(sent).filter((bytes) => Buffer.from(bytes).includes('STAT'))).toEqual([])
  })

  test('stands still for the length of a record, the first time, or is refused', async () => {
    const { meter, light, wire } = await begun()
    await using _ = meter
    lit(light, 0.25)
    let asked = 0
    wire.tamper((sent) => (Buffer.from(sent).includes('RES:IND?') ? Buffer.from(`+${asked++}\n`) : 'pass'))
    await expect(meter.waitLog(forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'pm-0 goes on without waiting for triggers; set continuousLog to false',
    })
    wire.tamper(() => 'pass')
  })

  test('is read after the next record, too, and no more after the next but one', async () => {
    const { meter, light, clock } = await begun()
    await using _ = meter
    lit(light, 0.25)
    await meter.waitLog(forever())
    await meter.armLog(LOG, forever())
    const pass = (): void => clock.moveTo(clock.monotonicNs() + 1e9 * LOG.points * LOG.averagingS)
    lit(light, 0.5)
    pass()
    expect((await meter.readLogMw(forever()))[3]).toEqual(asRead(0.25))
    lit(light, 0.75)
    pass()
    await expect(meter.readLogMw(forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: expect.stringMatching(/has overwritten a record before it was read/) as string,
    })
  })

  test('whose first record is in another buffer is refused', async () => {
    const { meter, light, wire } = await begun()
    await using _ = meter
    lit(light, 0.25)
    const empty = Buffer.concat([Buffer.from('#18'), Buffer.alloc(8), Buffer.from('\n')])
    wire.tamper((sent) => (Buffer.from(sent).includes('BUFA?') ? empty : 'pass'))
    await expect(meter.waitLog(forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'pm-0 keeps its records in other buffers than expected; set continuousLog to false',
    })
    wire.tamper(() => 'pass')
  })

  test('is begun anew after a record that nobody waited for, and missed when the meter has forgotten it', async () => {
    const { meter, light, wire } = await begun()
    await using _ = meter
    lit(light, 0.25)
    await meter.armLog(LOG, forever())
    lit(light, 0.5)
    await meter.waitLog(forever())
    expect((await meter.readLogMw(forever()))[0]).toEqual(asRead(0.5))
    await meter.armLog(LOG, forever())
    wire.tamper((sent) => (Buffer.from(sent).includes('RES:IND?') ? Buffer.from('+0\n') : 'pass'))
    await expect(meter.waitLog(forever())).rejects.toMatchObject({ code: 'INSTRUMENT_STATE_LOST' })
    wire.tamper(() => 'pass')
  })
})

describe('Keysight N7745', () => {
  test('gives no reading of a meter that restarted without a word and speaks of dBm again', async () => {
    const wire = new TranscriptWire(
      ...[IDENTITY, said('*CLS\n'), ...configured, NO_ERROR],
      said('READ3:POW?\n', '-2.87434500E+001\n'),
      said('SENS3:POW:UNIT?\n', '+0\n'),
      ...safe,
    )
    {
      await using meter = await open(wire, {}, new VirtualClock())
      await meter.configure(SETUP, forever())
      await expect(meter.readPowerMw(2, forever())).rejects.toMatchObject({ code: 'INSTRUMENT_STATE_LOST' })
      await expect(meter.readPowerMw(2, forever())).rejects.toMatchObject({ code: 'CALL_INVALID' })
    }
    wire.expectDone()
  })

  test('arms and reads all ports in one message each, sends log parameters only when they changed, and asks before it trusts that it is armed', async () => {
    const clock = new VirtualClock()
    const progress = said('SENS4:FUNC:STAT?\n', 'LOGGING_STABILITY,PROGRESS\n')
    const complete = said('SENS4:FUNC:STAT?\n', 'LOGGING_STABILITY,COMPLETE\n')
    const read = results([1e-3, -1e-9], [0, 2e-3], [1e-6, 1e-6], [5e-4, 25e-5])
    const wire = new TranscriptWire(
      ...[IDENTITY, said('*CLS\n'), ...configured, NO_ERROR],
      said('READ3:POW?\n', '+1.33555600E-006\n'),
      said('SENS3:POW:UNIT?\n', '+1\n'),
      ...[...setUpLog, started, progress, progress, complete, read],
      ...[startedAgain, complete],
      ...safe,
    )
    {
      await using meter = await open(wire, {}, clock)
      expect(meter.channelCount).toBe(4)
      await meter.configure(SETUP, forever())
      expect(await meter.readPowerMw(2, forever())).toBeCloseTo(1.335556e-3, 12)
      await meter.armLog(LOG, forever())
      const beforeNs = clock.monotonicNs()
      await meter.waitLog(forever())
      // The first poll is at once, the second a record later (not less than 0.1 ms), the third 0.1 ms after that.
      expect(clock.monotonicNs() - beforeNs).toBe(0.2e6)
      const logsMw = await meter.readLogMw(forever())
      expect(logsMw.map((logMw) => [...logMw].map((powerMw) => Number(powerMw.toPrecision(6))))).toEqual([
        [1, -1e-6],
        [0, 2],
        [1e-3, 1e-3],
        [0.5, 0.25],
      ])
      await meter.armLog(LOG, forever())
      await meter.waitLog(forever())
    }
    wire.expectDone()
  })

  test.each([
    ['one float too few', results([1e-3], ...DARK)],
    ['one float too many', results([1e-3, 1e-3, 1e-3], ...DARK)],
    ['text instead of a block', said(`${each('FUNC:RES?')}\n`, '+1.0E-3\n')],
    ['a port too few', results([0, 0], ...DARK.slice(1))],
    ['a port too many', results([0, 0], ...DARK, [0, 0])],
  ])('refuses results with %s, and shows them', async (_what, answer) => {
    const wire = new TranscriptWire(
      ...[IDENTITY, said('*CLS\n'), ...configured, NO_ERROR, ...setUpLog, started],
      // The wire is cleared after that, and whoever answers then has to be the same meter, not switched on since.
      ...[answer, IDENTITY, said('*ESR?\n', '+0\n'), ...safe],
    )
    await using meter = await open(wire)
    await meter.configure(SETUP, forever())
    await meter.armLog(LOG, forever())
    await expect(meter.readLogMw(forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test.each([NaN, 3.4e38, -Infinity])('a point of %d W is no power: it names port, point and range', async (powerW) => {
    const wire = new TranscriptWire(
      ...[IDENTITY, said('*CLS\n'), ...configured, NO_ERROR, ...setUpLog, started],
      ...[results([1e-3, 1e-3], [1e-3, powerW], [0, 0], [0, 0]), ...safe],
    )
    await using meter = await open(wire)
    await meter.configure(SETUP, forever())
    await meter.armLog(LOG, forever())
    await expect(meter.readLogMw(forever())).rejects.toMatchObject({
      code: 'RANGE_EXCEEDED',
      message: expect.stringContaining('pm-0 port 2, point 1: no valid power in the 0 dBm range') as string,
      context: { port: 1, point: 1, rangeDbm: 0 },
    })
  })

  test('errors that readings leave behind do no harm, others refuse the log', async () => {
    const wire = new TranscriptWire(
      ...[IDENTITY, said('*CLS\n'), ...configured],
      ...[said(':SYST:ERR?\n', '-231,"Data questionable"\n'), NO_ERROR],
      ...setUpLog,
      ...[answered('-410,"Query INTERRUPTED"\n', start), said(':SYST:ERR?\n', '-221,"Settings conflict"\n'), NO_ERROR],
      ...safe,
    )
    {
      await using meter = await open(wire)
      await meter.configure(SETUP, forever())
      await expect(meter.armLog(LOG, forever())).rejects.toMatchObject({
        code: 'INSTRUMENT_REFUSED',
        context: { errors: [{ number: -221 }] },
      })
    }
    wire.expectDone()
  })

  test('is not taken for another instrument', async () => {
    const wire = new TranscriptWire(said('*IDN?\n', 'Keysight Technologies,N7776C,DE0,V1\n'))
    await expect(open(wire)).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringMatching(/pm-0 should be a Keysight N7744A.*N7776C/) as string,
    })
    wire.expectDone()
  })

  test('says so when somebody else stops its log', async () => {
    const { opened, sim } = twin()
    await using meter = await opened
    await meter.configure(SETUP, forever())
    await meter.armLog(LOG, forever())
    new RawClient(sim).send('SENS8:POW:ATIM 1S\n')
    await expect(meter.waitLog(forever())).rejects.toMatchObject({ code: 'INSTRUMENT_STATE_LOST' })
  })

  test('waits no longer when the caller gives up, and goes on with the next log', async () => {
    const { opened, light } = twin()
    await using meter = await opened
    await meter.configure(SETUP, forever())
    await meter.armLog(LOG, forever())
    const caller = new AbortController()
    const waiting = meter.waitLog(caller.signal)
    caller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow()
    await meter.armLog(LOG, forever())
    light.pulse()
    await meter.waitLog(forever())
    expect(await meter.readLogMw(forever())).toHaveLength(8)
  })

  test('a garbled reply stops it, with the reply', async () => {
    const { opened, wire } = twin()
    await using meter = await opened
    await meter.configure(SETUP, forever())
    wire.tamper((sent) => (Buffer.from(sent).includes('READ') ? Buffer.from('+1.3E-O06\n') : 'pass'))
    await expect(meter.readPowerMw(0, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply: '+1.3E-O06' },
    })
    wire.tamper(() => 'pass')
  })

  test('a late reply after a timeout never answers the next question', async () => {
    const { opened, wire, light } = twin({ timeoutMs: 30, readAveragingS: 1e-6 })
    await using meter = await opened
    await meter.configure(SETUP, forever())
    light.powerAtMw = (channel) => (channel === 0 ? 0.25 : 0.5)
    wire.holdReplies()
    await expect(meter.readPowerMw(0, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    await wire.release()
    expect(await meter.readPowerMw(1, forever())).toBe(0.5)
  })

  test('ports that do not say that they stopped are not safe', async () => {
    const { opened, wire } = twin({ timeoutMs: 30 })
    const meter = await opened
    for (const [question, reply] of [
      ['TRIG5:INP?', 'CME\n'],
      ['SENS2:FUNC:STAT?', 'LOGGING_STABILITY,PROGRESS\n'],
    ] as const) {
      wire.tamper((sent) => (Buffer.from(sent).includes(question) ? Buffer.from(reply) : 'pass'))
      await expect(meter.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    }
    wire.tamper(() => 'lose')
    await expect(meter[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    expect(wire.closed).toBe(true)
    await meter[Symbol.asyncDispose]()
  })

  test('settings: defaults, and what a bench file may not say', () => {
    expect(keysightN7745.settings.parse({})).toEqual({ readAveragingS: 0.2, timeoutMs: 5000, continuousLog: false })
    for (const wrong of [{ readAveragingS: 0 }, { timeoutMs: -1 }, { ports: 8 }]) {
      expect(keysightN7745.settings.safeParse(wrong).success).toBe(false)
    }
  })
})
