import { describe, expect, test } from 'vitest'
import { AwgrCore } from '../../../calibration/awgr/awgr-core.ts'
import { awgrCalibrationPlan } from '../../../calibration/awgr/calibrate-awgr.ts'
import { followDrift } from '../../../calibration/awgr/follow-drift.ts'
import { WeightProgrammer } from '../../../calibration/awgr/programming.ts'
import type { RingsCalibration } from '../../../calibration/awgr/programming.ts'
import { randomWeights } from '../../../calibration/awgr/steps/random-weights.ts'
import { RandomStream } from '../../../core/random.ts'
import { FrameRunner } from '../../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../../orchestrator/frames/heater-setter.ts'
import { multiply } from '../../../orchestrator/jobs/matmul.ts'
import { bringLight } from '../../../orchestrator/plans/light.ts'
import { openDirectAwgrBench } from '../../support/direct-awgr-bench.ts'
import { knownRings, seenThrough } from '../../support/known-rings.ts'
import { neverAborted, quietLog, runToEnd } from '../../support/run-plan.ts'

const LIMIT_V = 2.5

const normals = (random: RandomStream, length: number, sigma: number): Float64Array =>
  Float64Array.from({ length }, () => random.normal(0, sigma))

describe('drift, followed by light', () => {
  const { scene, rings } = knownRings(5)
  const { size } = scene.layout
  const programmer = new WeightProgrammer(scene.layout, scene.frequenciesGhz, rings, LIMIT_V)
  const random = new RandomStream(7, 'drift')
  const ownGhz = rings.rings.map(() => random.normal(0, 0.03))
  const [laser, port] = [normals(random, size, 0.01), normals(random, size, 0.01)]
  const settings = [0, 0.35, -0.35].map((share) =>
    programmer.voltagesV(new Float64Array(size * size).fill(share * programmer.leastReachMw)),
  )
  const heatGhz = (heater: number): number => rings.rings[heater]!.tuningGhzPerV2 * settings[0]![heater]! ** 2

  const drifted = (commonGhz: number): RingsCalibration => {
    const gain = (table: readonly (readonly number[])[]): number[][] =>
      table.map((row, p) => row.map((mw, k) => mw * (1 + laser[k]! + port[p]!)))
    return {
      ...rings,
      rings: rings.rings.map((ring, heater) => ({
        ...ring,
        offsetGhz: ring.offsetGhz - commonGhz,
        tuningGhzPerV2: ring.tuningGhzPerV2 * (1 + ownGhz[heater]! / heatGhz(heater)),
      })),
      gains: { dropMw: gain(rings.gains.dropMw), throughMw: gain(rings.gains.throughMw) },
    }
  }
  /** Largest error of weights that are programmed by `by` and made by `truth`, of 1. */
  const worstWeight = (truth: RingsCalibration, by: RingsCalibration): number => {
    const of = (calibration: RingsCalibration): WeightProgrammer =>
      new WeightProgrammer(scene.layout, scene.frequenciesGhz, calibration, LIMIT_V)
    const wanted = randomWeights(scene.layout, new RandomStream(8, 'weights'))
    const { voltagesV, weightPerMw } = of(by).program(wanted)
    const share = of(by).throughShare
    const { drop, through } = seenThrough(scene, truth, voltagesV)
    return Math.max(
      ...wanted.map((weight, at) => {
        const [output, input] = [Math.floor(at / size), at % size]
        const signalMw = drop[output]![input]! - share[output]! * through[output]![input]!
        return Math.abs(signalMw * weightPerMw[output]! - weight)
      }),
    )
  }

  test.each([0, 0.3, -0.3, 8, -12])('finds that all rings moved by %s GHz, and each a little beside', (commonGhz) => {
    const truth = drifted(commonGhz)
    const readings = settings.map((voltagesV) => seenThrough(scene, truth, voltagesV))
    const found = followDrift(scene, readings, rings)
    const mean = ownGhz.reduce((sum, ghz) => sum + ghz, 0) / ownGhz.length
    expect(found.shiftGhz).toBeCloseTo(commonGhz + mean, 2)
    expect(found.residual).toBeLessThan(2e-4)
    expect(found.residualBefore).toBeGreaterThan(10 * found.residual)
    expect(worstWeight(truth, found.calibration)).toBeLessThan(0.002)
    expect(worstWeight(truth, rings)).toBeGreaterThan(0.01)
  })
})

describe('a job on a chip that is warmer than when it was calibrated', () => {
  const warmerK = 0.2
  const product = async (follow: boolean): Promise<{ bits: number; shiftGhz: number }> => {
    const { bench: cold } = openDirectAwgrBench()
    const { calibration } = await runToEnd(awgrCalibrationPlan(cold))
    const { bench } = openDirectAwgrBench({ imperfections: { chipTemperatureErrorK: warmerK } })
    const frames = new FrameRunner(bench)
    await frames.prepare(neverAborted)
    await bringLight(bench, neverAborted)
    const core = new AwgrCore(bench, calibration, frames, new HeaterSetter(bench))
    const [shift] = follow ? await core.follow(neverAborted) : []
    const random = new RandomStream(3, 'factors')
    const matrix = () => ({ rows: 9, columns: 9, data: normals(random, 81, 1) })
    const { effectiveBits } = await multiply(core, matrix(), matrix(), { log: quietLog, signal: neverAborted })
    return { bits: effectiveBits, shiftGhz: shift?.value ?? NaN }
  }

  test('measures how warm it is, and multiplies as well as before', async () => {
    const followed = await product(true)
    // 9.4 GHz a kelvin, which the calibration never learns.
    expect(Math.abs(followed.shiftGhz - 9.4 * warmerK)).toBeLessThan(0.02)
    expect(followed.bits).toBeGreaterThan(7)
    await expect(product(false)).rejects.toMatchObject({ code: 'QUALITY_OUT_OF_BOUNDS' })
  })

  test('rings that all inputs share are followed alike', async () => {
    const { bench: cold } = openDirectAwgrBench({ form: 'shared' })
    const { calibration } = await runToEnd(awgrCalibrationPlan(cold))
    const { bench } = openDirectAwgrBench({ form: 'shared', imperfections: { chipTemperatureErrorK: warmerK } })
    const frames = new FrameRunner(bench)
    await frames.prepare(neverAborted)
    await bringLight(bench, neverAborted)
    const [shift] = await new AwgrCore(bench, calibration, frames, new HeaterSetter(bench)).follow(neverAborted)
    expect(Math.abs(shift!.value - 9.4 * warmerK)).toBeLessThan(0.03)
  })

  test('a chip whose rings are elsewhere is refused', async () => {
    const { bench: cold } = openDirectAwgrBench()
    const { calibration } = await runToEnd(awgrCalibrationPlan(cold))
    const { bench } = openDirectAwgrBench({ seed: 2 })
    const frames = new FrameRunner(bench)
    await frames.prepare(neverAborted)
    await bringLight(bench, neverAborted)
    const core = new AwgrCore(bench, calibration, frames, new HeaterSetter(bench))
    await expect(core.follow(neverAborted)).rejects.toMatchObject({ code: 'QUALITY_OUT_OF_BOUNDS' })
  })
})
