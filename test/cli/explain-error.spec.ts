import { expect, test } from 'vitest'
import { explainError, JobFailure, saysNotSafe } from '../../cli/explain-error.ts'
import { BENCH_ERRORS, BenchError } from '../../core/errors.ts'
import type { BenchErrorCode } from '../../core/errors.ts'

const fault = (code: BenchErrorCode, message: string = code): BenchError => new BenchError(code, message)
const unsafe = fault('SAFE_STATE_UNVERIFIED', 'NOT SAFE')

test('an error of several is told line by line, each once', () => {
  const error = new AggregateError([
    fault('TRANSPORT_TIMEOUT', 'a'),
    fault('TRANSPORT_TIMEOUT', 'b'),
    fault('TRANSPORT_LOST', 'a'),
  ])
  expect(explainError(error)).toMatchObject({ messages: ['a', 'b'], code: 'TRANSPORT_TIMEOUT', recovery: 'retry' })
})

test('what is not safe decides the exit code, wherever it stands', () => {
  const error = new JobFailure('run-1', 'work', new AggregateError([fault('TRANSPORT_OPEN_FAILED'), unsafe]))
  expect(explainError(error)).toMatchObject({
    exitCode: 3,
    code: 'SAFE_STATE_UNVERIFIED',
    messages: ['NOT SAFE', 'TRANSPORT_OPEN_FAILED'],
    run: 'run-1',
  })
  expect(saysNotSafe(error)).toBe(true)
  expect(saysNotSafe(fault('QUALITY_OUT_OF_BOUNDS'))).toBe(false)
})

test('a silent instrument is out of reach while the bench opens, and a failure of the work later', () => {
  expect(explainError(new JobFailure('r', 'open', fault('TRANSPORT_TIMEOUT'))).exitCode).toBe(3)
  expect(explainError(new JobFailure('r', 'work', fault('TRANSPORT_TIMEOUT'))).exitCode).toBe(1)
  expect(explainError(new JobFailure('r', 'open', fault('BENCH_FILE_INVALID'))).exitCode).toBe(2)
  expect(explainError(new JobFailure('r', 'open', fault('TRANSPORT_ABORTED'))).exitCode).toBe(1)
})

test('a matrix that cannot be read is a wrong call, and one that cannot be written after the work a failure', () => {
  expect(explainError(fault('ARRAY_FILE_INVALID')).exitCode).toBe(2)
  expect(explainError(new JobFailure('r', 'keep', fault('ARRAY_FILE_INVALID'))).exitCode).toBe(1)
})

test('a call that was found right before the bench was opened is not blamed later', () => {
  expect(explainError(fault('CALL_INVALID')).exitCode).toBe(2)
  expect(explainError(new JobFailure('r', 'work', fault('CALL_INVALID'))).exitCode).toBe(1)
})

test('an error during clean-up hides neither itself nor the one before it', () => {
  const suppressed = Object.assign(new Error('both'), {
    suppressed: new JobFailure('run-2', 'work', fault('TRANSPORT_LOST', 'first')),
    error: fault('JOURNAL_WRITE_FAILED', 'second'),
  })
  expect(explainError(suppressed)).toMatchObject({ messages: ['first', 'second'], run: 'run-2' })
})

test('a fault of the program itself is called that', () => {
  const { code, exitCode, messages } = explainError(new TypeError('x is not a function'))
  expect({ code, exitCode }).toEqual({ code: 'INTERNAL', exitCode: 1 })
  expect(messages[0]).toContain('FRINGE_DEBUG=1')
})

test('every code of the table has one of the five exit codes', () => {
  for (const code of Object.keys(BENCH_ERRORS) as BenchErrorCode[]) {
    expect([1, 2, 3, 4]).toContain(explainError(fault(code)).exitCode)
  }
})
