import { describe, expect, test } from 'vitest'
import type { MeshImperfections } from '../../../sim/optics/parameters/mesh-parameters.ts'
import { withoutPresets } from '../../../sim/optics/parameters/presets.ts'
import { Photodiode } from '../../../sim/optics/photodiode.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'
import { statistics } from '../../support/statistics.ts'

const Q = 1.602176634e-19
const SAMPLES = 20_000
const quiet = { darkCurrentNa: 0, thermalNoisePaPerRtHz: 0, responsivitySpread: 0 }

function readings(
  changes: Partial<MeshImperfections>,
  powerMw: number,
  averagingS: number,
): ReturnType<typeof statistics> {
  const diode = new Photodiode('pm.0', defaultImperfections({ ...quiet, ...changes }), 1)
  return statistics(Float64Array.from({ length: SAMPLES }, (_, sample) => diode.reportMw(powerMw, averagingS, sample)))
}

describe('a photodiode', () => {
  test('shot noise: σ² = 2q·I·B with B = 1/(2T), 1 mW on 1 A/W over 10 µs', () => {
    const { mean, meanTolerance, sigma, sigmaTolerance } = readings({}, 1, 10e-6)
    const currentA = 1e-3
    const expectedMw = Math.sqrt((2 * Q * currentA) / (2 * 10e-6)) * 1e3
    expect(Math.abs(mean - 1)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - expectedMw)).toBeLessThan(sigmaTolerance)
  })

  test('thermal noise: σ² = in²·B, 12.2 pA/√Hz over 10 µs in the dark', () => {
    const { mean, meanTolerance, sigma, sigmaTolerance } = readings({ thermalNoisePaPerRtHz: 12.2 }, 0, 10e-6)
    const expectedMw = 12.2e-12 * Math.sqrt(1 / (2 * 10e-6)) * 1e3
    expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - expectedMw)).toBeLessThan(sigmaTolerance)
  })

  test('readout noise: σ is its share of full scale, 1.6569/255 of 2 mW, however long the average', () => {
    const readoutNoiseShare = 1.6569279459762971 / 255
    for (const averagingS of [1e-5, 1]) {
      const { sigma, sigmaTolerance } = readings({ readoutNoiseShare, receiverFullScaleMw: 2 }, 0.5, averagingS)
      expect(Math.abs(sigma - 2 * readoutNoiseShare)).toBeLessThan(sigmaTolerance)
    }
  })

  test('an amplifier slower than the average passes noise of π/2·f₃dB only', () => {
    const { sigma, sigmaTolerance } = readings({ thermalNoisePaPerRtHz: 12.2, receiverBandwidthMhz: 0.01 }, 0, 1e-5)
    const expectedMw = 12.2e-12 * Math.sqrt((Math.PI / 2) * 1e4) * 1e3
    expect(Math.abs(sigma - expectedMw)).toBeLessThan(sigmaTolerance)
  })

  test('adds the noise of Lightning’s emulator: 7.27 bits of full scale around the right value', () => {
    const changes = withoutPresets({ noise: 'lightning-emulator' }) as Partial<MeshImperfections>
    const { mean, meanTolerance, sigma } = readings(changes, 1, 1e-3)
    expect(Math.log2(2 / sigma)).toBeCloseTo(7.27, 1)
    expect(Math.abs(mean - 1)).toBeLessThan(meanTolerance)
  })

  test('with beats of light and ASE: their variance a hertz, in 1/(2T)', () => {
    const diode = new Photodiode('pm.0', defaultImperfections(quiet), 1)
    const values = Float64Array.from({ length: SAMPLES }, (_, sample) => diode.reportMw(0, 1e-5, sample, 1e-12))
    const { sigma, sigmaTolerance } = statistics(values)
    expect(Math.abs(sigma - Math.sqrt(1e-12 / 2e-5))).toBeLessThan(sigmaTolerance)
  })

  test('of a converter with 8 of 12 effective bits: what its steps do not explain, of full scale', () => {
    const { sigma, sigmaTolerance } = readings({ adcEffectiveBits: 8, receiverFullScaleMw: 2 }, 0.5, 1)
    expect(Math.abs(sigma - 2 * Math.sqrt((4 ** -8 - 4 ** -12) / 12))).toBeLessThan(sigmaTolerance)
  })

  test('bends in bright light: half of the responsivity is left at its saturation power', () => {
    expect(readings({ photodiodeSaturationMw: 5 }, 5, 1).mean).toBeCloseTo(2.5, 4)
    expect(readings({ photodiodeSaturationMw: 5 }, 0.005, 1).mean).toBeCloseTo(0.005 / 1.001, 6)
  })

  test('is better on one side of an unbalanced pair and worse on the other: 20 dB of what both have in common', () => {
    const what = defaultImperfections({ ...quiet, pairImbalance: 0.1 })
    const [plus, minus] = (['plus', 'minus'] as const).map((side) => new Photodiode('pm.0', what, 1, side).gain)
    expect(-20 * Math.log10((plus! - minus!) / (plus! + minus!))).toBeCloseTo(20, 9)
  })

  test('sees one photon in 10 µs through its shot noise alone: σ² is the mean', () => {
    const photonMw = ((6.62607015e-34 * 193.4e12) / 10e-6) * 1e3
    const { sigma, sigmaTolerance } = readings({ responsivityAPerW: 1 }, photonMw, 10e-6)
    const electrons = (photonMw * 1e-3 * 10e-6) / Q
    expect(Math.abs(sigma / photonMw - 1 / Math.sqrt(electrons))).toBeLessThan(sigmaTolerance / photonMw)
  })

  test('clips at full scale, and not below', () => {
    expect(readings({ receiverFullScaleMw: 2 }, 3, 1e-3)).toMatchObject({ mean: 2, sigma: 0 })
    expect(readings({ receiverFullScaleMw: 2 }, 1.99, 1e-3).mean).toBeCloseTo(1.99, 6)
  })

  test('averaging four times as long halves the noise', () => {
    const [short, long] = [
      readings({ thermalNoisePaPerRtHz: 12.2 }, 1, 10e-6),
      readings({ thermalNoisePaPerRtHz: 12.2 }, 1, 40e-6),
    ]
    expect(Math.abs(short.sigma / long.sigma - 2)).toBeLessThan(2 * (5 / Math.sqrt(SAMPLES)))
  })

  test('dark current is read as light that is not there, and makes shot noise of its own', () => {
    const diode = new Photodiode('pm.0', defaultImperfections({ ...quiet, darkCurrentNa: 1000 }), 1)
    const dark = readings({ darkCurrentNa: 1000 }, 0, 10e-6)
    // 1 µA on 1 A/W, drawn between half and one and a half of it.
    expect(diode.darkMw).toBeGreaterThan(0.5e-3)
    expect(diode.darkMw).toBeLessThan(1.5e-3)
    expect(Math.abs(dark.mean - diode.darkMw)).toBeLessThan(dark.meanTolerance)
    const expectedMw = Math.sqrt((2 * Q * diode.darkMw * 1e-3) / (2 * 10e-6)) * 1e3
    expect(Math.abs(dark.sigma - expectedMw)).toBeLessThan(dark.sigmaTolerance)
  })

  test('reports more or less than there is: responsivities spread by 2 %', () => {
    const what = defaultImperfections()
    const diodes = Array.from({ length: 2000 }, (_, i) => new Photodiode(`pm.${i}`, what, 1))
    const gains = statistics(diodes.map(({ gain }) => gain))
    expect(Math.abs(gains.mean - 1)).toBeLessThan(gains.meanTolerance)
    expect(Math.abs(gains.sigma - 0.02)).toBeLessThan(gains.sigmaTolerance)
    const [diode] = diodes
    // So bright and so long that noise is below a part in a million.
    expect(diode!.reportMw(10, 1, 0) / 10).toBeCloseTo(diode!.gain, 5)
  })

  test('the meter takes the nominal responsivity for granted: 0.5 A/W reads as full power', () => {
    expect(readings({ responsivityAPerW: 0.5 }, 2, 1e-3).mean).toBeCloseTo(2, 6)
  })

  test('the noise of a sample depends on its number and on the diode, not on what was read before', () => {
    const what = defaultImperfections()
    const [one, two, other] = [new Photodiode('a', what, 1), new Photodiode('a', what, 1), new Photodiode('b', what, 1)]
    const forth = [3, 1, 2].map((sample) => one.reportMw(1, 1e-5, sample))
    const back = [2, 1, 3].map((sample) => two.reportMw(1, 1e-5, sample))
    expect(back.reverse()).toEqual([forth[0], forth[1], forth[2]])
    expect(other.reportMw(1, 1e-5, 3)).not.toBe(forth[0])
  })
})
