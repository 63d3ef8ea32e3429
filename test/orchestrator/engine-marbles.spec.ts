import type { Observable } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { runPlan } from '../../orchestrator/plans/engine.ts'
import type { PlanEvent, StepLog } from '../../orchestrator/plans/engine.ts'
import type { Plan, PlanStep } from '../../orchestrator/plans/plan.ts'
import { answerOf, promisedMarbles } from '../support/marbles.ts'
import { neverAborted } from '../support/run-plan.ts'

/** Numbers steps from 1, and takes a step when its gate opens. */
function logOf(gate?: Observable<unknown>): StepLog {
  let steps = 0
  return {
    step: () => ++steps,
    ready: async () => {
      if (gate !== undefined) await answerOf(gate, neverAborted)
    },
  }
}

/** A step whose work is done when its marble comes. */
const step = (name: string, work: Observable<unknown>): PlanStep => ({
  name,
  work: async (signal) => {
    await answerOf(work, signal)
  },
})

async function* planOf(steps: readonly PlanStep[], onEnd: () => void = () => undefined): Plan<string> {
  try {
    yield* steps
    return 'done'
  } finally {
    onEnd()
  }
}

const EVENTS: Readonly<Record<string, PlanEvent<string>>> = {
  a: { kind: 'step', step: 1, name: 'warm up' },
  b: { kind: 'step', step: 2, name: 'light' },
  r: { kind: 'result', result: 'done' },
}

describe('the engine in marbles', () => {
  test('begins a step when the one before is done, and completes with the result', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const works = [cold('---x'), cold('--y')] as const
      const plan = planOf([step('warm up', works[0]), step('light', works[1])])
      expectObservable(runPlan(plan, logOf(), neverAborted)).toBe('a--b-(r|)', EVENTS)
      expectSubscriptions(works[0]).toBe('                          ^--!')
      expectSubscriptions(works[1]).toBe('                          ---^-!')
    }))

  test('holds a step back while its log cannot take more', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const [gate, work] = [cold('----o'), cold('-x')]
      expectObservable(runPlan(planOf([step('warm up', work)]), logOf(gate), neverAborted)).toBe('----a(r|)', EVENTS)
      expectSubscriptions(work).toBe('----^!')
    }))

  test('ends with the error of a step, and begins no other', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const works = [cold('---#', {}, new Error('no light')), cold('-y')] as const
      const plan = planOf([step('warm up', works[0]), step('light', works[1])])
      expectObservable(runPlan(plan, logOf(), neverAborted)).toBe('a--#', EVENTS, new Error('no light'))
      expectSubscriptions(works[1]).toBe([])
    }))

  test('unsubscribed ends the work under way and lets the plan clean up', async () => {
    let ended = 0
    await promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const works = [cold('-----x'), cold('-y')] as const
      const plan = planOf([step('warm up', works[0]), step('light', works[1])], () => {
        ended++
      })
      expectObservable(runPlan(plan, logOf(), neverAborted), '--!').toBe('a--', EVENTS)
      expectSubscriptions(works[0]).toBe('^-!')
      expectSubscriptions(works[1]).toBe([])
    })
    expect(ended).toBe(1)
  })

  test('says nothing of a step that never ends but that it began; a plan of no steps is done at once', () =>
    promisedMarbles(({ cold, expectObservable }) => {
      expectObservable(runPlan(planOf([step('warm up', cold('-'))]), logOf(), neverAborted)).toBe('a---', EVENTS)
      expectObservable(runPlan(planOf([]), logOf(), neverAborted)).toBe('(r|)', EVENTS)
    }))
})
