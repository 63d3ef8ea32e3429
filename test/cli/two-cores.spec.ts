import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCores } from '../../bench/bench-file.ts'
import { openBench } from '../../api/index.ts'
import { followerOf } from '../../cli/cores-follower.ts'
import { SystemClock } from '../../core/clock.ts'
import { exactResult, productJob } from '../../orchestrator/jobs/product-job.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { findCalibration } from '../../cli/calibrate-job.ts'
import { splitJob } from '../../cli/split-job.ts'
import type { CoreNote } from '../../cli/split-job.ts'
import { RandomStream } from '../../core/random.ts'
import { DenseArray, elementCount } from '../../orchestrator/arrays/dense-array.ts'
import { factorInMemory } from '../../orchestrator/arrays/open-factor.ts'
import { decodeArray, readNpy, writeArray } from '../../orchestrator/arrays/npy.ts'
import { documentOf, edit, expectFailure, fringe, query, scratchFolder, TWO_CORES } from './fringe-process.ts'
import { COLUMNS, INNER, ROWS, TWIN, twoCoresPlace } from './two-cores-place.ts'

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
    const cwd = await twoCoresPlace()
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
    const cwd = await twoCoresPlace()
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
    const cwd = await twoCoresPlace()
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
    const cwd = await twoCoresPlace()
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
    ['kernels', ['--sim=kernels'], 'describes the cores left, right, and this takes one'],
    ['too little memory', ['--memory', '8KiB', ...TWIN], 'holds its matrices in memory'],
    ['no such core', ['--core', 'middle', ...TWIN], 'has no core "middle"'],
  ])('is refused with %s, by a word that says so', async (_, more, says) => {
    const cwd = await twoCoresPlace()
    const ended = await fringe(['matmul', TWO_CORES, 'A.npy', 'B.npy', '-o', 'C.npy', '--json', ...more], { cwd })
    expect(await expectFailure(ended, 2, 'CALL_INVALID')).toContain(says)
  })
})

describe('a job of both cores', { timeout: 240_000 }, () => {
  const DIRECT = ['--sim=direct', '--seed', '7']

  test('is the last of its journal, and not one core’s part of it; it is followed by what its cores do', async () => {
    const cwd = await twoCoresPlace()
    const both = await product(cwd, 'B.npy', 'C.npy', '--layer', 'fc1', ...DIRECT)
    const shown = await documentOf('show', await fringe(['show', 'last', '--json'], { cwd }))
    expect(shown['run']).toBe(both.run)
    const { runs } = (await documentOf('runs', await fringe(['runs', '--json'], { cwd }))) as {
      runs: { run: string; partOf: string | null; layer: string | null }[]
    }
    const parts = runs.filter(({ partOf }) => partOf === both.run).map(({ run }) => run)
    // Which of them begins first nobody says.
    expect(parts.sort()).toEqual(both.cores.map(({ run }) => run).sort())
    // Once, although three runs know of it.
    const energy = (await documentOf('energy', await fringe(['energy', '--json'], { cwd }))) as {
      total: { macs: number; boundaries: { joules: number }[] }
    }
    expect(energy.total.macs).toBe(ROWS * INNER * COLUMNS)
    expect(energy.total.boundaries[3]!.joules).toBeCloseTo(both.energy.boundaries[3]!.joules, 9)
    await using journal = await Journal.open(join(cwd, 'fringe.db'), { clock: new SystemClock(), mode: 'read' })
    const state = await (await followerOf(journal, 'last')).look()
    const frames = both.cores.reduce((sum, core) => sum + core.frames, 0)
    expect(state).toMatchObject({ frames, done: 1, macs: ROWS * INNER * COLUMNS, run: { id: both.run } })
    expect([...state.powersW.keys()]).toContain('left: whole bench')
    expect(state.probeBits).toBeGreaterThan(4)
  })

  test('watches and refines each of them, and says what it left', async () => {
    const cwd = await twoCoresPlace()
    const both = await product(cwd, 'B.npy', 'C.npy', '--watch', '1s', '--refine', '1', ...DIRECT)
    const { looks, refinement, cores } = both as unknown as {
      looks: number
      refinement: { tiles: number; before: number; after: number }
      cores: CoreNote[]
    }
    expect(looks).toBe(cores.reduce((sum, core) => sum + core.looks!, 0))
    expect(looks).toBeGreaterThan(0)
    expect(refinement.tiles).toBeGreaterThanOrEqual(8)
    expect(refinement.after).toBeLessThanOrEqual(refinement.before)
  })

  test.each([
    [
      'kernels, where there are many',
      8,
      [
        [0, 22, 0, 4],
        [0, 22, 4, 4],
      ],
    ],
    [
      'lines of the images, where there is one kernel',
      1,
      [
        [0, 11, 0, 1],
        [11, 11, 0, 1],
      ],
    ],
  ])('convolves by %s, and is replayed', async (_, outputs, parts) => {
    const cwd = await twoCoresPlace()
    const random = new RandomStream(2, 'image')
    const some = (name: string, shape: readonly number[]): DenseArray =>
      new DenseArray(
        name,
        shape,
        false,
        Float64Array.from({ length: elementCount(shape) }, () => random.normal()),
      )
    const [image, kernels] = [some('image', [2, 1, 11, 9]), some('kernels', [outputs, 1, 2, 2])]
    await writeArray(join(cwd, 'image.npy'), image, 'float64')
    await writeArray(join(cwd, 'kernels.npy'), kernels, 'float64')
    const job = ['convolve', TWO_CORES, 'image.npy', 'kernels.npy', '-o', 'out.npy', '--stride', '1', '--padding', '1']
    const ended = await fringe([...job, '--json', ...TWIN], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    const { cores, energy, effectiveBits } = (await documentOf('matmul', ended)) as unknown as Document
    const shares = cores.map(({ part: { firstRow, rows, firstColumn, columns } }) => [
      firstRow,
      rows,
      firstColumn,
      columns,
    ])
    // Twelve lines of either image; cores are nearly as fast as each other.
    expect(shares.map(([, rows]) => rows! > 6)).toEqual(parts.map(() => true))
    expect(shares.map(([, , first, columns]) => [first, columns])).toEqual(
      parts.map(([, , first, columns]) => [first, columns]),
    )
    expect(effectiveBits).toBeGreaterThan(5)
    const exact = await exactResult(productJob(image, kernels, { stride: 1, padding: 1, circulant: null }))
    expect(energy.macs).toBe(exact.data.length * 4)
    const out = decodeArray(await readFile(join(cwd, 'out.npy')), 'out')
    expect(out.shape).toEqual([2, outputs, 12, 10])
    const largest = Math.max(...exact.data.map(Math.abs))
    for (const [i, value] of exact.data.entries()) expect(Math.abs(out.data[i]! - value)).toBeLessThan(0.1 * largest)
    const replayed = await documentOf('replay', await fringe(['replay', 'last', '--json'], { cwd }))
    expect(replayed).toMatchObject({ matched: true, wires: 22 })
  })
})

describe('a program with both cores', { timeout: 240_000 }, () => {
  test('multiplies and convolves on both, and calibrates each', async () => {
    const cwd = await twoCoresPlace()
    const journal = join(cwd, 'fringe.db')
    await using bench = await openBench(TWO_CORES, { sim: 'direct', seed: 7, journal })
    expect(bench.name).toBe('two-cores')
    const [a, b] = [join(cwd, 'A.npy'), join(cwd, 'B.npy')]
    const { product: c, cores, calibration } = await bench.matmul(a, b, { output: join(cwd, 'C.npy') })
    expect(cores.map(({ core }) => core)).toEqual(['left', 'right'])
    expect(calibration).toBeNull()
    expect(c!.data).toEqual((await readNpy(join(cwd, 'C.npy'))).data)
    const image = { shape: [1, 6, 6], data: Float32Array.from({ length: 36 }, (_, i) => i % 7) }
    const convolved = await bench.convolve(image, { shape: [8, 1, 1, 2], data: new Array<number>(16).fill(0.5) })
    expect(convolved.product!.shape).toEqual([8, 6, 5])
    expect(convolved.cores).toHaveLength(2)
    await expect(bench.calibrate()).rejects.toMatchObject({
      code: 'CALL_INVALID',
      message:
        "calibrate is of one core, and bench two-cores has left, right: call calibrateCores, or open one of them with { core: 'left' }",
    })
    await expect(bench.matmul(a, b, { id: 'cal-1' })).rejects.toMatchObject({ code: 'CALL_INVALID' })
    const ids = cores.map(({ calibration }) => calibration)
    expect((await bench.calibrateCores()).map(({ core }) => core)).toEqual(['left', 'right'])
    const again = await bench.matmul(a, b, { id: ids })
    expect(again.cores.map(({ calibration }) => calibration)).toEqual(ids)
    expect(again.product!.data).toEqual(c!.data)
  })
})

describe('a check of both cores', { timeout: 240_000 }, () => {
  test('names each with its own hash, as its calibrations have it', async () => {
    const cwd = await twoCoresPlace()
    const ended = await fringe(['check', TWO_CORES, ...TWIN, '--json'], { cwd })
    const { bench, cores } = (await documentOf('check', ended)) as unknown as {
      bench: { hash: string }
      cores: { core: string; hash: string }[]
    }
    const files = await readCores(TWO_CORES)
    expect(cores).toEqual(files.map(({ core, hash }) => ({ core, hash })))
    expect(cores.map(({ hash }) => hash)).not.toContain(bench.hash)
    const one = await fringe(['check', TWO_CORES, '--core', 'right', ...TWIN, '--json'], { cwd })
    expect(await documentOf('check', one)).toMatchObject({ bench: { hash: cores[1]!.hash }, cores: [cores[1]] })
    const said = await fringe(['check', TWO_CORES, ...TWIN], { cwd })
    for (const { core, hash } of cores) expect(said.stdout).toContain(`core ${core}: ${hash.slice(0, 12)}`)
  })
})

describe('a calibration of both cores', { timeout: 240_000 }, () => {
  test('makes the steps that are named, each from its own results, and a page for each core', async () => {
    const cwd = await twoCoresPlace()
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

  test('is verified on each, and left as it is', async () => {
    const cwd = await twoCoresPlace()
    const ended = await fringe(['calibrate', TWO_CORES, ...TWIN, '--verify-only', '--json'], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    const { cores } = (await documentOf('calibrate-cores', ended)) as {
      cores: { core: string; calibration: string; verification: { effectiveBits: number } }[]
    }
    expect(cores.map(({ core }) => core)).toEqual(['left', 'right'])
    for (const { verification } of cores) expect(verification.effectiveBits).toBeGreaterThan(6)
    const kept = await query(join(cwd, 'fringe.db'), 'SELECT id FROM calibrations')
    expect(kept.map(({ id }) => id)).toEqual(cores.map(({ calibration }) => calibration))
  })

  test('is not verified where one core has none, which is named', async () => {
    const cwd = await twoCoresPlace()
    await edit(join(cwd, 'fringe.db'), 'DELETE FROM calibrations WHERE id = (SELECT max(id) FROM calibrations)')
    const ended = await fringe(['calibrate', TWO_CORES, ...TWIN, '--verify-only', '--json'], { cwd })
    expect(await expectFailure(ended, 2, 'CALIBRATION_MISSING')).toContain('holds no calibration of two-cores/right')
    expect(await query(join(cwd, 'fringe.db'), "SELECT id FROM runs WHERE kind = 'verify'")).toEqual([])
  })

  test('is kept true on each, side by side', async () => {
    const cwd = await twoCoresPlace()
    const ended = await fringe(
      ['calibrate', TWO_CORES, '--sim=direct', '--seed', '7', '--watch', '10min', '--for', '20min', '--json'],
      { cwd },
    )
    expect(ended.code, ended.stderr).toBe(0)
    const { cores } = (await documentOf('calibrate-cores', ended)) as { cores: { core: string; looks: unknown[] }[] }
    // At the beginning, in the middle and at the end.
    expect(cores.map(({ core, looks }) => [core, looks.length])).toEqual([
      ['left', 3],
      ['right', 3],
    ])
    expect(ended.stderr).toMatch(/core left, look 1: .*\n/)
  })

  test.each([
    ['a watch without an end', ['--watch', '10min'], 'say how long to watch'],
    ['a watch that verifies', ['--verify-only', '--watch', '10min'], 'leave out one of them'],
  ])('is refused with %s before anything is opened', async (_, more, says) => {
    const cwd = await twoCoresPlace()
    const ended = await fringe(['calibrate', TWO_CORES, ...TWIN, ...more, '--json'], { cwd })
    expect(await expectFailure(ended, 2, 'CALL_INVALID')).toContain(says)
  })

  test('is refused before anything is opened where one of them has no such step', async () => {
    const cwd = await scratchFolder()
    const ended = await fringe(['calibrate', TWO_CORES, ...TWIN, '--steps', 'coffee', '--json'], { cwd })
    expect(await expectFailure(ended, 2, 'CALL_INVALID')).toContain('has no step "coffee"')
    expect(await readdir(cwd)).toEqual([])
  })
})
