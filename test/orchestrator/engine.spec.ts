import { lastValueFrom, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { currentStep } from '../../core/step-context.ts'
import { runPlan } from '../../orchestrator/plans/engine.ts'
import type { PlanEvent, StepLog } from '../../orchestrator/plans/engine.ts'
import type { Plan, PlanStep } from '../../orchestrator/plans/plan.ts'
import { neverAborted } from '../support/run-plan.ts'

/** A log that numbers its steps and writes down what happens. */
function journal(): { lines: string[]; log: StepLog } {
  const lines: string[] = []
  let steps = 0
  return {
    lines,
    log: {
      step: (name, detail) => {
        lines.push(`journal ${name}${detail === undefined ? '' : ` ${JSON.stringify(detail)}`}`)
        return ++steps
      },
      ready: () => Promise.resolve(),
    },
  }
}

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the engine', () => {
  test('journals each step before its work, runs one after the other, and ends with the result', async () => {
    const { lines, log } = journal()
    const step = (name: string, detail?: Record<string, unknown>): PlanStep => ({
      name,
      ...(detail && { detail }),
      work: async () => {
        lines.push(`${name} begins`)
        await tick()
        lines.push(`${name} ends in step ${currentStep()}`)
      },
    })
    async function* plan(): Plan<string> {
      lines.push('planned')
      yield step('warm up', { oven: 'mux' })
      yield step('light')
      return 'lit'
    }
    const events = await lastValueFrom(runPlan(plan(), log, neverAborted).pipe(toArray()))
    expect(lines).toEqual([
      'planned',
      'journal warm up {"oven":"mux"}',
      'warm up begins',
      'warm up ends in step 1',
      'journal light',
      'light begins',
      'light ends in step 2',
    ])
    expect(events).toEqual([
      { kind: 'step', step: 1, name: 'warm up' },
      { kind: 'step', step: 2, name: 'light' },
      { kind: 'result', result: 'lit' },
    ])
  })

  test('passes progress on while the work goes on', async () => {
    async function* plan(): Plan<undefined> {
      yield {
        name: 'sweep',
        work: async (_, progress) => {
          progress(1, 2)
          await tick()
          progress(2, 2)
        },
      }
      return undefined
    }
    const events = await lastValueFrom(runPlan(plan(), journal().log, neverAborted).pipe(toArray()))
    expect(events.slice(1, 3)).toEqual([
      { kind: 'progress', name: 'sweep', done: 1, total: 2 },
      { kind: 'progress', name: 'sweep', done: 2, total: 2 },
    ])
  })

  test('does nothing before it is subscribed to', async () => {
    const { lines, log } = journal()
    async function* plan(): Plan<undefined> {
      lines.push('planned')
      yield { name: 'light', work: () => Promise.resolve() }
      return undefined
    }
    runPlan(plan(), log, neverAborted)
    await tick()
    expect(lines).toEqual([])
  })

  test('waits for a log that cannot take more before it begins a step', async () => {
    let open: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    let worked = false
    async function* plan(): Plan<undefined> {
      yield { name: 'light', work: async () => void (worked = true) }
      return undefined
    }
    const done = lastValueFrom(runPlan(plan(), { ...journal().log, ready: () => gate }, neverAborted))
    await tick()
    expect(worked).toBe(false)
    open()
    await done
    expect(worked).toBe(true)
  })

  test('a step that fails ends the plan, after the plan’s own clean-up', async () => {
    const { lines, log } = journal()
    async function* plan(): Plan<undefined> {
      try {
        yield { name: 'light', work: () => Promise.reject(new Error('no light')) }
        yield { name: 'never', work: async () => void lines.push('went on') }
        return undefined
      } finally {
        await tick()
        lines.push('cleaned up')
      }
    }
    await expect(lastValueFrom(runPlan(plan(), log, neverAborted))).rejects.toThrow('no light')
    expect(lines).toEqual(['journal light', 'cleaned up'])
  })

  test('what the clean-up has to say does not hide why the plan ended', async () => {
    async function* plan(): Plan<undefined> {
      try {
        yield { name: 'light', work: () => Promise.reject(new Error('no light')) }
        return undefined
      } finally {
        await Promise.reject(new Error('and no clean-up'))
      }
    }
    await expect(lastValueFrom(runPlan(plan(), journal().log, neverAborted))).rejects.toThrow('no light')
  })

  test('a plan that itself fails between steps fails the run', async () => {
    async function* plan(): Plan<undefined> {
      yield { name: 'light', work: () => Promise.resolve() }
      throw new Error('nothing fits')
    }
    await expect(lastValueFrom(runPlan(plan(), journal().log, neverAborted))).rejects.toThrow('nothing fits')
  })

  test('a log that fails ends the plan before the work begins', async () => {
    let worked = false
    async function* plan(): Plan<undefined> {
      yield { name: 'light', work: async () => void (worked = true) }
      return undefined
    }
    const log: StepLog = {
      step: () => {
        throw new Error('disk full')
      },
      ready: () => Promise.resolve(),
    }
    await expect(lastValueFrom(runPlan(plan(), log, neverAborted))).rejects.toThrow('disk full')
    expect(worked).toBe(false)
  })

  test('an abort reaches the step under way, and no further step begins', async () => {
    const { lines, log } = journal()
    const stop = new AbortController()
    async function* plan(): Plan<undefined> {
      try {
        yield { name: 'wait', work: untilAborted }
        yield { name: 'never', work: async () => void lines.push('went on') }
        return undefined
      } finally {
        lines.push('cleaned up')
      }
    }
    const run = lastValueFrom(runPlan(plan(), log, stop.signal))
    await tick()
    stop.abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
    expect(lines).toEqual(['journal wait', 'cleaned up'])
  })

  test('an abort between two steps, or before the first, stops as TRANSPORT_ABORTED', async () => {
    const stop = new AbortController()
    const { lines, log } = journal()
    async function* plan(): Plan<undefined> {
      yield { name: 'deaf', work: async () => stop.abort(new Error('enough')) }
      yield { name: 'never', work: async () => void lines.push('went on') }
      return undefined
    }
    await expect(lastValueFrom(runPlan(plan(), log, stop.signal))).rejects.toMatchObject({
      code: 'TRANSPORT_ABORTED',
      cause: { message: 'enough' },
    })
    await expect(lastValueFrom(runPlan(plan(), log, stop.signal))).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    expect(lines).toEqual(['journal deaf'])
  })

  test('unsubscribing aborts the step under way and runs the plan’s clean-up', async () => {
    const { lines, log } = journal()
    async function* plan(): Plan<undefined> {
      try {
        yield {
          name: 'wait',
          work: async (signal) => {
            await untilAborted(signal).catch(() => lines.push('aborted'))
            throw new Error('stopped')
          },
        }
        return undefined
      } finally {
        lines.push('cleaned up')
      }
    }
    const seen: PlanEvent<undefined>[] = []
    const subscription = runPlan(plan(), log, neverAborted).subscribe((event) => seen.push(event))
    await tick()
    subscription.unsubscribe()
    await tick()
    expect(lines).toEqual(['journal wait', 'aborted', 'cleaned up'])
    expect(seen.map(({ kind }) => kind)).toEqual(['step'])
  })
})
