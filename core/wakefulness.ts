/** Bytes that come within this time are worth staying awake for. */
const WORTH_WAITING_MS = 0.25
/** Between two turns of a loop that has nothing to do pass microseconds; more, and somebody else had the processor. */
const UNDISTURBED_MS = 1
/** How long it sleeps like everybody else after having stayed awake in vain: longer each time, as long as it is mostly in vain. */
const SHORTEST_REST_MS = 1
const LONGEST_REST_MS = 1_000
const IN_VAIN = 2
const WORTHWHILE = 0.98

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
  #restMs = SHORTEST_REST_MS
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
    if (this.#turning && this.#quick) this.#restMs = Math.max(SHORTEST_REST_MS, this.#restMs * WORTHWHILE)
  }

  readonly #turn = (): void => {
    const nowMs = performance.now()
    const isDisturbed = nowMs - this.#turnedMs > UNDISTURBED_MS
    const isInVain = isDisturbed || (this.#waiting && nowMs - this.#sinceMs >= WORTH_WAITING_MS)
    this.#turnedMs = nowMs
    if (isInVain) this.#rest(nowMs)
    this.#turning = this.#waiting && !isInVain
    if (this.#turning) setImmediate(this.#turn)
  }

  #rest(nowMs: number): void {
    this.#restUntilMs = nowMs + this.#restMs
    this.#restMs = Math.min(LONGEST_REST_MS, this.#restMs * IN_VAIN)
  }
}
