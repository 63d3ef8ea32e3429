/** Bytes that come within this time are worth staying awake for. */
const WORTH_WAITING_MS = 0.25

/**
 * Keeps the event loop looking for bytes instead of going to sleep, for as long as the other side is known to be quick.
 *
 * To be woken costs more than a loopback, or an instrument on the same switch, takes to answer. A side that takes
 * longer than a quarter of a millisecond costs nothing: after one such wait the loop sleeps again, until bytes come
 * quickly.
 */
export class Wakefulness {
  #quick = false
  #sinceMs = 0
  #waiting = false
  #turning = false

  /** It is the other side's turn. */
  expect(): void {
    this.#sinceMs = performance.now()
    this.#waiting = true
    if (!this.#quick || this.#turning) return
    this.#turning = true
    setImmediate(this.#turn)
  }

  /** Its bytes have come, or are no longer waited for. */
  settle(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#quick = this.#waitedMs < WORTH_WAITING_MS
  }

  get #waitedMs(): number {
    return performance.now() - this.#sinceMs
  }

  readonly #turn = (): void => {
    this.#turning = this.#waiting && this.#waitedMs < WORTH_WAITING_MS
    if (this.#turning) setImmediate(this.#turn)
  }
}
