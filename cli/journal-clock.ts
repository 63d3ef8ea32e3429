import type { Clock } from '../core/clock.ts'

/**
 * The clock of a journal: dates are the computer's, for people; durations are the bench's, twin's time included,
 * so that a replay finds sleeps and deadlines where the run had them.
 */
export class JournalClock implements Clock {
  readonly #bench: Clock

  constructor(bench: Clock) {
    this.#bench = bench
  }

  epochMs(): number {
    return Date.now()
  }

  monotonicNs(): number {
    return this.#bench.monotonicNs()
  }

  sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    return this.#bench.sleep(durationMs, signal)
  }
}
