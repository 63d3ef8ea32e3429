import { describe, expect, test } from 'vitest'
import { awgrCalibrationPlan } from '../../../calibration/awgr/calibrate-awgr.ts'
import { AwgrCore } from '../../../calibration/awgr/awgr-core.ts'
import { awgrOutput } from '../../../core/awgr-layout.ts'
import type { AwgrBench } from '../../../core/awgr-bench.ts'
import { RandomStream } from '../../../core/random.ts'
import { FrameRunner } from '../../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../../orchestrator/frames/heater-setter.ts'
import { multiply } from '../../../orchestrator/jobs/matmul.ts'
import { awgrTransmission } from '../../../sim/optics/awgr.ts'
import { openDirectAwgrBench } from '../../support/direct-awgr-bench.ts'
import { neverAborted, quietLog, runToEnd } from '../../support/run-plan.ts'

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)

describe('calibration of an AWGR bench with 4 ports, from cold and dark', () => {
  test('finds rings and crosstalk, then weighs to 11 bits and multiplies with more than 8 effective bits', async () => {
    const { bench, world } = openDirectAwgrBench()
    const { calibration } = await runToEnd(awgrCalibrationPlan(bench))

    const { rings, layout, heaters } = world.truth
    for (const [heater, { offsetGhz, fwhmGhz, tuningGhzPerV2 }] of calibration.rings.entries()) {
      const truth = rings[heater]!
      const { wavelength } = layout.heaters[heater]!
      const trueOffsetGhz = (truth.coldThz - 193.1 - 0.1 * wavelength) * 1e3
      const radPerV2 = (Math.PI * 1e3) / (heaters.piPowerMw[heater]! * heaters.resistanceOhm[heater]!)
      const trueTuning = (radPerV2 / (2 * Math.PI)) * truth.freeSpectralRangeThz * 1e3
      // A scale in GHz comes from neighbours' tails alone: a percent of it is a few percent of a bit.
      expect(Math.abs(offsetGhz / trueOffsetGhz - 1)).toBeLessThan(0.02)
      expect(Math.abs(fwhmGhz / (truth.fwhmThz * 1e3) - 1)).toBeLessThan(0.02)
      expect(Math.abs(tuningGhzPerV2 / trueTuning - 1)).toBeLessThan(0.02)
    }
    expect(calibration.thermal.neighbourShare).toBeCloseTo(0.01, 3)
    const { dropAwgr, throughAwgr } = world.truth
    const off: number[] = []
    for (const [awgr, table] of [
      [dropAwgr, calibration.leaks.drop],
      [throughAwgr, calibration.leaks.through],
    ] as const) {
      for (const [port, wavelengths] of table.entries()) {
        for (const [k, outputs] of wavelengths.entries()) {
          const passed = (output: number): number => awgrTransmission(awgr, port, output, 193.1 + 0.1 * k)
          const own = passed(awgrOutput(layout.size, port, k))
          off.push(...outputs.map((leak, output) => leak - passed(output) / own))
        }
      }
    }
    // Leaks are 1e-3 to 3e-3, less than a code of the meter.
    expect(rms(off)).toBeLessThan(2e-4)
    expect(calibration.fit.heldOutResidual).toBeLessThan(0.001)
    expect(calibration.fit.weightAccuracyBits).toBeGreaterThan(11)
    expect(calibration.fit.weightPrecisionBits).toBeGreaterThan(11)
    expect(calibration.verification.effectiveBits).toBeGreaterThan(9)

    const frames = new FrameRunner(bench)
    await frames.prepare(neverAborted)
    const core = new AwgrCore(bench, calibration, frames, new HeaterSetter(bench))
    const random = new RandomStream(3, 'factors')
    const matrix = () => ({
      rows: 9,
      columns: 9,
      data: Float64Array.from({ length: 81 }, () => random.normal()),
    })
    const product = await multiply(core, matrix(), matrix(), { log: quietLog, signal: neverAborted })
    expect(product.effectiveBits).toBeGreaterThan(7)
    expect(product.repeatedFrames).toBe(0)
  })

  test('shared rings are calibrated alike, and refuse a tile that is not circulant', async () => {
    const { bench } = openDirectAwgrBench({ form: 'shared' })
    const { calibration } = await runToEnd(awgrCalibrationPlan(bench))
    expect(calibration.rings).toHaveLength(4)
    const frames = new FrameRunner(bench)
    const core = new AwgrCore(bench, calibration, frames, new HeaterSetter(bench))
    const weights = Float64Array.from({ length: 16 }, (_, at) => at)
    await expect(core.program({ id: 0, weights }, neverAborted)).rejects.toMatchObject({ code: 'RANGE_EXCEEDED' })
  })

  test('a ring whose heater is not connected is named with its port, wavelength and channel', async () => {
    const { bench } = openDirectAwgrBench()
    const dead = bench.layout.rings[2]![1]!
    const heaters: AwgrBench['heaters'] = {
      ...bench.heaters,
      setVoltagesV: (first, voltagesV, signal) =>
        bench.heaters.setVoltagesV(
          first,
          voltagesV.map((v, i) => (first + i === dead ? 0 : v)),
          signal,
        ),
    }
    await expect(runToEnd(awgrCalibrationPlan({ ...bench, heaters }))).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { port: 2, wavelength: 1, channel: dead },
    })
  })

  test('a laser whose light does not arrive is named', async () => {
    const { bench } = openDirectAwgrBench()
    const lasers = bench.lasers.map((line, k) =>
      k === 3 ? { ...line, laser: { ...line.laser, setEmission: () => Promise.resolve() } } : line,
    )
    await expect(runToEnd(awgrCalibrationPlan({ ...bench, lasers }))).rejects.toMatchObject({
      code: 'CALIBRATION_FAILED',
      context: { laser: 3 },
    })
  })
})
