import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { withStep } from '../../core/step-context.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { decodeResult, encodeResult } from '../../orchestrator/journal/result-text.ts'
import { readResults, resultsOf, StepJournal } from '../../orchestrator/journal/step-journal.ts'
import { HEADER } from './journal-pattern.ts'
import { scratchFolder } from '../cli/fringe-process.ts'

const RESULT = {
  table: [
    [0.1, -3],
    [1e-300, 2],
  ],
  series: Float64Array.of(0, -0, NaN, Infinity, 1 / 3),
  readings: [{ voltagesV: Float64Array.of(1, 2), lanes: [Float64Array.of(5)] }],
  missing: undefined,
}

test('a result comes back from its text bit for bit, whatever stands in its arrays', () => {
  const back = decodeResult(encodeResult(RESULT)) as typeof RESULT
  expect(back).toEqual(RESULT)
  expect(Object.is(back.series[1], -0)).toBe(true)
  // Any program can read it.
  expect(JSON.parse(Buffer.from(encodeResult(RESULT)).toString())).toMatchObject({ table: RESULT.table })
})

test('a number that JSON does not know is refused by the name of its field', () => {
  expect(() => encodeResult({ gain: NaN })).toThrow(
    expect.objectContaining({
      code: 'CALL_INVALID',
      message: 'gain of a result is NaN: JSON holds finite numbers only',
    }),
  )
})

test('what a run kept is found by another one, with the step that found it first', async () => {
  const file = join(await scratchFolder(), 'journal.db')
  const clock = new VirtualClock()
  await using journal = await Journal.open(file, { clock, mode: 'write' })
  const first = await journal.startRun({ kind: 'calibrate', header: HEADER })
  const step = first.step('columns')
  withStep(step, () => new StepJournal(first, new Map()).keep('columns', RESULT))
  await first.finish('interrupted')

  const known = resultsOf(first.id, await journal.readSteps(first.id))
  expect(known).toMatchObject([{ of: 'columns', origin: { run: first.id, step } }])
  const earlier = await readResults(journal, known)
  const second = await journal.startRun({ kind: 'calibrate', header: HEADER })
  const results = new StepJournal(second, earlier)
  expect(results.recall('chip')).toBeUndefined()
  const { value, origin } = results.recall('columns')!
  expect(value).toEqual(RESULT)
  withStep(second.step('columns'), () => results.keep('columns', value, origin))
  await second.finish('done')
  expect(resultsOf(second.id, await journal.readSteps(second.id))).toMatchObject([
    { of: 'columns', sha256: known[0]!.sha256, origin: { run: first.id, step } },
  ])
})
