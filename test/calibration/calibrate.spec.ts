import { describe, expect, test } from 'vitest'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import type { CalibrationResult } from '../../calibration/calibrate.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import { parameterBlocks } from '../../calibration/model/chip-parameters.ts'
import { RandomStream } from '../../core/random.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { multiply } from '../../orchestrator/jobs/matmul.ts'
import type { MeshImperfections } from '../../sim/optics/parameters/mesh-parameters.ts'
import { defaultImperfections, openDirectBench } from '../support/direct-bench.ts'
import { neverAborted, oracleOf, quietLog, runToEnd } from '../support/run-plan.ts'

function calibrate(size: number, lanes: number, seed: number, changes: Partial<MeshImperfections> = {}) {
  const opened = openDirectBench({ size, lanes, seed, imperfections: defaultImperfections(changes) })
  const steps: string[] = []
  const result: Promise<CalibrationResult> = runToEnd(calibrationPlan(opened.bench), (name) => steps.push(name))
  return { ...opened, steps, result }
}

describe('a calibration of a cold, dark bench of 4 ports', () => {
  test('goes from the dark to a verified record, step by step', async () => {
    const { steps, result } = calibrate(4, 2, 1)
    const { calibration, vectors } = await result
    expect(steps).toEqual([
      'warm up',
      'prepare frames',
      'dark',
      'light',
      'lasers',
      'local oscillators',
      'detectors',
      'isolation',
      'lane delay',
      'modulators',
      'attenuators',
      'port shifters',
      'columns',
      'settings',
      'chip',
      'verification',
    ])
    expect(calibration).toMatchObject({ schema: 'fringe-mesh-calibration-1', size: 4, lanes: 2 })
    expect(vectors).toBeGreaterThan(1000)
    expect(vectors).toBeLessThan(12_000)
  })

  test.each([1, 2, 3])('multiplies held-out matrices to 8 bits, chip %i', async (seed) => {
    const { calibration } = await calibrate(4, 2, seed).result
    const { E, F, amplitudeFidelity, tvd, effectiveBits } = calibration.verification
    expect(E).toBeLessThan(0.02)
    expect(F).toBeGreaterThan(0.9995)
    expect(amplitudeFidelity).toBeGreaterThan(0.9995)
    expect(tvd).toBeLessThan(0.01)
    expect(effectiveBits).toBeGreaterThan(8)
  })

  test('finds crosstalk and splitters as they are: 2 % a pitch, and 0.03 rad', async () => {
    const { bench, world, result } = calibrate(4, 1, 3, {
      crosstalkNeighbour: 0.02,
      crosstalkDecayPitch: 1.5,
      splitterSigmaRad: 0.03,
    })
    const { calibration } = await result
    expect(calibration.fit.crosstalkNeighbour).toBeCloseTo(0.02, 3)
    expect(calibration.fit.crosstalkDecayPitch).toBeCloseTo(1.5, 1)
    expect(calibration.fit.heldOutResidual).toBeLessThan(0.01)
    const truth = oracleOf(bench, world).chip
    const { radPerV2, alpha, logNeighbour } = parameterBlocks(bench.layout)
    for (const heater of bench.layout.heaters.keys()) {
      expect(calibration.chip[radPerV2 + heater]! / truth[radPerV2 + heater]!).toBeCloseTo(1, 2)
    }
    const splitters = truth.slice(alpha, logNeighbour)
    const off = splitters.map((angle, i) => angle - calibration.chip[alpha + i]!)
    expect(Math.hypot(...off)).toBeLessThan(0.6 * Math.hypot(...splitters))
  })

  test.each([0.015, 0.03])(
    'takes crosstalk of %f a pitch for what it is, not for dead heaters',
    async (crosstalkNeighbour) => {
      for (const seed of [1, 2]) {
        const { calibration } = await calibrate(4, 1, seed, { crosstalkNeighbour }).result
        expect(calibration.verification.effectiveBits).toBeGreaterThan(8)
      }
    },
  )

  test.each([2, 3, 5])('works for %i ports too', async (size) => {
    const { calibration } = await calibrate(size, 1, 1).result
    expect(calibration.verification.effectiveBits).toBeGreaterThan(8)
  })

  test('is plain data: what JSON brings back is the same calibration', async () => {
    const { calibration } = await calibrate(4, 1, 2).result
    expect(JSON.parse(JSON.stringify(calibration))).toEqual(calibration)
  })

  test('is reproducible: the same chip is calibrated to the same numbers', async () => {
    const [one, two] = await Promise.all([calibrate(4, 1, 6).result, calibrate(4, 1, 6).result])
    expect(two).toEqual(one)
  })
})

describe('a calibration of a larger core', () => {
  test('of 16 ports, without taps: held-out matrices to 8 bits, in fewer vectors than a sweep of its heaters took', async () => {
    const { bench } = openDirectBench({ size: 16, lanes: 1, seed: 1 })
    const { taps: _, ...without } = bench
    const { calibration, vectors } = await runToEnd(calibrationPlan(without))
    expect(calibration.fit.tapDisagreement).toBeUndefined()
    expect(calibration.fit.heldOutResidual).toBeLessThan(0.015)
    expect(calibration.fit.crosstalkNeighbour).toBeCloseTo(0.01, 4)
    expect(calibration.verification.E).toBeLessThan(0.03)
    expect(calibration.verification.effectiveBits).toBeGreaterThan(7.5)
    expect(vectors).toBeLessThan(60 * 16 ** 2)
  })
})

describe('the default bench, 8 ports on 2 lanes', () => {
  test('calibrates from cold to 8 bits, and multiplies 16×16 matrices nearly as well as with its true parameters', async () => {
    const { bench, world, result } = calibrate(8, 2, 1)
    const { calibration } = await result
    expect(calibration.verification.E).toBeLessThan(0.03)
    expect(calibration.verification.effectiveBits).toBeGreaterThan(8)
    const random = new RandomStream(1, 'product')
    const draw = (): { rows: number; columns: number; data: Float64Array } => ({
      rows: 16,
      columns: 16,
      data: Float64Array.from({ length: 256 }, () => random.normal()),
    })
    const [a, b] = [draw(), draw()]
    const truth = oracleOf(bench, world)
    const bits: number[] = []
    for (const known of [calibration, { ...calibration, ...truth, chip: Array.from(truth.chip) }]) {
      const frames = new FrameRunner(bench)
      await frames.prepare(neverAborted)
      const core = new MeshCore(bench, known, frames, new HeaterSetter(bench))
      bits.push((await multiply(core, a, b, { log: quietLog, signal: neverAborted })).effectiveBits)
    }
    const [calibrated, oracle] = bits as [number, number]
    expect(calibrated).toBeGreaterThan(6)
    expect(oracle - calibrated).toBeLessThan(1)
  })
})
