import { ScpiFault } from '../protocols/scpi-fault.ts'

/** Samples in one vector of extended memory when it plays at a quarter of the converters' rate. */
export const VECTOR = 64
/** Shortest stretch that plays: five vectors. */
export const SHORTEST = 5 * VECTOR
export const CHANNELS = 4
/** No code has this value. */
export const UNEVEN = 2 ** 15 - 1
/** Samples a channel of this twin can hold. The instrument has gigasamples; nobody uploads them to a twin. */
const CAPACITY = 64 * 1024 * 1024

/** One waveform of all four channels; they share its number and length. */
export interface Segment {
  readonly length: number
  /** [channel]: int8 samples. */
  readonly samples: readonly Int8Array<ArrayBuffer>[]
  /** [channel][vector]: the one code of a vector, `UNEVEN` where it has several. Known as data come in. */
  readonly codes: readonly Int16Array[]
  /** Changes whenever a sample may have; no other segment ever has it. */
  version: number
}

/**
 * Extended waveform memory of an M8195A with four channels: segments by number.
 *
 * Throws: ScpiFault -222 outside granularity or range, -223 more data than defined, -224 no such segment,
 * -321 memory full.
 * Source: M8195A User's Guide rev. 2 §6.21.
 */
export class M8195aMemory {
  readonly #segments = new Map<number, Segment>()
  #used = 0
  #changes = 0

  get used(): number {
    return this.#used
  }

  get free(): number {
    return CAPACITY - this.#used
  }

  define(id: number, length: number, initial: number): void {
    if (this.#segments.has(id)) throw new ScpiFault(-224, `segment ${id} exists`)
    if (length < SHORTEST || length % VECTOR !== 0) throw new ScpiFault(-222, 'segment length')
    if (length > this.free) throw new ScpiFault(-321)
    const samples = Array.from({ length: CHANNELS }, () => new Int8Array(length))
    if (initial !== 0) for (const channel of samples) channel.fill(initial)
    const codes = samples.map(() => new Int16Array(length / VECTOR).fill(initial))
    this.#segments.set(id, { length, samples, codes, version: ++this.#changes })
    this.#used += length
  }

  get(id: number): Segment {
    const segment = this.#segments.get(id)
    if (segment === undefined) throw new ScpiFault(-224, `segment ${id} does not exist`)
    return segment
  }

  /** 0 when there is no such segment. */
  versionOf(id: number): number {
    return this.#segments.get(id)?.version ?? 0
  }

  write(channel: number, id: number, offset: number, data: Uint8Array): void {
    const segment = this.get(id)
    const { length, samples, codes } = segment
    if (offset % (2 * VECTOR) !== 0) throw new ScpiFault(-222, 'offset')
    if (offset + data.length > length) throw new ScpiFault(-223)
    samples[channel]!.set(new Int8Array(data.buffer, data.byteOffset, data.length), offset)
    noteCodes(samples[channel]!, codes[channel]!, offset / VECTOR, Math.ceil((offset + data.length) / VECTOR))
    segment.version = ++this.#changes
  }

  read(channel: number, id: number, offset: number, length: number): Int8Array {
    const segment = this.get(id)
    if (offset + length > segment.length) throw new ScpiFault(-222)
    return segment.samples[channel]!.subarray(offset, offset + length)
  }

  delete(id: number): void {
    this.#used -= this.get(id).length
    this.#segments.delete(id)
  }

  clear(): void {
    this.#segments.clear()
    this.#used = 0
  }

  /** Number and length of each, `0,0` when there is none. */
  catalogue(): string {
    if (this.#segments.size === 0) return '0,0'
    return [...this.#segments].map(([id, { length }]) => `${id},${length}`).join()
  }
}

function noteCodes(samples: Int8Array<ArrayBuffer>, codes: Int16Array, from: number, to: number): void {
  // Four samples at a time, all of a vector without a branch: what comes is even but for mistakes.
  const words = new Int32Array(samples.buffer)
  for (let vector = from; vector < to; vector++) {
    const code = samples[vector * VECTOR]!
    const four = Math.imul(code & 0xff, 0x0101_0101)
    const word = (vector * VECTOR) / 4
    const differences = differ(words, word, four) | differ(words, word + 8, four)
    codes[vector] = differences === 0 ? code : UNEVEN
  }
}

/** 0 when eight words are all the same as this one. */
function differ(words: Int32Array, at: number, four: number): number {
  return (
    (words[at]! ^ four) |
    (words[at + 1]! ^ four) |
    (words[at + 2]! ^ four) |
    (words[at + 3]! ^ four) |
    (words[at + 4]! ^ four) |
    (words[at + 5]! ^ four) |
    (words[at + 6]! ^ four) |
    (words[at + 7]! ^ four)
  )
}
