import type { Clock } from '../../core/clock.ts'

export interface LinePaceOptions {
  readonly clock: Clock
  readonly baudRate: number
  /** Start bit, data bits, parity and stop bits: 10 for 8N1, 11 for 8E1. */
  readonly bitsPerCharacter: number
}

/** Bytes are handed on in groups that take about this long: timers are no finer. */
const GROUP_MS = 1

/**
 * One direction of a serial line: bytes come out no sooner than the line could have carried them.
 *
 * `whole` hands on what was put in as one piece once its last bit has arrived; without it bytes trickle out as they
 * arrive. In order; after `close` nothing comes out any more.
 */
export class LinePace {
  readonly #options: LinePaceOptions & { readonly whole?: boolean }
  readonly #out: (bytes: Uint8Array) => void
  readonly #waiting: Uint8Array[] = []
  readonly #closed = new AbortController()
  #running = false
  /** When the last bit of what has left was on the line. */
  #freeNs = Number.NEGATIVE_INFINITY

  constructor(options: LinePaceOptions & { readonly whole?: boolean }, out: (bytes: Uint8Array) => void) {
    this.#options = options
    this.#out = out
  }

  put(bytes: Uint8Array): void {
    if (this.#closed.signal.aborted || bytes.length === 0) return
    this.#waiting.push(bytes.slice())
    if (!this.#running) void this.#run()
  }

  close(): void {
    this.#closed.abort()
    this.#waiting.length = 0
  }

  async #run(): Promise<void> {
    const { clock, baudRate, bitsPerCharacter, whole = false } = this.#options
    const characterNs = (bitsPerCharacter * 1e9) / baudRate
    const group = Math.max(1, Math.floor((GROUP_MS * 1e6) / characterNs))
    this.#running = true
    try {
      for (let bytes = this.#waiting.shift(); bytes !== undefined; bytes = this.#waiting.shift()) {
        const piece = whole ? bytes : bytes.subarray(0, group)
        if (piece.length < bytes.length) this.#waiting.unshift(bytes.subarray(piece.length))
        this.#freeNs = Math.max(this.#freeNs, clock.monotonicNs()) + piece.length * characterNs
        const waitMs = (this.#freeNs - clock.monotonicNs()) / 1e6
        if (waitMs > 0) await clock.sleep(waitMs, this.#closed.signal)
        this.#out(piece)
      }
    } catch (error) {
      // Closed while bytes were on their way: like any line that is cut.
      if (!this.#closed.signal.aborted) throw error
    } finally {
      this.#running = false
    }
  }
}
