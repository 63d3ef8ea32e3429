import { describe, expect, test } from 'vitest'
import { planResult } from '../../orchestrator/operators/plan-result.ts'
import type { PlanEvent } from '../../orchestrator/plans/engine.ts'
import { marbles } from '../support/marbles.ts'

const EVENTS = {
  s: { kind: 'step', step: 1, name: 'light' },
  p: { kind: 'progress', name: 'light', done: 1, total: 2 },
  r: { kind: 'result', result: 'lit' },
} as const satisfies Record<string, PlanEvent<string>>

describe('the result of a plan', () => {
  test('comes once, when the plan has ended, and every event was shown as it passed', () => {
    const seen: string[] = []
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const events = cold<PlanEvent<string>>('s-p-r--|', EVENTS)
      const result = events.pipe(planResult((event) => seen.push(event.kind)))
      expectObservable(result).toBe('-------(R|)', { R: 'lit' })
      expectSubscriptions(events.subscriptions).toBe('^------!')
    })
    expect(seen).toEqual(['step', 'progress', 'result'])
  })

  test('may be that there is none: a plan that returns nothing emits undefined', () =>
    marbles(({ cold, expectObservable }) => {
      const events = cold<PlanEvent<undefined>>('-(r|)', { r: { kind: 'result', result: undefined } })
      expectObservable(events.pipe(planResult())).toBe('-(R|)', { R: undefined })
    }))

  test('of a plan that fails is its error, even behind a result', () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<PlanEvent<string>>('s-p-#', EVENTS).pipe(planResult())).toBe('----#')
      expectObservable(cold<PlanEvent<string>>('s-r-#', EVENTS).pipe(planResult())).toBe('----#')
    }))

  test('fails with what the one who looks throws, and lets go of the plan', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const events = cold<PlanEvent<string>>('s-p-r|', EVENTS)
      const fail = (event: PlanEvent<string>): void => {
        if (event.kind === 'progress') throw new Error('no terminal')
      }
      expectObservable(events.pipe(planResult(fail))).toBe('--#', undefined, new Error('no terminal'))
      expectSubscriptions(events.subscriptions).toBe('^-!')
    }))

  test('that nobody waits for any more lets go of the plan; each subscription has its own', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const events = cold<PlanEvent<string>>('s-p-(r|)', EVENTS)
      const result = events.pipe(planResult())
      expectObservable(result, '---!').toBe('----')
      expectObservable(result).toBe('----(R|)', { R: 'lit' })
      expectSubscriptions(events.subscriptions).toBe(['^--!', '^---!'])
    }))

  test('of a plan that says nothing does not come', () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<PlanEvent<string>>('-').pipe(planResult()), '-----!').toBe('-')
      expectObservable(cold<PlanEvent<string>>('--|').pipe(planResult())).toBe('--|')
    }))
})
