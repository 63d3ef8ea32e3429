import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  documentOf,
  fringe,
  query,
  schemas,
  scratchFolder,
  SMALL_BENCH,
  SMALL_PRODUCT,
  smallJournal,
  writeSmallFactors,
} from './fringe-process.ts'

const PATIENCE_MS = 120_000

describe('a small bench on its twin', { timeout: PATIENCE_MS }, () => {
  let folder = ''
  beforeAll(async () => {
    folder = await smallJournal()
  }, PATIENCE_MS)

  const inJournal = (...args: string[]): Promise<Awaited<ReturnType<typeof fringe>>> => fringe(args, { cwd: folder })

  test('is calibrated first by a product that finds no calibration, in a run of its own', async () => {
    expect(await readFile(join(folder, 'stderr.txt'), 'utf8')).toMatch(
      /no calibration of small-bench \(twin:3\) in fringe\.db yet: calibrating first/,
    )
    const stdout = await readFile(join(folder, 'matmul.json'), 'utf8')
    const { calibration } = await documentOf('matmul', { stdout })
    expect(await query(join(folder, 'fringe.db'), 'SELECT id, chip FROM calibrations')).toEqual([
      { id: calibration, chip: 'twin:3' },
    ])
    const { runs } = (await documentOf('runs', await inJournal('runs', '--json'))) as { runs: object[] }
    expect(runs).toMatchObject([
      { kind: 'matmul', status: 'done' },
      { kind: 'calibrate', status: 'done' },
    ])
  })

  test('is calibrated again for another chip, and not for the same', async () => {
    const place = await scratchFolder()
    await copyFile(join(folder, 'fringe.db'), join(place, 'fringe.db'))
    await writeSmallFactors(place)
    const same = await fringe(SMALL_PRODUCT, { cwd: place })
    expect(same.stderr).not.toContain('calibrating first')
    const other = await fringe([...SMALL_PRODUCT.slice(0, -1), '4'], { cwd: place })
    expect(other.stderr).toContain('no calibration of small-bench (twin:4)')
  })

  test('checks all its instruments', async () => {
    const ended = await fringe(['check', SMALL_BENCH, '--sim', '--json'])
    expect(ended.code, ended.stderr).toBe(0)
    const { ok, instruments } = (await documentOf('check', ended)) as { ok: boolean; instruments: object[] }
    expect(ok).toBe(true)
    expect(instruments).toHaveLength(9)
    expect(instruments[0]).toMatchObject({ name: 'laser', driver: 'oif-itla', error: null })
    const wired = await fringe(['check', SMALL_BENCH, '--sim=wire'])
    expect(wired.stdout).toMatch(/ok +awg +keysight-m8195a +TCPIP::127\.0\.0\.1::\d+::SOCKET +Keysight/)
  })

  test('calibrates to the documented form, over real wires too', async () => {
    const ended = await fringe(['calibrate', SMALL_BENCH, '--sim=wire', '--seed', '3', '--json'], {
      cwd: await scratchFolder(),
    })
    expect(ended.code, ended.stderr).toBe(0)
    const document = await documentOf('calibrate', ended)
    const shown = await documentOf('show', await inJournal('show', await calibrationRun(), '--json'))
    // The same chip, so the same fit: what is on the wires does not depend on the kind of wires.
    expect(shown).toMatchObject({ calibration: { fit: document['fit'], verification: document['verification'] } })
  })

  test('shows header, steps, quality, energy, calibration and wires of a run', async () => {
    const shown = await documentOf('show', await inJournal('show', 'last', '--json'))
    const engines = { calibration: 'WebAssembly SIMD, float64, 1 thread', twin: 'plain JavaScript, float64, 1 thread' }
    expect(shown).toMatchObject({ kind: 'matmul', status: 'done', safe: true, header: { seed: 3, engines } })
    expect(shown['steps']).toMatchObject([
      { step: 1, name: 'open bench' },
      { name: 'warm up' },
      { name: 'prepare frames' },
      { name: 'light' },
      { name: 'multiply', inner: 4 },
      { name: 'account energy' },
      { name: 'make safe', seconds: null },
    ])
    const { stdout } = await inJournal('show', 'last')
    for (const word of [
      'effective bits',
      'wall-plug',
      'made by run',
      'calibration: WebAssembly SIMD, float64, 1 thread; twin: plain JavaScript',
      'wire records',
      'safe, read back',
      'A.npy (6×4)',
    ]) {
      expect(stdout).toContain(word)
    }
  })

  test('replays its calibration and its product, and says which replay that was', async () => {
    for (const [run, same] of [
      [await calibrationRun(), 'the calibration is the same to the last digit'],
      ['last', 'C is the same bit for bit'],
    ] as const) {
      const { code, stdout } = await inJournal('replay', run)
      expect(stdout).toContain('wire replay of')
      expect(stdout).toContain(same)
      expect(code).toBe(0)
      const document = await documentOf('replay', await inJournal('replay', run, '--json'))
      expect(document).toMatchObject({ matched: true, divergence: null, replay: 'wire' })
    }
  })

  test('keeps its documents to schemas that would notice a property gone', async () => {
    const document = JSON.parse(await readFile(join(folder, 'matmul.json'), 'utf8')) as Record<string, unknown>
    const validate = (await schemas()).getSchema('matmul.schema.json')
    for (const key of ['run', 'effectiveBits', 'nrmse', 'seconds', 'energy']) {
      expect(validate?.({ ...document, [key]: undefined })).toBe(false)
    }
    expect(validate?.({ ...document, addedLater: 1 })).toBe(true)
  })

  async function calibrationRun(): Promise<string> {
    const [row] = await query(join(folder, 'fringe.db'), `SELECT id FROM runs WHERE kind = 'calibrate'`)
    return String(row?.['id'])
  }
})
