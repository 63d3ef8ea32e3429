import { lastValueFrom } from 'rxjs'
import type { LightBench } from '../../core/light-bench.ts'
import { withStep } from '../../core/step-context.ts'
import { planResult } from '../operators/plan-result.ts'
import { runPlan } from '../plans/engine.ts'
import type { PlanEvent, StepLog } from '../plans/engine.ts'
import type { Plan } from '../plans/plan.ts'

/** A bench that a job may use until it closes it. */
export interface JobBench<Core extends LightBench> {
  readonly bench: Core
  /** Makes safe, reads back, lets go of the wires. Resolves with the error to report when anything is not safe. */
  close(): Promise<Error | undefined>
}

export interface JobOptions<Result, Core extends LightBench> {
  readonly open: (signal: AbortSignal) => Promise<JobBench<Core>>
  readonly plan: (bench: Core) => Plan<Result>
  readonly log: StepLog
  readonly signal: AbortSignal
  readonly onEvent?: (event: PlanEvent<Result>) => void
}

/**
 * Opens the bench, runs a plan on it and leaves it safe, whatever happens.
 *
 * Throws: what the bench or the plan threw; SAFE_STATE_UNVERIFIED, together with it, when something is not safe.
 */
export async function runOnBench<Result, Core extends LightBench>(options: JobOptions<Result, Core>): Promise<Result> {
  const { open, plan, log, signal, onEvent } = options
  const opened = await withStep(log.step('open bench'), () => open(signal))
  let outcome: { readonly result: Result } | { readonly error: unknown }
  try {
    outcome = { result: await lastValueFrom(runPlan(plan(opened.bench), log, signal).pipe(planResult(onEvent))) }
  } catch (error) {
    outcome = { error }
  }
  let step = 0
  try {
    step = log.step('make safe')
  } catch (error) {
    // A log that has failed must not leave the bench lit.
    if ('result' in outcome) outcome = { error }
  }
  const unsafe = await withStep(step, () => opened.close())
  if ('error' in outcome) {
    if (unsafe === undefined) throw outcome.error
    throw new AggregateError([outcome.error, unsafe], 'the run failed and the bench is not safe')
  }
  if (unsafe !== undefined) throw unsafe
  return outcome.result
}
