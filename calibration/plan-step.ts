import { RandomStream } from '../core/random.ts'
import type { Plan, PlanStep, Progress } from '../orchestrator/plans/plan.ts'
import type { StepResults } from '../orchestrator/plans/step-results.ts'

/** The plan's own random numbers: chosen settings, not noise. */
const PLAN_SEED = 20260101

/**
 * Random settings of one step; seeded, so that a replay chooses the same ones, and of their own, so that it does not
 * matter which steps were made before.
 */
export const settingsOf = (step: string): RandomStream => new RandomStream(PLAN_SEED, step)

/** What a step needs to know of the plan around it. */
export interface PlanAround {
  readonly results: StepResults
  /** Undefined for a step whose work nobody estimates. */
  readonly shareOf: (step: string) => PlanStep['share']
}

export type Work<T> = (signal: AbortSignal, progress: Progress) => Promise<T>

/** One step whose result the plan goes on with: found now, or by an earlier run. */
export async function* step<T>({ results, shareOf }: PlanAround, name: string, work: Work<T>): Plan<T> {
  const share = shareOf(name)
  const earlier = results.recall(name)
  let result: { readonly value: T } | undefined
  yield {
    name,
    ...(share && { share }),
    ...(earlier && { detail: { takenFrom: earlier.origin } }),
    work: async (signal, progress) => {
      result = { value: earlier === undefined ? await work(signal, progress) : (earlier.value as T) }
      results.keep(name, result.value, earlier?.origin)
    },
  }
  // The engine has run the work before it asks for the next step.
  return result!.value
}
