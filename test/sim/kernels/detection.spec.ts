import { describe, expect, test } from 'vitest'
import { NOISE_FLOATS } from '../../../sim/kernels/kernel-engine.ts'
import { Kernels } from '../../../sim/kernels/kernels.ts'
import type { DetectorParameters } from '../../../sim/kernels/detector-bank.ts'
import { OVER_RANGE } from '../../../sim/kernels/reference/detection.ts'
import { bankOf } from '../../support/kernels.ts'
import { statistics } from '../../support/statistics.ts'

const Q = 1.602176634e-19
const SAMPLES = 65_536
const kernels = new Kernels('wasm')
const { memory, engine } = kernels
const noise = memory.float32(NOISE_FLOATS)

interface Light {
  readonly powerMw: number
  readonly intensitySigma?: number
}

/** Readings of two detectors of one kind in the same light. */
function readings({ powerMw, intensitySigma = 0 }: Light, changes: Partial<DetectorParameters>): Float32Array[] {
  using _scope = memory.scope()
  const { parameters, keys } = bankOf(kernels, 2, changes)
  const [powers, factors, out] = [memory.float32(2 * SAMPLES), memory.float32(SAMPLES), memory.float32(2 * SAMPLES)]
  powers.fill(powerMw)
  engine.intensityFactors(factors, SAMPLES, intensitySigma, 77, 0, 0, noise)
  engine.detect(powers, factors, parameters, keys, out, 2, SAMPLES, SAMPLES, 0, 0, 0, noise)
  return [out.slice(0, SAMPLES), out.slice(SAMPLES)]
}

function expectNoise(values: ArrayLike<number>, expectedMean: number, expectedSigma: number): void {
  const { mean, meanTolerance, sigma, sigmaTolerance } = statistics(values)
  // Single precision: a mean of 1 is known to 1e-7.
  expect(Math.abs(mean - expectedMean)).toBeLessThan(meanTolerance + 1e-7)
  expect(Math.abs(sigma - expectedSigma)).toBeLessThan(sigmaTolerance)
}

describe('detection', () => {
  test('shot noise: σ² = 2q·I·B, 1 mW on 1 A/W in 500 MHz', () => {
    const sigmaMw = Math.sqrt(2 * Q * 1e-3 * 5e8) * 1e3
    for (const values of readings({ powerMw: 1 }, { bandwidthHz: 5e8 })) expectNoise(values, 1, sigmaMw)
  })

  test('thermal noise: σ² = in²·B, 12.2 pA/√Hz in the dark', () => {
    const sigmaMw = 12.2e-12 * Math.sqrt(5e8) * 1e3
    const [values] = readings({ powerMw: 0 }, { bandwidthHz: 5e8, thermalAPerRtHz: 12.2e-12 })
    expectNoise(values!, 0, sigmaMw)
  })

  test('dark current is read as light and has shot noise of its own', () => {
    const [values] = readings(
      { powerMw: 0 },
      { bandwidthHz: 5e8, darkA: 1e-6, responsivityAPerW: 0.5, nominalAPerW: 0.5 },
    )
    expectNoise(values!, 1e-6 / 0.5 / 1e-3, (Math.sqrt(2 * Q * 1e-6 * 5e8) / 0.5) * 1e3)
  })

  test('a detector that is better than its meter believes reads too much, with the noise of its true current', () => {
    const [values] = readings({ powerMw: 1 }, { bandwidthHz: 5e8, responsivityAPerW: 1.1, nominalAPerW: 1 })
    expectNoise(values!, 1.1, Math.sqrt(2 * Q * 1.1e-3 * 5e8) * 1e3)
  })

  test('intensity noise has the σ of its laser and is the same for all detectors', () => {
    const [left, right] = readings({ powerMw: 1, intensitySigma: 1e-3 }, {})
    expectNoise(left!, 1, 1e-3)
    expect(left).toEqual(right)
  })

  test('noises of two detectors are independent', () => {
    const [left, right] = readings({ powerMw: 1 }, { bandwidthHz: 5e8 })
    const sigma = statistics(left!).sigma
    const common = left!.reduce((sum, value, i) => sum + (value - 1) * (right![i]! - 1), 0) / SAMPLES
    expect(Math.abs(common)).toBeLessThan((5 * sigma ** 2) / Math.sqrt(SAMPLES))
  })

  test('without noise there is none', () => {
    expect(new Set(readings({ powerMw: 0.75 }, {})[0])).toEqual(new Set([0.75]))
  })
})

describe('the converter', () => {
  function codesOf(powersMw: readonly number[], changes: Partial<DetectorParameters> = {}): [Int16Array, number] {
    using _scope = memory.scope()
    const stride = (powersMw.length + 7) & ~7
    const { parameters, keys } = bankOf(kernels, 1, changes)
    const [powers, factors, out] = [memory.float32(stride), memory.float32(stride), memory.int16(stride)]
    powers.set(powersMw)
    factors.fill(1)
    const over = engine.detect(powers, factors, parameters, keys, out, 1, stride, powersMw.length, 0, 0, 1, noise)
    return [out.slice(0, powersMw.length), over]
  }

  test('rounds to the nearest of 4096 steps of its full scale, halves upwards', () => {
    const stepMw = 2 / 4096
    const [codes] = codesOf([0, 0.49 * stepMw, 0.5 * stepMw, 1, 2, -0.2 * stepMw, -1.7 * stepMw])
    expect([...codes]).toEqual([0, 0, 1, 2048, 4096, 0, -2])
  })

  test('flags and counts what is above full scale, and only that', () => {
    const [codes, over] = codesOf([1.9, 2, 2.0002, 2.001, 5, 1])
    expect([...codes]).toEqual([3891, 4096, 4096, OVER_RANGE, OVER_RANGE, 2048])
    expect(over).toBe(2)
  })

  test('counts no sample beyond the last, though groups of eight are computed', () => {
    using _scope = memory.scope()
    const { parameters, keys } = bankOf(kernels, 1)
    const [powers, factors, out] = [memory.float32(16), memory.float32(16), memory.int16(16)]
    powers.fill(9)
    factors.fill(1)
    expect(engine.detect(powers, factors, parameters, keys, out, 1, 16, 11, 0, 0, 1, noise)).toBe(11)
  })

  test('adds its own noise of one step over √12 to a signal that moves', () => {
    const powersMw = Array.from({ length: 8000 }, (_, i) => 0.5 + 0.5 * Math.sin(i))
    const [codes] = codesOf(powersMw)
    const errors = powersMw.map((powerMw, i) => codes[i]! - powerMw / (2 / 4096))
    const { sigma, sigmaTolerance } = statistics(errors)
    expect(Math.abs(sigma - 1 / Math.sqrt(12))).toBeLessThan(sigmaTolerance)
  })
})
