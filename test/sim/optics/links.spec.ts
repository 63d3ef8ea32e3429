import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../../core/random.ts'
import { FibreAmplifier, leastNoiseFigureDb } from '../../../sim/optics/amplifier.ts'
import { effectiveBitsAt, effectiveBitsOf, excessNoiseShare, jitterSnrDb } from '../../../sim/optics/converter-noise.ts'
import { DacNoise } from '../../../sim/optics/dac-noise.ts'
import { eamField } from '../../../sim/optics/eam.ts'
import { fibreDelayS, Fibres, walkOffSymbols } from '../../../sim/optics/fibre.ts'
import { FrequencyComb } from '../../../sim/optics/frequency-comb.ts'
import { beatNoise, mismatchS } from '../../../sim/optics/phase-noise.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'
import { statistics } from '../../support/statistics.ts'

const db = (ratio: number): number => 10 * Math.log10(ratio)

describe('a fibre', () => {
  const what = defaultImperfections({ modulatorFibreKm: 10, detectorFibreKm: 15 })

  test('loses 0.2 dB a kilometre, and delays by 4.9 µs', () => {
    const fibres = new Fibres(what)
    expect(db(fibres.toCore)).toBeCloseTo(-2, 9)
    expect(db(fibres.toDetectors)).toBeCloseTo(-3, 9)
    const [delayS] = fibres.delaysS(Float64Array.of(299_792.458 / 1550))
    expect(delayS! / 25).toBeCloseTo(1.467 / 299_792.458, 12)
  })

  test('brings lanes 100 GHz apart 16.7 ps/(nm km) · 0.8 nm after one another: 0.33 symbols of 1 ns over 25 km', () => {
    const walked = walkOffSymbols(25, [193.1, 193.2], 1e-9, what)
    const apartNm = 299_792.458 / 193.1 - 299_792.458 / 193.2
    expect(walked).toBeCloseTo(16.7e-12 * 25 * apartNm * 1e9, 9)
    expect(walked).toBeCloseTo(0.335, 2)
  })

  test('is longer by 6.7 ppm a kelvin', () => {
    const delayS = (kelvin: number): number => fibreDelayS(25, 193.1, { ...what, fibreTemperatureErrorK: kelvin })
    const latencyS = (25 * 1.467) / 299_792.458
    expect((delayS(10) - delayS(0)) / latencyS).toBeCloseTo(67e-6, 9)
  })

  test('of no length delays nothing, whatever its dispersion; a delayed trigger sees more than it sent', () => {
    expect(new Fibres(defaultImperfections()).delaysS(Float64Array.of(193.1, 0))).toEqual(Float64Array.of(0, 0))
    const [ahead] = new Fibres(defaultImperfections({ meterTriggerDelayUs: 3 })).delaysS(Float64Array.of(193.1))
    expect(ahead).toBeCloseTo(-3e-6, 15)
  })
})

describe('an amplifier', () => {
  const amplifier = new FibreAmplifier(defaultImperfections({ edfaGainDb: 30, edfaSaturationDbm: 10 }))

  test('has its gain for little light, half of it at its saturation power, and never less than none', () => {
    expect(db(amplifier.gain(1e-9))).toBeCloseTo(30, 4)
    // G·P_in = 10 mW at G₀/2.
    expect(db(amplifier.gain(10 / 500))).toBeCloseTo(30 - db(2), 1)
    expect(amplifier.gain(1e6)).toBeGreaterThanOrEqual(1)
    expect(amplifier.gain(1e6)).toBeLessThan(1.01)
  })

  test('in the dark emits 2·n_sp·hν·(G − 1) over the optical bandwidth', () => {
    const spontaneous = (1000 * 10 ** 0.5 - 1) / (2 * 999)
    const expectedMw = 2 * spontaneous * 6.62607015e-34 * 193.4e12 * 999 * 4e12 * 1e3
    expect(amplifier.amplify(0).powerMw).toBeCloseTo(expectedMw, 9)
    expect(expectedMw).toBeGreaterThan(1)
  })

  test('beats signal with ASE: 4·P·N a hertz, on top of what ASE does with itself', () => {
    const [dark, lit] = [amplifier.amplify(0), amplifier.amplify(1e-3)]
    const asePerHzMw = dark.powerMw / 2 / 4e12
    expect(dark.varianceMw2PerHz).toBeCloseTo(4 * asePerHzMw ** 2 * 4e12, 15)
    const gain = amplifier.gain(1e-3)
    const share = (gain - 1) / 999
    const expected = 4 * gain * 1e-3 * asePerHzMw * share + 4 * (asePerHzMw * share) ** 2 * 4e12
    expect(lit.varianceMw2PerHz / expected).toBeCloseTo(1, 9)
  })

  test('cannot be quieter than 3 dB at high gain, and need not add anything at none', () => {
    expect(leastNoiseFigureDb(60)).toBeCloseTo(db(2), 5)
    expect(leastNoiseFigureDb(0)).toBeCloseTo(0, 12)
  })
})

describe('a frequency comb', () => {
  test('gives each instrument the line nearest to what it was set to, at its own power', () => {
    const what = { frequencyCombSpacingGhz: 50, frequencyCombOffsetGhz: 1, frequencyCombTiltDbPerThz: 10 }
    const comb = new FrequencyComb(193.1, defaultImperfections({ ...what, frequencyCombRippleDb: 0 }), 1)
    const line = comb.line({ powerMw: 10, frequencyThz: 193.212 })
    expect(line.frequencyThz).toBeCloseTo(193.201, 9)
    expect(db(line.powerMw / 10)).toBeCloseTo(1, 9)
    expect(comb.line({ powerMw: 10, frequencyThz: 193.1 }).powerMw).toBeCloseTo(10, 12)
  })

  test('ripples by its σ, and each line always by the same', () => {
    const what = defaultImperfections({ frequencyCombSpacingGhz: 50, frequencyCombRippleDb: 0.5 })
    const comb = new FrequencyComb(193.1, what, 1)
    const lines = Array.from({ length: 4000 }, (_, n) => comb.line({ powerMw: 1, frequencyThz: 193.1 + 0.05 * n }))
    const { mean, sigma, meanTolerance, sigmaTolerance } = statistics(lines.map(({ powerMw }) => db(powerMw)))
    expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - 0.5)).toBeLessThan(sigmaTolerance)
    expect(comb.line({ powerMw: 1, frequencyThz: 193.1 })).toEqual(lines[0])
  })
})

describe('phase noise of a line between paths of different length', () => {
  test('no mismatch, no noise; a longer path never gives more beat', () => {
    expect(mismatchS(defaultImperfections())).toBe(0)
    expect(beatNoise(200e3, 0, 1e-5)).toEqual({ sigmaRad: 0, visibility: 1 })
    const all = [1e-9, 1e-8, 1e-6, 1e-5, 1e-4].map((delayS) => beatNoise(200e3, delayS, 1e-5))
    for (const [i, { visibility }] of all.entries()) {
      if (i > 0) expect(visibility).toBeLessThanOrEqual(all[i - 1]!.visibility + 1e-12)
    }
  })

  test('is that of a simulated random walk of the phase', () => {
    // 1 MHz line, 100 ns of mismatch, averaged over 400 ns; steps of 1 ns.
    const [linewidthHz, delaySteps, averageSteps] = [1e6, 100, 400]
    const random = new RandomStream(1, 'walk')
    const means = Array.from({ length: 2000 }, () => {
      const walk = new Float64Array(delaySteps + averageSteps + 1)
      for (let i = 1; i < walk.length; i++)
        walk[i] = walk[i - 1]! + Math.sqrt(2 * Math.PI * linewidthHz * 1e-9) * random.normal()
      let sum = 0
      for (let i = 0; i < averageSteps; i++) sum += walk[i + delaySteps]! - walk[i]!
      return sum / averageSteps
    })
    const { sigma, sigmaTolerance } = statistics(means)
    const { sigmaRad } = beatNoise(linewidthHz, delaySteps * 1e-9, averageSteps * 1e-9)
    expect(Math.abs(sigma - sigmaRad)).toBeLessThan(sigmaTolerance)
  })
})

describe('an electro-absorption modulator', () => {
  const eam = { extinctionDb: 11.83, swingV: 2.3, order: 1, insertionLossDb: 5, chirp: 0.7 }
  const powerDb = (volts: number): number => {
    const { re, im } = eamField(eam, volts)
    return db(re * re + im * im)
  }

  test('absorbs its extinction at its swing, nothing more than its loss at 0 V and forward, and half the decibels at half', () => {
    expect(powerDb(0)).toBeCloseTo(-5, 9)
    expect(powerDb(-1)).toBeCloseTo(-5, 9)
    expect(powerDb(2.3)).toBeCloseTo(-16.83, 9)
    expect(powerDb(1.15)).toBeCloseTo(-5 - 11.83 / 2, 9)
  })

  test('turns the field by α/2 of the logarithm of its power', () => {
    const { re, im } = eamField(eam, 2.3)
    expect(Math.atan2(im, re)).toBeCloseTo((0.7 / 2) * Math.log(10 ** -1.183), 9)
  })
})

describe('converters', () => {
  test('100 fs of jitter leave 58 dB to a sine of 2 GHz, and 9.3 of 12 bits', () => {
    expect(jitterSnrDb(2e9, 100e-15)).toBeCloseTo(-20 * Math.log10(2 * Math.PI * 2e-4), 9)
    expect(effectiveBitsAt(12, 2e9, 100e-15)).toBeCloseTo(effectiveBitsOf(58), 1)
    expect(effectiveBitsAt(12, 1e3, 100e-15)).toBeCloseTo(12, 6)
  })

  test('noise that makes 12 bits into 8 adds to their steps to that of 8 bits', () => {
    const share = excessNoiseShare(12, 8)
    expect(share ** 2 + 4 ** -12 / 12).toBeCloseTo(4 ** -8 / 12, 15)
    expect(excessNoiseShare(8, 8)).toBe(0)
  })

  test('a generator of fewer effective bits adds their noise; jitter moves only symbols that change', () => {
    const count = 20_000
    const level = Float64Array.from({ length: count }, () => 0.1)
    const noisy = new DacNoise('awg', defaultImperfections({ dacEffectiveBits: 5 }), 1).spoiled([level], 1e-6, [0.1], 1)
    const { sigma, sigmaTolerance } = statistics(noisy[0]!)
    expect(Math.abs(sigma - excessNoiseShare(8, 5))).toBeLessThan(sigmaTolerance)

    const steps = Float64Array.from({ length: count }, (_, symbol) => (symbol % 2 === 0 ? 0.5 : -0.5))
    const late = new DacNoise('awg', defaultImperfections({ dacJitterFs: 1e6 }), 1)
    const [flat, jumping] = [late.spoiled([level], 1e-6, [0.1], 1), late.spoiled([steps], 1e-6, [-0.5], 1)]
    expect(flat[0]).toEqual(level)
    const off = statistics(jumping[0]!.map((volts, symbol) => volts - steps[symbol]!))
    // 1 ns of 1 µs, of a step of 1 V.
    expect(Math.abs(off.sigma - 1e-3)).toBeLessThan(off.sigmaTolerance)
    expect(late.spoiled([steps], 1e-6, [-0.5], 2)).not.toEqual(jumping)
  })

  test('of all bits and no jitter change nothing', () => {
    const levels = [Float64Array.of(0.1, 0.2)]
    expect(new DacNoise('awg', defaultImperfections(), 1).spoiled(levels, 1e-6, [0], 1)).toBe(levels)
  })
})
