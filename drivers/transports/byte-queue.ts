/** Bytes that arrived and are not yet part of a message. */
export class ByteQueue {
  #bytes = new Uint8Array(0)
  #start = 0
  #end = 0
  /** The buffer was made here and has room behind its bytes, so that many small pieces are not copied many times. */
  #roomy = false

  get length(): number {
    return this.#end - this.#start
  }

  push(bytes: Uint8Array): void {
    if (this.length === 0) {
      this.#bytes = bytes as Uint8Array<ArrayBuffer>
      this.#start = 0
      this.#end = bytes.length
      this.#roomy = false
      return
    }
    if (!this.#roomy || this.#end + bytes.length > this.#bytes.length) {
      const joined = new Uint8Array(2 * (this.length + bytes.length))
      joined.set(this.peek())
      this.#end = this.length
      this.#start = 0
      this.#bytes = joined
      this.#roomy = true
    }
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
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
    this.#bytes = new Uint8Array(0)
    this.#start = 0
    this.#end = 0
    this.#roomy = false
    return rest
  }
}
