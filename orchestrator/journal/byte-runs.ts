/*
 * Long runs of one byte, kept as what they are: a generator's upload is a few hundred codes of hundreds of samples each.
 *
 *   literal: length u32, bytes · run: length u32, byte · literal · run · …      (little-endian, ends anywhere)
 *
 * Runs are looked for a word at a time, at the words of the memory they lie in, and then widened to their last byte.
 */
const WORD = 4
/** Words of a run worth its ten bytes or so. */
const FEWEST_WORDS = 8
const LENGTH_BYTES = 4
/** Bytes of a run in packed form. */
const RUN_BYTES = LENGTH_BYTES + 1

/** Shorter literals are copied byte by byte: a view of them would cost more, and there is one between any two runs. */
const SHORT_BYTES = 64

/** Of one record, in case somebody edited how many there were. */
const MOST_BYTES = 2 ** 31

/** Packed bytes are never more than these longer. */
export const MOST_OVERHEAD = LENGTH_BYTES

/** Of the same kind as all others: the loop below is the hottest of a stream. */
const NONE = new Int32Array(0)

/** Writes `bytes` packed to `out` from `at` on, and returns where it ends. */
export function packRuns(bytes: Uint8Array, out: Buffer, at: number): number {
  const { buffer, byteOffset, length } = bytes
  const lead = (WORD - (byteOffset % WORD)) % WORD
  const words = length > lead ? new Int32Array(buffer, byteOffset + lead, (length - lead) >> 2) : NONE
  const count = words.length
  let end = at
  let packed = 0
  for (let word = 0; word < count;) {
    const value = words[word]!
    let next = word + 1
    while (
      next + 3 < count &&
      ((words[next]! ^ value) |
        (words[next + 1]! ^ value) |
        (words[next + 2]! ^ value) |
        (words[next + 3]! ^ value)) ===
        0
    ) {
      next += 4
    }
    while (next < count && words[next] === value) next++
    const byte = value & 0xff
    if (next - word >= FEWEST_WORDS && value === Math.imul(byte, 0x0101_0101)) {
      let from = lead + word * WORD
      let to = lead + next * WORD
      while (from > packed && bytes[from - 1] === byte) from--
      while (to < length && bytes[to] === byte) to++
      end = putLiteral(out, end, bytes, packed, from)
      end = putLength(out, end, to - from)
      out[end++] = byte
      packed = to
    }
    word = next
  }
  return packed < length ? putLiteral(out, end, bytes, packed, length) : end
}

/** What was packed; undefined unless it is exactly `length` bytes long. */
export function unpackRuns(packed: Uint8Array, length: number): Uint8Array | undefined {
  if (!(length >= 0 && length <= MOST_BYTES)) return undefined
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length)
  const bytes = new Uint8Array(length)
  let written = 0
  for (let at = 0, literal = true; at < packed.length; literal = !literal) {
    if (at + LENGTH_BYTES > packed.length) return undefined
    const count = view.getUint32(at, true)
    at += LENGTH_BYTES
    const taken = literal ? count : RUN_BYTES - LENGTH_BYTES
    if (at + taken > packed.length || written + count > length) return undefined
    if (literal) bytes.set(packed.subarray(at, at + count), written)
    else bytes.fill(packed[at]!, written, written + count)
    at += taken
    written += count
  }
  return written === length ? bytes : undefined
}

function putLiteral(out: Buffer, at: number, bytes: Uint8Array, from: number, to: number): number {
  const first = putLength(out, at, to - from)
  if (to - from > SHORT_BYTES) out.set(bytes.subarray(from, to), first)
  else for (let i = from; i < to; i++) out[first + i - from] = bytes[i]!
  return first + to - from
}

function putLength(out: Buffer, at: number, length: number): number {
  out[at] = length & 0xff
  out[at + 1] = (length >>> 8) & 0xff
  out[at + 2] = (length >>> 16) & 0xff
  out[at + 3] = length >>> 24
  return at + LENGTH_BYTES
}
