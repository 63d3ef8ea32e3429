import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Wakefulness } from '../../drivers/transports/wakefulness.ts'

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

test('goes to sleep when a quick instrument is slow for once, and trusts it again after a quick reply', () => {
  const reply = answeredAtOnce()
  reply.expect()
  vi.advanceTimersByTime(1)
  expect(isAwake()).toBe(false)
  reply.settle()
  reply.expect()
  expect(isAwake()).toBe(false)
  reply.settle()
  reply.expect()
  expect(isAwake()).toBe(true)
})

test('turns once a loop, however many questions follow each other', () => {
  const reply = answeredAtOnce()
  reply.expect()
  reply.settle()
  reply.expect()
  expect(vi.getTimerCount()).toBe(1)
})

test('leaves the processor to others for a while when they took it during a wait', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  const reply = answeredAtOnce()
  reply.expect()
  // The loop comes to its next turn only after others had the processor.
  now.mockReturnValue(2)
  vi.advanceTimersToNextTimer()
  reply.settle()
  answeredAgain(reply)
  reply.expect()
  expect(isAwake()).toBe(false)
  now.mockReturnValue(150)
  reply.settle()
  answeredAgain(reply)
  reply.expect()
  expect(isAwake()).toBe(true)
})

function answeredAgain(reply: Wakefulness): void {
  reply.expect()
  reply.settle()
}
