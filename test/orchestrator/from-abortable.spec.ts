import { firstValueFrom, lastValueFrom, NEVER, race, timer } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { fromAbortable } from '../../orchestrator/operators/from-abortable.ts'

describe('one promise as a stream', () => {
  test('emits its value and completes', async () => {
    expect(await lastValueFrom(fromAbortable(async () => 42))).toBe(42)
  })

  test('passes its failure on', async () => {
    await expect(lastValueFrom(fromAbortable(() => Promise.reject(new Error('no light'))))).rejects.toThrow('no light')
  })

  test('does nothing until somebody subscribes, and runs once for each who does', async () => {
    let runs = 0
    const stream = fromAbortable(async () => ++runs)
    expect(runs).toBe(0)
    expect(await firstValueFrom(stream)).toBe(1)
    expect(await firstValueFrom(stream)).toBe(2)
  })

  test('unsubscribed, aborts the work under way and emits nothing more', async () => {
    const seen: unknown[] = []
    let signal: AbortSignal | undefined
    const subscription = fromAbortable(
      (given) =>
        new Promise((_, reject) => {
          signal = given
          given.addEventListener('abort', () => reject(given.reason as Error))
        }),
    ).subscribe({ next: (value) => seen.push(value), error: (error) => seen.push(error) })
    expect(signal?.aborted).toBe(false)
    subscription.unsubscribe()
    await new Promise((resolve) => setImmediate(resolve))
    expect(signal?.aborted).toBe(true)
    expect(seen).toEqual([])
  })

  test('loses a race and is aborted for it', async () => {
    const signals: AbortSignal[] = []
    const slow = fromAbortable((signal) => {
      signals.push(signal)
      return lastValueFrom(NEVER)
    })
    expect(await firstValueFrom(race(slow, timer(0)))).toBe(0)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })
})
