import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { SourceLevel } from '../../core/instruments.ts'
import type { ByteTransport } from '../../core/transport.ts'
import { decodeB2900 } from '../../drivers/power/b2900-data.ts'
import { requireCarried, requireShared } from '../../drivers/power/b2900-limits.ts'
import { KeysightB2900, keysightB2900 } from '../../drivers/power/keysight-b2900.ts'
import { TcpTransport } from '../../drivers/transports/tcp.ts'
import { simB2900 } from '../../sim/instruments/sim-b2900.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { describeSourceMeter } from '../contracts/source-meter.contract.ts'
import { FakeLoads } from '../support/fake-loads.ts'
import { MessageWire } from '../support/message-wire.ts'
import { RawClient, TranscriptWire, pipeTo, said, vector } from '../support/scpi-wires.ts'
import { TamperedWire } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'
import type { VectorExchange } from '../support/vectors.ts'

const vectors = readVectors('b2900')
const forever = (): AbortSignal => new AbortController().signal
const LEVEL: SourceLevel = { force: 'voltage', voltageV: 1.5, limitA: 0.01 }

const IDENTITY = said('*IDN?\n', 'Keysight Technologies,B2901A,MY51141631,3.4.2011.5100\n')
const NO_ERROR = said(':SYST:ERR?\n', '+0,"No error"\n')

/** One line of a vector. */
const line = (meaning: string, at = 0): VectorExchange => {
  const { sent, reply } = vector(vectors, meaning)
  const lines = Buffer.from(sent).toString('latin1').trimEnd().split('\n')
  const questions = lines.filter((each) => each.includes('?'))
  const answers = Buffer.from(reply).toString('latin1').trimEnd().split('\n')
  const answer = answers[questions.indexOf(lines[at]!)]
  return said(`${lines[at]!}\n`, answer === undefined || !lines[at]!.includes('?') ? '' : `${answer}\n`)
}

const OPENED = [
  IDENTITY,
  said('*CLS\n'),
  line('blocks of big-endian doubles: voltage, current and status'),
  line('no measurement switches the output on; both quantities are measured'),
  line('averaging time of readings'),
  line('two wires'),
  NO_ERROR,
]
const ON = [line('1.5 V, at most 10 mA'), line('output on'), line('output on', 1)]
const SAFE = [said(':ABOR\n'), line('at zero and off'), line('at zero and off', 1)]
/** What is asked once a reply could not be taken: still the same, and not switched on since. */
const KNOWN = [IDENTITY, said('*ESR?\n', '+0\n')]

/** Answer to a question for data. */
const data = (question: string, ...values: number[]): VectorExchange => {
  const payload = Buffer.alloc(8 * values.length)
  values.forEach((value, index) => payload.writeDoubleBE(value, 8 * index))
  const head = `#${String(payload.length).length}${payload.length}`
  return { ...said(question), reply: Buffer.concat([Buffer.from(head), payload, Buffer.from('\n')]) }
}

const open = (
  transport: ByteTransport,
  settings: Record<string, unknown> = {},
  clock = new VirtualClock(),
): Promise<KeysightB2900> =>
  KeysightB2900.open({ name: 'smu-0', transport }, keysightB2900.settings.parse(settings), clock, forever())

function twin(settings: Record<string, unknown> = {}) {
  const clock = new VirtualClock()
  const loads = new FakeLoads()
  const sim = simB2900.create(loads, { name: 'smu-0', seed: 1, clock, settings: {} })
  const wire = new TamperedWire(pipeTo(sim))
  return { clock, loads, sim, wire, opened: open(wire, settings, clock) }
}

const underTest = async (carry: (sim: WireInstrument) => ByteTransport & { readonly sent: readonly Uint8Array[] }) => {
  const clock = new VirtualClock()
  const loads = new FakeLoads()
  const wire = carry(simB2900.create(loads, { name: 'smu-0', seed: 1, clock, settings: {} }))
  return {
    meter: await open(wire, {}, clock),
    messagesSent: () => wire.sent.length,
    resistanceOhm: loads.resistanceOhm,
    loadV: (channel: number) => loads.voltagesV[channel]!,
    // Half of a millionth of a range that is ten times the value.
    errorRatio: 1e-5,
  }
}

describeSourceMeter('Keysight B2900 on a simulated wire', () => underTest((sim) => new TamperedWire(pipeTo(sim))))
describeSourceMeter('Keysight B2900 on a wire that marks ends', () => underTest((sim) => new MessageWire(sim)))
describeSourceMeter('Keysight B2900 on a wire where only the mark ends an answer', () =>
  underTest((sim) => new MessageWire(sim, { bare: true })),
)

describe('Keysight B2900', () => {
  test('says everything that matters itself, level with its limit in one message, and sweeps by a list', async () => {
    const clock = new VirtualClock()
    const wire = new TranscriptWire(
      ...[...OPENED, ...ON],
      vector(vectors, 'a spot measurement of one channel'),
      said(':SOUR1:LIST:CURR 0,0.001,0.002\n'),
      said(
        ':SENS1:VOLT:PROT 5;:SOUR1:CURR 0;:SOUR1:CURR:MODE FIX;:SOUR1:FUNC:MODE CURR;:SOUR1:CURR:MODE LIST;' +
          ':ARM1:COUN 1;:TRIG1:SOUR AINT;:TRIG1:COUN 3;:TRIG1:TRAN:DEL 0;:TRIG1:ACQ:DEL 0.001;:SYST:ERR?\n',
        '+0,"No error"\n',
      ),
      ...[
        said('*ESR?\n', '+128\n'),
        said(':INIT (@1);*OPC\n'),
        said('*ESR?\n', '+0\n'),
        said('*ESR?\n', '+1\n'),
        NO_ERROR,
      ],
      data(':FETC:ARR? (@1)\n', 0, 0, 1, 1, 1e-3, 1, 2, 2e-3, 1 + 4),
      line('1.5 V, at most 10 mA'),
      ...SAFE,
    )
    {
      await using meter = await open(wire, {}, clock)
      expect(meter.channelCount).toBe(1)
      await meter.setLevel(0, LEVEL, forever())
      expect(clock.monotonicNs()).toBe(0)
      await meter.setOutput(0, true, forever())
      expect(clock.monotonicNs()).toBe(1e6)
      expect(await meter.measure(0, forever())).toEqual({ voltageV: 1.5, currentA: 1.5e-3, limited: false })
      const sweep = { force: 'current', currentsA: Float64Array.of(0, 1e-3, 2e-3), limitV: 5 } as const
      const { voltagesV, currentsA, limited } = await meter.measureSweep(0, sweep, forever())
      expect([[...voltagesV], [...currentsA], [...limited]]).toEqual([
        [0, 1, 2],
        [0, 1e-3, 2e-3],
        [0, 0, 1],
      ])
      // Three points of 21 ms, then one twentieth of that.
      expect(clock.monotonicNs()).toBeCloseTo(1e6 + 63e6 + 3.15e6, -3)
    }
    wire.expectDone()
  })

  test('a level that shrinks goes before its limit', async () => {
    const wire = new TranscriptWire(
      ...[...OPENED, line('1.5 V, at most 10 mA')],
      said(
        ':SOUR1:VOLT 1;:SENS1:CURR:PROT 3;:SOUR1:VOLT:MODE FIX;:SOUR1:FUNC:MODE VOLT;:SYST:ERR?\n',
        '+0,"No error"\n',
      ),
      ...SAFE,
    )
    {
      await using meter = await open(wire)
      await meter.setLevel(0, LEVEL, forever())
      await meter.setLevel(0, { force: 'voltage', voltageV: 1, limitA: 3 }, forever())
    }
    wire.expectDone()
  })

  test('fixed ranges go by their names, the smallest that surely holds the value', async () => {
    const wire = new TranscriptWire(
      ...OPENED,
      said(
        ':SOUR1:VOLT:RANG:AUTO 0;:SOUR1:VOLT:RANG 20;:SENS1:VOLT:RANG:AUTO 0;:SENS1:VOLT:RANG 20;' +
          ':SOUR1:CURR:RANG:AUTO 1;:SENS1:CURR:RANG:AUTO 1;:SYST:ERR?\n',
        '+0,"No error"\n',
      ),
      ...SAFE,
    )
    {
      await using meter = await open(wire)
      await meter.setRanges(0, { voltageV: 2.05 }, forever())
    }
    wire.expectDone()
  })

  test.each([
    ['B2901A', 1],
    ['B2902A', 2],
    ['B2911A', 1],
    ['B2912B', 2],
  ])('takes a %s for what it is, with %i channels', async (model, channels) => {
    const { opened, wire } = twin()
    await (await opened)[Symbol.asyncDispose]()
    const next = new TamperedWire(pipeTo(twin().sim))
    next.tamper((sent) =>
      Buffer.from(sent).includes('*IDN?') ? Buffer.from(`Agilent Technologies,${model},MY1,1.0\n`) : 'pass',
    )
    const meter = await open(next)
    expect(meter.channelCount).toBe(channels)
    await meter[Symbol.asyncDispose]()
    expect(wire.closed).toBe(true)
  })

  test.each(['B2961A', 'B2985A', 'B2901BL', 'E36312A'])('does not take a %s for one', async (model) => {
    const wire = new TranscriptWire(said('*IDN?\n', `Keysight Technologies,${model},MY1,1.0\n`))
    await expect(open(wire)).rejects.toMatchObject({ code: 'INSTRUMENT_WRONG_IDENTITY' })
  })

  test('a setting that is refused is named, and the level counts as unknown', async () => {
    const wire = new TranscriptWire(
      ...OPENED,
      said(
        ':SENS1:CURR:PROT 0.01;:SOUR1:VOLT 1.5;:SOUR1:VOLT:MODE FIX;:SOUR1:FUNC:MODE VOLT;:SYST:ERR?\n',
        '-221,"Settings conflict"\n',
      ),
      ...[NO_ERROR, ...SAFE],
    )
    await using meter = await open(wire)
    await expect(meter.setLevel(0, LEVEL, forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      context: { errors: [{ number: -221 }] },
    })
    await expect(meter.setOutput(0, true, forever())).rejects.toMatchObject({ code: 'CALL_INVALID' })
  })

  test('an output that does not switch is said to stay as it was', async () => {
    const wire = new TranscriptWire(
      ...[...OPENED, line('1.5 V, at most 10 mA'), line('output on'), said(':OUTP1?\n', '0\n'), ...SAFE],
    )
    await using meter = await open(wire)
    await meter.setLevel(0, LEVEL, forever())
    await expect(meter.setOutput(0, true, forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: expect.stringContaining('output 1 stays off') as string,
    })
  })

  test('a sweep that never ends is aborted, and the output is back at its level', async () => {
    const { opened, sim, loads, wire } = twin()
    await using meter = await opened
    await meter.setLevel(0, LEVEL, forever())
    await meter.setOutput(0, true, forever())
    wire.tamper((sent) => {
      // Somebody changes the trigger source behind the driver's back.
      if (Buffer.from(sent).includes(':INIT')) new RawClient(sim).send(':TRIG1:SOUR EXT1\n')
      return 'pass'
    })
    const sweep = { force: 'voltage', voltagesV: Float64Array.of(3, 4), limitA: 0.01 } as const
    await expect(meter.measureSweep(0, sweep, forever())).rejects.toMatchObject({ code: 'INSTRUMENT_NOT_SETTLED' })
    expect(loads.voltagesV[0]).toBe(1.5)
    expect(new RawClient(sim).ask(':STAT:OPER:COND?\n')).toBe('1170\n')
  })

  test.each([
    ['one number too few', [1, 2]],
    ['one number too many', [1, 2, 0, 4]],
    ['what is no number', [NaN, 2, 0]],
    ['a status that is none', [1, 2, 0.5]],
  ])('refuses data with %s, and shows them', async (_what, values) => {
    const wire = new TranscriptWire(...OPENED, ...ON, data(':MEAS? (@1)\n', ...values), ...KNOWN, ...SAFE)
    await using meter = await open(wire)
    await meter.setLevel(0, LEVEL, forever())
    await meter.setOutput(0, true, forever())
    await expect(meter.measure(0, forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test.each([
    ['the stand-in for infinity', [9.9e37, 0, 0]],
    ['infinity', [1, -Infinity, 0]],
    ['the bit for over-range', [1, 2, 8192]],
  ])('a reading with %s is beyond its range', async (_what, values) => {
    const wire = new TranscriptWire(...OPENED, ...ON, data(':MEAS? (@1)\n', ...values), ...KNOWN, ...SAFE)
    await using meter = await open(wire)
    await meter.setLevel(0, LEVEL, forever())
    await meter.setOutput(0, true, forever())
    await expect(meter.measure(0, forever())).rejects.toMatchObject({ code: 'RANGE_EXCEEDED', context: { channel: 0 } })
  })

  test('a late reply after a timeout never answers the next question', async () => {
    const { opened, wire, loads } = twin({ timeoutMs: 30, apertureS: 1e-5, settleMs: 0 })
    await using meter = await opened
    for (const channel of [0, 1]) {
      await meter.setLevel(channel, LEVEL, forever())
      await meter.setOutput(channel, true, forever())
    }
    loads.resistanceOhm[1] = 500
    await meter.setLevel(1, LEVEL, forever())
    wire.holdReplies()
    await expect(meter.measure(0, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    await wire.release()
    expect((await meter.measure(1, forever())).currentA).toBeCloseTo(3e-3, 9)
  })

  test('outputs that do not say that they are off and at zero are not safe', async () => {
    const { opened, wire } = twin({ timeoutMs: 30 })
    const meter = await opened
    for (const reply of ['1;+0.0E+00;+0.0E+00\n', '0;+1.0E-03;+0.0E+00\n', '0;0;0;0\n', '0;0\n']) {
      wire.tamper((sent) => (Buffer.from(sent).includes(':OUTP2?') ? Buffer.from(reply) : 'pass'))
      await expect(meter.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    }
    wire.tamper(() => 'lose')
    await expect(meter[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    expect(wire.closed).toBe(true)
    await meter[Symbol.asyncDispose]()
  })

  test('works over a real socket', async () => {
    const { sim, loads, clock } = twin()
    await using server = await serveTcp(sim)
    const resource = `TCPIP::127.0.0.1::${server.port}::SOCKET`
    const transport = await TcpTransport.open(resource, '127.0.0.1', server.port, forever())
    await using meter = await open(transport, {}, clock)
    await meter.setLevel(1, LEVEL, forever())
    await meter.setOutput(1, true, forever())
    const voltagesV = Float64Array.from({ length: 500 }, (_, index) => index / 100)
    const readings = await meter.measureSweep(1, { force: 'voltage', voltagesV, limitA: 0.01 }, forever())
    expect(readings.currentsA[250]).toBeCloseTo(2.5e-3, 8)
    expect(loads.voltagesV[1]).toBe(1.5)
  })

  test('settings: defaults, and what a bench file may not say', () => {
    expect(keysightB2900.settings.parse({})).toEqual({
      apertureS: 0.02,
      settleMs: 1,
      remoteSense: false,
      timeoutMs: 5000,
    })
    for (const wrong of [{ apertureS: 0 }, { settleMs: -1 }, { timeoutMs: 0 }, { channel: 1 }]) {
      expect(keysightB2900.settings.safeParse(wrong).success).toBe(false)
    }
  })
})

describe('what the output stage of a B2900 carries', () => {
  const volts = (voltageV: number, limitA: number): SourceLevel => ({ force: 'voltage', voltageV, limitA })
  const amperes = (currentA: number, limitV: number): SourceLevel => ({ force: 'current', currentA, limitV })

  test('3.03 A to 6 V, 1.515 A to 21 V, 105 mA to 210 V, of either sign and whichever is forced', () => {
    for (const [voltageV, currentA] of [
      [6, 3.03],
      [21, 1.515],
      [210, 0.105],
    ] as const) {
      for (const sign of [1, -1]) {
        requireCarried(volts(sign * voltageV, currentA))
        requireCarried(amperes(sign * currentA, voltageV))
        for (const level of [volts(sign * voltageV * 1.001, currentA), volts(sign * voltageV, currentA * 1.001)]) {
          expect(() => requireCarried(level)).toThrow(/is outside/)
        }
        expect(() => requireCarried(amperes(sign * currentA, voltageV * 1.001))).toThrow(/limitV .* is outside/)
      }
    }
  })

  test('both channels share 4 A up to 6 V, an ampere up to 21 V counting for 1.6', () => {
    requireShared([volts(6, 3), volts(6, 1)])
    requireShared([volts(21, 1.25), amperes(1.25, 21)])
    requireShared([volts(5, 2.4), volts(10, 1)])
    expect(() => requireShared([volts(6, 3), volts(6, 1.01)])).toThrow(/both channels together/)
    expect(() => requireShared([volts(21, 1.25), volts(21, 1.26)])).toThrow(/both channels together/)
    expect(() => requireShared([volts(5, 2.41), volts(10, 1)])).toThrow(/both channels together/)
  })

  test('the driver holds a channel to what the other leaves', async () => {
    const { opened, wire } = twin()
    await using meter = await opened
    await meter.setLevel(0, volts(6, 3), forever())
    const before = wire.sent.length
    await expect(meter.setLevel(1, volts(6, 2), forever())).rejects.toMatchObject({ code: 'RANGE_EXCEEDED' })
    expect(wire.sent).toHaveLength(before)
    await meter.setLevel(1, volts(6, 1), forever())
  })
})

describe('data of a B2900', () => {
  const at = { instrument: 'smu-0', channel: 0 }

  test('what is encoded as big-endian doubles is decoded', () => {
    const value = fc.double({ min: -9e37, max: 9e37, noNaN: true })
    const point = fc.tuple(value, value, fc.integer({ min: 0, max: 0x1fff }))
    fc.assert(
      fc.property(fc.array(point, { minLength: 1 }), (points) => {
        const view = new DataView(new ArrayBuffer(24 * points.length))
        points.flat().forEach((each, index) => view.setFloat64(8 * index, each))
        const decoded = decodeB2900(new Uint8Array(view.buffer), points.length, at)
        expect([...decoded.voltagesV]).toEqual(points.map(([voltageV]) => voltageV))
        expect([...decoded.currentsA]).toEqual(points.map(([, currentA]) => currentA))
        expect([...decoded.limited]).toEqual(points.map(([, , status]) => ((status & 6) === 0 ? 0 : 1)))
      }),
      { seed: 1 },
    )
  })

  test('garbage is readings or an error with a code, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 4 }), (garbage, points) => {
        try {
          expect(decodeB2900(garbage, points, at).voltagesV).toHaveLength(points)
        } catch (error) {
          expect(['PROTOCOL_UNEXPECTED_REPLY', 'RANGE_EXCEEDED']).toContain((error as { code?: string }).code)
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})
