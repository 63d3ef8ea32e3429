import type { Clock } from '../../core/clock.ts'
import { currentStep } from '../../core/step-context.ts'

/** What the clock must know of the recording. */
export interface Timeline {
  /** Time of the earliest record that is still to come; Infinity when there is none. */
  horizonNs(): number
  stepStartNs(step: number): number | undefined
  /** Somebody sleeps now. */
  onSleep(): void
}

interface Sleeper {
  readonly dueNs: number
  readonly wake: () => void
  readonly fail: (error: Error) => void
}

/** Timers of the recorded run may have gone off this much early. */
const TIMER_SLACK_NS = 2e6

/**
 * The time of a recorded run: it moves with the records that are consumed, with the steps that begin, and with
 * sleeps, which take no time. It never passes a record that is still to come, so a deadline that held in the
 * run holds here.
 */
export class ReplayClock implements Clock {
  readonly #startedMs: number
  readonly #timeline: Timeline
  readonly #sleepers = new Set<Sleeper>()
  #reachedNs = 0
  #nowNs = 0

  constructor(startedMs: number, timeline: Timeline) {
    this.#startedMs = startedMs
    this.#timeline = timeline
  }

  epochMs(): number {
    return this.#startedMs + this.monotonicNs() / 1e6
  }

  monotonicNs(): number {
    this.reach(this.#timeline.stepStartNs(currentStep()) ?? 0)
    this.#nowNs = Math.max(this.#nowNs, Math.min(this.#reachedNs, this.#timeline.horizonNs()))
    return this.#nowNs
  }

  sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const leave = (): void => {
        signal.removeEventListener('abort', onAbort)
        this.#sleepers.delete(sleeper)
      }
      const fail = (error: Error): void => {
        leave()
        reject(error)
      }
      const wake = (): void => {
        leave()
        resolve()
      }
      const onAbort = (): void => fail(signal.reason as Error)
      const sleeper: Sleeper = { dueNs: this.monotonicNs() + durationMs * 1e6, wake, fail }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.add(sleeper)
      this.#timeline.onSleep()
    })
  }

  /** Time of a record that was consumed. */
  reach(timeNs: number): void {
    // A time that was edited into something else does not stop the clock.
    if (Number.isFinite(timeNs)) this.#reachedNs = Math.max(this.#reachedNs, timeNs)
  }

  /** When the first sleeper is due; Infinity when nobody sleeps. */
  get nextDueNs(): number {
    let earliest = Infinity
    for (const { dueNs } of this.#sleepers) earliest = Math.min(earliest, dueNs)
    return earliest
  }

  /** True when no record still to come was written before that sleeper awoke. */
  isDue(dueNs: number): boolean {
    const horizonNs = this.#timeline.horizonNs()
    return horizonNs !== Infinity && dueNs <= horizonNs + TIMER_SLACK_NS
  }

  wakeNext(): void {
    const { nextDueNs } = this
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueNs !== nextDueNs) continue
      this.reach(sleeper.dueNs)
      return sleeper.wake()
    }
  }

  /** Whoever sleeps or comes to sleep later gets this error. */
  failAll(error: Error): void {
    for (const sleeper of [...this.#sleepers]) sleeper.fail(error)
  }
}
