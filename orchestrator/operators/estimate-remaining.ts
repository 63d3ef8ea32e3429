import { defer, map } from 'rxjs'
import type { OperatorFunction } from 'rxjs'
import type { Clock } from '../../core/clock.ts'

export interface Progress {
  readonly done: number
  readonly total: number
}

export interface ProgressWithEta extends Progress {
  /** Seconds until the end at the mean rate so far; undefined before anything is done. */
  readonly remainingS: number | undefined
}

/**
 * Adds when the work will be done, from its mean rate since the subscription.
 *
 * Rate and backpressure: one out for one in, synchronously. Errors pass. Cold: each subscription has its own start.
 */
export function estimateRemaining(clock: Clock): OperatorFunction<Progress, ProgressWithEta> {
  return (source) =>
    defer(() => {
      const startNs = clock.monotonicNs()
      return source.pipe(
        map(({ done, total }) => {
          const elapsedS = (clock.monotonicNs() - startNs) / 1e9
          return { done, total, remainingS: done > 0 ? (elapsedS / done) * (total - done) : undefined }
        }),
      )
    })
}
