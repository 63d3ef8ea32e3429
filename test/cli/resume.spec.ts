import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  calibratedPlace,
  DEFAULT_BENCH,
  documentOf,
  expectFailure,
  fringe,
  query,
  scratchFolder,
  SMALL_BENCH,
  startFringe,
  untilStep,
} from './fringe-process.ts'
import type { Ended } from './fringe-process.ts'

const PATIENCE_MS = 180_000
const SMALL = ['calibrate', SMALL_BENCH, '--sim', '--seed', '3']

interface Calibrated {
  readonly run: string
  readonly vectors: number
  readonly verification: { readonly effectiveBits: number; readonly E: number }
}

const calibrated = async (ended: Ended): Promise<Calibrated> => {
  expect(ended.code, ended.stderr).toBe(0)
  return (await documentOf('calibrate', ended)) as unknown as Calibrated
}

describe('a calibration that was killed', { timeout: PATIENCE_MS }, () => {
  test('is resumed from its last whole step, comes to the same chip, and replays', async () => {
    const cwd = await scratchFolder()
    const journal = join(cwd, 'fringe.db')
    const whole = await calibrated(
      await fringe(['calibrate', DEFAULT_BENCH, '--sim', '--seed', '7', '--json', '--journal', 'whole.db'], { cwd }),
    )
    const { child, ended } = await startFringe(['calibrate', DEFAULT_BENCH, '--sim', '--seed', '7'], { cwd })
    await untilStep(journal, 'columns')
    child.kill('SIGKILL')
    await ended

    const resumed = await calibrated(await fringe(['resume', 'last', '--json'], { cwd }))
    expect(resumed.vectors).toBeLessThan(0.7 * whole.vectors)
    // Other noise, the same chip.
    expect(resumed.verification.effectiveBits).toBeCloseTo(whole.verification.effectiveBits, 0.7)
    const chips = await Promise.all(
      [journal, join(cwd, 'whole.db')].map(async (file) => {
        const [row] = await query(file, 'SELECT record FROM calibrations ORDER BY rowid DESC LIMIT 1')
        return (JSON.parse(String(row?.['record'])) as { fit: Record<string, number> }).fit
      }),
    )
    expect(chips[0]!['crosstalkNeighbour']).toBeCloseTo(chips[1]!['crosstalkNeighbour']!, 4)
    expect(chips[0]!['splitterRmsRad']).toBeCloseTo(chips[1]!['splitterRmsRad']!, 3)
    const replay = await documentOf('replay', await fringe(['replay', 'last', '--json'], { cwd }))
    expect(replay).toMatchObject({ run: resumed.run, matched: true })

    const again = await fringe(['resume', 'last', '--json'], { cwd })
    expect(await expectFailure(again, 2, 'CALL_INVALID')).toMatch(/is done: there is nothing to resume/)
  })
})

describe('a bench that was calibrated an hour ago at most', { timeout: PATIENCE_MS }, () => {
  test('is verified only, unless everything is asked for again', async () => {
    const { run } = await calibratedPlace()
    const fresh = await run(...SMALL, '--json')
    expect(fresh.stderr).toMatch(/columns\s+from run \S+, 0 s old/)
    const { vectors, run: id } = await calibrated(fresh)
    const steps = async (name: string) => (await documentOf('show', await run('show', name, '--json')))['steps']
    expect(await steps(id)).toContainEqual(expect.objectContaining({ name: 'verification' }))
    const all = await calibrated(await run(...SMALL, '--again', '--json'))
    expect(all.vectors).toBeGreaterThan(4 * vectors)
  })

  test('makes the steps that are named, and no others', async () => {
    const { run } = await calibratedPlace()
    const none = await calibrated(await run(...SMALL, '--json'))
    const { vectors, verification } = await calibrated(
      await run(...SMALL, '--json', '--steps', 'dark', 'Local-Oscillators'),
    )
    // One lane of 2 ports: a dark frame of 16 symbols, and nine of the 4 that show all inputs.
    expect(vectors - none.vectors).toBe(16 + 9 * 4)
    expect(verification.effectiveBits).toBeGreaterThan(8)
  })

  test('is not taken for fresh on another chip, at another age, or after a change of its file', async () => {
    const { run } = await calibratedPlace()
    const bare = (await calibrated(await run(...SMALL, '--json'))).vectors
    const text = await readFile(SMALL_BENCH, 'utf8')
    const cwd = await scratchFolder()
    const other = join(cwd, 'other.yaml')
    await writeFile(other, text.replace(/settleMs: (\d+)/, 'settleMs: 1$1'))
    for (const call of [
      ['calibrate', SMALL_BENCH, '--sim', '--seed', '4'],
      [...SMALL, '--age', '2h'],
      ['calibrate', other, '--sim', '--seed', '3'],
    ]) {
      expect((await calibrated(await run(...call, '--json'))).vectors, call.join(' ')).toBeGreaterThan(4 * bare)
    }
    const aged = [...SMALL, '--age', '2h', '--seed', '3', '--steps', 'chip', '--json']
    await calibrated(await run(...aged))
    const old = await run(...SMALL, '--age', '9h', '--steps', 'chip', '--json')
    expect(await expectFailure(old, 2, 'CALL_INVALID')).toMatch(
      /^step "dark" was made 7 h ago, and --fresh allows 1 h: name it/,
    )
  })

  test('is verified without a word about its steps, and the verification replays', async () => {
    const { run } = await calibratedPlace()
    const ended = await run(...SMALL, '--verify-only', '--json')
    const { vectors } = await calibrated(ended)
    expect(vectors).toBe(8 * (2 * 2 + 24 + 1))
    expect(ended.stderr).toMatch(/when it was made: \d+\.\d\d effective bits\n/)
    expect(await documentOf('replay', await run('replay', 'last', '--json'))).toMatchObject({ matched: true })
    const night = await run(...SMALL, '--age', '12h', '--verify-only')
    expect(night.stdout).toMatch(/calibrate again/)
  })

  test.each([
    [['--verify-only', '--again'], /leave out --steps, --budget and --again/],
    [['--again', '--steps', 'dark'], /leave out one of them/],
    [['--calibration', 'cal-1'], /add that/],
    [['--steps', 'darkness'], /no step "darkness": there are dark, lasers, "local oscillators"/],
    [['--budget', '12'], /smallest calibration of this bench takes \d+ vectors/],
    [['--budget', '12kg'], /A budget is a number of input vectors, like 20000, or a time/],
  ] as const)('refuses %j', async (more, why) => {
    const { run } = await calibratedPlace()
    expect(await expectFailure(await run(...SMALL, '--json', ...more), 2, 'CALL_INVALID')).toMatch(why)
  })
})
