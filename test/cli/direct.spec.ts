import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { oncePerRun } from '../support/once-per-run.ts'
import {
  copyOf,
  documentOf,
  expectFailure,
  fringe,
  fringeOnce,
  productOf,
  query,
  scratchFolder,
  SMALL_BENCH,
  SMALL_PRODUCT,
  smallJournal,
  writeSmallFactors,
} from './fringe-process.ts'

const PATIENCE_MS = 120_000
const DIRECT_PRODUCT = SMALL_PRODUCT.map((word) => (word === '--sim' ? '--sim=direct' : word))

describe('a small bench on the twin without wires', { timeout: PATIENCE_MS }, () => {
  let [piped, direct] = ['', '']
  beforeAll(async () => {
    piped = await smallJournal()
    direct = await oncePerRun('small-direct', async (folder) => {
      await writeSmallFactors(folder)
      const { code, stderr } = await fringeOnce([...DIRECT_PRODUCT, '--json'], folder)
      if (code !== 0) throw new Error(stderr)
    })
  }, PATIENCE_MS)

  const inJournal = (...args: string[]): ReturnType<typeof fringe> => fringe(args, { cwd: direct })

  test('calibrates and multiplies to the same last bit as behind its wires', async () => {
    const c = await readFile(join(direct, 'C.npy'))
    expect(c.equals(await readFile(join(piped, 'C.npy')))).toBe(true)
    const [records, wireRecords] = await Promise.all(
      [direct, piped].map((folder) =>
        query(join(folder, 'fringe.db'), 'SELECT chip, bench_hash, record FROM calibrations'),
      ),
    )
    expect(records).toHaveLength(1)
    expect(records).toEqual(wireRecords)
  })

  test('comes to the same with meters that go on logging, and such a run replays', async () => {
    const place = await scratchFolder()
    await writeSmallFactors(place)
    const text = await readFile(SMALL_BENCH, 'utf8')
    const bench = join(place, 'continuous.yaml')
    await writeFile(bench, text.replaceAll('driver: keysight-n7745,', 'driver: keysight-n7745, continuousLog: true,'))
    const ended = await fringe(productOf(bench), { cwd: place })
    expect(ended.code, ended.stderr).toBe(0)
    expect((await readFile(join(place, 'C.npy'))).equals(await readFile(join(direct, 'C.npy')))).toBe(true)
    const replayed = await fringe(['replay', 'last'], { cwd: place })
    expect(replayed.code, replayed.stderr).toBe(0)
    const asked = `SELECT count(*) AS n FROM wire WHERE instr(bytes, CAST('RES:BUFA?' AS BLOB)) > 0`
    expect((await query(join(place, 'fringe.db'), asked))[0]!['n']).toBeGreaterThan(0)
  })

  test('journals steps, frames, samples and matrices, and not a byte on a wire', async () => {
    const count = async (folder: string, table: string): Promise<unknown> =>
      (await query(join(folder, 'fringe.db'), `SELECT count(*) AS n FROM ${table}`))[0]!['n']
    expect(await count(direct, 'wire')).toBe(0)
    for (const table of ['steps', 'frames', 'samples', 'blobs']) {
      expect(await count(direct, table), table).toBe(await count(piped, table))
      expect(await count(direct, table), table).toBeGreaterThan(0)
    }
  })

  test('says in the header of each run that it was direct', async () => {
    for (const run of [
      'last',
      ...(await query(join(direct, 'fringe.db'), 'SELECT id FROM runs')).map(({ id }) => String(id)),
    ]) {
      const shown = await documentOf('show', await inJournal('show', run, '--json'))
      expect(shown).toMatchObject({ header: { arguments: { sim: 'direct' }, seed: 3 } })
    }
  })

  test('uses a calibration that was made behind wires, and the other way round', async () => {
    for (const [folder, product] of [
      [piped, DIRECT_PRODUCT],
      [direct, SMALL_PRODUCT],
    ] as const) {
      const journal = await copyOf(join(folder, 'fringe.db'))
      const place = await scratchFolder()
      await writeSmallFactors(place)
      const ended = await fringe([...product, '--journal', journal], { cwd: place })
      expect(ended.code, ended.stderr).toBe(0)
      expect(ended.stderr).not.toContain('calibrating first')
      expect((await readFile(join(place, 'C.npy'))).equals(await readFile(join(piped, 'C.npy')))).toBe(true)
    }
  })

  test('says that there are no wires to replay, and what to do instead', async () => {
    const message = await expectFailure(await inJournal('replay', 'last', '--json'), 2, 'CALL_INVALID')
    expect(message).toMatch(/was made with --sim=direct, so there are no bytes on wires to replay/)
    expect(message).toMatch(/fringe matmul … --sim=direct --seed 3.*or make it with --sim/)
  })

  test('checks all its instruments, with the identities that they have behind wires', async () => {
    const [straight, wire] = await Promise.all(
      ['--sim=direct', '--sim'].map(async (sim) =>
        documentOf('check', await fringe(['check', SMALL_BENCH, sim, '--json'])),
      ),
    )
    expect(straight).toMatchObject({ ok: true })
    expect(straight).toEqual(wire)
  })

  test('names what it has no instrument for', async () => {
    const ended = await fringe(['check', 'examples/wires.yaml', '--sim=direct', '--json'])
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('filter (waveshaper at HTTP::10.0.0.50): there is no waveshaper without its wire')
  })

  test('has no demo, which would replay', async () => {
    const message = await expectFailure(await fringe(['demo', '--sim=direct', '--json']), 2, 'CALL_INVALID')
    expect(message).toMatch(/the demo replays its runs/)
  })
})
