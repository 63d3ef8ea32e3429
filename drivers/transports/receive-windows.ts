/** Enough for a thousand short replies, and more than a socket gives at once. */
const SLAB_BYTES = 128 * 1024
/** Blocks that come in a stream of full windows are given this much, so that they lie in one piece. */
const BULK_SLAB_BYTES = 4 * 1024 * 1024
/** Less than this is not offered: a read should not end for want of room. */
const SMALLEST_WINDOW = 16 * 1024
const BULK_READ_BYTES = 32 * 1024

/**
 * Memory for what a socket receives, one window after the other of the same slab.
 *
 * Bytes that came stay where they are and are never written over, so views of them may be kept; what comes in
 * several pieces lies in one piece nevertheless. A slab is freed when nobody keeps a view of it.
 */
export class ReceiveWindows {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #start = 0

  /** Where the next bytes may be put. */
  get window(): Buffer {
    return this.#slab.subarray(this.#start)
  }

  /** The next window, after `count` bytes were put into this one. */
  advance(count: number): Buffer {
    this.#start += count
    const left = this.#slab.length - this.#start
    if (left < SMALLEST_WINDOW) {
      this.#slab = Buffer.allocUnsafeSlow(count >= BULK_READ_BYTES ? BULK_SLAB_BYTES : SLAB_BYTES)
      this.#start = 0
    }
    return this.window
  }
}
