import type { Clock } from '../../core/clock.ts'
import type { B2900Trigger } from './b2900-trigger.ts'

/** Waits until trigger systems are idle again: by the clock where time decides, else until something happens to them. */
export class B2900Idle {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something may have happened. */
  changed(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Undefined when they are idle now. */
  of(triggers: readonly B2900Trigger[], signal: AbortSignal): Promise<void> | undefined {
    return triggers.some(({ running }) => running) ? this.#until(triggers, signal) : undefined
  }

  async #until(triggers: readonly B2900Trigger[], signal: AbortSignal): Promise<void> {
    for (let busy = triggers; busy.length > 0; busy = triggers.filter(({ running }) => running)) {
      const endsNs = busy.map(({ endNs }) => endNs).filter((endNs) => endNs !== undefined)
      if (endsNs.length === 0) await this.#change(signal)
      else await this.#clock.sleep(Math.max(0, Math.max(...endsNs) - this.#clock.monotonicNs()) / 1e6, signal)
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const leave = (): void => {
        signal.removeEventListener('abort', onAbort)
        this.#waiting.delete(wake)
      }
      const wake = (): void => {
        leave()
        resolve()
      }
      const onAbort = (): void => {
        leave()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(wake)
    })
  }
}
