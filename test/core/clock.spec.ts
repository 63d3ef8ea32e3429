import { describe, expect, test } from 'vitest'
import { SystemClock, VirtualClock } from '../../core/clock.ts'

const { signal } = new AbortController()

describe('a virtual clock', () => {
  test('stands still while nobody waits', async () => {
    const clock = new VirtualClock(1000)
    await new Promise((resolve) => setImmediate(resolve))
    expect([clock.monotonicNs(), clock.epochMs()]).toEqual([0, 1000])
  })

  test('a night takes no time: sleeping moves the clock to the end of the sleep', async () => {
    const clock = new VirtualClock(0)
    await clock.sleep(8 * 3600e3, signal)
    expect(clock.monotonicNs()).toBe(8 * 3600e9)
    expect(clock.epochMs()).toBe(8 * 3600e3)
  })

  test('sleeps that overlap end at the later end, not at the sum, and the shorter awakes first', async () => {
    const clock = new VirtualClock()
    const awake: [string, number][] = []
    const sleeper = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms, signal)
      awake.push([name, clock.monotonicNs() / 1e6])
    }
    await Promise.all([sleeper('long', 30), sleeper('short', 10), sleeper('middle', 20)])
    expect(awake).toEqual([
      ['short', 10],
      ['middle', 20],
      ['long', 30],
    ])
  })

  test('who polls every 10 ms sees every poll before a sleep of 35 ms ends', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const poll = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(10, signal)
        seen.push(`poll at ${clock.monotonicNs() / 1e6}`)
      }
    }
    const wait = async (): Promise<void> => {
      await clock.sleep(35, signal)
      seen.push(`wait at ${clock.monotonicNs() / 1e6}`)
    }
    await Promise.all([wait(), poll()])
    expect(seen).toEqual(['poll at 10', 'poll at 20', 'poll at 30', 'wait at 35'])
  })

  test('an aborted sleep rejects with the reason and moves no time', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const slept = clock.sleep(1000, stop.signal)
    stop.abort(new Error('enough'))
    await expect(slept).rejects.toThrow('enough')
    await expect(clock.sleep(1, stop.signal)).rejects.toThrow('enough')
    await new Promise((resolve) => setImmediate(resolve))
    expect(clock.monotonicNs()).toBe(0)
    await clock.sleep(2, signal)
    expect(clock.monotonicNs()).toBe(2e6)
  })

  test('is never moved back', () => {
    const clock = new VirtualClock()
    clock.moveTo(500)
    clock.moveTo(100)
    expect(clock.monotonicNs()).toBe(500)
  })
})

describe('the system clock', () => {
  test('never goes back and counts nanoseconds from its own beginning', async () => {
    const clock = new SystemClock()
    const before = clock.monotonicNs()
    await clock.sleep(1, signal)
    expect(clock.monotonicNs()).toBeGreaterThan(before)
    expect(clock.epochMs()).toBeGreaterThan(Date.UTC(2026, 0, 1))
  })

  test('an aborted sleep ends at once with the reason, also when it had been aborted before', async () => {
    const clock = new SystemClock()
    const stop = new AbortController()
    const slept = clock.sleep(3_600_000, stop.signal)
    stop.abort(new Error('enough'))
    await expect(slept).rejects.toThrow('enough')
    await expect(clock.sleep(3_600_000, stop.signal)).rejects.toThrow('enough')
  })
})
