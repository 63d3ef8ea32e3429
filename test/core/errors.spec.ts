import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { BENCH_ERRORS, BenchError, isBenchError } from '../../core/errors.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

/** The lines of the table, cell by cell. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

describe('the page on errors', () => {
  test('explains every code, and no other, once and in the order of the code', () => {
    expect(rows.map(([code]) => code)).toEqual(Object.keys(BENCH_ERRORS).map((code) => `\`${code}\``))
  })

  test('names the recovery that the code has', () => {
    expect(rows.map(([code, recovery]) => [code, recovery])).toEqual(
      Object.entries(BENCH_ERRORS).map(([code, recovery]) => [`\`${code}\``, `\`${recovery}\``]),
    )
  })

  test('says what each code means and what to do about it', () => {
    for (const [code, , meaning = '', whatToDo = ''] of rows) {
      expect(meaning, code).toMatch(/^[A-Z].{20,}[.*]$/)
      expect(whatToDo, code).toMatch(/^[A-Z`].*[.?]$/)
    }
  })

  test('explains every recovery', () => {
    const explained = [...page.matchAll(/^- `([a-z-]+)`: /gm)].map(([, recovery]) => recovery)
    expect(new Set(explained)).toEqual(new Set(Object.values(BENCH_ERRORS)))
  })
})

describe('a bench error', () => {
  const cause = new Error('EPIPE')
  const error = new BenchError('TRANSPORT_LOST', 'the laser is gone', { cause, context: { resource: 'ASRL1::INSTR' } })

  test('carries a code, what was seen, what caused it, and what may be done', () => {
    expect(error).toMatchObject({
      name: 'BenchError',
      code: 'TRANSPORT_LOST',
      message: 'the laser is gone',
      context: { resource: 'ASRL1::INSTR' },
      cause,
      recovery: 'reconnect',
    })
  })

  test('is told from other errors, and by its code', () => {
    expect(isBenchError(error)).toBe(true)
    expect(isBenchError(error, 'RANGE_EXCEEDED', 'TRANSPORT_LOST')).toBe(true)
    expect(isBenchError(error, 'RANGE_EXCEEDED')).toBe(false)
    expect(isBenchError(cause)).toBe(false)
    expect(isBenchError({ code: 'TRANSPORT_LOST' })).toBe(false)
  })
})
