import { unexpectedRpc } from './xdr.ts'

const MARK_BYTES = 4
const LAST_FRAGMENT = 0x8000_0000
const NOTHING = new Uint8Array(0)

export interface RecordReaderOptions {
  /** A record that claims to be longer is a lie. */
  readonly longestBytes: number
  /** Every fragment is a record, whatever its mark says: some instruments forget to mark the last one. */
  readonly singleFragments?: boolean
}

/**
 * Cuts records out of a byte stream, in any pieces, and puts their fragments together.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY; nothing that follows on this stream can be told apart then.
 * Source: RFC 5531 §11.
 */
export class RecordReader {
  readonly #options: RecordReaderOptions
  readonly #mark = Buffer.alloc(MARK_BYTES)
  #markBytes = 0
  #record: Uint8Array = NOTHING
  #recordBytes = 0
  #fragmentEnd = 0
  #last = false

  constructor(options: RecordReaderOptions) {
    this.#options = options
  }

  /** Calls `take` with each record that is now complete. It is the taker's to keep; `bytes` may be used again. */
  push(bytes: Uint8Array, take: (record: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#markBytes < MARK_BYTES) {
        this.#mark[this.#markBytes++] = bytes[at++]!
        if (this.#markBytes === MARK_BYTES) this.#begin(this.#mark.readUInt32BE())
      } else {
        const piece = bytes.subarray(at, at + this.#fragmentEnd - this.#recordBytes)
        this.#record.set(piece, this.#recordBytes)
        this.#recordBytes += piece.length
        at += piece.length
      }
      if (this.#markBytes === MARK_BYTES && this.#recordBytes === this.#fragmentEnd) this.#endFragment(take)
    }
  }

  #begin(mark: number): void {
    const { longestBytes, singleFragments = false } = this.#options
    const length = mark % LAST_FRAGMENT
    this.#last = mark >= LAST_FRAGMENT || singleFragments
    this.#fragmentEnd = this.#recordBytes + length
    if (this.#fragmentEnd > longestBytes || (length === 0 && !this.#last)) {
      throw unexpectedRpc(`a fragment of ${length} bytes in a record of at most ${longestBytes}`, this.#mark)
    }
    if (this.#fragmentEnd <= this.#record.length) return
    // Twice the room for a record in many pieces, or each would be copied once for every one behind it.
    const room = Math.max(this.#fragmentEnd, Math.min(2 * this.#record.length, longestBytes))
    const before = this.#record
    this.#record = Buffer.allocUnsafe(room)
    this.#record.set(before.subarray(0, this.#recordBytes))
  }

  #endFragment(take: (record: Uint8Array) => void): void {
    this.#markBytes = 0
    if (!this.#last) return
    const record = this.#record.subarray(0, this.#recordBytes)
    this.#record = NOTHING
    this.#recordBytes = 0
    take(record)
  }
}
