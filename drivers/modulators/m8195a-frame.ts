import { BenchError } from '../../core/errors.ts'
import { requireInRange } from '../../core/range.ts'
import { scpiBlockMessage } from '../protocols/scpi.ts'

/** Extended memory feeds the converters at a quarter of their rate when all four channels use it. */
const RATE_DIVIDER = 4
/** Samples one loop of a symbol plays: the shortest stretch that the sequencer takes. */
const SYMBOL_SAMPLES = 320
/** Samples from one symbol to the next in memory: start addresses are multiples of two vectors of 64 samples. */
const SYMBOL_STRIDE = 384
/** One address jump a symbol is allowed when it plays at least 257 vectors of 64 samples: 52 loops of 320. */
const FEWEST_LOOPS = 52
const MOST_LOOPS = 2 ** 32 - 1
const BYTES_PER_ENTRY = 24

/** Of the two places for frames. */
const FRAME_SEGMENTS = [1, 3] as const
const HOLD_SEGMENT = 2
const BEGINS_SEQUENCE = 2 ** 28
const ENDS_SEQUENCE = 2 ** 30
const SEGMENT_END = 0xffff_ffff

/** There are two: one plays while the other is written. */
export type FramePlace = 0 | 1

/**
 * How frames lie in the memory of an M8195A: one segment a channel in which each symbol is a stretch of one constant
 * code, and a sequence table that loops each stretch for the length of a symbol. All of it twice.
 *
 * ```
 * segment 1   |symbol 0: 320 + 64 spare|symbol 1: 320 + 64 spare| …
 * table       0: 320 samples × loops    1: 320 samples × loops    …    maxSymbols: segment 2, for holding
 *             maxSymbols + 1: as 0, but of segment 3                …
 * ```
 *
 * Source: M8195A User's Guide rev. 2 §6.18 tables 35–41 (control word, offsets), §3.11 (linear playtime).
 */
export class M8195aFrame {
  readonly maxSymbols: number
  readonly #loopS: number
  /** [place][channel]: filled again for every frame of the same length, because fresh memory costs more than filling it. */
  readonly #uploads: readonly (ReturnType<typeof scpiBlockMessage> | undefined)[][] = [[], []]

  constructor(maxSymbols: number, sampleRateHz: number) {
    this.maxSymbols = maxSymbols
    this.#loopS = (SYMBOL_SAMPLES * RATE_DIVIDER) / sampleRateHz
  }

  get segmentDefinitions(): string {
    const samples = this.maxSymbols * SYMBOL_STRIDE
    const frames = FRAME_SEGMENTS.map((segment) => `:TRAC1:DEF ${segment},${samples},0`)
    return [...frames, `:TRAC1:DEF ${HOLD_SEGMENT},${SYMBOL_SAMPLES},0`].join(';')
  }

  get holdIndex(): number {
    return this.maxSymbols
  }

  /** Where in the table the frame of a place begins. */
  firstIndex(place: FramePlace): number {
    return place === 0 ? 0 : this.maxSymbols + 1
  }

  /** Throws RANGE_EXCEEDED unless the period is a whole number of loops. */
  loopsFor(symbolPeriodS: number): number {
    requireInRange('symbolPeriodS', symbolPeriodS, { min: FEWEST_LOOPS * this.#loopS, max: MOST_LOOPS * this.#loopS })
    const loops = Math.round(symbolPeriodS / this.#loopS)
    if (Math.abs((loops * this.#loopS) / symbolPeriodS - 1) < 1e-9) return loops
    throw new BenchError(
      'RANGE_EXCEEDED',
      `symbolPeriodS ${symbolPeriodS} is not a multiple of ${this.#loopS}; ${loops * this.#loopS} is the nearest`,
      { context: { name: 'symbolPeriodS', value: symbolPeriodS, step: this.#loopS } },
    )
  }

  /** Throws SHAPE_MISMATCH unless there is one array a channel, all of one length; RANGE_EXCEEDED when they do not fit. */
  symbolsOf(codes: readonly Int8Array[], channelCount: number): number {
    const symbols = codes[0]?.length ?? 0
    if (codes.length !== channelCount || codes.some(({ length }) => length !== symbols)) {
      const got = codes.map(({ length }) => length)
      throw new BenchError(
        'SHAPE_MISMATCH',
        `a frame is ${channelCount} arrays of one length, one a channel; got lengths ${JSON.stringify(got)}`,
        { context: { channelCount, got } },
      )
    }
    requireInRange('symbols in a frame', symbols, { min: 1, max: this.maxSymbols })
    for (const channel of codes) requireCodes(channel)
    return symbols
  }

  /** Writes one channel of a frame. Valid until that channel's next in this place. */
  upload(place: FramePlace, channel: number, codes: Int8Array): Uint8Array {
    const bytes = codes.length * SYMBOL_STRIDE
    const known = this.#uploads[place]![channel]
    const head = `:TRAC${channel + 1}:DATA ${FRAME_SEGMENTS[place]},0,`
    const upload = known?.payload.length === bytes ? known : scpiBlockMessage(head, bytes)
    this.#uploads[place]![channel] = upload
    for (let symbol = 0, at = 0; symbol < codes.length; symbol++, at += SYMBOL_STRIDE) {
      upload.payload.fill(codes[symbol]!, at, at + SYMBOL_STRIDE)
    }
    return upload.message
  }

  /** Writes the code at which one channel is held. */
  uploadHold(channel: number, code: number): Uint8Array {
    const { message, payload } = scpiBlockMessage(`:TRAC${channel + 1}:DATA ${HOLD_SEGMENT},0,`, SYMBOL_SAMPLES)
    payload.fill(code)
    return message
  }

  /** The whole table: a sequence of `symbols` in each place, what follows it up to `maxSymbols`, the entry for holding. */
  table(symbols: number, loops: number): Uint8Array {
    const { message, payload } = scpiBlockMessage(':STAB:DATA 0,', (2 * this.maxSymbols + 1) * BYTES_PER_ENTRY)
    const words = new DataView(payload.buffer, payload.byteOffset, payload.length)
    const write = (index: number, entry: readonly number[]): void =>
      entry.forEach((word, i) => words.setUint32(index * BYTES_PER_ENTRY + 4 * i, word))
    for (const place of [0, 1] as const) {
      for (let symbol = 0; symbol < this.maxSymbols; symbol++) {
        write(this.firstIndex(place) + symbol, entryOf(place, symbol, symbols, loops))
      }
    }
    write(this.holdIndex, [BEGINS_SEQUENCE + ENDS_SEQUENCE, 1, loops, HOLD_SEGMENT, 0, SEGMENT_END])
    return message
  }

  /** Moves the end of one place's sequence from one symbol to another. */
  moveEnd(place: FramePlace, from: number, to: number, loops: number): string {
    const first = this.firstIndex(place) - 1
    return [from, to].map((at) => `:STAB:DATA ${first + at},${entryOf(place, at - 1, to, loops).join()}`).join(';')
  }
}

/** Control, sequence loops, segment loops, segment, first sample, last sample. */
function entryOf(place: FramePlace, symbol: number, symbols: number, loops: number): readonly number[] {
  const control = (symbol === 0 ? BEGINS_SEQUENCE : 0) + (symbol === symbols - 1 ? ENDS_SEQUENCE : 0)
  const first = symbol * SYMBOL_STRIDE
  return [control, 1, loops, FRAME_SEGMENTS[place], first, first + SYMBOL_SAMPLES - 1]
}

/** −128 has no counterpart, and an amplifier behind the converter would see more than full scale. */
export function requireCodes(codes: Int8Array): void {
  const at = codes.indexOf(-128)
  if (at >= 0) requireInRange(`code of symbol ${at}`, -128, { min: -127, max: 127 })
}
