import { describe, expect, test } from 'vitest'
import { awgrCalibrationPlan } from '../../../calibration/awgr/calibrate-awgr.ts'
import { IntensityCodes } from '../../../calibration/awgr/intensity-codes.ts'
import { eamField } from '../../../sim/optics/eam.ts'
import { openDirectAwgrBench } from '../../support/direct-awgr-bench.ts'
import { runToEnd } from '../../support/run-plan.ts'

describe('calibration of an AWGR bench with electro-absorption modulators', () => {
  test('keeps their measured curves, and multiplies', async () => {
    const { bench, world } = openDirectAwgrBench({ imperfections: { eamExtinctionDb: 11.83 } })
    const { calibration } = await runToEnd(awgrCalibrationPlan(bench))
    const codes = new IntensityCodes(calibration.modulators)
    for (const [port, { eam, lockBiasV, driverGain }] of world.truth.modulators.entries()) {
      const power = (code: number): number => {
        const { re, im } = eamField(eam!, (driverGain * 0.5 * code) / 127 + lockBiasV)
        return re * re + im * im
      }
      const [dark, full] = [power(codes.silent[port]!), power(codes.codeOf(port, 1))]
      // Most light is what 0 V and all forward voltage pass, least what the largest reverse voltage leaves.
      expect(codes.silent[port]).toBe(127)
      expect(full).toBeCloseTo(power(-127), 4)
      // 0 V lies between two levels of the sweep, six codes apart: a curve through points rounds the kink there by up to
      // 4/27 of its slope, 0.037 a code.
      const kink = (-127 * lockBiasV) / (driverGain * 0.5)
      for (let code = -127; code <= 127; code++) {
        const off = Math.abs(codes.inputOf(port, code) - (power(code) - dark) / (full - dark))
        expect(off).toBeLessThan(Math.abs(code - kink) < 12 ? 0.035 : 0.004)
      }
    }
    expect(calibration.verification.effectiveBits).toBeGreaterThan(7.5)
  })

  test('Mach–Zehnders keep their sine', async () => {
    const { calibration } = await runToEnd(awgrCalibrationPlan(openDirectAwgrBench().bench))
    expect(calibration.modulators.curves).toBeUndefined()
  })
})
