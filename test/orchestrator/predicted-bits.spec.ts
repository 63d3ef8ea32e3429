import { describe, expect, test } from 'vitest'
import { verify } from '../../calibration/steps/verification.ts'
import type { OpticalCore } from '../../core/optical-core.ts'
import { RandomStream } from '../../core/random.ts'
import { multiply } from '../../orchestrator/jobs/matmul.ts'
import type { RealMatrix } from '../../orchestrator/tiles/tile-product.ts'
import { litCore } from '../support/lit-core.ts'
import { neverAborted, quietLog } from '../support/run-plan.ts'

/** A core that has been verified, so that it knows its errors. */
async function knowingCore(): Promise<OpticalCore> {
  const { core } = await litCore({ lanes: 2 })
  const verification = await verify(core, new RandomStream(1, 'verification'), neverAborted)
  return (await litCore({ lanes: 2, calibration: (known) => ({ ...known, verification }) })).core
}

const matrix = (rows: number, columns: number, random: RandomStream): RealMatrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, () => random.normal()),
})

interface Foretold {
  /** Measured less predicted bits. */
  readonly miss: number
  readonly sigma: number
}

async function foretold(core: OpticalCore, random: RandomStream, most = { rows: 16, inner: 16 }): Promise<Foretold> {
  const size = (most: number): number => 1 + Math.floor(random.uniform(0, most))
  const [rows, inner, columns] = [size(most.rows), size(most.inner), size(16)]
  const [a, b] = [matrix(rows, inner, random), matrix(inner, columns, random)]
  const { effectiveBits, numerics } = await multiply(core, a, b, { log: quietLog, signal: neverAborted })
  const { predicted } = numerics
  return { miss: effectiveBits - predicted.effectiveBits!, sigma: predicted.bitsSigma! }
}

describe('bits that are foretold', () => {
  test('are those of 100 small products to as much as is said: two in three within s, nineteen in twenty within 2 s', async () => {
    const core = await knowingCore()
    const random = new RandomStream(3, 'small products')
    const jobs: Foretold[] = []
    for (let job = 0; job < 100; job++) jobs.push(await foretold(core, random))
    const within = (sigmas: number): number => jobs.filter(({ miss, sigma }) => Math.abs(miss) <= sigmas * sigma).length
    // 68 and 95 of independent jobs, give or take three standard deviations of a binomial; all are on one chip.
    expect(within(1)).toBeGreaterThanOrEqual(54)
    expect(within(1)).toBeLessThanOrEqual(85)
    expect(within(2)).toBeGreaterThanOrEqual(89)
  })

  test('are told with all their luck where a column meets a row: every row plays ±1, and all read off few numbers', async () => {
    const core = await knowingCore()
    const random = new RandomStream(4, 'columns by rows')
    let squares = 0
    for (let job = 0; job < 60; job++) {
      const { miss, sigma } = await foretold(core, random, { rows: 200, inner: 1 })
      squares += (miss / sigma) ** 2 / 60
    }
    // 1, give or take three standard deviations of the mean of 60 squares.
    expect(squares).toBeLessThan(1.55)
  })
})
