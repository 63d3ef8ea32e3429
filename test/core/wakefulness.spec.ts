import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Wakefulness } from '../../core/wakefulness.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setImmediate', 'performance'] })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** The loop looks again at once, instead of sleeping until bytes wake it. */
const isAwake = (): boolean => vi.getTimerCount() > 0

function answeredAtOnce(): Wakefulness {
  const reply = new Wakefulness()
  reply.expect()
  reply.settle()
  return reply
}

test('sleeps through the first exchange, of which nothing is known', () => {
  new Wakefulness().expect()
  expect(isAwake()).toBe(false)
})

test('stays awake for an instrument whose last reply was quick, until it has answered', () => {
  const reply = answeredAtOnce()
  reply.expect()
  expect(isAwake()).toBe(true)
  reply.settle()
  vi.advanceTimersByTime(0)
  expect(isAwake()).toBe(false)
})

test('goes to sleep when a quick instrument is slow for once, and trusts it again after a rest and a quick reply', () => {
  const reply = answeredAtOnce()
  stayAwakeInVain(reply)
  reply.settle()
  answeredAgain(reply)
  reply.expect()
  expect(isAwake()).toBe(false)
  reply.settle()
  vi.advanceTimersByTime(1)
  answeredAgain(reply)
  reply.expect()
  expect(isAwake()).toBe(true)
})

test('rests longer each time it stayed awake in vain, up to a second, and less again when it is worthwhile', () => {
  const reply = answeredAtOnce()
  const restsMs = Array.from({ length: 12 }, () => {
    stayAwakeInVain(reply)
    return restMs(reply)
  })
  expect(restsMs).toStrictEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000])
  for (let i = 0; i < 100; i++) {
    reply.expect()
    reply.settle()
  }
  stayAwakeInVain(reply)
  expect(restMs(reply)).toBeLessThan(200)
})

test('turns once a loop, however many questions follow each other', () => {
  const reply = answeredAtOnce()
  reply.expect()
  reply.settle()
  reply.expect()
  expect(vi.getTimerCount()).toBe(1)
})

test('leaves the processor to others when they took it during a wait', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  const reply = answeredAtOnce()
  reply.expect()
  // The loop comes to its next turn only after others had the processor.
  now.mockReturnValue(2)
  vi.advanceTimersToNextTimer()
  expect(isAwake()).toBe(false)
})

function answeredAgain(reply: Wakefulness): void {
  reply.expect()
  reply.settle()
}

function stayAwakeInVain(reply: Wakefulness): void {
  reply.expect()
  expect(isAwake()).toBe(true)
  while (isAwake()) vi.advanceTimersByTime(1)
}

/** Until it stays awake again for a side that answers at once. */
function restMs(reply: Wakefulness): number {
  reply.settle()
  answeredAgain(reply)
  for (let waitedMs = 0; ; waitedMs++) {
    reply.expect()
    if (isAwake()) return waitedMs
    reply.settle()
    vi.advanceTimersByTime(1)
  }
}
