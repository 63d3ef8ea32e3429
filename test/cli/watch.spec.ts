import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  calibratedPlace,
  documentOf,
  expectFailure,
  fringe,
  productOf,
  query,
  scratchFolder,
  SMALL_AWGR_BENCH,
  SMALL_BENCH,
  SMALL_PRODUCT,
  smallAwgrJournal,
  writeSmallFactors,
} from './fringe-process.ts'

const PATIENCE_MS = 120_000
const SMALL = ['calibrate', SMALL_BENCH, '--sim', '--seed', '3']

describe('a watched bench', { timeout: PATIENCE_MS }, () => {
  test('is looked at as often as asked, leaves a calibration each time, and replays', async () => {
    const { cwd, run } = await calibratedPlace()
    const ended = await run(...SMALL, '--watch', '30min', '--for', '2h', '--json')
    expect(ended.code, ended.stderr).toBe(0)
    const { looks, calibration, verification } = await documentOf('watch', ended)
    expect(looks).toHaveLength(5)
    expect(verification).toMatchObject({ effectiveBits: expect.any(Number) as number })
    const kept = await query(join(cwd, 'fringe.db'), 'SELECT id FROM calibrations ORDER BY rowid DESC')
    // One that was there, the one that was verified, and five looks.
    expect(kept.map(({ id }) => id)).toHaveLength(7)
    expect(kept[0]).toEqual({ id: calibration })
    expect(await documentOf('replay', await run('replay', 'last', '--json'))).toMatchObject({ matched: true })
  })

  test('with an AWGR core has its rings followed while it multiplies, and replays', async () => {
    const cwd = await scratchFolder()
    await copyFile(join(await smallAwgrJournal(), 'fringe.db'), join(cwd, 'fringe.db'))
    await writeSmallFactors(cwd)
    // A job begins with a look of its own; with next to no time between two, most frames have another before them.
    const ended = await fringe([...productOf(SMALL_AWGR_BENCH), '--watch', '0.001s', '--json'], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    const { looks, frames, followedBy } = await documentOf('matmul', ended)
    expect(looks).toBeGreaterThan(0)
    expect(looks).toBeLessThanOrEqual(frames as number)
    expect(followedBy).toBeNull()
    const replayed = await fringe(['replay', 'last', '--json'], { cwd })
    expect(await documentOf('replay', replayed)).toMatchObject({ matched: true })
  })

  test('multiplies after a night as in the evening, and leaves its calibration to the next job', async () => {
    const { run } = await calibratedPlace()
    const product = async (...more: string[]) => {
      const ended = await run(...SMALL_PRODUCT, ...more, '--json')
      expect(ended.code, ended.stderr).toBe(0)
      return await documentOf('matmul', ended)
    }
    const evening = await product()
    expect(evening).toMatchObject({ looks: null, followedBy: null })
    const morning = await product('--age', '12h')
    const watched = await product('--age', '12h', '--watch', '15min')
    expect(watched).toMatchObject({ looks: 1 })
    expect(watched['effectiveBits']).toBeGreaterThan((morning['effectiveBits'] as number) + 0.5)
    expect(watched['effectiveBits']).toBeGreaterThan((evening['effectiveBits'] as number) - 1)
    const { stdout } = await run('replay', 'last', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ matched: true })
    expect(await product('--age', '12h')).toMatchObject({ calibration: watched['followedBy'] })
  })

  test.each([
    [[...SMALL, '--for', '2h'], /add --watch/],
    [[...SMALL, '--watch', '15min'], /say how long to watch, like --for 24h/],
    [[...SMALL, '--watch', '0s', '--for', '1h'], /give a time like 15min/],
    [['calibrate', SMALL_AWGR_BENCH, '--sim', '--watch', '15min', '--for', '1h'], /follows mesh cores/],
  ])('refuses %j', async (call, why) => {
    const { run } = await calibratedPlace()
    expect(await expectFailure(await run(...call, '--json'), 2, 'CALL_INVALID')).toMatch(why)
  })
})
