import fc from 'fast-check'
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs'
import type { Observable } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { creditWindow } from '../../orchestrator/operators/credit-window.ts'

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i
}

const collect = <T>(stream: Observable<T>): Promise<T[]> => lastValueFrom(stream.pipe(toArray()))
const turns = async (count = 3): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a credit window', () => {
  test('over nothing emits nothing and completes', async () => {
    expect(
      await collect(
        creditWindow(
          () => numbers(0),
          2,
          async (item) => item,
        ),
      ),
    ).toEqual([])
  })

  test('over one item emits what was made of it', async () => {
    expect(
      await collect(
        creditWindow(
          () => numbers(1),
          2,
          async (item) => item + 0.5,
        ),
      ),
    ).toEqual([0.5])
  })

  test('keeps the order of the source, whichever work ends first, and never has more under way than its credit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(4), { maxLength: 30 }),
        async (credit, delays) => {
          let [underWay, most, pulled, done] = [0, 0, 0, 0]
          async function* source(): AsyncGenerator<number> {
            for (const delay of delays) {
              pulled++
              // The next item is asked for only when a credit is free.
              expect(pulled - done).toBeLessThanOrEqual(credit)
              yield delay
            }
          }
          const results = await collect(
            creditWindow(source, credit, async (delay) => {
              most = Math.max(most, ++underWay)
              await turns(delay)
              underWay--
              done++
              return delay
            }),
          )
          expect(results).toEqual(delays)
          expect(most).toBeLessThanOrEqual(credit)
          if (delays.length >= credit && delays.every((delay) => delay > 2)) expect(most).toBe(credit)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('over a source that never gives anything waits, and lets go of it when unsubscribed', async () => {
    let aborted: AbortSignal | undefined
    async function* never(signal: AbortSignal): AsyncGenerator<number> {
      aborted = signal
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      yield 0
    }
    const seen: unknown[] = []
    const subscription = creditWindow(never, 2, async (item) => item).subscribe({
      next: (value) => seen.push(value),
      error: (error) => seen.push(error),
      complete: () => seen.push('complete'),
    })
    await turns()
    expect(aborted?.aborted).toBe(false)
    subscription.unsubscribe()
    await turns()
    expect(aborted?.aborted).toBe(true)
    expect(seen).toEqual([])
  })

  test('passes on an error of the source, after the results before it', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1
      yield 2
      throw new Error('no more')
    }
    const seen: unknown[] = []
    await expect(
      lastValueFrom(
        creditWindow(failing, 1, async (item) => {
          seen.push(item)
          return item
        }),
      ),
    ).rejects.toThrow('no more')
    expect(seen).toEqual([1, 2])
  })

  test('passes on the first error of the work, after the work under way has settled, and returns its source', async () => {
    const log: string[] = []
    async function* source(): AsyncGenerator<number> {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        log.push('returned')
      }
    }
    const failing = creditWindow(source, 3, async (item) => {
      await turns(item === 1 ? 1 : 4)
      log.push(`settled ${item}`)
      if (item === 1) throw new Error('frame 1')
      return item
    })
    await expect(lastValueFrom(failing)).rejects.toThrow('frame 1')
    const atTheEnd = log.toSorted()
    await turns(6)
    // The third was pulled when the first made room, before anybody looked at the second.
    expect(atTheEnd).toEqual(['returned', 'settled 0', 'settled 1', 'settled 2', 'settled 3'])
    expect(log.toSorted()).toEqual(atTheEnd)
  })

  test('work that fails while an earlier one is still under way counts as handled', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    const stream = creditWindow(
      () => numbers(2),
      2,
      async (item) => {
        if (item === 1) throw new Error('early')
        await turns(5)
        return item
      },
    )
    await expect(lastValueFrom(stream)).rejects.toThrow('early')
    await turns()
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  test('unsubscribed early aborts the work under way, pulls no further and returns its source', async () => {
    let [pulled, returned] = [0, false]
    async function* source(): AsyncGenerator<number> {
      try {
        for (;;) yield pulled++
      } finally {
        returned = true
      }
    }
    const aborted: number[] = []
    const first = await firstValueFrom(
      creditWindow(source, 2, async (item, signal) => {
        signal.addEventListener('abort', () => aborted.push(item))
        await turns(1)
        return item
      }).pipe(take(1)),
    )
    await turns(5)
    expect(first).toBe(0)
    expect(aborted).toContain(1)
    expect(pulled).toBeLessThanOrEqual(3)
    expect(returned).toBe(true)
  })

  test('is cold: two subscriptions each run the source and the work', async () => {
    let sources = 0
    const stream = creditWindow(
      () => {
        sources++
        return numbers(3)
      },
      2,
      async (item) => item * 10,
    )
    expect(await Promise.all([collect(stream), collect(stream)])).toEqual([
      [0, 10, 20],
      [0, 10, 20],
    ])
    expect(sources).toBe(2)
  })

  test('one of two subscriptions that ends does not end the other', async () => {
    const stream = creditWindow(
      () => numbers(4),
      1,
      async (item) => {
        await turns(1)
        return item
      },
    )
    const both = collect(stream)
    expect(await firstValueFrom(stream)).toBe(0)
    expect(await both).toEqual([0, 1, 2, 3])
  })
})
