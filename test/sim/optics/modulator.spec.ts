import { describe, expect, test } from 'vitest'
import { fabricateModulator, modulatorField } from '../../../sim/optics/modulator.ts'
import type { ModulatorTruth } from '../../../sim/optics/modulator.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'
import { statistics } from '../../support/statistics.ts'

const mzm: ModulatorTruth = {
  vpiV: 3.5,
  nullBiasV: 0.8,
  lockBiasV: 0.8,
  leakField: 10 ** (-25 / 20),
  driverGain: 8,
  timeConstantS: 0,
  chirp: 0,
}
const power = (driveV: number, biasV = mzm.nullBiasV): number => {
  const { re, im } = modulatorField(mzm, driveV, biasV)
  return re * re + im * im
}

describe('a Mach–Zehnder modulator', () => {
  test('is darkest at its null and brightest Vπ away from it, behind the driver’s gain', () => {
    expect(power(3.5 / 8)).toBeCloseTo(1, 14)
    expect(power(-3.5 / 8)).toBeCloseTo(1, 14)
    expect(power(7 / 8)).toBeCloseTo(power(0), 14)
    for (const driveV of [-0.4, -0.1, -0.01, 0.01, 0.1, 0.4]) expect(power(driveV)).toBeGreaterThan(power(0))
  })

  test('an extinction ratio of 25 dB: the null is 25 dB below the maximum', () => {
    expect(10 * Math.log10(power(3.5 / 8) / power(0))).toBeCloseTo(25, 12)
  })

  test('the sign of the drive is the sign of the field', () => {
    for (const driveV of [0.05, 0.2, 0.4]) {
      const [plus, minus] = [modulatorField(mzm, driveV, 0.8), modulatorField(mzm, -driveV, 0.8)]
      expect(plus.re).toBeCloseTo(Math.sin((Math.PI * 8 * driveV) / 7), 14)
      expect(minus.re).toBeCloseTo(-plus.re, 14)
      // The leak stands in quadrature and does not change sign.
      expect(minus.im).toBeCloseTo(plus.im, 14)
    }
  })

  test('bias and drive add up', () => {
    expect(modulatorField(mzm, 0.1, 0.8)).toEqual(modulatorField(mzm, 0, 0.8 + 0.8))
  })

  test('with chirp α turns the field by α·u, and passes the same power', () => {
    const [plain, chirped] = [modulatorField(mzm, 0.2, 0.8), modulatorField({ ...mzm, chirp: 0.3 }, 0.2, 0.8)]
    const angle = (field: { re: number; im: number }): number => Math.atan2(field.im, field.re)
    expect(angle(chirped) - angle(plain)).toBeCloseTo((0.3 * Math.PI * 8 * 0.2) / 7, 12)
    expect(Math.hypot(chirped.re, chirped.im)).toBeCloseTo(Math.hypot(plain.re, plain.im), 14)
  })

  test('never passes more than it gets', () => {
    for (let driveV = -2; driveV <= 2; driveV += 0.013) expect(power(driveV, 0.3)).toBeLessThanOrEqual(1 + 1e-15)
  })

  test('is built as its parameters say: Vπ 3.5 V ± 3 %, bias lock off by 0.03 V (σ), null anywhere within Vπ', () => {
    const what = defaultImperfections()
    const built = Array.from({ length: 2000 }, (_, i) => fabricateModulator(`bias-${i}`, what, 1))
    const vpi = statistics(built.map(({ vpiV }) => vpiV))
    expect(Math.abs(vpi.mean - 3.5)).toBeLessThan(vpi.meanTolerance)
    expect(Math.abs(vpi.sigma - 0.105)).toBeLessThan(vpi.sigmaTolerance)
    const lock = statistics(built.map(({ lockBiasV, nullBiasV }) => lockBiasV - nullBiasV))
    expect(Math.abs(lock.mean)).toBeLessThan(lock.meanTolerance)
    expect(Math.abs(lock.sigma - 0.03)).toBeLessThan(lock.sigmaTolerance)
    const place = statistics(built.map(({ nullBiasV, vpiV }) => nullBiasV / vpiV))
    expect(Math.abs(place.mean)).toBeLessThan(place.meanTolerance)
    expect(Math.abs(place.sigma - 1 / Math.sqrt(3))).toBeLessThan(place.sigmaTolerance)
    expect(fabricateModulator('bias-3', what, 1)).toEqual(built[3])
  })
})
