import { describe, expect, test } from 'vitest'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { currentStep } from '../../core/step-context.ts'
import { runOnBench } from '../../orchestrator/jobs/run-on-bench.ts'
import type { JobOptions } from '../../orchestrator/jobs/run-on-bench.ts'
import type { Plan } from '../../orchestrator/plans/plan.ts'
import { openDirectBench } from '../support/direct-bench.ts'

const { bench } = openDirectBench({ size: 2, lanes: 1 })
const stillLit = new Error('laser-0 may still emit')

interface Watched {
  readonly lines: string[]
  readonly stop: AbortController
  readonly options: JobOptions<string, MeshBench>
}

/** A job that writes down what happens to its bench. */
function job(work: (signal: AbortSignal, stop: AbortController) => Promise<void>, unsafe?: Error): Watched {
  const lines: string[] = []
  const stop = new AbortController()
  let steps = 0
  const close = async (): Promise<Error | undefined> => {
    lines.push(`closed in step ${currentStep()}`)
    return unsafe
  }
  async function* plan(given: MeshBench): Plan<string> {
    lines.push(given === bench ? 'planned on the bench' : 'planned elsewhere')
    yield { name: 'work', work: (signal) => work(signal, stop) }
    return 'done'
  }
  return {
    lines,
    stop,
    options: {
      open: async () => {
        lines.push(`opened in step ${currentStep()}`)
        return { bench, close }
      },
      plan,
      log: {
        step: (name) => {
          lines.push(name)
          return ++steps
        },
        ready: () => Promise.resolve(),
      },
      signal: stop.signal,
      onEvent: ({ kind }) => lines.push(`event ${kind}`),
    },
  }
}

const usual = ['open bench', 'opened in step 1', 'planned on the bench', 'work', 'event step']

describe('a job on a bench', () => {
  test('opens it, runs the plan, makes it safe and returns the result; every byte knows its step', async () => {
    const { lines, options } = job(() => Promise.resolve())
    expect(await runOnBench(options)).toBe('done')
    expect(lines).toEqual([...usual, 'event result', 'make safe', 'closed in step 3'])
  })

  test('that fails makes it safe all the same, and reports why it failed', async () => {
    const { lines, options } = job(() => Promise.reject(new Error('no fringe')))
    await expect(runOnBench(options)).rejects.toThrow('no fringe')
    expect(lines).toEqual([...usual, 'make safe', 'closed in step 3'])
  })

  test('that is aborted makes it safe all the same', async () => {
    const { lines, options } = job(async (signal, stop) => {
      stop.abort(new Error('Ctrl-C'))
      signal.throwIfAborted()
    })
    await expect(runOnBench(options)).rejects.toThrow('Ctrl-C')
    expect(lines).toEqual([...usual, 'make safe', 'closed in step 3'])
  })

  test('that succeeds on a bench which cannot be made safe fails with what is not safe', async () => {
    const { options } = job(() => Promise.resolve(), stillLit)
    await expect(runOnBench(options)).rejects.toBe(stillLit)
  })

  test('that fails on a bench which cannot be made safe reports both', async () => {
    const failure = new Error('no fringe')
    const { options } = job(() => Promise.reject(failure), stillLit)
    const error = await runOnBench(options).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors).toEqual([failure, stillLit])
    expect((error as AggregateError).message).toBe('the run failed and the bench is not safe')
  })

  test('whose bench does not open has nothing to close', async () => {
    const { lines, options } = job(() => Promise.resolve())
    const open = (): Promise<never> => Promise.reject(new Error('no such device'))
    await expect(runOnBench({ ...options, open })).rejects.toThrow('no such device')
    expect(lines).toEqual(['open bench'])
  })

  test('whose plan cannot even begin closes the bench', async () => {
    const { lines, options } = job(() => Promise.resolve())
    const plan = (): never => {
      throw new Error('calibration for another core')
    }
    await expect(runOnBench({ ...options, plan })).rejects.toThrow('calibration for another core')
    expect(lines.at(-1)).toBe('closed in step 2')
  })

  test('whose journal fails never leaves the bench lit, and reports the journal', async () => {
    const { lines, options } = job(() => Promise.resolve())
    const log = {
      ready: () => Promise.resolve(),
      step: (name: string): number => {
        if (name === 'make safe') throw new Error('disk full')
        return 1
      },
    }
    await expect(runOnBench({ ...options, log })).rejects.toThrow('disk full')
    expect(lines.at(-1)).toBe('closed in step 0')
  })

  test('whose journal fails half-way reports that first failure and closes the bench', async () => {
    const { lines, options } = job(() => Promise.resolve())
    const log = {
      ready: () => Promise.resolve(),
      step: (name: string): number => {
        if (name !== 'open bench') throw new Error(`disk full at "${name}"`)
        return 1
      },
    }
    await expect(runOnBench({ ...options, log })).rejects.toThrow('disk full at "work"')
    expect(lines.at(-1)).toBe('closed in step 0')
  })
})
