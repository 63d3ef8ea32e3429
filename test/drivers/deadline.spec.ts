import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Deadline } from '../../drivers/transports/deadline.ts'

describe('Deadlines, one after the other', () => {
  let deadline: Deadline
  let struck: string[]
  /** A faked immediate takes a millisecond. */
  const strike = (name: string) => () => void struck.push(`${name} at ${performance.now()} ms`)

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 })
    deadline = new Deadline()
    struck = []
  })

  afterEach(() => void vi.useRealTimers())

  test('strike when their time has passed, once', () => {
    deadline.start(100, strike('a'))
    vi.advanceTimersByTime(99)
    expect(struck).toEqual([])
    vi.advanceTimersByTime(1000)
    expect(struck).toEqual(['a at 101 ms'])
  })

  test('do not strike once they were stopped', () => {
    deadline.start(100, strike('a'))()
    vi.advanceTimersByTime(1000)
    expect(struck).toEqual([])
  })

  test('of 100 ms begun 60 ms after one another strike 100 ms after the last', () => {
    for (let i = 0; i < 5; i++) {
      const stop = deadline.start(100, strike(`${i}`))
      if (i === 4) break
      vi.advanceTimersByTime(60)
      stop()
    }
    vi.advanceTimersByTime(1000)
    expect(struck).toEqual(['4 at 341 ms'])
  })

  test('of 10 ms strike in time after one of a minute was stopped', () => {
    deadline.start(60_000, strike('minute'))()
    deadline.start(10, strike('short'))
    vi.advanceTimersByTime(100_000)
    expect(struck).toEqual(['short at 11 ms'])
  })

  test('that were stopped late stop no other', () => {
    const stop = deadline.start(100, strike('a'))
    deadline.start(50, strike('b'))
    stop()
    vi.advanceTimersByTime(1000)
    expect(struck).toEqual(['b at 51 ms'])
  })

  test('share one timer, which is gone when nothing waits', () => {
    for (let i = 0; i < 1000; i++) deadline.start(100, strike('never'))()
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(1000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('A deadline keeps the process alive while it is waited for, and no longer', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const deadline = new Deadline()
  const stop = deadline.start(60_000, () => undefined)
  expect(timers()).toBe(before + 1)
  stop()
  expect(timers()).toBe(before)
  const stopSecond = deadline.start(60_000, () => undefined)
  expect(timers()).toBe(before + 1)
  stopSecond()
  expect(timers()).toBe(before)
})
