import { describe, expect, test } from 'vitest'
import type { OpticalCore } from '../../core/optical-core.ts'
import { matmulPlan } from '../../orchestrator/jobs/matmul-plan.ts'
import type { MatmulOutcome } from '../../orchestrator/jobs/matmul-plan.ts'
import { DenseArray } from '../../orchestrator/arrays/dense-array.ts'
import { arrayProducts, productShape } from '../../orchestrator/jobs/array-products.ts'
import { exactResult, productJob } from '../../orchestrator/jobs/product-job.ts'
import { PANEL_MEMORY_BYTES as memoryBytes } from '../../orchestrator/jobs/multiply-panels.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { ExactCore } from '../support/exact-core.ts'
import type { SampleRecord } from '../../orchestrator/journal/records.ts'
import { ClockedLog } from '../support/clocked-log.ts'
import { neverAborted, runToEnd } from '../support/run-plan.ts'
import { close } from '../support/close.ts'

const matrix = (name: string, rows: number, columns: number): DenseArray =>
  new DenseArray(
    name,
    [rows, columns],
    false,
    Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
  )
const [a, b] = [matrix('A', 5, 8), matrix('B', 8, 4)]

/** A product of two tiles on exact optics that take a quarter of a second a frame. */
async function run(
  parts: Partial<OpticalCore> = {},
  exact = new ExactCore(),
  factors = { a, b },
): Promise<{ outcome: MatmulOutcome; product: DenseArray; steps: string[]; samples: readonly SampleRecord[] }> {
  const { bench } = openDirectBench({ size: 4, lanes: 1 })
  const core: OpticalCore = {
    shape: exact.shape,
    lanes: exact.lanes,
    maxSymbolsPerFrame: exact.maxSymbolsPerFrame,
    program: () => exact.program(),
    safe: () => exact.safe(),
    async *stream(frames, signal) {
      for await (const result of exact.stream(frames, signal)) {
        await bench.clock.sleep(250, signal)
        yield result
      }
    },
    ...parts,
  }
  const steps: string[] = []
  const log = new ClockedLog(bench.clock)
  const product = new DenseArray('C', productShape(factors.a, factors.b), false)
  const products = arrayProducts(factors.a, factors.b, product)
  const outcome = await runToEnd(matmulPlan(bench, { products, memoryBytes, core: () => core, log }), (name) => {
    steps.push(name)
    log.step(name)
  })
  return { outcome, product, steps, samples: log.samples }
}

describe('a multiplication from a cold, dark bench', () => {
  test('warms up, brings light, multiplies and accounts for its energy', async () => {
    const { outcome, product, steps } = await run()
    expect(steps).toEqual(['warm up', 'prepare frames', 'light', 'multiply', 'account energy'])
    expect([...product.data]).toEqual([...(await exactResult(productJob(a, b))).data].map(close(12)))
    expect(outcome).toMatchObject({ frames: 2, repeatedFrames: 0, macs: 160 })
  })

  test('a core that can follow its drift does so between light and product, and journals what it found', async () => {
    const warm = { quantity: 'warmth', unit: 'GHz', value: 0.3 }
    const { steps, samples } = await run({ follow: () => Promise.resolve([warm]) })
    expect(steps.slice(2, 4)).toEqual(['light', 'follow drift'])
    expect(samples.find(({ quantity }) => quantity === 'warmth')).toMatchObject({
      ...warm,
      source: 'measured by probe light',
    })
  })

  test('its energy is what the bench drew times the time that the multiplication took', async () => {
    const { energy } = (await run()).outcome
    expect(energy.benchSeconds).toBe(0.5)
    expect(energy.macs).toBe(160)
    // 900 W of instruments, one laser of 20 mW at 20 %; all heaters cold.
    const wall = energy.boundaries.find(({ boundary }) => boundary === 'wall-plug')!
    expect(wall.joules).toBeCloseTo(0.5 * (900 + 0.0199526 / 0.2), 4)
    expect(energy.boundaries[0]!.joules).toBeCloseTo(0.5 * 0.0199526, 6)
  })

  test('its tiles and lane have all of its energy and multiplications', async () => {
    const { energy } = (await run()).outcome
    expect(energy.tiles.map(({ name, macs }) => [name, macs])).toEqual([
      ['tile 0', 80],
      ['tile 1', 80],
    ])
    expect(energy.lanes).toEqual([{ ...energy.parts[0], name: 'lane 0' }])
    expect(energy.headings.map(({ heading }) => heading)).toEqual(['job'])
  })

  test('rows beyond the edges of a matrix and frames that were repeated cost energy and multiply nothing', async () => {
    const first = new ExactCore({ spoil: (exact, _, count) => (count === 0 ? exact.map(() => 9) : exact) })
    const { outcome } = await run({}, first, { a: matrix('A', 5, 7), b: matrix('B', 7, 3) })
    const { energy, repeatedFrames } = outcome
    expect(repeatedFrames).toBe(1)
    expect(energy.benchSeconds).toBe(0.75)
    expect([energy.macs, outcome.macs]).toEqual([105, 105])
    expect(energy.tiles.map(({ macs }) => macs)).toEqual([60, 45])
    expect(energy.tiles[0]!.joules.converters / energy.tiles[1]!.joules.converters).toBeCloseTo(2, 9)
  })

  test('every power that it counts is journalled as a sample, before and behind the product', async () => {
    const { outcome, samples } = await run()
    const kept = new Set(samples.map(({ quantity }) => quantity))
    for (const { component } of outcome.energy.shares) {
      // Its own sample is the light.
      const quantity = component === 'lasers, electrical' ? 'laser light' : component
      expect(
        [...kept].some((name) => name.startsWith(`power of ${quantity}`)),
        component,
      ).toBe(true)
    }
    for (const { unit } of samples) expect(unit).toBe('W')
    const mains = samples.filter(({ quantity }) => quantity === 'power of whole bench')
    expect([mains[0]!.timeNs, mains.at(-1)!.timeNs]).toEqual([0, 0.5e9])
  })

  test('nothing happens until the engine runs a step', async () => {
    const { bench } = openDirectBench({ size: 4, lanes: 1 })
    const products = arrayProducts(a, b, new DenseArray('C', [5, 4], false))
    const log = new ClockedLog(bench.clock)
    const plan = matmulPlan(bench, { products, memoryBytes, core: () => new ExactCore(), log })
    const first = await plan.next()
    expect(first.done).toBe(false)
    expect(bench.clock.monotonicNs()).toBe(0)
    await plan.return(undefined as never)
    expect(neverAborted.aborted).toBe(false)
  })
})
