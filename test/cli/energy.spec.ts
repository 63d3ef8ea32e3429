import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BOUNDARIES } from '../../orchestrator/ledger/boundaries.ts'
import { DenseArray } from '../../orchestrator/arrays/dense-array.ts'
import { writeArray } from '../../orchestrator/arrays/npy.ts'
import { openBench } from '../../api/index.ts'
import { oncePerRun } from '../support/once-per-run.ts'
import { calibratedPlace, documentOf, edit, expectFailure, fringe, SMALL_BENCH } from './fringe-process.ts'

const PATIENCE_MS = 240_000

interface Summed {
  readonly macs: number
  readonly benchSeconds: number
  readonly boundaries: readonly { joules: number; femtojoulePerMac: number; uncertainty: { joules: number } }[]
}

interface Layers {
  readonly layers: readonly (Summed & { layer: string; runs: readonly { run: string; macs: number }[] })[]
  readonly total: Summed
  readonly leftOut: readonly { run: string; layer: string; why: string }[]
}

interface Done {
  readonly run: string
  readonly layer: string | null
  readonly energy: { readonly macs: number; readonly boundaries: { joules: number }[] }
}

/** Products of fc1 (twice, once of two matrices side by side), of conv (a convolution) and of nothing. */
const named = (): Promise<string> =>
  oncePerRun('layers', async (folder) => {
    const { cwd, run } = await calibratedPlace()
    const counting = (shape: readonly number[]): DenseArray =>
      new DenseArray(
        '',
        shape,
        false,
        Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 5) - 2),
      )
    await writeArray(join(cwd, 'batch.npy'), counting([2, 6, 4]), 'float64')
    await writeArray(join(cwd, 'image.npy'), counting([1, 4, 4]), 'float64')
    await writeArray(join(cwd, 'kernels.npy'), counting([2, 1, 2, 2]), 'float64')
    const twin = ['--sim=direct', '--seed', '3', '--json']
    const jobs = [
      ['matmul', SMALL_BENCH, 'A.npy', 'B.npy', '-o', 'C.npy', '--layer', 'fc1', ...twin],
      ['convolve', SMALL_BENCH, 'image.npy', 'kernels.npy', '-o', 'D.npy', '--layer', 'conv', ...twin],
      ['matmul', SMALL_BENCH, 'batch.npy', 'B.npy', '-o', 'C.npy', '--layer', 'fc1', ...twin],
    ]
    for (const job of jobs) {
      const ended = await run(...job)
      expect(ended.code, ended.stderr).toBe(0)
      await documentOf('matmul', ended)
    }
    await copyFile(join(cwd, 'fringe.db'), join(folder, 'fringe.db'))
  })

async function place(): Promise<Awaited<ReturnType<typeof calibratedPlace>>> {
  const there = await calibratedPlace()
  await copyFile(join(await named(), 'fringe.db'), join(there.cwd, 'fringe.db'))
  return there
}

const layersOf = async (ended: Awaited<ReturnType<typeof fringe>>): Promise<Layers> => {
  expect(ended.code, ended.stderr).toBe(0)
  return (await documentOf('energy', ended)) as unknown as Layers
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

describe('the energy of layers, asked of a journal', { timeout: PATIENCE_MS }, () => {
  test('sums the runs of each; a batch and a convolution are each one layer; what names none is not in it', async () => {
    const { run } = await place()
    const { layers, total } = await layersOf(await run('energy', '--json'))
    expect(layers.map(({ layer, runs }) => [layer, runs.length])).toEqual([
      ['fc1', 2],
      ['conv', 1],
    ])
    // 6 × 4 × 3, then twice that; nine places, four taps, two kernels.
    expect(layers.map(({ macs }) => macs)).toEqual([72 + 144, 72])
    expect(total.macs).toBe(288)
    for (const at of BOUNDARIES.keys()) {
      expect(sum(layers.map(({ boundaries }) => boundaries[at]!.joules))).toBe(total.boundaries[at]!.joules)
      expect(total.boundaries[at]!.uncertainty.joules).toBeGreaterThan(0)
    }
    for (const { macs, boundaries } of layers) {
      expect(boundaries[3]!.femtojoulePerMac).toBeCloseTo((boundaries[3]!.joules / macs) * 1e15, -1)
    }
    // As each run says by itself.
    const shown = await Promise.all(
      layers[0]!.runs.map(async ({ run: id }) => {
        const ended = await run('show', id, '--json')
        return ((await documentOf('show', ended)) as unknown as { result: Done }).result.energy.boundaries[3]!.joules
      }),
    )
    expect(layers[0]!.boundaries[3]!.joules).toBeCloseTo(sum(shown), 9)
  })

  test('of one layer, and of runs that are named', async () => {
    const { run } = await place()
    const conv = await layersOf(await run('energy', '--layer', 'conv', '--json'))
    expect(conv.layers.map(({ layer }) => layer)).toEqual(['conv'])
    const last = await layersOf(await run('energy', 'last', '--json'))
    expect(last.layers.map(({ layer, macs }) => [layer, macs])).toEqual([['fc1', 144]])
    const twice = await layersOf(await run('energy', 'last', last.layers[0]!.runs[0]!.run, '--json'))
    expect(twice.total).toEqual(last.total)
    const text = await run('energy')
    expect(text.stdout).toMatch(/fc1 +2 +216 .*optical/)
    expect(text.stdout).toMatch(/all +3 +288 /)
    expect(text.stdout).toContain('wall-plug')
  })

  test('stands in the list of runs, in the run and in its export', async () => {
    const { cwd, run } = await place()
    const { runs } = (await documentOf('runs', await run('runs', '--json'))) as unknown as { runs: Done[] }
    expect(runs.map(({ layer }) => layer)).toEqual(['fc1', 'conv', 'fc1', null, null])
    expect((await run('show', 'last')).stdout).toContain('layer fc1')
    const ended = await run('export', 'last', '-o', 'energy.csv', '--table', 'energy')
    expect(ended.code, ended.stderr).toBe(0)
    const lines = (await readFile(join(cwd, 'energy.csv'), 'utf8')).split('\n').filter((line) => !line.startsWith('#'))
    expect(lines[0]).toContain('wall_plug_J [J]')
    expect(lines[1]).toMatch(/^"job","fc1",144,/)
    const of = (entry: string): string[] => lines.filter((line) => line.startsWith(`"${entry}",`))
    expect([of('component').length, of('heading').length, of('lane').length]).toEqual([6, 3, 1])
    const last = await layersOf(await run('energy', 'last', '--json'))
    const column = lines[0]!.split(',').indexOf('"wall_plug_J [J]"')
    const tiles = of('lane').map((line) => Number(line.split(',')[column]))
    expect(sum(tiles)).toBeCloseTo(last.total.boundaries[3]!.joules, 9)
  })

  test('leaves runs out that have no account, and says so', async () => {
    const { cwd, run } = await place()
    const { layers } = await layersOf(await run('energy', '--json'))
    const failed = layers[1]!.runs[0]!.run
    await edit(join(cwd, 'fringe.db'), "UPDATE runs SET status = 'failed' WHERE id = ?", failed)
    const { layers: left, leftOut } = await layersOf(await run('energy', '--json'))
    expect(left.map(({ layer }) => layer)).toEqual(['fc1'])
    expect(leftOut).toEqual([{ run: failed, layer: 'conv', why: 'failed' }])
    expect((await run('energy')).stdout).toContain(`left out: run ${failed} of conv, failed and without an account`)
    const message = await expectFailure(await run('energy', failed, '--json'), 2, 'CALL_INVALID')
    expect(message).toContain('is failed, and has no account of its energy')
  })

  test.each([
    ['a layer that nobody named', ['--layer', 'fc9'], 'no run is of layer "fc9": there are "fc1", "conv"'],
    ['an empty name', ['--layer', ''], 'A layer needs a name, like fc1'],
    ['a name of two lines', ['--layer', 'a\nb'], 'one line of text'],
  ])('is refused for %s', async (_, more, says) => {
    const { run } = await place()
    expect(await expectFailure(await run('energy', ...more, '--json'), 2, 'CALL_INVALID')).toContain(says)
  })

  test('is refused for a run that is no product of a layer', async () => {
    const { run } = await place()
    const { runs } = (await documentOf('runs', await run('runs', '--json'))) as unknown as { runs: Done[] }
    const [product, calibration] = [runs[3]!.run, runs[4]!.run]
    const says = async (id: string): Promise<string> =>
      await expectFailure(await run('energy', id, '--json'), 2, 'CALL_INVALID')
    expect(await says(product)).toContain(`run ${product} is a product without a layer`)
    expect(await says(calibration)).toContain(`run ${calibration} is a "calibrate"`)
    await expectFailure(await run('energy', 'nobody', '--json'), 2, 'RUN_UNKNOWN')
  })

  test('of a journal without layers is nothing, and says how to name one', async () => {
    const { run } = await calibratedPlace()
    const { layers, total } = await layersOf(await run('energy', '--json'))
    expect([layers, total.macs]).toEqual([[], 0])
    expect((await run('energy')).stdout).toContain('holds no account of a layer yet')
  })

  test('a job is refused for a bad name before anything is opened', async () => {
    const { run } = await place()
    const job = ['matmul', SMALL_BENCH, 'A.npy', 'B.npy', '-o', 'C.npy', '--sim=direct', '--seed', '3', '--json']
    expect(await expectFailure(await run(...job, '--layer', ' '), 2, 'CALL_INVALID')).toContain('needs a name')
  })

  test('is told to programs, which name layers, too', async () => {
    const { cwd } = await place()
    await using bench = await openBench(SMALL_BENCH, { sim: 'direct', seed: 3, journal: join(cwd, 'fringe.db') })
    const a = { shape: [2, 4], data: [1, 2, 3, 4, 5, 6, 7, 8] }
    const b = { shape: [4, 1], data: [1, -1, 1, -1] }
    const one = await bench.matmul(a, b, { layer: 'head' })
    expect(one.layer).toBe('head')
    const { layers, total } = await bench.energyByLayer({ runs: [one.run] })
    expect(layers.map(({ layer, macs }) => [layer, macs])).toEqual([['head', 8]])
    expect(total.boundaries[3]!.joules).toBeCloseTo(one.energy.boundaries[3]!.joules, 9)
    expect((await bench.energyByLayer()).layers.map(({ layer }) => layer)).toEqual(['fc1', 'conv', 'head'])
    await expect(bench.energyByLayer({ layers: ['tail'] })).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await expect(bench.matmul(a, b, { layer: '' })).rejects.toMatchObject({ code: 'CALL_INVALID' })
  })
})
