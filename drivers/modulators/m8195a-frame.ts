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

const FRAME_SEGMENT = 1
const HOLD_SEGMENT = 2
const BEGINS_SEQUENCE = 2 ** 28
const ENDS_SEQUENCE = 2 ** 30
const SEGMENT_END = 0xffff_ffff

/**
 * How a frame lies in the memory of an M8195A: one segment a channel in which each symbol is a stretch of one constant
 * code, and a sequence table that loops each stretch for the length of a symbol.
 *
 * ```
 * segment 1   |symbol 0: 320 + 64 spare|symbol 1: 320 + 64 spare| …
 * table       0: 320 samples × loops    1: 320 samples × loops    …    maxSymbols: segment 2, for holding
 * ```
 *
 * Source: M8195A User's Guide rev. 2 §6.18 tables 35–41 (control word, offsets), §3.11 (linear playtime).
 */
export class M8195aFrame {
  readonly maxSymbols: number
  readonly #loopS: number
  /** [channel]: filled again for every frame of the same length, because fresh memory costs more than filling it. */
  readonly #uploads: (ReturnType<typeof scpiBlockMessage> | undefined)[] = []

  constructor(maxSymbols: number, sampleRateHz: number) {
    this.maxSymbols = maxSymbols
    this.#loopS = (SYMBOL_SAMPLES * RATE_DIVIDER) / sampleRateHz
  }

  get segmentDefinitions(): string {
    return `:TRAC1:DEF ${FRAME_SEGMENT},${this.maxSymbols * SYMBOL_STRIDE},0;:TRAC1:DEF ${HOLD_SEGMENT},${SYMBOL_SAMPLES},0`
  }

  get holdIndex(): number {
    return this.maxSymbols
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

  /** Writes one channel of a frame. Valid until that channel's next. */
  upload(channel: number, codes: Int8Array): Uint8Array {
    const bytes = codes.length * SYMBOL_STRIDE
    const known = this.#uploads[channel]
    const upload =
      known?.payload.length === bytes ? known : scpiBlockMessage(`:TRAC${channel + 1}:DATA ${FRAME_SEGMENT},0,`, bytes)
    this.#uploads[channel] = upload
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

  /** The whole table: a sequence of `symbols`, what follows it up to `maxSymbols`, and the entry for holding. */
  table(symbols: number, loops: number): Uint8Array {
    const { message, payload } = scpiBlockMessage(':STAB:DATA 0,', (this.maxSymbols + 1) * BYTES_PER_ENTRY)
    const words = new DataView(payload.buffer, payload.byteOffset, payload.length)
    for (let index = 0, at = 0; index <= this.maxSymbols; index++) {
      for (const word of this.#entry(index, symbols, loops)) {
        words.setUint32(at, word)
        at += 4
      }
    }
    return message
  }

  /** Moves the end of the sequence from one symbol to another. */
  moveEnd(from: number, to: number, loops: number): string {
    return [from, to].map((at) => `:STAB:DATA ${at - 1},${this.#entry(at - 1, to, loops).join()}`).join(';')
  }

  /** Control, sequence loops, segment loops, segment, first sample, last sample. */
  #entry(index: number, symbols: number, loops: number): readonly number[] {
    if (index === this.holdIndex) return [BEGINS_SEQUENCE + ENDS_SEQUENCE, 1, loops, HOLD_SEGMENT, 0, SEGMENT_END]
    const control = (index === 0 ? BEGINS_SEQUENCE : 0) + (index === symbols - 1 ? ENDS_SEQUENCE : 0)
    const first = index * SYMBOL_STRIDE
    return [control, 1, loops, FRAME_SEGMENT, first, first + SYMBOL_SAMPLES - 1]
  }
}

/** −128 has no counterpart, and an amplifier behind the converter would see more than full scale. */
export function requireCodes(codes: Int8Array): void {
  const at = codes.indexOf(-128)
  if (at >= 0) requireInRange(`code of symbol ${at}`, -128, { min: -127, max: 127 })
}
