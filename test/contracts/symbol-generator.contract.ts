import { describe, expect, test } from 'vitest'
import type { SymbolFormat, SymbolGenerator } from '../../core/instruments.ts'

/** A generator and what a test may see besides its driver. */
export interface SymbolGeneratorUnderTest {
  readonly generator: SymbolGenerator
  /** A format that this generator can play. */
  readonly format: SymbolFormat
  /** Messages sent to the generator so far. */
  readonly messagesSent: () => number
  /** Output voltage at rest, [channel]. */
  readonly restV: () => readonly number[]
  /** Frames played so far: [frame][channel][symbol], in volts. */
  readonly playedV: () => readonly (readonly (readonly number[])[])[]
  /** Time one symbol of the last frame lasted. */
  readonly symbolPeriodS: () => number
  /** Time passes until a frame that was started is over. */
  readonly passFrame: () => void
}

const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }
const SHAPE = { code: 'SHAPE_MISMATCH' }

/** Every channel its own codes. */
const frameOf = (channels: number, symbols: number, seed = 1): Int8Array[] =>
  Array.from({ length: channels }, (_, channel) =>
    Int8Array.from({ length: symbols }, (_, symbol) => ((seed * 37 + channel * 61 + symbol * 23) % 255) - 127),
  )

const inVolts = (codes: readonly Int8Array[], amplitudeV: number): number[][] =>
  codes.map((channel) => Array.from(channel, (code) => (code / 127) * amplitudeV))

function expectPlayed(
  played: readonly (readonly number[])[] | undefined,
  expected: readonly (readonly number[])[],
): void {
  expect(played?.map((channel) => channel.length)).toEqual(expected.map((channel) => channel.length))
  expected.forEach((channel, index) =>
    channel.forEach((levelV, symbol) => expect(played?.[index]?.[symbol]).toBeCloseTo(levelV, 9)),
  )
}

/** What every symbol generator must do, simulated or real. */
export function describeSymbolGenerator(name: string, open: () => Promise<SymbolGeneratorUnderTest>): void {
  describe(`${name} keeps the symbol-generator contract`, () => {
    const configured = async (): Promise<SymbolGeneratorUnderTest> => {
      const bench = await open()
      await bench.generator.configure(bench.format, forever())
      return bench
    }

    test('plays a frame once at the next trigger, code +127 at its amplitude, and rests at 0 V', async () => {
      const { generator, format, playedV, restV, symbolPeriodS } = await configured()
      await using _ = generator
      const codes = frameOf(generator.channelCount, 5)
      codes[0]![0] = 127
      codes[0]![1] = -127
      await generator.loadFrame(codes, forever())
      expect(playedV()).toHaveLength(0)
      await generator.trigger(forever())
      await generator.stop(forever())
      expect(playedV()).toHaveLength(1)
      expectPlayed(playedV()[0], inVolts(codes, format.amplitudeV))
      expect(symbolPeriodS()).toBeCloseTo(format.symbolPeriodS, 15)
      expect(restV()).toEqual(new Array(generator.channelCount).fill(0))
    })

    test('plays frames of one symbol, of as many as it can, and of fewer again', async () => {
      const { generator, format, playedV, passFrame } = await configured()
      await using _ = generator
      const lengths = [1, generator.maxSymbolsPerFrame, 2, 3, generator.maxSymbolsPerFrame]
      for (const [frame, length] of lengths.entries()) {
        const codes = frameOf(generator.channelCount, length, frame)
        await generator.loadFrame(codes, forever())
        await generator.trigger(forever())
        await generator.stop(forever())
        passFrame()
        expectPlayed(playedV()[frame], inVolts(codes, format.amplitudeV))
      }
    })

    test('plays the same frame again when it is rearmed', async () => {
      const { generator, format, playedV } = await configured()
      await using _ = generator
      const codes = frameOf(generator.channelCount, 3)
      await generator.loadFrame(codes, forever())
      await generator.trigger(forever())
      await generator.rearm(forever())
      await generator.trigger(forever())
      await generator.stop(forever())
      expect(playedV()).toHaveLength(2)
      expectPlayed(playedV()[1], inVolts(codes, format.amplitudeV))
    })

    test('plays frames that were prepared while the one before played, and others in spite of it', async () => {
      const { generator, format, playedV, passFrame } = await configured()
      await using _ = generator
      const frames = [4, 4, 2, 3, 3].map((symbols, seed) => frameOf(generator.channelCount, symbols, seed))
      for (const [index, codes] of frames.entries()) {
        await generator.loadFrame(codes, forever())
        await generator.trigger(forever())
        // One of them, and the last one, for nothing; a generator with room for one frame prepares none.
        await generator.prepareFrame?.(index === 2 ? frames[4]! : (frames[index + 1] ?? frames[0]!), forever())
        passFrame()
        expectPlayed(playedV()[index], inVolts(codes, format.amplitudeV))
      }
      await generator.stop(forever())
      expect(playedV()).toHaveLength(frames.length)
    })

    test('holds one level on each channel until it plays or stops', async () => {
      const { generator, format, restV, playedV } = await configured()
      await using _ = generator
      const codes = frameOf(generator.channelCount, 4)
      await generator.loadFrame(codes, forever())
      const held = Int8Array.from({ length: generator.channelCount }, (_, channel) => 127 - 40 * channel)
      await generator.hold(held, forever())
      held.forEach((code, channel) => expect(restV()[channel]).toBeCloseTo((code / 127) * format.amplitudeV, 9))
      await generator.rearm(forever())
      await generator.trigger(forever())
      await generator.stop(forever())
      expect(restV()).toEqual(new Array(generator.channelCount).fill(0))
      expectPlayed(playedV()[0], inVolts(codes, format.amplitudeV))
    })

    test('plays what the caller asked for, whatever the caller does with its arrays meanwhile', async () => {
      const { generator, format, playedV } = await configured()
      await using _ = generator
      const codes = frameOf(generator.channelCount, 3)
      const expected = inVolts(codes, format.amplitudeV)
      const loading = generator.loadFrame(codes, forever())
      for (const channel of codes) channel.fill(0)
      await loading
      await generator.trigger(forever())
      await generator.stop(forever())
      expectPlayed(playedV()[0], expected)
    })

    test('refuses frames and levels that do not fit before a byte is sent', async () => {
      const { generator, messagesSent } = await configured()
      await using _ = generator
      const before = messagesSent()
      const { channelCount, maxSymbolsPerFrame } = generator
      const tooLong = frameOf(channelCount, maxSymbolsPerFrame + 1)
      await expect(generator.loadFrame(tooLong, forever())).rejects.toMatchObject(RANGE)
      await expect(generator.loadFrame(frameOf(channelCount, 0), forever())).rejects.toMatchObject(RANGE)
      await expect(generator.loadFrame(frameOf(channelCount - 1, 4), forever())).rejects.toMatchObject(SHAPE)
      const uneven = [...frameOf(channelCount - 1, 4), new Int8Array(5)]
      await expect(generator.loadFrame(uneven, forever())).rejects.toMatchObject(SHAPE)
      const beyond = frameOf(channelCount, 4)
      beyond[1]![2] = -128
      await expect(generator.loadFrame(beyond, forever())).rejects.toMatchObject(RANGE)
      await expect(generator.hold(new Int8Array(channelCount + 1), forever())).rejects.toMatchObject(SHAPE)
      await expect(generator.hold(new Int8Array(channelCount).fill(-128), forever())).rejects.toMatchObject(RANGE)
      expect(messagesSent()).toBe(before)
    })

    test('refuses an amplitude or a symbol period that it cannot make before a byte is sent', async () => {
      const { generator, format, messagesSent } = await open()
      await using _ = generator
      const before = messagesSent()
      for (const wrong of [{ amplitudeV: 1e3 }, { amplitudeV: NaN }, { symbolPeriodS: 0 }, { symbolPeriodS: NaN }]) {
        await expect(generator.configure({ ...format, ...wrong }, forever())).rejects.toMatchObject(RANGE)
      }
      expect(messagesSent()).toBe(before)
    })

    test('plays nothing before it is configured', async () => {
      const { generator, playedV } = await open()
      await using _ = generator
      const codes = frameOf(generator.channelCount, 2)
      await expect(generator.loadFrame(codes, forever())).rejects.toMatchObject({ code: 'CALL_INVALID' })
      await expect(generator.rearm(forever())).rejects.toMatchObject({ code: 'CALL_INVALID' })
      expect(playedV()).toHaveLength(0)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { generator, format, playedV } = await configured()
      await using _ = generator
      const codes = frameOf(generator.channelCount, 3)
      await expect(generator.loadFrame(codes, AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      await generator.loadFrame(codes, forever())
      await generator.trigger(forever())
      await generator.stop(forever())
      expectPlayed(playedV()[0], inVolts(codes, format.amplitudeV))
    })

    test('is silent once made safe, stays so when made safe again, and plays nothing until configured again', async () => {
      const { generator, format, restV, playedV } = await configured()
      await using _ = generator
      await generator.hold(new Int8Array(generator.channelCount).fill(100), forever())
      await generator.makeSafe(forever())
      await generator.makeSafe(forever())
      expect(restV()).toEqual(new Array(generator.channelCount).fill(0))
      const codes = frameOf(generator.channelCount, 2)
      await expect(generator.loadFrame(codes, forever())).rejects.toMatchObject({ code: 'CALL_INVALID' })
      await generator.configure(format, forever())
      await generator.loadFrame(codes, forever())
      await generator.trigger(forever())
      await generator.stop(forever())
      expectPlayed(playedV()[0], inVolts(codes, format.amplitudeV))
    })

    test('is silent when it is let go, even after the caller gave up', async () => {
      const { generator, restV } = await configured()
      const caller = new AbortController()
      {
        await using _ = generator
        await generator.hold(new Int8Array(generator.channelCount).fill(100), caller.signal)
        expect(restV()[0]).not.toBe(0)
        caller.abort()
      }
      expect(restV()).toEqual(new Array(generator.channelCount).fill(0))
    })
  })
}
