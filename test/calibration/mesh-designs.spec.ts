import { describe, expect, test } from 'vitest'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import { requireCalibratable } from '../../calibration/supported-designs.ts'
import { DEFAULT_DESIGN, designText } from '../../core/mesh-design.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { RandomStream } from '../../core/random.ts'
import { randomOrthogonal } from '../../calibration/steps/verification.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { multiply } from '../../orchestrator/jobs/matmul.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { neverAborted, quietLog, runToEnd } from '../support/run-plan.ts'
import { ALL_DESIGNS } from '../../perf/mesh-bench-text.ts'

const PAIRS = ALL_DESIGNS.filter(({ detection }) => detection === undefined)
const SINGLES = ALL_DESIGNS.filter(({ detection }) => detection === 'intensity')
const SUPPORTED = PAIRS.filter(({ mzi }) => mzi === 'plain')
const named = (designs: readonly MeshDesign[]) => designs.map((design) => [designText(design), design] as const)

describe.each(named(SUPPORTED))('a cold, dark core of %s', (_, design) => {
  const { bench } = openDirectBench({ size: 4, lanes: 2, seed: 2, design })

  test('is calibrated to 8 bits, and multiplies', async () => {
    const { calibration } = await runToEnd(calibrationPlan(bench))
    expect(calibration).toMatchObject({ design, size: 4, lanes: 2 })
    expect(calibration.verification.effectiveBits).toBeGreaterThan(8)
    expect(calibration.verification.E).toBeLessThan(0.02)
    expect(calibration.fit.tapDisagreement === undefined).toBe(design.form === 'unitary')

    const frames = new FrameRunner(bench)
    await frames.prepare(neverAborted)
    const core = new MeshCore(bench, calibration, frames, new HeaterSetter(bench))
    const random = new RandomStream(1, 'factors')
    const a = { rows: 20, columns: 4, data: Float64Array.from({ length: 80 }, () => random.uniform(-1, 1)) }
    const orthogonal = { rows: 4, columns: 4, data: randomOrthogonal(4, random).map((weight) => -7 * weight) }
    const { effectiveBits } = await multiply(core, a, orthogonal, { log: quietLog, signal: neverAborted })
    expect(effectiveBits).toBeGreaterThan(7.5)

    const any = { rows: 4, columns: 4, data: a.data.slice(0, 16) }
    const product = multiply(core, a, any, { log: quietLog, signal: neverAborted })
    if (design.form === 'unitary') await expect(product).rejects.toMatchObject({ code: 'RANGE_EXCEEDED' })
    else expect((await product).effectiveBits).toBeGreaterThan(6.5)
  })
})

describe.each(named(PAIRS.filter((design) => !SUPPORTED.includes(design))))('a core of %s', (text, design) => {
  test('is refused before the first step, in the words of the bench file', async () => {
    const { bench } = openDirectBench({ size: 3, lanes: 1, design })
    const steps: string[] = []
    const refused = runToEnd(calibrationPlan(bench), (name) => steps.push(name))
    await expect(refused).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await expect(refused).rejects.toThrow(`a mesh core of ${text}, size 3 can be simulated, and not calibrated yet`)
    await expect(refused).rejects.toThrow('layout clements, mzi plain, form svd; ')
    expect(steps).toEqual([])
  })
})

describe.each(named(SINGLES))('a core of %s', (_, design) => {
  test('is refused before the first step: intensities have no sign', async () => {
    const { bench } = openDirectBench({ size: 3, lanes: 1, design })
    const steps: string[] = []
    const refused = runToEnd(calibrationPlan(bench), (name) => steps.push(name))
    await expect(refused).rejects.toMatchObject({ code: 'CALL_INVALID' })
    await expect(refused).rejects.toThrow('the sign of a field cannot be seen in its intensity')
    expect(steps).toEqual([])
  })
})

test('The default design is one that can be calibrated', () => {
  for (const size of [2, 64, 256]) expect(() => requireCalibratable(DEFAULT_DESIGN, size, 2)).not.toThrow()
})

test('Two triangles are refused from nine ports on, one is not', () => {
  const triangles = { ...DEFAULT_DESIGN, arrangement: 'reck' } as const
  expect(() => requireCalibratable(triangles, 8, 1)).not.toThrow()
  expect(() => requireCalibratable(triangles, 9, 1)).toThrow('layout reck, mzi plain, form svd up to size 8')
  expect(() => requireCalibratable({ ...triangles, form: 'unitary' }, 9, 1)).not.toThrow()
})

test('A calibration of one design is refused by a bench of another', async () => {
  const one = openDirectBench({ size: 2, lanes: 1 }).bench
  const { calibration } = await runToEnd(calibrationPlan(one))
  const { bench } = openDirectBench({ size: 2, lanes: 1, design: { ...DEFAULT_DESIGN, form: 'unitary' } })
  expect(() => new MeshCore(bench, calibration, new FrameRunner(bench), new HeaterSetter(bench))).toThrow(
    'the calibration is for a core of layout clements, mzi plain, form svd, the bench has one of layout clements, mzi plain, form unitary',
  )
  // Records from before there were designs are of the default one.
  const { design: _, ...old } = calibration
  expect(() => new MeshCore(one, old, new FrameRunner(one), new HeaterSetter(one))).not.toThrow()
})
