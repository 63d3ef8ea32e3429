import type { WireDirection } from '../../core/transport.ts'

/*
 * Rows of the table `wire` on their way to SQLite: one text of fixed-width decimal fields, and all bytes in one
 * piece. One statement takes a whole batch and cuts the rows out of it, because binding eight values a row costs
 * ten times as much. Digits are written while recording; nothing remains to be done when the batch leaves.
 *
 *   wire 5 │ direction 1 │ seq 10 │ t_ns 16 │ step 10 │ first byte 10 │ length 10 │ crc 10
 */
const ROW_WIDTH = 72
const AT = { wire: 0, direction: 5, seq: 6, time: 16, step: 32, first: 42, length: 52, crc: 62 } as const

const field = (at: number, width: number): string => `CAST(substr(?2, p + ${at}, ${width}) AS INTEGER)`

/** ?1 run · ?2 fields · ?3 bytes, or NULL when there are none · ?4 names of the wires, each padded with spaces to ?5 bytes. */
export const INSERT_WIRE_ROWS = `
  WITH RECURSIVE place(p) AS (SELECT 1 UNION ALL SELECT p + ${ROW_WIDTH} FROM place WHERE p + ${ROW_WIDTH} < length(?2))
  INSERT INTO wire (run, wire, seq, t_ns, dir, step, bytes, crc)
  SELECT ?1,
    rtrim(CAST(substr(?4, ${field(AT.wire, 5)} * ?5 + 1, ?5) AS TEXT)),
    ${field(AT.seq, 10)},
    ${field(AT.time, 16)},
    rtrim(substr('tx rx ctlerr', ${field(AT.direction, 1)} * 3 + 1, 3)),
    ${field(AT.step, 10)},
    coalesce(substr(?3, ${field(AT.first, 10)} + 1, ${field(AT.length, 10)}), x''),
    ${field(AT.crc, 10)}
  FROM place`

const DIRECTION_CODE: Record<WireDirection, number> = { tx: 0, rx: 1, ctl: 2, err: 3 }

const FIRST_CAPACITY_BYTES = 1 << 16
/** A buffer that one burst has blown up beyond this is let go of afterwards. */
const KEPT_CAPACITY_BYTES = 1 << 22

/** Wire records that wait for the disk. */
export class WireRows {
  #fields = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  #fieldsLength = 0
  #bytesLength = 0

  get count(): number {
    return this.#fieldsLength / ROW_WIDTH
  }

  get byteLength(): number {
    return this.#fieldsLength + this.#bytesLength
  }

  /** For ?2 and ?3 of the statement. Valid until `clear`. */
  get fields(): Uint8Array {
    return this.#fields.subarray(0, this.#fieldsLength)
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#bytesLength)
  }

  add(
    wire: number,
    seq: number,
    timeNs: number,
    direction: WireDirection,
    step: number,
    bytes: Uint8Array,
    crc: number,
  ): void {
    const start = this.#fieldsLength
    const first = this.#bytesLength
    this.#fieldsLength += ROW_WIDTH
    this.#bytesLength += bytes.length
    if (this.#fieldsLength > this.#fields.length) this.#fields = grown(this.#fields, this.#fieldsLength)
    if (this.#bytesLength > this.#bytes.length) this.#bytes = grown(this.#bytes, this.#bytesLength)
    this.#bytes.set(bytes, first)

    const fields = this.#fields
    const tenthsOfSeconds = Math.floor(timeNs / 1e8)
    put5(fields, start + AT.wire, wire)
    fields[start + AT.direction] = ZERO + DIRECTION_CODE[direction]
    put10(fields, start + AT.seq, seq)
    put8(fields, start + AT.time, tenthsOfSeconds)
    put8(fields, start + AT.time + 8, timeNs - tenthsOfSeconds * 1e8)
    put10(fields, start + AT.step, step)
    put10(fields, start + AT.first, first)
    put10(fields, start + AT.length, bytes.length)
    put10(fields, start + AT.crc, crc)
  }

  clear(): void {
    this.#fieldsLength = 0
    this.#bytesLength = 0
    if (this.#fields.length > KEPT_CAPACITY_BYTES) this.#fields = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
    if (this.#bytes.length > KEPT_CAPACITY_BYTES) this.#bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  }
}

/** ?4 and ?5 of the statement. */
export function paddedNames(names: readonly string[]): { readonly padded: Uint8Array; readonly width: number } {
  const encoded = names.map((name) => Buffer.from(name, 'utf8'))
  const width = Math.max(1, ...encoded.map((name) => name.length))
  const padded = Buffer.alloc(width * names.length, ' ')
  encoded.forEach((name, index) => padded.set(name, index * width))
  return { padded, width }
}

function grown(old: Buffer<ArrayBuffer>, length: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(Math.max(2 * old.length, length))
  larger.set(old)
  return larger
}

const ZERO = 48

/** Digits from the last to the first; 32-bit arithmetic, because that is what makes it cheap. */
function put(out: Uint8Array, at: number, width: number, value: number): void {
  let rest = value | 0
  for (let place = at + width - 1; place >= at; place--) {
    const tenth = (rest / 10) | 0
    out[place] = ZERO + rest - 10 * tenth
    rest = tenth
  }
}

const put5 = (out: Uint8Array, at: number, value: number): void => put(out, at, 5, value)
const put8 = (out: Uint8Array, at: number, value: number): void => put(out, at, 8, value)

function put10(out: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 1e5)
  put(out, at, 5, high)
  put(out, at + 5, 5, value - high * 1e5)
}
