import { describe, expect, test } from 'vitest'
import { accuracyOf } from '../../core/accuracy.ts'
import type { DenseMatrix, ModelledBench, ProductCore, RowBlock } from '../../core/product-core.ts'
import { RandomStream } from '../../core/random.ts'
import { exactProduct } from '../../orchestrator/jobs/matmul.ts'
import { multiplyRows } from '../../orchestrator/jobs/multiply-rows.ts'
import type { RowSource } from '../../orchestrator/jobs/multiply-rows.ts'
import { rowsPlan } from '../../orchestrator/jobs/rows-plan.ts'
import { modelEnergy } from '../../orchestrator/ledger/model-energy.ts'
import { randomMatrix } from '../support/product-core.ts'
import { neverAborted, quietLog, runToEnd } from '../support/run-plan.ts'

const MODELLED: ModelledBench = {
  ...{ lightW: 0.02, laserWallEfficiency: 0.2, heatersW: 3, restW: 900, modulators: 8, photodiodes: 16 },
  ...{ symbolPeriodS: 40e-6, symbolsPerRow: 1, lanes: 2, settleS: 2e-3 },
}

/** A core of 8 rows a block, exact but for noise; it knows how many blocks it has at once, and which it has begun. */
class NoisyCore implements ProductCore {
  readonly kind = 'mesh'
  readonly engine = 'by hand'
  readonly shape = { outputs: 4, inputs: 4 }
  readonly rowsPerBlock = 8
  readonly blocksAtOnce = 3
  readonly idealised = ['everything']
  readonly modelled = MODELLED
  most = 0
  readonly begun: number[] = []
  disposed = 0
  #now = 0
  readonly #sigma: number

  constructor(sigma = 0) {
    this.#sigma = sigma
  }

  async program(b: DenseMatrix) {
    return {
      tiles: 4,
      room: () => new Float64Array(this.rowsPerBlock * b.columns),
      multiplyBlock: async ({ first, rows, values }: RowBlock, out: Float32Array | Float64Array) => {
        this.begun.push(first)
        this.most = Math.max(this.most, ++this.#now)
        // Later blocks end before earlier ones.
        for (let turn = 0; turn < 20 - (first % 3) * 8; turn++) await new Promise((resolve) => setImmediate(resolve))
        const random = new RandomStream(first, 'noise')
        const { data } = exactProduct({ rows, columns: b.rows, data: Float64Array.from(values) }, b as never)
        for (const [at, value] of data.entries()) out[at] = value + random.normal(0, this.#sigma)
        this.#now--
        return { overRange: first === 8 ? 2 : 0 }
      },
      [Symbol.asyncDispose]: async () => {
        this.disposed++
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const sourceOf = ({ rows, columns, data }: DenseMatrix): RowSource => ({
  ...{ rows, columns },
  read: async (first, count) => data.subarray(first * columns, (first + count) * columns),
})

const [a, b] = [randomMatrix(61, 6, 1), randomMatrix(6, 5, 2)]

async function run(core: NoisyCore, left: DenseMatrix = a, right: DenseMatrix = b) {
  const frames: unknown[] = []
  const c = new Float64Array(left.rows * right.columns)
  const firsts: number[] = []
  const sink = (first: number, rows: number, values: Float64Array): void => {
    firsts.push(first)
    expect(values).toHaveLength(rows * right.columns)
    c.set(values, first * right.columns)
  }
  const log = { ...quietLog, frame: (data: unknown) => void frames.push(data) }
  const result = await multiplyRows(core, sourceOf(left), right, sink, { log, signal: neverAborted })
  return { result, frames, c, firsts }
}

describe('a product by blocks of rows', () => {
  test('writes every row once and in order, whichever block ends first', async () => {
    const { result, c, firsts } = await run(new NoisyCore())
    expect([...c]).toEqual([...exactProduct(a, b).data])
    expect(firsts).toEqual([0, 8, 16, 24, 32, 40, 48, 56])
    expect(result).toMatchObject({ blocks: 8, tiles: 4, overRange: 2, macs: 61 * 6 * 5 })
    expect(result.effectiveBits).toBeGreaterThan(50)
  })

  test('journals each block with its check and its readings over range', async () => {
    const { frames } = await run(new NoisyCore(0.01))
    expect(frames).toHaveLength(8)
    expect(frames[1]).toMatchObject({ block: 1, firstRow: 8, rows: 8, tiles: 4, overRange: 2 })
    expect((frames[1] as { error: number }).error).toBeGreaterThan(0.001)
    expect(frames.at(-1)).toMatchObject({ firstRow: 56, rows: 5, overRange: 0 })
  })

  test('has no more blocks at once than the core takes, and none beyond a sink that is slow', async () => {
    const core = new NoisyCore()
    let release = (): void => undefined
    const opened = new Promise<void>((resolve) => (release = resolve))
    const done = multiplyRows(core, sourceOf(a), b, () => opened, { log: quietLog, signal: neverAborted })
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(core.begun).toEqual([0, 8, 16])
    release()
    await done
    expect(core.most).toBe(3)
    expect(core.begun).toHaveLength(8)
  })

  test('lets go of the core, and of what is under way, when a sink fails', async () => {
    const core = new NoisyCore()
    const full = (): Promise<void> => Promise.reject(new Error('disk full'))
    const failed = multiplyRows(core, sourceOf(a), b, full, { log: quietLog, signal: neverAborted })
    await expect(failed).rejects.toThrow('disk full')
    expect(core.disposed).toBe(1)
  })

  test('refuses factors that do not go together', async () => {
    await expect(run(new NoisyCore(), a, randomMatrix(5, 5, 1))).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' })
  })
})

describe('the check of a product', () => {
  test('is exact where all elements are compared', async () => {
    const { result, c } = await run(new NoisyCore(0.01))
    const exact = exactProduct(a, b).data
    const errors = c.map((value, at) => value - exact[at]!)
    expect(result.effectiveBits).toBeCloseTo(accuracyOf(exact, errors).effectiveBits, 9)
    expect(result).toMatchObject({ checked: 61 * 5, elements: 61 * 5, bitsUncertainty: 0 })
  })

  test('samples a large one, and is as far off as it says at most', async () => {
    const [large, right] = [randomMatrix(4096, 100, 3), randomMatrix(100, 200, 4)]
    const { result, c } = await run(new NoisyCore(0.05), large, right)
    const exact = exactProduct(large, right).data
    const errors = c.map((value, at) => value - exact[at]!)
    const { effectiveBits } = accuracyOf(exact, errors)
    expect(result.checked).toBeLessThan(result.elements / 5)
    expect(result.bitsUncertainty).toBeGreaterThan(0)
    expect(result.bitsUncertainty).toBeLessThan(0.05)
    // 95 % are within once of it; of a seed that is no worse, all are within twice.
    expect(Math.abs(result.effectiveBits - effectiveBits)).toBeLessThan(2 * result.bitsUncertainty)
  })
})

describe('a plan of such a product', () => {
  test('multiplies, and accounts for what the bench would have drawn in the time that it would have taken', async () => {
    const samples: { readonly quantity: string; readonly value: number }[] = []
    const log = { ...quietLog, sample: (sample: (typeof samples)[number]) => samples.push(sample) }
    const steps: string[] = []
    const plan = rowsPlan(new NoisyCore(), { a: sourceOf(a), b, sink: () => undefined, log })
    const { energy } = await runToEnd(plan, (name) => steps.push(name))
    expect(steps).toEqual(['multiply', 'account energy'])
    // 4 tiles: 31 symbols of 40 µs on either of two lanes, and 2 ms of settling.
    expect(energy.benchSeconds).toBeCloseTo(4 * (31 * 40e-6 + 2e-3), 12)
    expect(modelEnergy({ ...MODELLED, symbolsPerRow: 2 }, 61, 4, 1).benchSeconds).toBeCloseTo(
      4 * (62 * 40e-6 + 2e-3),
      12,
    )
    expect(samples.map(({ value }) => value)).toEqual(energy.shares.map(({ powerW }) => powerW))
    expect(energy.shares.map(({ powerW }) => powerW)).toMatchObject(
      [0.02, 0.08, 3, 2.15e-7, 1.904, 903.1].map((w) => expect.closeTo(w, 8) as number),
    )
    expect(energy.shares.every(({ source }) => source === 'modelled')).toBe(true)
    const wall = energy.boundaries.find(({ boundary }) => boundary === 'wall-plug')!
    expect(wall.joules).toBeCloseTo((900 + 0.1 + 3) * energy.benchSeconds, 9)
  })
})
