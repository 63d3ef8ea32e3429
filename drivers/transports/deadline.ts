/** A timer this late was held up by this process itself, and so may be the reply. */
const LATE_MS = 20

/**
 * One deadline after the other. It strikes when this process was able to listen all the time: after a long computation
 * the bytes that wait in the kernel come before the verdict that there are none.
 *
 * Setting and clearing a timer costs a twentieth of an exchange on a quick wire. So the timer of a deadline that was
 * stopped runs on and serves those that follow it; it does not keep the process alive.
 */
export class Deadline {
  #expired: (() => void) | undefined
  #timeoutMs = 0
  #dueMs = 0
  #timer: NodeJS.Timeout | undefined
  /** For when the timer was set. */
  #timerMs = 0
  #immediate: NodeJS.Immediate | undefined

  /** Ends the one before. Returns what stops this one and no other. */
  start(timeoutMs: number, expired: () => void): () => void {
    this.#stop()
    this.#expired = expired
    this.#timeoutMs = timeoutMs
    this.#dueMs = performance.now() + timeoutMs
    if (this.#timer !== undefined && this.#timerMs <= this.#dueMs) this.#timer.ref()
    else this.#wait(timeoutMs)
    return () => {
      if (this.#expired === expired) this.#stop()
    }
  }

  #stop(): void {
    this.#expired = undefined
    clearImmediate(this.#immediate)
    this.#timer?.unref()
  }

  #wait(waitMs: number): void {
    clearTimeout(this.#timer)
    this.#timerMs = this.#dueMs
    this.#timer = setTimeout(this.#ring, waitMs)
  }

  readonly #ring = (): void => {
    this.#timer = undefined
    if (this.#expired === undefined) return
    const nowMs = performance.now()
    if (this.#timerMs < this.#dueMs) return this.#wait(this.#dueMs - nowMs)
    if (nowMs - this.#dueMs <= LATE_MS) {
      this.#immediate = setImmediate(this.#strike)
      return
    }
    const waitMs = Math.min(this.#timeoutMs, 10 * LATE_MS)
    this.#dueMs = nowMs + waitMs
    this.#wait(waitMs)
  }

  readonly #strike = (): void => {
    const expired = this.#expired
    this.#expired = undefined
    expired?.()
  }
}
