import type { Sample } from './records.ts'
import type { Sqlite } from './sqlite.ts'
import type { WireHead } from './records.ts'
import { INSERT_WIRE_BATCH, WireRows } from './wire-rows.ts'

const INSERT_STEPS = `
  INSERT INTO steps (run, step, parent, name, detail, t_ns)
  SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?2)`
const INSERT_FRAMES = `
  INSERT INTO frames (run, seq, step, t_ns, data)
  SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?2)`
// Bound value by value: on its way through JSON text a measured value may lose its last bit.
const SAMPLES_AT_ONCE = 50
const insertSamples = (count: number): string =>
  `INSERT INTO samples (run, t_ns, quantity, unit, value, source)
  VALUES ${Array.from({ length: count }, () => '(?, ?, ?, ?, ?, ?)').join(', ')}`
const INSERT_BLOB = `INSERT OR IGNORE INTO blobs (sha256, bytes) VALUES (?, coalesce(?, x''))`
const SET_HEADS = `
  INSERT INTO wire_heads (run, wire, records, crc)
  SELECT ?1, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?2) WHERE true
  ON CONFLICT (run, wire) DO UPDATE SET records = excluded.records, crc = excluded.crc`

/** Rough cost in memory of a sample, and of the objects around any other entry. */
const ENTRY_BYTES = 100

/** What one run has said and the disk does not have yet. */
export class Batch {
  readonly wire = new WireRows()
  readonly #steps: string[] = []
  readonly #frames: string[] = []
  readonly #samples: (Sample & { readonly timeNs: number })[] = []
  readonly #blobs = new Map<string, Uint8Array>()
  #otherBytes = 0

  get entries(): number {
    return this.wire.count + this.#steps.length + this.#frames.length + this.#samples.length + this.#blobs.size
  }

  get byteLength(): number {
    return this.wire.byteLength + this.#otherBytes
  }

  /** `detail` is JSON text. */
  step(step: number, parent: number, name: string, detail: string | null, timeNs: number): void {
    this.#steps.push(this.#weighed(JSON.stringify([step, parent, name, detail, timeNs])))
  }

  /** `data` is JSON text. */
  frame(seq: number, step: number, timeNs: number, data: string): void {
    this.#frames.push(this.#weighed(JSON.stringify([seq, step, timeNs, data])))
  }

  sample(sample: Sample, timeNs: number): void {
    this.#otherBytes += ENTRY_BYTES
    this.#samples.push({ ...sample, timeNs })
  }

  blob(sha256: string, bytes: Uint8Array): void {
    if (this.#blobs.has(sha256)) return
    this.#otherBytes += ENTRY_BYTES + bytes.length
    // Not slice(): that of a Buffer is a view, and the caller may reuse it.
    this.#blobs.set(sha256, new Uint8Array(bytes))
  }

  /** Inside a transaction. `wires` says where each wire stands. */
  async store(db: Sqlite, run: string, wires: ReadonlyMap<string, WireHead>): Promise<void> {
    if (this.#steps.length > 0) await db.run(INSERT_STEPS, run, array(this.#steps))
    if (this.wire.count > 0) {
      await db.run(INSERT_WIRE_BATCH, run, this.wire.records, orNull(this.wire.bytes))
      const heads = [...wires].map(([wire, { records, crc }]) => [wire, records, crc])
      await db.run(SET_HEADS, run, JSON.stringify(heads))
    }
    if (this.#frames.length > 0) await db.run(INSERT_FRAMES, run, array(this.#frames))
    for (let start = 0; start < this.#samples.length; start += SAMPLES_AT_ONCE) {
      const some = this.#samples.slice(start, start + SAMPLES_AT_ONCE)
      const values = some.flatMap(({ timeNs, quantity, unit, value, source }) => {
        return [run, timeNs, quantity, unit, value, source]
      })
      await db.run(insertSamples(some.length), ...values)
    }
    for (const [sha256, bytes] of this.#blobs) await db.run(INSERT_BLOB, sha256, orNull(bytes))
  }

  clear(): void {
    this.wire.clear()
    this.#steps.length = 0
    this.#frames.length = 0
    this.#samples.length = 0
    this.#blobs.clear()
    this.#otherBytes = 0
  }

  #weighed(text: string): string {
    this.#otherBytes += ENTRY_BYTES + text.length
    return text
  }
}

/** No bytes at all cannot be bound; the statements put an empty blob there. */
const orNull = (bytes: Uint8Array): Uint8Array | null => (bytes.length === 0 ? null : bytes)

const array = (items: readonly string[]): string => `[${items.join(',')}]`
