/** Bytes that arrived and are not yet part of a message. */
export class ByteQueue {
  #bytes = new Uint8Array(0)
  #start = 0

  get length(): number {
    return this.#bytes.length - this.#start
  }

  push(bytes: Uint8Array): void {
    if (this.length === 0) {
      this.#bytes = bytes as Uint8Array<ArrayBuffer>
      this.#start = 0
      return
    }
    const joined = new Uint8Array(this.length + bytes.length)
    joined.set(this.peek())
    joined.set(bytes, this.length)
    this.#bytes = joined
    this.#start = 0
  }

  /** What is waiting. Valid until the next push. */
  peek(): Uint8Array {
    return this.#bytes.subarray(this.#start)
  }

  drop(count: number): void {
    this.#start += count
  }

  clear(): Uint8Array {
    const rest = this.peek()
    this.#bytes = new Uint8Array(0)
    this.#start = 0
    return rest
  }
}
