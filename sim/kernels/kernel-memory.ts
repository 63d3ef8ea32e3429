import { BenchError } from '../../core/errors.ts'

const PAGE_BYTES = 65_536
const MAX_PAGES = 65_536
/** Below stand the constants of the kernels, from address 1024 on; nothing stands at 0, which would be no array’s. */
const FIRST_BYTE = 4096
/** A line of the cache, and more than any kernel reads or writes beyond an array's end. */
const ALIGNMENT = 64

/**
 * Memory that the kernels and all their threads share, handed out from bottom to top and given back by scopes.
 *
 * Throws: RANGE_EXCEEDED beyond the 4 GiB that WebAssembly can address, or what the machine gives.
 */
export class KernelMemory {
  readonly memory: WebAssembly.Memory
  #top = FIRST_BYTE

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: MAX_PAGES, shared: true })
  }

  float32(length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer(4 * length), this.#take(4 * length), length)
  }

  /** As `float32`, but with whatever stood there before: for what is written before it is read. */
  unclearedFloat32(length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer(4 * length), this.#take(4 * length, false), length)
  }

  unclearedFloat64(length: number): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.#buffer(8 * length), this.#take(8 * length, false), length)
  }

  float64(length: number): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.#buffer(8 * length), this.#take(8 * length), length)
  }

  int32(length: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.#buffer(4 * length), this.#take(4 * length), length)
  }

  int16(length: number): Int16Array<SharedArrayBuffer> {
    return new Int16Array(this.#buffer(2 * length), this.#take(2 * length), length)
  }

  int8(length: number): Int8Array<SharedArrayBuffer> {
    return new Int8Array(this.#buffer(length), this.#take(length), length)
  }

  /** What is handed out while the scope is open is given back when it closes: last opened, first closed. */
  scope(): Disposable {
    const top = this.#top
    return { [Symbol.dispose]: () => void (this.#top = top) }
  }

  get usedBytes(): number {
    return this.#top
  }

  #buffer(bytes: number): SharedArrayBuffer {
    const needed = Math.ceil((this.#top + bytes + ALIGNMENT) / PAGE_BYTES)
    const held = this.memory.buffer.byteLength / PAGE_BYTES
    if (needed > held) this.#grow(needed, held)
    return this.memory.buffer
  }

  #grow(needed: number, held: number): void {
    try {
      this.memory.grow(needed - held)
    } catch (cause) {
      const mib = Math.ceil((needed * PAGE_BYTES) / 2 ** 20)
      throw new BenchError('RANGE_EXCEEDED', `the kernels' memory cannot grow to ${mib} MiB`, { cause })
    }
  }

  /** Arrays begin as zeros, also where others were before, unless they are told not to. */
  #take(bytes: number, cleared = true): number {
    const at = this.#top
    this.#top = at + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
    // By eights: shared memory is filled element by element.
    if (cleared) new Float64Array(this.memory.buffer, at, (this.#top - at) / 8).fill(0)
    return at
  }
}
