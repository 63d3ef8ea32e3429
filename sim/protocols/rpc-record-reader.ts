const MARK_BYTES = 4
const LAST_FRAGMENT = 0x8000_0000
/** Calls are short, and clients send them whole. */
const MOST_FRAGMENTS = 64

/**
 * Cuts records out of what a client sends, in any pieces.
 *
 * Source: RFC 5531 §11.
 */
export class RpcRecordReader {
  readonly #longestBytes: number
  #pieces: Buffer[] = []
  #arrived = 0
  #wanted = MARK_BYTES
  #atMark = true
  #last = false
  #fragments: Buffer[] = []
  #recordBytes = 0

  constructor(longestBytes: number) {
    this.#longestBytes = longestBytes
  }

  /** Calls `take` with each record that is now complete. False: no record can be told from here on; hang up. */
  receive(bytes: Buffer, take: (record: Buffer) => void): boolean {
    this.#pieces.push(bytes)
    this.#arrived += bytes.length
    while (this.#arrived >= this.#wanted) {
      const part = this.#cut(this.#wanted)
      if (!this.#atMark) this.#endFragment(part, take)
      else if (!this.#beginFragment(part.readUInt32BE())) return false
    }
    return true
  }

  #beginFragment(mark: number): boolean {
    this.#last = mark >= LAST_FRAGMENT
    this.#wanted = mark % LAST_FRAGMENT
    this.#atMark = false
    return this.#recordBytes + this.#wanted <= this.#longestBytes && this.#fragments.length < MOST_FRAGMENTS
  }

  #endFragment(fragment: Buffer, take: (record: Buffer) => void): void {
    this.#atMark = true
    this.#wanted = MARK_BYTES
    this.#fragments.push(fragment)
    this.#recordBytes += fragment.length
    if (!this.#last) return
    const record = this.#fragments.length === 1 ? fragment : Buffer.concat(this.#fragments)
    this.#fragments = []
    this.#recordBytes = 0
    take(record)
  }

  #cut(count: number): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    this.#arrived -= count
    this.#pieces = this.#arrived > 0 ? [all.subarray(count)] : []
    return all.subarray(0, count)
  }
}
