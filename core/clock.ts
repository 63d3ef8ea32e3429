/** Time as the bench sees it. Injected everywhere, so that a night takes seconds in a test. */
export interface Clock {
  /** Milliseconds since 1970, for records that people read. */
  epochMs(): number
  /** Nanoseconds since this clock began; never goes back, exact as a double for 104 days. */
  monotonicNs(): number
  /** Rejects with the signal's reason when aborted. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>
}

/** Node's timers are late by up to a millisecond, and a little more when the loop is busy: a tenth of a frame. */
const TIMER_LATE_MS = 1.5

/** The computer's time. The last stretch of a sleep is spent looking at it, so that sleeps end when they should. */
export class SystemClock implements Clock {
  readonly #startMs = performance.now()

  epochMs(): number {
    return Date.now()
  }

  monotonicNs(): number {
    return Math.round((performance.now() - this.#startMs) * 1e6)
  }

  sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    const dueMs = performance.now() + durationMs
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const onAbort = (): void => {
        clearTimeout(timer)
        clearImmediate(look)
        reject(signal.reason as Error)
      }
      const wakeWhenDue = (): void => {
        if (performance.now() < dueMs) {
          look = setImmediate(wakeWhenDue)
          return
        }
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      let look: NodeJS.Immediate | undefined
      // The shortest timer is a millisecond.
      const timer = durationMs > TIMER_LATE_MS ? setTimeout(wakeWhenDue, durationMs - TIMER_LATE_MS) : undefined
      if (timer === undefined) look = setImmediate(wakeWhenDue)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

interface Sleeper {
  readonly endNs: number
  readonly wake: () => void
}

/**
 * Time that passes only when somebody waits for it: `sleep` moves it forward and returns at once.
 *
 * Two sleeps that overlap move it to the later end, not to the sum; who sleeps less awakes first.
 */
export class VirtualClock implements Clock {
  readonly #epochStartMs: number
  readonly #sleepers = new Set<Sleeper>()
  #nowNs = 0

  constructor(epochStartMs = Date.UTC(2026, 0, 1)) {
    this.#epochStartMs = epochStartMs
  }

  epochMs(): number {
    return this.#epochStartMs + this.#nowNs / 1e6
  }

  monotonicNs(): number {
    return this.#nowNs
  }

  sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const leave = (): void => {
        signal.removeEventListener('abort', onAbort)
        this.#sleepers.delete(sleeper)
      }
      const onAbort = (): void => {
        leave()
        reject(signal.reason as Error)
      }
      const wake = (): void => {
        leave()
        resolve()
      }
      const sleeper: Sleeper = { endNs: this.#nowNs + durationMs * 1e6, wake }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.add(sleeper)
      // Let every sleeper of this moment register its end before time moves.
      setImmediate(() => this.#wakeFirst())
    })
  }

  /** Never backwards: an earlier moment is ignored. */
  moveTo(monotonicNs: number): void {
    this.#nowNs = Math.max(this.#nowNs, monotonicNs)
  }

  #wakeFirst(): void {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.endNs < first.endNs) first = sleeper
    if (first === undefined) return
    this.moveTo(first.endNs)
    first.wake()
  }
}
