import { EMPTY, NEVER, Subject, throwError, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { estimateRemaining } from '../../orchestrator/operators/estimate-remaining.ts'
import type { Progress, ProgressWithEta } from '../../orchestrator/operators/estimate-remaining.ts'

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
