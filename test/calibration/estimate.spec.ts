import { describe, expect, test } from 'vitest'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import { sharesOf } from '../../calibration/estimate.ts'
import { planMesh } from '../../calibration/estimate-mesh.ts'
import { DEFAULT_DESIGN } from '../../core/mesh-design.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { runToEnd } from '../support/run-plan.ts'

const opened = (size: number, lanes: number, changes: Partial<MeshDesign> = {}) =>
  openDirectBench({ size, lanes, seed: 1, design: { ...DEFAULT_DESIGN, ...changes } })

describe('the estimate of a mesh calibration', () => {
  test.each([
    [4, 2, {}],
    [3, 1, {}],
    [4, 1, { form: 'unitary' }],
    [3, 1, { arrangement: 'reck' }],
  ] as const)('is what it plays: %i ports, %i lanes, %o', async (size, lanes, changes) => {
    const { bench } = opened(size, lanes, changes)
    const { vectors } = await runToEnd(calibrationPlan(bench))
    expect(planMesh(bench).estimate.vectors).toBe(vectors)
  })

  test('spends a budget on settings for the fit, and never more', async () => {
    const { bench } = opened(3, 1)
    const usual = planMesh(bench).estimate.vectors
    const budget = { vectors: usual + 101 }
    const { estimate, chip } = planMesh(bench, budget)
    expect(estimate.vectors).toBeGreaterThan(usual)
    expect(estimate.vectors).toBeLessThanOrEqual(budget.vectors)
    const { calibration, vectors } = await runToEnd(calibrationPlan(bench, { budget }))
    expect(vectors).toBe(estimate.vectors)
    expect(calibration.fit.settings).toBe(chip.settings)
  })

  test('counts bench time as settling and symbols, and cuts to it', () => {
    const { bench } = opened(4, 2)
    const { estimate } = planMesh(bench)
    const { timing, heaterSettleMs } = bench
    const seconds = (estimate.frames * heaterSettleMs) / 1e3 + (estimate.vectors / 2) * timing.symbolPeriodS
    expect(estimate.benchSeconds).toBeCloseTo(seconds, 9)
    const cut = planMesh(bench, { benchSeconds: 0.95 * seconds })
    expect(cut.estimate.benchSeconds).toBeLessThanOrEqual(0.95 * seconds)
    expect(cut.chip.settings).toBeLessThan(planMesh(bench).chip.settings)
  })

  test('refuses a budget below the least, and says what that is', () => {
    const { bench } = opened(4, 2)
    const refused = (): unknown => planMesh(bench, { vectors: 10 })
    expect(refused).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
    expect(refused).toThrow(/^the smallest calibration of this bench takes \d+ vectors, more than --budget/)
  })

  test('gives each step its share of what is left to be played', () => {
    const { estimate } = planMesh(opened(4, 2).bench)
    const shares = [...sharesOf(estimate, (name) => name === 'columns').values()]
    expect(shares[0]!.from).toBe(0)
    expect(shares.at(-1)!.to).toBeCloseTo(1, 12)
    for (const [i, { from }] of shares.slice(1).entries()) expect(from).toBe(shares[i]!.to)
    const columns = sharesOf(estimate, (name) => name === 'columns').get('columns')!
    expect(columns.to).toBe(columns.from)
  })
})
