/** An instrument that answers within this time is worth staying awake for. */
const WORTH_WAITING_MS = 0.25

/**
 * Keeps the event loop looking for a reply instead of going to sleep, for as long as the instrument is known to be quick.
 *
 * To be woken costs more than a loopback or an instrument on the same switch takes to answer. Who answers later than
 * a quarter of a millisecond costs nothing: after one such reply the loop sleeps again, until a reply is quick.
 */
export class QuickReply {
  #quick = false
  #askedMs = 0
  #waiting = false
  #turning = false

  asked(): void {
    this.#askedMs = performance.now()
    this.#waiting = true
    if (!this.#quick || this.#turning) return
    this.#turning = true
    setImmediate(this.#turn)
  }

  answered(): void {
    this.#waiting = false
    this.#quick = this.#sinceAskedMs < WORTH_WAITING_MS
  }

  get #sinceAskedMs(): number {
    return performance.now() - this.#askedMs
  }

  readonly #turn = (): void => {
    this.#turning = this.#waiting && this.#sinceAskedMs < WORTH_WAITING_MS
    if (this.#turning) setImmediate(this.#turn)
  }
}
