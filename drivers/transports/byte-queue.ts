const NOTHING = new Uint8Array(0)

/**
 * Bytes that arrived and are not yet part of a message.
 *
 * Pieces that follow each other in memory stay where they are; others are copied together, into room that doubles.
 */
export class ByteQueue {
  #bytes: Uint8Array = NOTHING
  #start = 0
  #end = 0
  /** Memory behind `#bytes` is ours to write to. */
  #owned = false

  get length(): number {
    return this.#end - this.#start
  }

  push(bytes: Uint8Array): void {
    if (this.length === 0) {
      this.#bytes = bytes
      this.#start = 0
      this.#end = bytes.length
      this.#owned = false
    } else if (!this.#owned && follows(bytes, this.#bytes)) {
      this.#bytes = new Uint8Array(bytes.buffer, this.#bytes.byteOffset, this.#bytes.length + bytes.length)
      this.#end = this.#bytes.length
    } else {
      this.#makeRoom(bytes.length)
      this.#bytes.set(bytes, this.#end)
      this.#end += bytes.length
    }
  }

  /** What is waiting. Valid until the next push. */
  peek(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  drop(count: number): void {
    this.#start += count
  }

  clear(): Uint8Array {
    const rest = this.peek()
    this.#bytes = NOTHING
    this.#start = this.#end = 0
    return rest
  }

  #makeRoom(more: number): void {
    const needed = this.length + more
    if (this.#owned && this.#end + more <= this.#bytes.length) return
    const room = new Uint8Array(2 * needed)
    room.set(this.peek())
    this.#end = this.length
    this.#start = 0
    this.#bytes = room
    this.#owned = true
  }
}

const follows = (next: Uint8Array, before: Uint8Array): boolean =>
  next.buffer === before.buffer && next.byteOffset === before.byteOffset + before.length
