import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CoreNote } from '../../cli/split-job.ts'
import { readNpy } from '../../orchestrator/arrays/npy.ts'
import { oncePerRun } from '../support/once-per-run.ts'
import {
  documentOf,
  edit,
  expectFailure,
  fringe,
  fringeOnce,
  query,
  scratchFolder,
  SMALL_BENCH,
  TWO_CORES,
} from './fringe-process.ts'
import type { Ended } from './fringe-process.ts'
import { calibratedCores } from './two-cores-place.ts'

const DIRECT = ['--sim=direct', '--seed', '7']
const FILES = ['fringe.db', 'A.npy', 'B.npy'] as const

/** One after another, in the order of the file. */
const named = (...ids: readonly string[]): readonly string[] => ids.flatMap((id) => ['--calibration', id])

/** Both cores calibrated, and the left one once more an hour later. Never to be written to. */
const leftTwice = (): Promise<string> =>
  oncePerRun('two-cores-left-twice', async (folder) => {
    for (const name of FILES) await copyFile(join(await calibratedCores(), name), join(folder, name))
    const again = ['calibrate', TWO_CORES, '--core', 'left', '--again', '--age', '1h', ...DIRECT, '--json']
    const { code, stderr } = await fringeOnce(again, folder)
    if (code !== 0) throw new Error(stderr)
  })

/** A folder of its own with all of that, and what is done there. */
async function place() {
  const [from, cwd] = [await leftTwice(), await scratchFolder()]
  for (const name of FILES) await copyFile(join(from, name), join(cwd, name))
  const journal = join(cwd, 'fringe.db')
  const kept = await query(journal, 'SELECT id FROM calibrations ORDER BY id')
  const [left, right, newerLeft] = kept.map(({ id }) => String(id)) as [string, string, string]
  return {
    ...{ cwd, journal, left, right, newerLeft },
    runs: async () => (await query(journal, 'SELECT id FROM runs')).length,
    multiply: (c: string, more: readonly string[], bench = TWO_CORES) =>
      fringe(['matmul', bench, 'A.npy', 'B.npy', '-o', c, ...DIRECT, '--json', ...more], { cwd }),
  }
}

type Place = Awaited<ReturnType<typeof place>>

async function taken(ended: Ended): Promise<readonly string[]> {
  expect(ended.code, ended.stderr).toBe(0)
  const { cores } = (await documentOf('matmul', ended)) as { cores: CoreNote[] }
  return cores.map(({ calibration }) => calibration)
}

describe('calibrations that are named for several cores', { timeout: 240_000 }, () => {
  test('are taken instead of the newest, which stand there when none is named', async () => {
    const { cwd, left, right, newerLeft, multiply } = await place()
    expect(await taken(await multiply('newest.npy', []))).toEqual([newerLeft, right])
    expect(await taken(await multiply('named.npy', named(left, right)))).toEqual([left, right])
    expect(await taken(await multiply('newest-named.npy', named(newerLeft, right)))).toEqual([newerLeft, right])
    const [newest, older, same] = await Promise.all(
      ['newest', 'named', 'newest-named'].map(async (name) => (await readNpy(join(cwd, `${name}.npy`))).data),
    )
    expect(same).toEqual(newest)
    expect(older).not.toEqual(newest)
  })

  test('are taken by a convolution', async () => {
    const { cwd, left, right } = await place()
    const picture = ['examples/data/picture.npy', 'examples/data/kernels.npy'].map((path) => join(process.cwd(), path))
    const job = ['convolve', TWO_CORES, ...picture, '-o', 'edges.npy', ...DIRECT, '--json', ...named(left, right)]
    const ended = await fringe(job, { cwd })
    expect(await taken(ended)).toEqual([left, right])
  })

  test('are verified, each on its core', async () => {
    const { cwd, left, right } = await place()
    const verification = ['calibrate', TWO_CORES, ...DIRECT, '--verify-only', '--json', ...named(left, right)]
    const ended = await fringe(verification, { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    const { cores } = (await documentOf('calibrate-cores', ended)) as { cores: { core: string; calibration: string }[] }
    expect(cores.map(({ core, calibration }) => [core, calibration])).toEqual([
      ['left', left],
      ['right', right],
    ])
  })

  test.each([
    [
      'one too few',
      TWO_CORES,
      ({ left }: Place) => named(left),
      (path: string) =>
        `1 calibration is named, and ${path} has the cores left, right: name one for each, in this order, or choose a core, like --core left`,
    ],
    [
      'one too many',
      TWO_CORES,
      ({ left, right, newerLeft }: Place) => named(left, right, newerLeft),
      (path: string) => `3 calibrations are named, and ${path} has the cores left, right: name one`,
    ],
    [
      'two for one core',
      TWO_CORES,
      ({ left, right }: Place) => ['--core', 'right', ...named(left, right)],
      (path: string) => `2 calibrations are named, and core right of ${path} takes one`,
    ],
    [
      'two on a bench of one core',
      SMALL_BENCH,
      ({ left, right }: Place) => named(left, right),
      (path: string) => `2 calibrations are named, and ${path} takes one`,
    ],
  ] as const)('are refused where there is %s', async (_, bench, more, says) => {
    const here = await place()
    const before = await here.runs()
    const message = await expectFailure(await here.multiply('C.npy', more(here), bench), 2, 'CALL_INVALID')
    expect(message).toContain(says(bench))
    expect(await here.runs()).toBe(before)
  })

  test('are refused on another core, chip or bench file, by words that name them, before anything is opened', async () => {
    const { cwd, left, right, newerLeft, multiply, runs } = await place()
    const before = await runs()
    const refusal = async (code: string, more: readonly string[], bench = TWO_CORES): Promise<string> =>
      expectFailure(await multiply('C.npy', more, bench), 2, code)
    expect(await refusal('CALIBRATION_UNFIT', named(right, left))).toContain(
      `${right} was made for core right of ${TWO_CORES}, and this job has it for core left of ${TWO_CORES}`,
    )
    expect(await refusal('CALIBRATION_UNFIT', named(left, newerLeft))).toContain(
      `${newerLeft} was made for core left of ${TWO_CORES}, and this job has it for core right of ${TWO_CORES}`,
    )
    expect(await refusal('CALIBRATION_UNFIT', ['--core', 'left', ...named(right)])).toContain(
      `${right} was made for core right of ${TWO_CORES}, and this job has it for core left of ${TWO_CORES}`,
    )
    expect(await refusal('CALIBRATION_UNFIT', [...named(left, right), '--seed', '8'])).toContain(
      `${left} was made on twin:7, and this job runs on twin:8`,
    )
    expect(await refusal('CALIBRATION_MISSING', named(left, 'cal-1'))).toContain('no calibration cal-1')
    const changed = join(cwd, 'changed.yaml')
    const text = await readFile(TWO_CORES, 'utf8')
    // An instrument of the right core alone.
    await writeFile(changed, text.replace('10.0.1.21', '10.0.1.22'))
    expect(await refusal('CALIBRATION_UNFIT', named(left, right), changed)).toContain(
      `${right} was made for another bench file, or before core right of ${changed} was changed`,
    )
    expect(await runs()).toBe(before)
  })

  test('are refused on the core where they are too old, before the other one is calibrated', async () => {
    const { journal, left, right, multiply, runs } = await place()
    const night = ['--age', '12h', '--max-age', '6h']
    expect(
      await expectFailure(await multiply('C.npy', [...night, ...named(left, right)]), 2, 'CALIBRATION_UNFIT'),
    ).toContain(`${left} of core left is 12 h old, and --max-age allows 6 h: calibrate again`)
    const before = await runs()
    await edit(journal, 'DELETE FROM calibrations WHERE id != ?', right)
    expect(await expectFailure(await multiply('C.npy', night), 2, 'CALIBRATION_UNFIT')).toContain(
      `${right} of core right is 12 h old, and --max-age allows 6 h: calibrate again`,
    )
    expect(await runs()).toBe(before)
  })
})
