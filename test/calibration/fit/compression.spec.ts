import { describe, expect, test } from 'vitest'
import { fitCompression } from '../../../calibration/fit/compression.ts'
import type { DimmedReadings } from '../../../calibration/fit/compression.ts'
import { RandomStream } from '../../../core/random.ts'

const RATIO = 0.2
const SYMBOLS = 40

/** What detectors of these saturations show of random light up to 0.6 mW, each with a responsivity of its own. */
function shown(saturationsMw: readonly number[], seed: number, noiseMw = 1e-4, mostMw = 0.6): DimmedReadings[] {
  const random = new RandomStream(seed, 'compression')
  return saturationsMw.map((saturationMw) => {
    const gain = random.normal(1, 0.02)
    const light = Array.from({ length: SYMBOLS }, () => random.uniform(0.01, mostMw))
    const show = (mw: number): number => (gain * mw) / (1 + mw / saturationMw) + random.normal(0, noiseMw)
    return {
      bright: Float64Array.from(light, show),
      dim: Float64Array.from(light, (mw) => show(RATIO * mw)),
    }
  })
}

const linear = (count: number): number[] => new Array<number>(count).fill(Infinity)

describe('compression of detectors from light that is dimmed', () => {
  test('is found exactly without noise, for the law of a saturating photodiode, and the ratio with it', () => {
    const { ratio, detectors } = fitCompression(shown([Infinity, 2, Infinity, 5, Infinity], 1, 0))
    expect(ratio).toBeCloseTo(RATIO, 12)
    const gains = shown([Infinity, 2, Infinity, 5, Infinity], 1, 0).map(({ bright }) => Math.max(...bright))
    expect(gains[1]).toBeLessThan(0.6)
    // c = 1/(gain · saturation), and the gain is known to some percent only.
    expect(detectors[1]!.perMw * 2).toBeCloseTo(1, 1)
    expect(detectors[3]!.perMw * 5).toBeCloseTo(1, 1)
    for (const at of [0, 2, 4]) expect(Math.abs(detectors[at]!.perMw)).toBeLessThan(1e-9)
  })

  test('of one detector does not bend the others', () => {
    const { detectors } = fitCompression(shown([0.3, ...linear(7)], 2))
    expect(detectors[0]!.perMw).toBeGreaterThan(3)
    for (const { perMw, sigmaPerMw } of detectors.slice(1)) expect(Math.abs(perMw)).toBeLessThan(4 * sigmaPerMw)
  })

  test('that is no law but an amplifier that clips is found, and does not bend the others either', () => {
    const [clipped, ...others] = shown(linear(8), 5)
    const clip = (readings: Float64Array): Float64Array => readings.map((mw) => Math.min(mw, 0.3))
    const { ratio, detectors } = fitCompression([{ bright: clip(clipped!.bright), dim: clip(clipped!.dim) }, ...others])
    expect(ratio).toBeCloseTo(RATIO, 3)
    expect(detectors[0]!.perMw).toBeGreaterThan(0.5)
    for (const { perMw, sigmaPerMw } of detectors.slice(1)) expect(Math.abs(perMw)).toBeLessThan(4 * sigmaPerMw)
  })

  test('is found of the others when one sees no light at all', () => {
    const dark = { bright: new Float64Array(SYMBOLS), dim: new Float64Array(SYMBOLS) }
    const { ratio, detectors } = fitCompression([dark, ...shown(linear(7), 6)])
    expect(ratio).toBeCloseTo(RATIO, 3)
    expect(detectors[0]!.perMw).toBeNaN()
    for (const { perMw, sigmaPerMw } of detectors.slice(1)) expect(Math.abs(perMw)).toBeLessThan(4 * sigmaPerMw)
  })

  test('of all of them alike is found too: nobody has to be linear', () => {
    const { detectors } = fitCompression(shown(new Array<number>(16).fill(20), 3))
    for (const { perMw, sigmaPerMw } of detectors) expect(Math.abs(perMw - 1 / 20)).toBeLessThan(4 * sigmaPerMw + 0.004)
  })

  test('lies within 95 % intervals 90 to 99 % of the time', () => {
    let [within, all] = [0, 0]
    for (let seed = 1; seed <= 60; seed++) {
      for (const { perMw, sigmaPerMw } of fitCompression(shown(linear(8), seed)).detectors) {
        all++
        if (Math.abs(perMw) < 1.96 * sigmaPerMw) within++
      }
    }
    expect(within / all).toBeGreaterThan(0.9)
    expect(within / all).toBeLessThan(0.99)
  })

  test('is not seen where noise alone is, in light of which a reading knows but a percent', () => {
    const sigmas = [1, 2, 3, 4].flatMap((seed) =>
      fitCompression(shown(linear(32), seed, 2e-4, 0.03)).detectors.map(({ perMw, sigmaPerMw }) => perMw / sigmaPerMw),
    )
    expect(Math.hypot(...sigmas) / Math.sqrt(sigmas.length)).toBeLessThan(1.5)
  })

  test('comes with the noise of a reading', () => {
    const { detectors } = fitCompression(shown(linear(8), 4, 5e-4))
    const floors = detectors.map(({ floorMw }) => floorMw)
    // Of the dimmed reading, and a fifth of that of the bright one.
    expect(floors.reduce((sum, mw) => sum + mw, 0) / 8 / (5e-4 * Math.hypot(1, RATIO))).toBeCloseTo(1, 0.7)
  })
})
