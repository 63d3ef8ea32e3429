const NOTHING = new Uint8Array(0)
/** Room that is kept for the next long message; more is given back. */
const MOST_KEPT_BYTES = 16 * 2 ** 20

/**
 * Bytes that arrived and are not yet part of a message.
 *
 * They are lent: a message that came whole is read where it lies, and only what is left after that is copied, by
 * `keep`, into room that is used again and again. Fresh memory costs more than the copy.
 */
export class ByteQueue {
  /** Lent bytes, or `#room`. */
  #bytes: Uint8Array = NOTHING
  #start = 0
  #end = 0
  #room: Uint8Array = NOTHING

  get length(): number {
    return this.#end - this.#start
  }

  /** `bytes` may be used by their owner again after the next `keep`. */
  push(bytes: Uint8Array): void {
    if (this.length === 0) {
      this.#bytes = bytes
      this.#start = 0
      this.#end = bytes.length
      return
    }
    this.keep(bytes.length)
    this.#room.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** Copies what is left of lent bytes, with room for `more` behind it. */
  keep(more = 0): void {
    if (this.length === 0) {
      this.clear()
      return
    }
    const isOurs = this.#bytes === this.#room
    if (isOurs && this.#end + more <= this.#room.length) return
    const kept = this.peek()
    if (kept.length + more > this.#room.length) {
      this.#room = new Uint8Array(2 * (kept.length + more))
      this.#room.set(kept)
    } else if (isOurs) this.#room.copyWithin(0, this.#start, this.#end)
    else this.#room.set(kept)
    this.#bytes = this.#room
    this.#end = kept.length
    this.#start = 0
  }

  /** What is waiting. Valid until the next push. */
  peek(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  drop(count: number): void {
    this.#start += count
  }

  /** Empties the queue. Valid until the next push: what waited. */
  clear(): Uint8Array {
    const rest = this.peek()
    if (this.#room.length > MOST_KEPT_BYTES) this.#room = NOTHING
    this.#bytes = NOTHING
    this.#start = this.#end = 0
    return rest
  }
}
