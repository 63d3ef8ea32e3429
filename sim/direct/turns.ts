import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'

/** Throws TRANSPORT_ABORTED, as a wire would before it carries a byte. */
export function requireLive(name: string, signal: AbortSignal): void {
  if (signal.aborted) throw givenUp(name, signal.reason)
}

/** Waits on the clock. Throws TRANSPORT_ABORTED. */
export async function wait(name: string, clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(durationMs, signal)
  } catch (error) {
    throw givenUp(name, error)
  }
}

function givenUp(name: string, cause: unknown): BenchError {
  return new BenchError('TRANSPORT_ABORTED', `${name}: given up`, { cause, context: { instrument: name } })
}

/**
 * What one instrument is asked, one question after the other, with silence between.
 *
 * On a bus with a gap each exchange begins no sooner than `gapMs` after the last one ended.
 */
export class Turns {
  readonly #name: string
  readonly #clock: Clock
  readonly #gapMs: number
  #last: Promise<unknown> = Promise.resolve()
  #quietSinceNs = -Infinity

  constructor(name: string, clock: Clock, gapMs = 0) {
    this.#name = name
    this.#clock = clock
    this.#gapMs = gapMs
  }

  take<T>(signal: AbortSignal, exchange: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      requireLive(this.#name, signal)
      const quietMs = (this.#clock.monotonicNs() - this.#quietSinceNs) / 1e6
      if (quietMs < this.#gapMs) await wait(this.#name, this.#clock, this.#gapMs - quietMs, signal)
      try {
        return await exchange()
      } finally {
        this.#quietSinceNs = this.#clock.monotonicNs()
      }
    })
    this.#last = result.catch(() => undefined)
    return result
  }
}
