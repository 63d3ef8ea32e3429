import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCores } from '../../bench/bench-file.ts'
import { findCalibration } from '../../cli/calibrate-job.ts'
import { splitJob } from '../../cli/split-job.ts'
import type { CoreNote } from '../../cli/split-job.ts'
import { RandomStream } from '../../core/random.ts'
import { DenseArray } from '../../orchestrator/arrays/dense-array.ts'
import { factorInMemory } from '../../orchestrator/arrays/open-factor.ts'
import { readNpy, writeNpy } from '../../orchestrator/arrays/npy.ts'
import { oncePerRun } from '../support/once-per-run.ts'
import { documentOf, expectFailure, fringe, fringeOnce, query, scratchFolder, TWO_CORES } from './fringe-process.ts'

const [ROWS, INNER, COLUMNS] = [400, 8, 16]
const TWIN = ['--sim', '--seed', '7']

/** A journal with both cores calibrated, and A, B and the left half of B beside it. Never to be written to. */
const calibrated = (): Promise<string> =>
  oncePerRun('two-cores', async (folder) => {
    await mkdir(folder, { recursive: true })
    const random = new RandomStream(5, 'factors')
    const b = Float64Array.from({ length: INNER * COLUMNS }, () => random.normal())
    const half = Float64Array.from({ length: b.length / 2 }, (_, i) => b[Math.floor(i / 8) * COLUMNS + (i % 8)]!)
    const a = Float64Array.from({ length: ROWS * INNER }, () => random.normal())
    await writeNpy(join(folder, 'A.npy'), { shape: [ROWS, INNER], data: a })
    await writeNpy(join(folder, 'B.npy'), { shape: [INNER, COLUMNS], data: b })
    await writeNpy(join(folder, 'half.npy'), { shape: [INNER, COLUMNS / 2], data: half })
    const ended = await fringeOnce(['calibrate', TWO_CORES, ...TWIN, '--json'], folder)
    if (ended.code !== 0) throw new Error(ended.stderr)
    const { cores } = (await documentOf('calibrate-cores', ended)) as { cores: { core: string }[] }
    expect(cores.map(({ core }) => core)).toEqual(['left', 'right'])
  })

async function place(): Promise<string> {
  const [from, cwd] = [await calibrated(), await scratchFolder()]
  for (const name of ['fringe.db', 'A.npy', 'B.npy', 'half.npy']) await copyFile(join(from, name), join(cwd, name))
  return cwd
}

interface Document {
  readonly run: string
  readonly effectiveBits: number
  readonly energy: { readonly benchSeconds: number; readonly macs: number; readonly boundaries: { joules: number }[] }
  readonly cores: CoreNote[]
}

async function product(cwd: string, b: string, c: string, ...more: string[]): Promise<Document> {
  const ended = await fringe(['matmul', TWO_CORES, 'A.npy', b, '-o', c, '--json', ...more], { cwd })
  expect(ended.code, ended.stderr).toBe(0)
  return (await documentOf('matmul', ended)) as unknown as Document
}

describe('a product on the two 4×4 cores of one bench', { timeout: 120_000 }, () => {
  test('takes half the bench time of one core, with as many bits, and each part is what its core makes alone', async () => {
    const cwd = await place()
    const both = await product(cwd, 'B.npy', 'C.npy', ...TWIN)
    const alone = await product(cwd, 'B.npy', 'alone.npy', '--core', 'left', ...TWIN)
    expect(both.energy.benchSeconds / alone.energy.benchSeconds).toBeLessThan(0.55)
    expect(both.effectiveBits).toBeGreaterThan(alone.effectiveBits - 0.5)
    expect(both.cores.map(({ core, part }) => [core, part.firstColumn, part.columns])).toEqual([
      ['left', 0, 8],
      ['right', 8, 8],
    ])
    await product(cwd, 'half.npy', 'half-c.npy', '--core', 'left', ...TWIN)
    const [c, half] = [(await readNpy(join(cwd, 'C.npy'))).data, (await readNpy(join(cwd, 'half-c.npy'))).data]
    expect(Float64Array.from({ length: half.length }, (_, i) => c[Math.floor(i / 8) * COLUMNS + (i % 8)]!)).toEqual(
      half,
    )
  })

  test('is the same bit for bit without wires, its cores talk at the same time, and its replay takes both', async () => {
    const cwd = await place()
    const both = await product(cwd, 'B.npy', 'C.npy', ...TWIN)
    await product(cwd, 'B.npy', 'direct.npy', '--sim=direct', '--seed', '7')
    expect((await readNpy(join(cwd, 'direct.npy'))).data).toEqual((await readNpy(join(cwd, 'C.npy'))).data)
    const spans = await Promise.all(
      both.cores.map(async ({ run }) => {
        const runs = await query(join(cwd, 'fringe.db'), `SELECT started_ms, ended_ms FROM runs WHERE id = '${run}'`)
        return { from: Number(runs[0]!['started_ms']), to: Number(runs[0]!['ended_ms']) }
      }),
    )
    // Each had begun before the other was done.
    expect(Math.max(...spans.map(({ from }) => from))).toBeLessThan(Math.min(...spans.map(({ to }) => to)))
    const replayed = await documentOf('replay', await fringe(['replay', both.run, '--json'], { cwd }))
    expect(replayed).toMatchObject({ matched: true, run: both.run, wires: 22 })
  })

  test('costs what its cores cost together', async () => {
    const cwd = await place()
    const { run, energy, cores } = await product(cwd, 'B.npy', 'C.npy', ...TWIN)
    expect(energy.macs).toBe(ROWS * INNER * COLUMNS)
    const parts = await Promise.all(
      cores.map(async ({ run }) => {
        const shown = await documentOf('show', await fringe(['show', run, '--json'], { cwd }))
        return (shown as unknown as { result: Document }).result.energy
      }),
    )
    for (const [at, { joules }] of energy.boundaries.entries()) {
      expect(joules).toBeCloseTo(parts[0]!.boundaries[at]!.joules + parts[1]!.boundaries[at]!.joules, 9)
    }
    const shown = await fringe(['show', run], { cwd })
    expect(shown.stdout).toContain('left: rows 0 to 399, columns 0 to 7')
  })

  test('stops the other core and makes it safe when one fails', async () => {
    const cwd = await place()
    const journal = join(cwd, 'fringe.db')
    const twin = { mode: 'pipe', seed: 7, ageS: 0 } as const
    const parts = [0, 8].map((firstColumn) => ({ firstRow: 0, rows: 50 * ROWS, firstColumn, columns: 8 }))
    const cores = await Promise.all(
      (await readCores(TWO_CORES)).map(async (file, index) => {
        const stored = (await findCalibration({ file, twin, journal }))!
        // A calibration of another size: the job on the right core fails once its bench is open.
        const calibration = index === 0 ? stored.calibration : { ...stored.calibration, size: 5 }
        return { choice: { file, twin, journal }, stored: { ...stored, calibration }, part: parts[index]! }
      }),
    )
    const factor = (name: string, rows: number, columns: number) =>
      factorInMemory(name, new DenseArray(name, [rows, columns], false, new Float64Array(rows * columns).fill(0.5)))
    const context = {
      output: { progress: { begin: () => undefined, onEvent: () => undefined } },
      signal: new AbortController().signal,
    }
    const request = { a: factor('A', 50 * ROWS, INNER), b: factor('B', INNER, COLUMNS), output: undefined }
    await expect(
      splitJob(context, cores, { ...request, dtype: 'float64', memoryBytes: 2 ** 28 }),
    ).rejects.toMatchObject({
      cause: { code: 'SHAPE_MISMATCH' },
    })
    const runs = await query(journal, `SELECT status, header, result FROM runs WHERE kind = 'matmul' ORDER BY id`)
    const ended = runs.map(({ status, header, result }) => ({
      core: (JSON.parse(String(header)) as { bench: { core?: string } }).bench.core,
      ...{ status, safe: (JSON.parse(String(result)) as { safe: boolean }).safe },
    }))
    expect(ended).toHaveLength(3)
    expect(ended).toContainEqual({ core: undefined, status: 'failed', safe: true })
    expect(ended).toContainEqual({ core: 'left', status: 'interrupted', safe: true })
    expect(ended).toContainEqual({ core: 'right', status: 'failed', safe: true })
  })

  test.each([
    ['--watch', ['--watch', '1min', ...TWIN], '--watch is for one core, and'],
    ['--refine', ['--refine', '2', ...TWIN], '--refine is for one core, and'],
    ['--calibration', ['--calibration', 'cal-1', ...TWIN], '--calibration is for one core, and'],
    ['kernels', ['--sim=kernels'], 'describes the cores left, right, and this takes one'],
    ['too little memory', ['--memory', '8KiB', ...TWIN], 'holds its matrices in memory'],
    ['no such core', ['--core', 'middle', ...TWIN], 'has no core "middle"'],
  ])('is refused with %s, by a word that says so', async (_, more, says) => {
    const cwd = await place()
    const ended = await fringe(['matmul', TWO_CORES, 'A.npy', 'B.npy', '-o', 'C.npy', '--json', ...more], { cwd })
    expect(await expectFailure(ended, 2, 'CALL_INVALID')).toContain(says)
  })
})

describe('a calibration of both cores', { timeout: 240_000 }, () => {
  test('makes the steps that are named, each from its own results, and a page for each core', async () => {
    const cwd = await place()
    const wish = ['--steps', 'local-oscillators', '--report', 'pages', '--json']
    const ended = await fringe(['calibrate', TWO_CORES, ...TWIN, ...wish], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    const { cores } = (await documentOf('calibrate-cores', ended)) as {
      cores: { core: string; report: { file: string } }[]
    }
    const files = ['left', 'right'].map((core) => join('pages', core, 'report.md'))
    expect(cores.map(({ report }) => report.file)).toEqual(files)
    for (const file of files) expect(await readFile(join(cwd, file), 'utf8')).toContain('two-cores')
    expect(ended.stderr.match(/from run /g)!.length).toBeGreaterThan(8)
  })

  test('is refused before anything is opened where one of them has no such step', async () => {
    const cwd = await scratchFolder()
    const ended = await fringe(['calibrate', TWO_CORES, ...TWIN, '--steps', 'coffee', '--json'], { cwd })
    expect(await expectFailure(ended, 2, 'CALL_INVALID')).toContain('has no step "coffee"')
    expect(await readdir(cwd)).toEqual([])
  })
})
