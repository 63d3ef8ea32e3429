import type { WireDirection } from '../../core/transport.ts'
import { MOST_OVERHEAD, packRuns, unpackRuns } from './byte-runs.ts'
import type { WireRecord } from './records.ts'
import type { KeptBytes } from './wire-chain.ts'

/*
 * Wire records on their way to SQLite and back. A batch of them is one row of `wire_batches`: a JSON text with one
 * array a record, and all their bytes in one piece. A row for each would cost SQLite some 2.4 µs a record, on a
 * processor that the bench's own two ends of a wire are waiting for; so they cost 0.7. The view `wire` cuts
 * them into ordinary rows again, for every SQLite tool.
 *
 *   [wire, direction, seq, t_ns, step, first byte, length, crc]
 *
 * Long records of long runs are kept packed (byte-runs.ts), and say how long they were as a ninth element.
 */
export const CREATE_WIRE_TABLES = `
  CREATE TABLE wire_batches (
    run     TEXT NOT NULL,
    records TEXT NOT NULL,
    bytes   BLOB NOT NULL
  );
  CREATE INDEX wire_batches_by_run ON wire_batches (run);
  CREATE VIEW wire AS
    SELECT run, record.value ->> 0 AS wire, record.value ->> 2 AS seq, record.value ->> 3 AS t_ns,
      record.value ->> 1 AS dir, record.value ->> 4 AS step,
      coalesce(substr(bytes, (record.value ->> 5) + 1, record.value ->> 6), x'') AS bytes, record.value ->> 7 AS crc,
      record.value ->> 8 AS packed_from
    FROM wire_batches, json_each(wire_batches.records) AS record;`

/** ?1 run · ?2 records · ?3 bytes, or NULL when there are none. */
export const INSERT_WIRE_BATCH = `
  INSERT INTO wire_batches (run, records, bytes) VALUES (?1, CAST(?2 AS TEXT), coalesce(?3, x''))`

/** Casts: whoever edits a batch may well leave text among the bytes, and that too is bytes. */
export const SELECT_NEXT_WIRE_BATCH = `
  SELECT rowid AS row, records, CAST(bytes AS BLOB) AS bytes FROM wire_batches
  WHERE run = ? AND rowid > ? ORDER BY rowid LIMIT 1`

const FIRST_CAPACITY_BYTES = 1 << 16
/** A buffer that one burst has blown up beyond this is let go of afterwards. */
const KEPT_CAPACITY_BYTES = 1 << 24
/** Seven numbers of up to 16 digits and what stands between them. */
const NUMBERS_BYTES = 7 * 17 + 1
/** Shorter records are kept as they are, and so are those that packing does not halve. */
const LONG_BYTES = 1 << 10

const [ZERO, COMMA, OPEN, CLOSE] = Array.from('0,[]', (sign) => sign.charCodeAt(0)) as [number, number, number, number]

/** Bytes of the next record among those of its batch. Valid until the one after is kept. */
interface KeptRecord extends KeptBytes {
  readonly first: number
}

/** How the records of one wire begin, by their direction. */
export type RecordStarts = Readonly<Record<WireDirection, Uint8Array>>

export function recordStarts(wire: string): RecordStarts {
  const start = (direction: WireDirection): Uint8Array =>
    Buffer.from(`[${JSON.stringify(wire)},"${direction}",`, 'utf8')
  return { tx: start('tx'), rx: start('rx'), ctl: start('ctl'), err: start('err') }
}

/** Wire records that wait for the disk. Digits are written while recording; nothing remains to be done when the batch leaves. */
export class WireRows {
  #text = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  #textLength = 0
  #bytesLength = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#textLength + this.#bytesLength
  }

  /** For ?2 of the statement, when there are any. Valid until `clear`. */
  get records(): Uint8Array {
    this.#text[0] = OPEN
    this.#text[this.#textLength - 1] = CLOSE
    return this.#text.subarray(0, this.#textLength)
  }

  /** For ?3 of the statement. Valid until `clear`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#bytesLength)
  }

  /** Takes the bytes of the next record in; they stand as they will be kept. `add` says whose they are. */
  keep(bytes: Uint8Array): KeptRecord {
    const first = this.#bytesLength
    const most = first + bytes.length + MOST_OVERHEAD
    if (most > this.#bytes.length) this.#bytes = grown(this.#bytes, most)
    const packedEnd = bytes.length < LONG_BYTES ? Infinity : packRuns(bytes, this.#bytes, first)
    const isPacked = 2 * (packedEnd - first) < bytes.length
    if (!isPacked) this.#bytes.set(bytes, first)
    const end = isPacked ? packedEnd : first + bytes.length
    this.#bytesLength = end
    return { first, bytes: this.#bytes.subarray(first, end), packedFrom: isPacked ? bytes.length : 0 }
  }

  add(start: Uint8Array, seq: number, timeNs: number, step: number, kept: KeptRecord, crc: number): void {
    // The first record follows the bracket that opens the batch.
    let at = Math.max(1, this.#textLength)
    const most = at + start.length + NUMBERS_BYTES
    if (most > this.#text.length) this.#text = grown(this.#text, most)
    const text = this.#text
    text.set(start, at)
    at = putNumber(text, at + start.length, seq)
    at = putNumber(text, at, timeNs)
    at = putNumber(text, at, step)
    at = putNumber(text, at, kept.first)
    at = putNumber(text, at, kept.bytes.length)
    at = putNumber(text, at, crc)
    if (kept.packedFrom > 0) at = putNumber(text, at, kept.packedFrom)
    text[at - 1] = CLOSE
    text[at] = COMMA
    this.#textLength = at + 1
    this.#count++
  }

  clear(): void {
    this.#textLength = 0
    this.#bytesLength = 0
    this.#count = 0
    if (this.#text.length > KEPT_CAPACITY_BYTES) this.#text = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
    if (this.#bytes.length > KEPT_CAPACITY_BYTES) this.#bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  }
}

/** The records of one batch as they stand there, after `before` others; possibly edited: what has another type than it should equals nothing. */
export function wireRecordsOf(records: readonly unknown[], bytes: Uint8Array, before: number): readonly WireRecord[] {
  return records.map((record, index) => {
    const [wire, direction, seq, timeNs, step, first, length, crc, packedFrom] = Array.isArray(record)
      ? (record as unknown[])
      : []
    const start = numberOf(first)
    const kept = {
      bytes: bytes.subarray(start, start + numberOf(length)),
      packedFrom: packedFrom === undefined ? 0 : numberOf(packedFrom),
    }
    return {
      row: before + index + 1,
      wire: textOf(wire),
      direction: textOf(direction),
      seq: numberOf(seq),
      timeNs: numberOf(timeNs),
      step: numberOf(step),
      // Unpacked when somebody looks: a batch of uploads is fifty times its size on the wire.
      get bytes() {
        return passed(kept)
      },
      kept,
      crc: numberOf(crc),
    }
  })
}

function passed({ bytes, packedFrom }: KeptBytes): Uint8Array {
  if (packedFrom === 0) return bytes
  return unpackRuns(bytes, packedFrom) ?? new Uint8Array(0)
}

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : NaN)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function grown(old: Buffer<ArrayBuffer>, length: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(Math.max(2 * old.length, length))
  larger.set(old)
  return larger
}

/** A whole number up to 2⁵³ and a comma; returns where they end. 32-bit arithmetic, because that is what makes it cheap. */
function putNumber(out: Uint8Array, at: number, value: number): number {
  let end = at
  if (value < 1e9) {
    end = putDigits(out, at, digitsOf(value), value)
  } else {
    const high = Math.floor(value / 1e8)
    end = putDigits(out, at, digitsOf(high), high)
    end = putDigits(out, end, 8, value - high * 1e8)
  }
  out[end] = COMMA
  return end + 1
}

function digitsOf(value: number): number {
  let digits = 1
  for (let limit = 10; value >= limit; limit *= 10) digits++
  return digits
}

function putDigits(out: Uint8Array, at: number, digits: number, value: number): number {
  let rest = value | 0
  for (let place = at + digits - 1; place >= at; place--) {
    const tenth = (rest / 10) | 0
    out[place] = ZERO + rest - 10 * tenth
    rest = tenth
  }
  return at + digits
}
