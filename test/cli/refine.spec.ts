import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RefinementNote } from '../../cli/refinement-note.ts'
import {
  calibratedPlace,
  documentOf,
  expectFailure,
  productOf,
  query,
  SMALL_AWGR_BENCH,
  SMALL_PRODUCT,
} from './fringe-process.ts'

const PATIENCE_MS = 240_000

describe('fringe matmul --refine', { timeout: PATIENCE_MS }, () => {
  test('gives a night’s bits back, says what that took, and replays', async () => {
    const { cwd, run } = await calibratedPlace()
    const product = async (...more: string[]) => {
      const ended = await run(...SMALL_PRODUCT, '--age', '12h', ...more, '--json')
      expect(ended.code, ended.stderr).toBe(0)
      return { ...(await documentOf('matmul', ended)), stderr: ended.stderr }
    }
    const plain = (await product()) as Readonly<Record<string, unknown>>
    expect(plain).toMatchObject({ refinement: null })
    const refined = (await product('--refine', '3')) as Readonly<Record<string, unknown>>
    expect(refined['effectiveBits']).toBeGreaterThan((plain['effectiveBits'] as number) + 0.5)
    const { rounds, tiles, corrections, frames, vectors, before, after } = refined['refinement'] as RefinementNote
    // B is 4 × 3, and the core 2 × 2.
    expect({ rounds, tiles }).toEqual({ rounds: 3, tiles: 4 })
    expect(after).toBeLessThan(before! / 2)
    expect(corrections).toBeGreaterThanOrEqual(tiles)
    // One lane, and frames of as many symbols as a Hadamard matrix for two ports and one column more has.
    expect(vectors).toBe(frames * 4)
    expect(refined['stderr']).toMatch(/without refining, measured .*\n(.*\n)*.*4 tiles measured: weights \d/)
    const steps = await query(
      join(cwd, 'fringe.db'),
      `SELECT name, count(*) AS count FROM steps WHERE run = '${String(refined['run'])}' AND name LIKE '%refine%' GROUP BY name ORDER BY name`,
    )
    expect(steps).toEqual([
      { name: 'refine tile', count: 4 },
      { name: 'tile refined', count: 4 },
    ])
    const predicted = (of: typeof plain): number => (of['numerics'] as { predictedSeconds: number }).predictedSeconds
    expect(predicted(refined)).toBeGreaterThan(predicted(plain))
    expect(await documentOf('replay', await run('replay', 'last', '--json'))).toMatchObject({ matched: true })
  })

  test('is refused where no phases can be corrected, before anything is opened', async () => {
    const { cwd, run } = await calibratedPlace()
    const refused = await run(...productOf(SMALL_AWGR_BENCH), '--refine', '1', '--json')
    expect(await expectFailure(refused, 2, 'CALL_INVALID')).toMatch(
      /^.*small-awgr\.yaml:\d+:\d+ core\.kind - --refine corrects the phases of meshes read by balanced homodyne/,
    )
    const nonsense = await run(...SMALL_PRODUCT, '--refine', '1.5', '--json')
    expect(await expectFailure(nonsense, 2, 'CALL_INVALID')).toMatch(/whole number from 0/)
    const [{ runs } = { runs: 0 }] = await query(join(cwd, 'fringe.db'), 'SELECT count(*) AS runs FROM runs')
    expect(runs).toBe(2)
  })
})
