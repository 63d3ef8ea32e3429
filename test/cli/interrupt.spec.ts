import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_BENCH,
  documentOf,
  expectFailure,
  fringe,
  query,
  scratchFolder,
  SMALL_BENCH,
  SMALL_PRODUCT,
  startFringe,
  untilStep,
  writeSmallFactors,
} from './fringe-process.ts'
import { servedBench } from './served-bench.ts'

const PATIENCE_MS = 180_000
const CALIBRATE = ['calibrate', DEFAULT_BENCH, '--sim', '--json']

/** What each wire said last, by direction. */
async function lastWords(journal: string, direction: 'tx' | 'rx'): Promise<Map<string, string>> {
  const rows = await query(
    journal,
    `SELECT wire, CAST(bytes AS TEXT) AS text, max(seq) FROM wire WHERE dir = '${direction}' GROUP BY wire`,
  )
  return new Map(rows.map(({ wire, text }) => [String(wire), String(text)]))
}

describe('a run that is stopped', { timeout: PATIENCE_MS }, () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s leaves the bench dark and cold, and says so',
    async (name) => {
      const cwd = await scratchFolder()
      const journal = join(cwd, 'fringe.db')
      const { child, ended, firstNote } = await startFringe(CALIBRATE, { cwd })
      await untilStep(journal, 'local oscillators')
      child.kill(name)
      // Impatience changes nothing: the safe state is read back first.
      await firstNote
      child.kill(name)
      const message = await expectFailure(await ended, 1, 'TRANSPORT_ABORTED')
      expect(message).toBe(`stopped by ${name}; the bench was made safe and read back`)
      const shown = await documentOf('show', await fringe(['show', 'last', '--json'], { cwd }))
      expect(shown).toMatchObject({ status: 'interrupted', safe: true })
      expect((shown['steps'] as { name: string }[]).at(-1)?.name).toBe('make safe')
      // The heaters were asked for their voltages after they had been set to zero.
      expect((await lastWords(journal, 'tx')).get('shifters')).toMatch(/^(v|i)?vall\?/i)
    },
  )

  test('by SIGKILL leaves a journal that opens, with the run interrupted and nothing lost that was written', async () => {
    const cwd = await scratchFolder()
    const journal = join(cwd, 'fringe.db')
    const { child, ended } = await startFringe(CALIBRATE, { cwd })
    await untilStep(journal, 'modulators')
    child.kill('SIGKILL')
    expect((await ended).code).not.toBe(0)
    const { runs } = (await documentOf('runs', await fringe(['runs', '--json'], { cwd }))) as { runs: object[] }
    expect(runs).toMatchObject([{ kind: 'calibrate', status: 'interrupted', endedAt: null }])
    expect(await query(journal, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
    // What was acknowledged as written has no gap, and ends where the journal says.
    const gaps = await query(
      journal,
      `SELECT wire_heads.wire FROM wire_heads LEFT JOIN wire USING (run, wire)
       GROUP BY wire_heads.wire, wire_heads.records HAVING count(seq) <> records OR max(seq) <> records`,
    )
    expect(gaps).toEqual([])
    const shown = await documentOf('show', await fringe(['show', 'last', '--json'], { cwd }))
    expect(shown).toMatchObject({ safe: null, result: null })
    expect((shown['steps'] as { name: string }[]).map((step) => step.name)).toContain('modulators')
    const refused = await expectFailure(await fringe(['replay', 'last', '--json'], { cwd }), 2, 'CALL_INVALID')
    expect(refused).toMatch(/was interrupted and has no end to compare with/)
    // And the next writer finds it fit for use.
    await writeSmallFactors(cwd)
    expect((await fringe(SMALL_PRODUCT, { cwd })).code).toBe(0)
    expect(await query(journal, `SELECT status FROM runs ORDER BY rowid LIMIT 1`)).toEqual([{ status: 'interrupted' }])
  })

  test('before its product is there leaves no C.npy, and the old one as it was', async () => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    await writeFile(join(cwd, 'C.npy'), 'older')
    const { child, ended } = await startFringe(SMALL_PRODUCT, { cwd })
    await untilStep(join(cwd, 'fringe.db'), 'warm up')
    child.kill('SIGINT')
    expect((await ended).code).toBe(1)
    expect(await readFile(join(cwd, 'C.npy'), 'utf8')).toBe('older')
  })

  test('by a full disk fails with one message, bench safe and journal whole', async () => {
    const cwd = await scratchFolder()
    const ended = await fringe(['calibrate', SMALL_BENCH, '--sim', '--json'], { cwd, limitKib: 500 })
    expect(await expectFailure(ended, 1, 'JOURNAL_WRITE_FAILED')).toMatch(/the disk (failed or )?is full/)
    expect(ended.stderr).toContain('all that was opened is safe, read back')
    const journal = join(cwd, 'fringe.db')
    expect((await stat(journal)).size).toBeGreaterThan(0)
    expect(await query(journal, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
    expect((await fringe(['calibrate', SMALL_BENCH, '--sim'], { cwd })).code).toBe(0)
  })

  test('by a bench that falls silent says loudly what is not safe, and ends with 3', async () => {
    const cwd = await scratchFolder()
    const { bench, server } = await servedBench(cwd, SMALL_BENCH)
    const { ended } = await startFringe(['calibrate', bench, '--json'], { cwd })
    await untilStep(join(cwd, 'fringe.db'), 'warm up')
    server.kill('SIGKILL')
    const message = await expectFailure(await ended, 3, 'SAFE_STATE_UNVERIFIED')
    expect(message).toContain('NOT SAFE')
    expect(message).toMatch(/laser \(oif-itla at ASRL\/dev\/pts\/\d+::INSTR\)/)
    const shown = await documentOf('show', await fringe(['show', 'last', '--json'], { cwd }))
    expect(shown).toMatchObject({ status: 'failed', safe: false })
  })
})
