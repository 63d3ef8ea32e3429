import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBench } from 'fringe'
import type { FringeBench, MatmulAnswer, NumericArray } from 'fringe'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { RandomStream } from '../../core/random.ts'
import { DenseArray, elementCount } from '../../orchestrator/arrays/dense-array.ts'
import { decodeArray, encodeArray } from '../../orchestrator/arrays/npy.ts'
import { exactResult, productJob } from '../../orchestrator/jobs/product-job.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { RunRecord } from '../../orchestrator/journal/records.ts'
import type { PlanEvent } from '../../orchestrator/plans/engine.ts'
import { SMALL_AWGR_BENCH, SMALL_BENCH } from '../cli/fringe-process.ts'

const PATIENCE_MS = 600_000

let folder = ''
let journal = ''
let bench: FringeBench
let onEvent: (event: PlanEvent<unknown>) => void = () => undefined
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fringe-bench-'))
  journal = join(folder, 'lab.db')
  bench = await openBench(SMALL_BENCH, { sim: 'direct', seed: 3, journal, onEvent: (event) => onEvent(event) })
  await bench.calibrate()
}, PATIENCE_MS)
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function uniform(name: string, shape: readonly number[]): DenseArray {
  const random = new RandomStream(4, name)
  return new DenseArray(
    name,
    shape,
    false,
    Float64Array.from({ length: elementCount(shape) }, () => random.uniform(-1, 1)),
  )
}
const [a, b] = [uniform('A', [12, 4]), uniform('B', [4, 3])]

async function runs(): Promise<readonly RunRecord[]> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  return await Promise.all((await opened.listRuns()).map(({ id }) => opened.readRun(id)))
}

/** RMS error relative to the RMS of the exact result. */
function relativeError({ product }: MatmulAnswer, exact: DenseArray): number {
  const squares = exact.data.reduce((sum, value) => sum + value ** 2, 0)
  const off = exact.data.reduce((sum, value, i) => sum + (product!.data[i]! - value) ** 2, 0)
  return Math.sqrt(off / squares)
}

describe('a bench in a program', { timeout: PATIENCE_MS }, () => {
  test('measures and corrects its tiles when asked to, as often as a whole number says', async () => {
    const { refinement } = await bench.matmul(a, b, { refine: 2 })
    expect(refinement).toMatchObject({ rounds: 2, tiles: 4 })
    expect(refinement!.after).toBeLessThanOrEqual(refinement!.before!)
    expect((await bench.matmul(a, b)).refinement).toBeNull()
    await expect(bench.matmul(a, b, { refine: -1 })).rejects.toMatchObject({ code: 'CALL_INVALID' })
  })

  test('multiplies arrays in memory, and its run stands in the journal', async () => {
    const answer = await bench.matmul(a, b)
    expect(answer.product).toMatchObject({ shape: [12, 3], isComplex: false })
    expect(answer.product?.data).toBeInstanceOf(Float64Array)
    expect(relativeError(answer, await exactResult(productJob(a, b)))).toBeLessThan(0.02)
    expect(answer.effectiveBits).toBeGreaterThan(6)
    expect(answer.energy.macs).toBe(12 * 4 * 3)
    expect(await runs()).toContainEqual(expect.objectContaining({ id: answer.run, kind: 'matmul', status: 'done' }))
  })

  test('does jobs that are asked for together one after another, in their order', async () => {
    const steps: string[] = []
    onEvent = (event) => {
      if (event.kind === 'step') steps.push(event.name)
    }
    const answers = await Promise.all([bench.matmul(a, b), bench.matmul(a, b, { dtype: 'float32' })])
    onEvent = () => undefined
    expect(steps.slice(steps.length / 2)).toEqual(steps.slice(0, steps.length / 2))
    expect(answers[0].run < answers[1].run).toBe(true)
    expect(answers[1].product?.data).toBeInstanceOf(Float32Array)
  })

  test('leaves a product that is larger than its memory in its file', async () => {
    const [from, output] = [join(folder, 'A.npy'), join(folder, 'C.npy')]
    await writeFile(from, encodeArray(a))
    const { product, panels } = await bench.matmul(from, b, { output, memoryBytes: 1024 })
    expect(product).toBeUndefined()
    expect(panels).toBe(2)
    expect(decodeArray(await readFile(output), output).shape).toEqual([12, 3])
  })

  test('says what went wrong and in which run, and leaves no half C', async () => {
    const [from, output] = [join(folder, 'changed.npy'), join(folder, 'never.npy')]
    await writeFile(from, encodeArray(a))
    const changing: Promise<void>[] = []
    onEvent = (event) => {
      if (event.kind === 'step' && event.name === 'multiply') changing.push(appendFile(from, 'more'))
    }
    const job = bench.matmul(from, b, { output, memoryBytes: 1024 })
    await expect(job).rejects.toMatchObject({
      code: 'ARRAY_FILE_INVALID',
      message: `${from} was changed while it was read; let nobody write to it and start again`,
      context: { run: expect.stringMatching(/^\d{8}-\d{6}-\d{2}$/) as string },
    })
    onEvent = () => undefined
    await Promise.all(changing)
    expect((await readdir(folder)).filter((name) => name.includes('never'))).toEqual([])
  })

  test('is safe before an aborted job rejects with the reason of its signal', async () => {
    const stop = new AbortController()
    onEvent = (event) => {
      if (event.kind === 'step' && event.name === 'multiply') stop.abort(new Error('no time left'))
    }
    await expect(bench.matmul(a, b, { signal: stop.signal })).rejects.toThrow('no time left')
    onEvent = () => undefined
    const [last] = (await runs()).toSorted((left, right) => right.startedMs - left.startedMs)
    expect(last).toMatchObject({ status: 'interrupted', result: { safe: true } })
    await expect(bench.matmul(a, b, { signal: stop.signal })).rejects.toThrow('no time left')
  })

  test.each<[string, NumericArray, NumericArray, string]>([
    ['other sizes', a, a, 'A is 12×4 and B is 12×4: A needs as many columns as B has rows'],
    ['a vector', { shape: [4], data: [1, 2, 3, 4] }, b, 'A has shape [4]; give at least two dimensions'],
    ['half a matrix', { shape: [2, 4], data: [1, 2, 3, 4] }, b, 'A holds 4 numbers; 2 × 4 elements are 8 numbers'],
    [
      'no rows',
      { shape: [0, 4], data: [] },
      b,
      'A has shape [0, 4]; give at least two dimensions, each a whole number',
    ],
  ])('refuses %s', async (_, left, right, message) => {
    await expect(bench.matmul(left, right)).rejects.toMatchObject({
      code: 'SHAPE_MISMATCH',
      message: expect.stringContaining(message) as string,
    })
  })

  test('refuses NaN by its place, a stride of 0, and a seed for hardware', async () => {
    const bad = { shape: [1, 4], data: Float32Array.of(1, 2, NaN, 4) }
    await expect(bench.matmul(bad, b)).rejects.toThrow('A number 2 is NaN; every number must be finite')
    const image = { shape: [1, 2, 2], data: [1, 2, 3, 4] }
    const kernels = { shape: [1, 1, 1, 1], data: [1] }
    await expect(bench.convolve(image, kernels, { stride: 0 })).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await expect(openBench(SMALL_BENCH, { seed: 3 })).rejects.toMatchObject({ code: 'CALL_INVALID' })
  })

  test('does nothing more once it is closed', async () => {
    const other = await openBench(SMALL_BENCH, { sim: 'direct', seed: 3, journal })
    await other[Symbol.asyncDispose]()
    await expect(other.matmul(a, b)).rejects.toMatchObject({
      code: 'CALL_INVALID',
      message: 'bench small-bench was closed: open it again',
    })
  })
})

describe('a convolution', { timeout: PATIENCE_MS }, () => {
  const [image, kernels] = [uniform('image', [2, 9, 11]), uniform('kernels', [2, 2, 3, 2])]
  const options = { stride: 2, padding: 1 }
  const exact = (): Promise<DenseArray> => exactResult(productJob(image, kernels, { ...options, circulant: null }))

  test('on a mesh is done by patches of the image', async () => {
    const answer = await bench.convolve(image, kernels, options)
    expect(answer.product?.shape).toEqual([2, 5, 6])
    expect(relativeError(answer, await exact())).toBeLessThan(0.02)
    expect(answer.energy.macs).toBe(2 * 5 * 6 * 2 * 3 * 2)
  })

  test('on an AWGR core with one shared bank of rings is the core’s own, each tile one line of a kernel', async () => {
    const text = (await readFile(SMALL_AWGR_BENCH, 'utf8'))
      .replace('form: per-port', 'form: shared')
      .replace('rings: [0-1, 2-3]', 'rings: [0-1]')
    const path = join(folder, 'shared.yaml')
    await writeFile(path, text)
    await using shared = await openBench(path, { sim: 'direct', seed: 3, journal })
    const answer = await shared.convolve(image, kernels, options)
    // The rings of this chip make weights to six bits.
    expect(relativeError(answer, await exact())).toBeLessThan(0.1)
    // Two outputs, two channels and three lines of a kernel, none of them twice.
    expect(answer.frames).toBe(12)
  })
})

test('a core is chosen by its name where a bench file has several', async () => {
  const path = 'examples/two-cores.yaml'
  await expect(openBench(path, { core: 'middle', sim: 'direct', journal })).rejects.toMatchObject({
    message: `${path} has no core "middle": there are left, right`,
  })
  const answers: MatmulAnswer[] = []
  for (const core of ['left', 'right']) {
    await using chosen = await openBench(path, { core, sim: 'direct', seed: 3, journal })
    answers.push(await chosen.matmul(a, b))
    expect(answers.at(-1)!.effectiveBits).toBeGreaterThan(6)
  }
  // Chips of their own.
  expect(answers[0]!.product!.data).not.toEqual(answers[1]!.product!.data)
}, 600_000)
