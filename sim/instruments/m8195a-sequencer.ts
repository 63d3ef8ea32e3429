import { ScpiFault } from '../protocols/scpi-fault.ts'
import { CHANNELS, SHORTEST, UNEVEN, VECTOR } from './m8195a-memory.ts'
import type { M8195aMemory, Segment } from './m8195a-memory.ts'

const WORDS = 6
const ENTRY_LIMIT = 2 ** 24 - 1
const SEGMENT_END = 0xffff_ffff
/** Steps of one frame that this twin plays. */
const MOST_STEPS = 4_000_000
/** One plays and one is selected; a few more cost little. */
const KEPT_SEQUENCES = 4

const ADVANCE_MASK = 0x00ff_0000
const ENDS_SCENARIO = 2 ** 29
const ENDS_SEQUENCE = 2 ** 30
const IS_COMMAND = 2 ** 31

/** What the converters put out, as a staircase: steps of one length. */
export interface Staircase {
  /** [channel]: code of each step, −128…127, not whole where a stretch of memory is no constant. */
  readonly codes: readonly Float64Array[]
  readonly samplesPerStep: number
}

/** Entries from one that is played first to the one that ends it. */
interface Sequence {
  readonly entries: readonly Uint32Array[]
  /** Codes of pauses are among them. */
  readonly segments: ReadonlySet<number>
}

/** A stretch of memory, or an idle pause at one code, that plays `samples` samples. */
type Stretch = { readonly samples: number } & (
  { readonly segment: Segment; readonly first: number; readonly end: number } | { readonly pauseCode: number }
)

/**
 * Sequence table of an M8195A: six words an entry — control, sequence loops, segment loops, segment, first and last
 * sample — or a pause.
 *
 * Only automatic advance is played; entries that wait for an advancement event are refused when the run starts.
 * The linear playtime rule (257 vectors between jumps) is not enforced: the instrument itself only raises a status bit.
 * Throws: ScpiFault -221 when the sequence cannot be played, -222 outside granularity or range.
 * Source: M8195A User's Guide rev. 2 §6.18, tables 35 to 43.
 */
export class M8195aSequencer {
  /** Changes whenever the table may have. */
  version = 0
  readonly #entries = new Map<number, Uint32Array>()
  /** By their first entry; read from the table once, because every upload asks what is in use. */
  readonly #sequences = new Map<number, Sequence>()

  write(first: number, words: Uint32Array): void {
    if (words.length === 0 || words.length % WORDS !== 0) throw new ScpiFault(-222, 'six words an entry')
    if (first + words.length / WORDS > ENTRY_LIMIT) throw new ScpiFault(-222, 'sequence table index')
    this.#changed()
    for (let at = 0; at < words.length; at += WORDS) {
      const entry = words.subarray(at, at + WORDS)
      requireEntry(entry)
      this.#entries.set(first + at / WORDS, entry)
    }
  }

  read(first: number, words: number): number[] {
    const entries = Array.from({ length: words / WORDS }, (_, index) => this.#entries.get(first + index))
    return entries.flatMap((entry) => (entry === undefined ? [0, 1, 1, 0, 0, SEGMENT_END] : [...entry]))
  }

  reset(): void {
    this.#entries.clear()
    this.#changed()
  }

  /** Plays the sequence that begins at `first` on paper. */
  staircase(first: number, memory: M8195aMemory): Staircase {
    const { entries } = this.#sequence(first)
    const sequenceLoops = entries[0]![1]!
    return toStaircase(
      entries.map((entry) => stretchOf(entry, memory)),
      sequenceLoops,
    )
  }

  /** Of the sequence that begins at `first`. */
  segmentsOf(first: number): ReadonlySet<number> {
    return this.#sequence(first).segments
  }

  /** Entries of the sequence that begins at `first`. */
  lengthOf(first: number): number {
    return this.#sequence(first).entries.length
  }

  #sequence(first: number): Sequence {
    const known = this.#sequences.get(first)
    if (known !== undefined) return known
    const entries = this.#entriesFrom(first)
    const sequence = { entries, segments: new Set(entries.map((entry) => entry[3]!)) }
    if (this.#sequences.size === KEPT_SEQUENCES) this.#sequences.delete(this.#sequences.keys().next().value!)
    this.#sequences.set(first, sequence)
    return sequence
  }

  #entriesFrom(first: number): Uint32Array[] {
    const entries: Uint32Array[] = []
    for (let index = first; ; index++) {
      const entry = this.#entries.get(index)
      if (entry === undefined) throw new ScpiFault(-221, 'sequence has no end')
      entries.push(entry)
      if ((entry[0]! & (ENDS_SEQUENCE | ENDS_SCENARIO)) !== 0) return entries
      if (entries.length > MOST_STEPS) throw new ScpiFault(-221, 'sequence too long')
    }
  }

  #changed(): void {
    this.version++
    this.#sequences.clear()
  }
}

/** The selected segment, sample by sample, as arbitrary mode plays it. */
export function segmentStaircase(id: number, memory: M8195aMemory): Staircase {
  const { length, samples } = memory.get(id)
  if (length > MOST_STEPS) throw new ScpiFault(-221, 'segment too long')
  return { codes: samples.map((channel) => Float64Array.from(channel)), samplesPerStep: 1 }
}

function requireEntry(entry: Uint32Array): void {
  const [control, sequenceLoops, segmentLoops, , first, last] = entry as unknown as readonly number[]
  if (sequenceLoops === 0) throw new ScpiFault(-222, 'sequence loop count')
  if (control! >= IS_COMMAND) {
    if (segmentLoops !== 0) throw new ScpiFault(-222, 'command code')
    if (first! < 10 * VECTOR) throw new ScpiFault(-222, 'idle delay')
    return
  }
  if (segmentLoops === 0) throw new ScpiFault(-222, 'segment loop count')
  if (first! % (2 * VECTOR) !== 0) throw new ScpiFault(-222, 'segment start offset')
  if (last !== SEGMENT_END && ((last! + 1) % VECTOR !== 0 || last! + 1 - first! < SHORTEST)) {
    throw new ScpiFault(-222, 'segment end offset')
  }
}

function stretchOf(entry: Uint32Array, memory: M8195aMemory): Stretch {
  const [control, loops, id, first, last] = [entry[0]!, entry[2]!, entry[3]!, entry[4]!, entry[5]!]
  if (control >= IS_COMMAND) return { pauseCode: (id << 24) >> 24, samples: first }
  if ((control & ADVANCE_MASK) !== 0) throw new ScpiFault(-221, 'only automatic advance')
  const segment = memory.get(id)
  const end = last === SEGMENT_END ? segment.length : last + 1
  if (end > segment.length || end - first < SHORTEST) throw new ScpiFault(-221, 'offsets outside the segment')
  return { segment, first, end, samples: loops * (end - first) }
}

/** Entries of different length share their greatest common divisor as step. */
function toStaircase(stretches: readonly Stretch[], loops: number): Staircase {
  const samplesPerStep = stretches.reduce((divisor, { samples }) => gcd(divisor, samples), 0)
  const stepsOnce = stretches.reduce((sum, { samples }) => sum + samples / samplesPerStep, 0)
  if (stepsOnce * loops > MOST_STEPS) throw new ScpiFault(-221, 'sequence too long')
  const codes = Array.from({ length: CHANNELS }, (_, channel) => {
    const steps = new Float64Array(stepsOnce * loops)
    let at = 0
    for (const stretch of stretches) {
      const next = at + stretch.samples / samplesPerStep
      const code = 'pauseCode' in stretch ? stretch.pauseCode : codeOf(stretch, channel)
      // Mostly one step: less than a call of `fill` takes.
      while (at < next) steps[at++] = code
    }
    for (let loop = 1; loop < loops; loop++) steps.copyWithin(loop * stepsOnce, 0, stepsOnce)
    return steps
  })
  return { codes, samplesPerStep }
}

/** The one code of a constant stretch, else the mean: detectors and modulators here are slower than the samples. */
function codeOf({ segment, first, end }: Extract<Stretch, { segment: Segment }>, channel: number): number {
  const codes = segment.codes[channel]!
  const code = codes[first / VECTOR]!
  let vector = first / VECTOR + 1
  while (vector * VECTOR < end && codes[vector] === code) vector++
  if (code !== UNEVEN && vector * VECTOR === end) return code
  let sum = 0
  for (let at = first; at < end; at++) sum += segment.samples[channel]![at]!
  return sum / (end - first)
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
