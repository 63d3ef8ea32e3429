import { map, takeLast, tap } from 'rxjs'
import type { OperatorFunction } from 'rxjs'
import type { PlanEvent } from '../plans/engine.ts'

/**
 * What a plan came to, from its events; each of them is shown to `onEvent` as it passes.
 *
 * Rate: one value at the end, where the result is the last event. Backpressure: none, events are only looked at.
 * Errors: those of the plan, and what `onEvent` throws. Hot or cold as its source.
 */
export function planResult<Result>(
  onEvent: (event: PlanEvent<Result>) => void = () => undefined,
): OperatorFunction<PlanEvent<Result>, Result> {
  return (events) =>
    events.pipe(
      tap(onEvent),
      takeLast(1),
      // A plan that completes has ended with its result.
      map((last) => (last as Extract<typeof last, { kind: 'result' }>).result),
    )
}
