/** Bytes that come within this time are worth staying awake for. */
const WORTH_WAITING_MS = 0.25
/** Between two turns of a loop that has nothing to do pass microseconds; more, and somebody else had the processor. */
const UNDISTURBED_MS = 1
/** How long the processor is left to others then. */
const REST_MS = 100

/**
 * Keeps the event loop looking for bytes instead of going to sleep, for as long as the other side is known to be quick.
 *
 * To be woken costs more than a loopback, or an instrument on the same switch, takes to answer. A side that takes
 * longer than a quarter of a millisecond costs nothing: after one such wait the loop sleeps again, until bytes come
 * quickly. Where the processor is wanted by others, staying awake would hold up the very side that is waited for.
 */
export class Wakefulness {
  #quick = false
  #sinceMs = 0
  #turnedMs = 0
  #restUntilMs = 0
  #waiting = false
  #turning = false

  /** It is the other side's turn. */
  expect(): void {
    this.#sinceMs = performance.now()
    this.#waiting = true
    if (!this.#quick || this.#turning || this.#sinceMs < this.#restUntilMs) return
    this.#turning = true
    this.#turnedMs = this.#sinceMs
    setImmediate(this.#turn)
  }

  /** Its bytes have come, or are no longer waited for. */
  settle(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#quick = performance.now() - this.#sinceMs < WORTH_WAITING_MS
  }

  readonly #turn = (): void => {
    const nowMs = performance.now()
    const isDisturbed = nowMs - this.#turnedMs > UNDISTURBED_MS
    this.#turnedMs = nowMs
    if (isDisturbed) this.#restUntilMs = nowMs + REST_MS
    this.#turning = this.#waiting && !isDisturbed && nowMs - this.#sinceMs < WORTH_WAITING_MS
    if (this.#turning) setImmediate(this.#turn)
  }
}
