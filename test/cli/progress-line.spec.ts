import { expect, test } from 'vitest'
import { ProgressLine } from '../../cli/progress-line.ts'
import { VirtualClock } from '../../core/clock.ts'

function terminal({ isTTY = true, columns = 80 }: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = []
  return { isTTY, columns, written, write: (text: string) => written.push(text.replace('\r\x1b[K', '<')) }
}

test('names the job and its step, and when the step will be done', () => {
  const clock = new VirtualClock()
  const screen = terminal()
  const line = new ProgressLine(screen, clock)
  line.begin('multiplying')
  line.onEvent({ kind: 'step', step: 1, name: 'multiply' })
  clock.moveTo(10e9)
  line.onEvent({ kind: 'progress', name: 'multiply', done: 1, total: 4 })
  clock.moveTo(400e9)
  line.onEvent({ kind: 'progress', name: 'multiply', done: 2, total: 4 })
  line.onEvent({ kind: 'result', result: 0 })
  expect(screen.written).toEqual([
    '<multiplying: multiply',
    '<multiplying: multiply 1/4, 30 s left',
    '<multiplying: multiply 2/4, 7 min left',
    '<',
  ])
})

test('is drawn at most ten times a second, and once more at the end of a step', () => {
  const clock = new VirtualClock()
  const screen = terminal()
  const line = new ProgressLine(screen, clock)
  line.begin('job')
  line.onEvent({ kind: 'step', step: 1, name: 'work' })
  for (let done = 1; done <= 1000; done++) {
    clock.moveTo(done * 1e6)
    line.onEvent({ kind: 'progress', name: 'work', done, total: 1000 })
  }
  expect(screen.written.length).toBeLessThanOrEqual(12)
  expect(screen.written.at(-1)).toBe('<job: work 1000/1000, 0 s left')
})

test('stays quiet in a pipe', () => {
  const screen = terminal({ isTTY: false })
  const line = new ProgressLine(screen, new VirtualClock())
  line.onEvent({ kind: 'step', step: 1, name: 'work' })
  line.onEvent({ kind: 'progress', name: 'work', done: 1, total: 1 })
  line.onEvent({ kind: 'result', result: 0 })
  expect(screen.written).toEqual([])
})

test('never wraps, on a terminal that is narrow or does not know its width', () => {
  for (const [columns, length] of [
    [20, 19],
    [0, 79],
  ] as const) {
    const screen = terminal({ columns })
    const line = new ProgressLine(screen, new VirtualClock())
    line.begin('x'.repeat(100))
    line.onEvent({ kind: 'step', step: 1, name: 'work' })
    expect(screen.written[0]).toHaveLength('<'.length + length)
  }
})

test('says how far the whole job is, where its steps know their shares, and what there is to see', () => {
  const clock = new VirtualClock()
  const screen = terminal()
  const line = new ProgressLine(screen, clock)
  line.begin('calibrating')
  line.onEvent({ kind: 'step', step: 1, name: 'columns', share: { from: 0, to: 0.8 } })
  clock.moveTo(10e9)
  line.onEvent({ kind: 'progress', name: 'columns', done: 1, total: 4 })
  clock.moveTo(40e9)
  line.onEvent({ kind: 'step', step: 2, name: 'chip', share: { from: 0.8, to: 1 } })
  clock.moveTo(45e9)
  line.onEvent({ kind: 'progress', name: 'chip', done: 1, total: 2, note: 'residual 0.40 %' })
  expect(screen.written).toEqual([
    '<calibrating: columns; 0 % of all',
    '<calibrating: columns 1/4; 20 % of all, 40 s left',
    '<calibrating: chip; 80 % of all, 10 s left',
    '<calibrating: chip 1/2, residual 0.40 %; 90 % of all, 5 s left',
  ])
})
