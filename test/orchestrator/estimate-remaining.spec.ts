import { asyncScheduler, EMPTY, NEVER, Subject, throwError, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import { estimateRemaining } from '../../orchestrator/operators/estimate-remaining.ts'
import type { Progress, ProgressWithEta } from '../../orchestrator/operators/estimate-remaining.ts'
import { marbles } from '../support/marbles.ts'

function watched(): { clock: VirtualClock; progress: Subject<Progress>; seen: ProgressWithEta[] } {
  const clock = new VirtualClock()
  const progress = new Subject<Progress>()
  const seen: ProgressWithEta[] = []
  progress.pipe(estimateRemaining(clock)).subscribe((value) => seen.push(value))
  return { clock, progress, seen }
}

describe('an estimate of what remains', () => {
  test('goes on at the mean rate so far: a quarter in 5 s leaves 15 s', () => {
    const { clock, progress, seen } = watched()
    clock.moveTo(5e9)
    progress.next({ done: 25, total: 100 })
    clock.moveTo(9e9)
    progress.next({ done: 90, total: 100 })
    expect(seen).toEqual([
      { done: 25, total: 100, remainingS: 15 },
      { done: 90, total: 100, remainingS: 1 },
    ])
  })

  test('says nothing before anything is done, and 0 s at the end', () => {
    const { clock, progress, seen } = watched()
    clock.moveTo(1e9)
    progress.next({ done: 0, total: 4 })
    progress.next({ done: 4, total: 4 })
    expect(seen.map(({ remainingS }) => remainingS)).toEqual([undefined, 0])
  })

  test('counts from the subscription, each its own', () => {
    const clock = new VirtualClock()
    const progress = new Subject<Progress>()
    const stream = progress.pipe(estimateRemaining(clock))
    const [early, late]: [unknown[], unknown[]] = [[], []]
    stream.subscribe(({ remainingS }) => early.push(remainingS))
    clock.moveTo(8e9)
    stream.subscribe(({ remainingS }) => late.push(remainingS))
    clock.moveTo(10e9)
    progress.next({ done: 1, total: 2 })
    expect([early, late]).toEqual([[10], [2]])
  })

  test('passes ends and errors on, and nothing when nothing comes', () => {
    const clock = new VirtualClock()
    const seen: unknown[] = []
    const observer = {
      next: (value: unknown) => seen.push(value),
      error: (error: Error) => seen.push(error.message),
      complete: () => seen.push('end'),
    }
    EMPTY.pipe(estimateRemaining(clock), toArray()).subscribe(observer)
    throwError(() => new Error('lost'))
      .pipe(estimateRemaining(clock))
      .subscribe(observer)
    NEVER.pipe(estimateRemaining(clock)).subscribe(observer).unsubscribe()
    expect(seen).toEqual([[], 'end', 'lost'])
  })
})

describe('an estimate of what remains in marbles, a frame a second', () => {
  /** Inside of marbles RxJS's own clock is theirs. */
  const clock: Clock = {
    monotonicNs: () => 1e9 * asyncScheduler.now(),
    epochMs: () => asyncScheduler.now(),
    sleep: () => Promise.reject(new Error('nobody sleeps here')),
  }
  const of = (done: number): Progress => ({ done, total: 8 })
  const left = (done: number, remainingS?: number): ProgressWithEta => ({ done, total: 8, remainingS })

  test('says one thing for each that comes, at once, and ends with its source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('                                a-b---c-(d|)', { a: of(0), b: of(1), c: of(4), d: of(8) })
      expectObservable(source.pipe(estimateRemaining(clock))).toBe('A-B---C-(D|)', {
        ...{ A: left(0), B: left(1, 14), C: left(4, 6), D: left(8, 0) },
      })
      expectSubscriptions(source.subscriptions).toBe('^-------!')
    }))

  test('passes an error on where it comes', () =>
    marbles(({ cold, expectObservable }) => {
      const source = cold('                                --a-#', { a: of(4) })
      expectObservable(source.pipe(estimateRemaining(clock))).toBe('--A-#', { A: left(4, 2) })
    }))

  test('unsubscribed lets go of its source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('--a--b', { a: of(4), b: of(5) })
      expectObservable(source.pipe(estimateRemaining(clock)), '---!').toBe('--A-', { A: left(4, 2) })
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }))

  test('counts for each subscription from its own start', () =>
    marbles(({ hot, expectObservable }) => {
      const stream = hot('----a----b', { a: of(4), b: of(6) }).pipe(estimateRemaining(clock))
      expectObservable(stream).toBe('          ----A----B', { A: left(4, 4), B: left(6, 3) })
      expectObservable(stream, '------^').toBe('---------B', { B: left(6, 1) })
    }))
})
