import { Observable } from 'rxjs'
import { BenchError } from '../../core/errors.ts'
import { withStep } from '../../core/step-context.ts'
import type { Plan, PlanStep, Progress } from './plan.ts'

/** Where the engine writes what it does: the journal, or a replay that only counts. */
export interface StepLog {
  step(name: string, detail?: unknown): number
  /** Waits while the log cannot take more. */
  ready(): Promise<void>
}

export type PlanEvent<Result> =
  | { readonly kind: 'step'; readonly step: number; readonly name: string; readonly share?: PlanStep['share'] }
  | {
      readonly kind: 'progress'
      readonly name: string
      readonly done: number
      readonly total: number
      readonly note?: string
    }
  | { readonly kind: 'result'; readonly result: Result }

/**
 * Runs a plan, step by step: each is journalled before its work begins, and every byte that it causes carries its
 * number.
 *
 * Events: one `step` each, `progress` as the work reports it, `result` last.
 * Errors: the first step that fails ends the plan. Unsubscribing, or `signal`, aborts the step under way; the plan's
 * own `finally` blocks then run. Cold, but a plan is a generator: subscribe once.
 */
export function runPlan<Result>(plan: Plan<Result>, log: StepLog, signal: AbortSignal): Observable<PlanEvent<Result>> {
  return new Observable((subscriber) => {
    const unsubscribed = new AbortController()
    const either = AbortSignal.any([signal, unsubscribed.signal])
    const run = async (): Promise<void> => {
      for (;;) {
        requireGoing(either)
        const next = await plan.next()
        if (next.done === true) {
          subscriber.next({ kind: 'result', result: next.value })
          return
        }
        const planned = next.value
        const { name, detail, share } = planned
        await log.ready()
        const step = log.step(name, detail)
        subscriber.next({ kind: 'step', step, name, ...(share && { share }) })
        const progress: Progress = (done, total, note) =>
          subscriber.next({ kind: 'progress', name, done, total, ...(note !== undefined && { note }) })
        await withStep(step, () => planned.work(either, progress))
      }
    }
    const ended = async (): Promise<void> => {
      try {
        await run()
      } catch (error) {
        // The plan's own clean-up; what it has to say comes after why it ended.
        await plan.return(undefined as never).catch(() => undefined)
        throw error
      }
    }
    ended().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    )
    return () => unsubscribed.abort()
  })
}

function requireGoing(signal: AbortSignal): void {
  if (signal.aborted) throw new BenchError('TRANSPORT_ABORTED', 'the run was stopped', { cause: signal.reason })
}
