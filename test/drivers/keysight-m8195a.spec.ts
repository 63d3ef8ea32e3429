import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { ByteTransport } from '../../core/transport.ts'
import { KeysightM8195a, keysightM8195a } from '../../drivers/modulators/keysight-m8195a.ts'
import { simM8195a } from '../../sim/instruments/sim-m8195a.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { describeSymbolGenerator } from '../contracts/symbol-generator.contract.ts'
import { FakeDrive } from '../support/fake-drive.ts'
import { MessageWire } from '../support/message-wire.ts'
import { TranscriptWire, pipeTo, said, vector } from '../support/scpi-wires.ts'
import { TamperedWire } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'
import type { VectorExchange } from '../support/vectors.ts'

const vectors = readVectors('m8195a')
const forever = (): AbortSignal => new AbortController().signal
const means = (meaning: string): VectorExchange => vector(vectors, meaning)

/** 52 loops of 20 ns, the shortest symbol; 0.5 V is 1 V peak to peak. */
const FORMAT = { symbolPeriodS: 52 * 20e-9, amplitudeV: 0.5 }
const IDENTITY = said('*IDN?\n', 'Keysight Technologies,M8195A,DE55300123,3.7.0.0\n')
const OPENED = [IDENTITY, said('*CLS\n')]
const NO_ERROR = means('the error queue is empty')
const CONFIGURED = [
  means('stop'),
  means('four channels from extended memory, in one message'),
  means("the converters' rate"),
  means('sequence mode, triggered, self-armed'),
  means('trigger input, and big-endian words'),
  means('segments on all channels at once, for two frames of two symbols and for holding'),
  means('a table of two symbols of 52 loops in two places, and the looped entry for holding between them'),
  means('dynamic mode, and which sequence plays first'),
  means('1 V peak to peak, no offset'),
  means('outputs on'),
  means('everything before is done'),
  NO_ERROR,
]
const SAFE = [means('stop and switch all outputs off'), means('outputs read back: all off')]
const START = means('start, and ask in the same message whether all was taken')

/** One symbol is 384 bytes of one code. */
const frame = (channel: number, ...codes: number[]): VectorExchange => frameIn(1, channel, codes)
const frameIn = (segment: number, channel: number, codes: readonly number[]): VectorExchange => {
  const payload = Buffer.concat(codes.map((code) => Buffer.alloc(384, code)))
  const length = String(payload.length)
  const head = `:TRAC${channel}:DATA ${segment},0,#${length.length}${length}`
  return { meaning: head, sent: Buffer.concat([Buffer.from(head), payload, Buffer.from('\n')]), reply: Buffer.alloc(0) }
}

const level = (channel: number, code: number): VectorExchange => {
  const head = `:TRAC${channel}:DATA 2,0,#3320`
  const sent = Buffer.concat([Buffer.from(head), Buffer.alloc(320, code), Buffer.from('\n')])
  return { meaning: head, sent, reply: Buffer.alloc(0) }
}

const open = (transport: ByteTransport, settings: Record<string, unknown> = {}): Promise<KeysightM8195a> =>
  KeysightM8195a.open(
    { name: 'awg-0', transport },
    keysightM8195a.settings.parse({ maxSymbolsPerFrame: 2, ...settings }),
    new VirtualClock(),
    forever(),
  )

function twin(settings: Record<string, unknown> = {}) {
  const clock = new VirtualClock()
  const drive = new FakeDrive()
  const sim = simM8195a.create(drive, { name: 'awg-0', seed: 1, clock, settings: {} })
  const wire = new TamperedWire(pipeTo(sim))
  return { clock, drive, sim, wire, opened: open(wire, { maxSymbolsPerFrame: 64, ...settings }) }
}

const underTest = async (carry: (sim: WireInstrument) => ByteTransport & { readonly sent: readonly Uint8Array[] }) => {
  const clock = new VirtualClock()
  const drive = new FakeDrive()
  const wire = carry(simM8195a.create(drive, { name: 'awg-0', seed: 1, clock, settings: {} }))
  return {
    generator: await open(wire, { maxSymbolsPerFrame: 64 }),
    format: { symbolPeriodS: 40e-6, amplitudeV: 0.4 },
    messagesSent: () => wire.sent.length,
    restV: () => drive.restV,
    playedV: () => drive.played,
    symbolPeriodS: () => drive.loaded?.symbolPeriodS ?? 0,
    passFrame: () => clock.moveTo(clock.monotonicNs() + 1e9),
  }
}

describeSymbolGenerator('Keysight M8195A on a simulated wire', () => underTest((sim) => new TamperedWire(pipeTo(sim))))
describeSymbolGenerator('Keysight M8195A on a wire that marks ends', () => underTest((sim) => new MessageWire(sim)))
describeSymbolGenerator('Keysight M8195A on a wire where only the mark ends an answer', () =>
  underTest((sim) => new MessageWire(sim, { bare: true })),
)

describe('Keysight M8195A', () => {
  test('lays out segments and table once, uploads only codes, and moves only the end of the table', async () => {
    const wire = new TranscriptWire(
      ...OPENED,
      ...CONFIGURED,
      ...[means('stop'), frame(1, 1, 2), frame(2, 3, 4), frame(3, 5, 6), frame(4, 0x81, 0x7f), START],
      means('software trigger'),
      ...[means('stop'), frame(1, 1), frame(2, 2), frame(3, 3), frame(4, 4)],
      ...[means('the sequence is shortened to its first symbol'), START],
      ...[means('stop'), START],
      ...[
        means('from playing frames to holding a level'),
        level(1, 9),
        level(2, 8),
        level(3, 7),
        level(4, 0xfa),
        START,
      ],
      ...[said(':ABOR;:INIT:CONT:STAT 0;:STAB:DYN:SEL 0\n'), START],
      means('stop'),
      ...SAFE,
    )
    {
      await using generator = await open(wire)
      await generator.configure(FORMAT, forever())
      await generator.loadFrame(
        [Int8Array.of(1, 2), Int8Array.of(3, 4), Int8Array.of(5, 6), Int8Array.of(-127, 127)],
        forever(),
      )
      await generator.trigger(forever())
      await generator.loadFrame([Int8Array.of(1), Int8Array.of(2), Int8Array.of(3), Int8Array.of(4)], forever())
      await generator.rearm(forever())
      await generator.hold(Int8Array.of(9, 8, 7, -6), forever())
      await generator.rearm(forever())
      await generator.stop(forever())
    }
    wire.expectDone()
  })

  test('writes the next frame into the place that does not play, selects it, and plays it at the next trigger', async () => {
    const codes = (...symbols: number[]): Int8Array[] => [1, 2, 3, 4].map((n) => Int8Array.from(symbols, (s) => s * n))
    const channels = (segment: number, ...symbols: number[]): VectorExchange[] =>
      [1, 2, 3, 4].map((n) =>
        frameIn(
          segment,
          n,
          symbols.map((s) => s * n),
        ),
      )
    const select = (entry: number): VectorExchange => said(`:STAB:DYN:SEL ${entry};:SYST:ERR?\n`, '0,"No error"\n')
    const wire = new TranscriptWire(
      ...[...OPENED, ...CONFIGURED],
      // Nothing plays yet: all of it is loaded afterwards.
      ...[means('stop'), ...channels(1, 1, 2), START, means('software trigger')],
      ...[...channels(3, 3, 4), select(3), means('software trigger')],
      ...channels(1, 5),
      ...[means('the sequence is shortened to its first symbol'), select(0), means('software trigger')],
      // Prepared, but another frame is wanted: all stops, and that one takes the prepared one's place.
      ...[...channels(3, 7, 8), select(3), means('stop'), ...channels(3, 9, 9), START, means('software trigger')],
      // Stopped in between: nothing that was prepared still counts.
      ...[...channels(1, 6), select(0), means('stop'), means('stop'), ...channels(1, 6), START],
      ...SAFE,
    )
    {
      await using generator = await open(wire)
      await generator.configure(FORMAT, forever())
      const play = async (frame: Int8Array[], prepare = true): Promise<void> => {
        if (prepare) await generator.prepareFrame(frame, forever())
        await generator.loadFrame(frame, forever())
        await generator.trigger(forever())
      }
      await play(codes(1, 2))
      await play(codes(3, 4))
      await play(codes(5))
      await generator.prepareFrame(codes(7, 8), forever())
      await play(codes(9, 9), false)
      const last = codes(6)
      await generator.prepareFrame(last, forever())
      await generator.stop(forever())
      await generator.loadFrame(last, forever())
      await expect(generator.prepareFrame(codes(1).slice(1), forever())).rejects.toThrow(/a frame is 4 arrays/)
    }
    wire.expectDone()
  })

  test('reports its own errors, all of them, and sends the whole table again before it trusts it', async () => {
    const frames = [frame(1, 1), frame(2, 2), frame(3, 3), frame(4, 4)]
    const inPlace = (segment: number): number[] => [0x5000_0000, 1, 52, segment, 0, 319, 0, 1, 52, segment, 384, 703]
    const shortened = [...inPlace(1), 0x5000_0000, 1, 52, 2, 0, 0xffff_ffff, ...inPlace(3)]
    const words = Buffer.alloc(120)
    shortened.forEach((word, index) => words.writeUInt32BE(word, 4 * index))
    const table = Buffer.concat([Buffer.from(':STAB:DATA 0,#3120'), words, Buffer.from('\n')])
    const wire = new TranscriptWire(
      ...OPENED,
      ...CONFIGURED,
      ...[means('stop'), ...frames, means('the sequence is shortened to its first symbol')],
      said(':INIT:IMM;:SYST:ERR?\n', '-223,"Too much data"\n'),
      said(':SYST:ERR?\n', '-221,"Settings conflict;stop first"\n'),
      NO_ERROR,
      said(':ABOR;:INIT:CONT:STAT 0;:STAB:DYN:SEL 0\n'),
      ...frames,
      { meaning: 'the whole table, shortened', sent: table, reply: Buffer.alloc(0) },
      START,
      ...SAFE,
    )
    {
      await using generator = await open(wire)
      await generator.configure(FORMAT, forever())
      const codes = [Int8Array.of(1), Int8Array.of(2), Int8Array.of(3), Int8Array.of(4)]
      await expect(generator.loadFrame(codes, forever())).rejects.toMatchObject({
        code: 'INSTRUMENT_REFUSED',
        context: { errors: [{ number: -223 }, { number: -221, text: 'Settings conflict;stop first' }] },
      })
      await expect(generator.rearm(forever())).rejects.toMatchObject({ code: 'CALL_INVALID' })
      await generator.loadFrame(codes, forever())
    }
    wire.expectDone()
  })

  test('is not taken for another instrument', async () => {
    const wire = new TranscriptWire(said('*IDN?\n', 'Keysight Technologies,M8190A,DE0,1.0\n'))
    await expect(open(wire)).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringMatching(/awg-0 should be a Keysight M8195A.*M8190A/) as string,
    })
    wire.expectDone()
  })

  test('symbols last a multiple of 20 ns at 64 GSa/s, at least 52 of them', async () => {
    const { opened, wire } = twin()
    await using generator = await opened
    const before = wire.sent.length
    for (const symbolPeriodS of [1.02e-6, 5.01e-6, 100]) {
      await expect(generator.configure({ ...FORMAT, symbolPeriodS }, forever())).rejects.toMatchObject({
        code: 'RANGE_EXCEEDED',
      })
    }
    expect(wire.sent).toHaveLength(before)
    await generator.configure({ ...FORMAT, symbolPeriodS: 1.04e-6 }, forever())
    await generator.configure({ ...FORMAT, symbolPeriodS: 5.02e-6 }, forever())
  })

  test('waits for the calibration behind another sample rate', async () => {
    const { opened, clock } = twin({ sampleRateHz: 60e9 })
    await using generator = await opened
    await generator.configure({ symbolPeriodS: (320 * 4 * 300) / 60e9, amplitudeV: 0.5 }, forever())
    expect(clock.monotonicNs()).toBe(2e9)
  })

  test('settings: defaults, and what a bench file may not say', () => {
    expect(keysightM8195a.settings.parse({})).toEqual({ sampleRateHz: 64e9, maxSymbolsPerFrame: 1024, timeoutMs: 5000 })
    for (const wrong of [{ sampleRateHz: 10e9 }, { maxSymbolsPerFrame: 0 }, { colour: 'red' }]) {
      expect(keysightM8195a.settings.safeParse(wrong).success).toBe(false)
    }
  })

  test('a reply that is no error report stops it, with the reply', async () => {
    const { opened, wire } = twin()
    await using generator = await opened
    await generator.configure(FORMAT, forever())
    wire.tamper((sent) => (Buffer.from(sent).includes('INIT:IMM') ? Buffer.from('ready\n') : 'pass'))
    const codes = Array.from({ length: 4 }, () => Int8Array.of(1))
    await expect(generator.loadFrame(codes, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply: 'ready' },
    })
    wire.tamper(() => 'pass')
    await generator.loadFrame(codes, forever())
  })

  test('a late reply after a timeout never answers the next question', async () => {
    const { opened, wire, drive } = twin({ timeoutMs: 30 })
    await using generator = await opened
    await generator.configure(FORMAT, forever())
    wire.holdReplies()
    const codes = Array.from({ length: 4 }, () => Int8Array.of(100, 50))
    await expect(generator.loadFrame(codes, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    await wire.release()
    await generator.loadFrame(codes, forever())
    await generator.trigger(forever())
    await generator.stop(forever())
    expect(drive.played[0]?.[3]?.[0]).toBeCloseTo((100 / 127) * 0.5, 12)
  })

  test('outputs that do not say that they are off are not safe', async () => {
    const { opened, wire } = twin({ timeoutMs: 30 })
    const generator = await opened
    wire.tamper((sent) => (Buffer.from(sent).includes('OUTP1?') ? Buffer.from('0;0;1;0\n') : 'pass'))
    await expect(generator.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    wire.tamper(() => 'lose')
    await expect(generator[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    expect(wire.closed).toBe(true)
    await generator[Symbol.asyncDispose]()
  })
})
