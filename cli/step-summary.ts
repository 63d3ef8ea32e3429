import type { StepRecord } from '../orchestrator/journal/records.ts'
import type { ResultOrigin } from '../orchestrator/plans/step-results.ts'

/** A step of the plan itself; what it did inside is counted. Times are the bench's. */
export interface StepSummary {
  readonly step: number
  readonly name: string
  readonly startSeconds: number
  /** Until the next one; null for the last, whose end nobody noted. */
  readonly seconds: number | null
  readonly inner: number
}

export function summarise(steps: readonly StepRecord[]): readonly StepSummary[] {
  const top = steps.filter(({ parent }) => parent === 0)
  return top.map(({ step, name, timeNs }, index) => {
    const next = top[index + 1]
    return {
      step,
      name,
      startSeconds: timeNs / 1e9,
      seconds: next === undefined ? null : (next.timeNs - timeNs) / 1e9,
      inner: steps.filter(({ parent }) => parent === step).length,
    }
  })
}

/** The earlier run that a step's result was taken from; undefined where the step was made. */
export function originOf({ detail }: StepRecord): ResultOrigin | undefined {
  return (detail as { readonly takenFrom?: ResultOrigin } | null)?.takenFrom
}
