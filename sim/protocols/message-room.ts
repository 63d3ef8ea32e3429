/** Room kept for the next long message; more is given back. */
const MOST_KEPT_BYTES = 16 * 2 ** 20
const NOTHING = Buffer.alloc(0)

/** Memory for messages that come in pieces, used again and again: fresh memory costs more than the copy. */
export class MessageRoom {
  #bytes: Buffer = NOTHING
  /** A message that was handed out may still look into it. */
  #isLent = false

  /** A view of these bytes was handed out. */
  lend(bytes: Buffer): void {
    this.#isLent ||= bytes === this.#bytes
  }

  /** Nobody looks into it any more, but for who reads `bytes`. */
  giveBack(bytes: Buffer): void {
    this.#isLent = false
    if (this.#bytes.length > MOST_KEPT_BYTES && bytes !== this.#bytes) this.#bytes = NOTHING
  }

  /**
   * Room for `neededBytes` that begins with `rest`; what is made anew has `freshBytes`. Never moves bytes of which views
   * were given away.
   */
  hold(rest: Buffer, neededBytes: number, freshBytes: number): Buffer {
    if (this.#isLent || this.#bytes.length < neededBytes) {
      this.#bytes = Buffer.allocUnsafeSlow(freshBytes)
      this.#isLent = false
    }
    this.#bytes.set(rest)
    return this.#bytes
  }
}
