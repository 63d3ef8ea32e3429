import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silence } from '../../drivers/transports/line-silence.ts'
import { settled } from '../support/manual-transport.ts'

/** A line that is waited for; `state` says what became of it. */
function waiting(signal: AbortSignal = new AbortController().signal): { hear: () => void; state: () => unknown } {
  let hear = (): void => undefined
  let state: unknown = 'waiting'
  silence('ASRL1::INSTR', signal, (listener) => (hear = listener)).then(
    () => (state = 'silent'),
    (error: unknown) => (state = error),
  )
  return { hear: () => hear(), state: () => state }
}

describe('Waiting for a serial line to fall silent', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  test('takes 20 ms without a byte', async () => {
    const { state } = waiting()
    vi.advanceTimersByTime(19)
    await settled()
    expect(state()).toBe('waiting')
    vi.advanceTimersByTime(1)
    await settled()
    expect(state()).toBe('silent')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('begins anew with every byte', async () => {
    const { hear, state } = waiting()
    for (let byte = 0; byte < 10; byte++) {
      vi.advanceTimersByTime(16)
      hear()
    }
    await settled()
    expect(state()).toBe('waiting')
    vi.advanceTimersByTime(20)
    await settled()
    expect(state()).toBe('silent')
  })

  test('ends after a second in a TRANSPORT_TIMEOUT when the line goes on', async () => {
    const { hear, state } = waiting()
    for (let byte = 0; byte < 100; byte++) {
      vi.advanceTimersByTime(10)
      hear()
    }
    await settled()
    expect(state()).toMatchObject({ code: 'TRANSPORT_TIMEOUT', context: { resource: 'ASRL1::INSTR' } })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is given up when the caller gives up, before or meanwhile', async () => {
    const reason = new Error('enough')
    const before = waiting(AbortSignal.abort(reason))
    const caller = new AbortController()
    const meanwhile = waiting(caller.signal)
    caller.abort(reason)
    await settled()
    expect([before.state(), meanwhile.state()]).toEqual([reason, reason])
    expect(vi.getTimerCount()).toBe(0)
  })
})
