import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  calibratedPlace,
  documentOf,
  expectFailure,
  fringe,
  scratchFolder,
  SMALL_BENCH,
  SMALL_PRODUCT,
} from './fringe-process.ts'

const PATIENCE_MS = 120_000
const NIGHT = ['--age', '12h']

describe('a twin that is a night old', { timeout: PATIENCE_MS }, () => {
  test('multiplies worse with the calibration of the evening, and as well as then once it is calibrated again', async () => {
    const { run } = await calibratedPlace()
    const bits = async (...more: string[]): Promise<number> => {
      const ended = await run(...SMALL_PRODUCT, ...more, '--json')
      expect(ended.stderr).not.toContain('calibrating first')
      return (await documentOf('matmul', ended))['effectiveBits'] as number
    }
    const [evening, morning] = [await bits(), await bits(...NIGHT)]
    // A bit and more is lost: the error is more than twice as large.
    expect(morning).toBeLessThan(evening - 1)
    const { code, stderr } = await run('calibrate', SMALL_BENCH, '--sim', '--seed', '3', ...NIGHT)
    expect(code, stderr).toBe(0)
    // Another calibration, another noise: a third of a bit between two good ones.
    expect(await bits(...NIGHT)).toBeGreaterThan(evening - 0.5)
  })

  test('gives the same product over pipes, over ports and without wires, and replays', async () => {
    const { run } = await calibratedPlace()
    const product = SMALL_PRODUCT.filter((word) => word !== '--sim')
    const products: unknown[] = []
    for (const sim of ['--sim', '--sim=wire', '--sim=direct']) {
      const document = await documentOf('matmul', await run(...product, sim, ...NIGHT, '--json'))
      products.push((document['product'] as { sha256: string }).sha256)
      if (sim === '--sim') {
        const replay = await documentOf('replay', await run('replay', 'last', '--json'))
        expect(replay).toMatchObject({ matched: true, divergence: null })
      }
    }
    expect(new Set(products).size).toBe(1)
    expect((await run('replay', 'last')).stderr).toContain('--sim=direct --seed 3 --age 43200s')
  })

  test('is checked, and its age stands in the header of a run and in what is shown of it', async () => {
    const { run } = await calibratedPlace()
    expect((await run('check', SMALL_BENCH, '--sim', '--age', '2d')).code).toBe(0)
    await run(...SMALL_PRODUCT, '--age', '1.5h')
    const { header } = (await documentOf('show', await run('show', 'last', '--json'))) as { header: object }
    expect(header).toMatchObject({ arguments: { sim: 'pipe', ageS: 5400 } })
    expect((await run('show', 'last')).stdout).toContain('twin, chip 3, 1.5 h old')
  })
})

describe('an age that makes no sense', { timeout: PATIENCE_MS }, () => {
  test.each([
    ['without a twin', ['check', 'x.yaml', '--age', '12h'], /--age says how old the twin is.*add --sim/],
    [
      'without a unit',
      ['check', 'x.yaml', '--sim', '--age', '12'],
      /An age is a number with s, min, h or d, from 0s to 100d/,
    ],
    ['in weeks', ['matmul', 'x.yaml', 'A', 'B', '-o', 'C', '--sim', '--age', '2w'], /'2w' is invalid/],
    ['below 0', ['calibrate', 'x.yaml', '--sim', '--age=-1h'], /An age is a number/],
    ['beyond what a clock counts', ['calibrate', 'x.yaml', '--sim', '--age', '101d'], /from 0s to 100d/],
  ])('is refused with 2: %s', async (_, args, message) => {
    expect(await expectFailure(await fringe([...args, '--json']), 2, 'CALL_INVALID')).toMatch(message)
  })

  test('refuses a calibration older than the job allows, before anything is opened', async () => {
    const { run } = await calibratedPlace()
    const message = await expectFailure(
      await run(...SMALL_PRODUCT, ...NIGHT, '--max-age', '6h', '--json'),
      2,
      'CALIBRATION_UNFIT',
    )
    expect(message).toMatch(/^cal-\S+ is 12 h old, and --max-age allows 6 h: calibrate again$/)
    const { runs } = (await documentOf('runs', await run('runs', '--json'))) as { runs: object[] }
    expect(runs).toHaveLength(2)
    const young = await run(...SMALL_PRODUCT, ...NIGHT, '--max-age', '12h', '--json')
    expect(young.code, young.stderr).toBe(0)
  })
})

describe('a calibration that is named', { timeout: PATIENCE_MS }, () => {
  test('is used on the bench and chip that it was made for, and refused elsewhere with the reason', async () => {
    const { run } = await calibratedPlace()
    const [bench = '', ...rest] = SMALL_PRODUCT.slice(1)
    const shown = await documentOf('show', await run('show', 'last', '--json'))
    const [id] = (shown['header'] as { calibrations: [string] }).calibrations
    const used = await documentOf('matmul', await run('matmul', bench, ...rest, '--calibration', id, '--json'))
    expect(used['calibration']).toBe(id)

    const refusal = async (code: string, ...args: string[]): Promise<string> =>
      expectFailure(await run('matmul', ...args, '--json'), 2, code)
    expect(await refusal('CALIBRATION_UNFIT', bench, ...rest, '--calibration', id, '--seed', '4')).toContain(
      `${id} was made on twin:3, and this job runs on twin:4: calibrate this one, or name another calibration`,
    )
    const scratch = await scratchFolder()
    const changed = join(scratch, 'changed.yaml')
    await writeFile(changed, (await readFile(bench, 'utf8')).replace('powerDbm: 8', 'powerDbm: 8.5'))
    expect(await refusal('CALIBRATION_UNFIT', changed, ...rest, '--calibration', id)).toContain(
      `${id} was made for another bench file, or before ${changed} was changed: calibrate this one`,
    )
    expect(await refusal('CALIBRATION_MISSING', bench, ...rest, '--calibration', 'cal-1')).toContain(
      'no calibration cal-1',
    )
  })
})
