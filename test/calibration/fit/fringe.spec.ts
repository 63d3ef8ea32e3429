import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitSharedFringe } from '../../../calibration/fit/fringe.ts'
import { RandomStream } from '../../../core/random.ts'
import { statistics } from '../../support/statistics.ts'

const POINTS = 7
/** As in a sweep of a heater: evenly spaced, in units of the whole range. */
const x = Float64Array.from({ length: POINTS }, (_, i) => i / (POINTS - 1))
/** Half a turn to three turns over the sweep. */
const range = { min: Math.PI, max: 6 * Math.PI }

interface Hidden {
  readonly mean: number
  readonly cos: number
  readonly sin: number
}

const seriesOf = ({ mean, cos, sin }: Hidden, k: number, points = x): Float64Array =>
  points.map((value) => mean + cos * Math.cos(k * value) + sin * Math.sin(k * value))

const amplitude = fc.double({ min: -5, max: 5, noNaN: true })
const channel = fc.record({ mean: amplitude, cos: amplitude, sin: amplitude })

describe('a fringe that many channels share', () => {
  test('finds the hidden frequency and every channel’s mean and amplitudes', () => {
    // Near three turns over seven points a fringe is sampled twice a turn: no amplitude is sure there.
    const frequency = fc.double({ min: 1.05 * Math.PI, max: 5.5 * Math.PI, noNaN: true })
    fc.assert(
      fc.property(frequency, fc.array(channel, { minLength: 3, maxLength: 12 }), (k, hidden) => {
        fc.pre(hidden.some(({ cos, sin }) => Math.hypot(cos, sin) > 0.5))
        const fit = fitSharedFringe(
          x,
          hidden.map((one) => seriesOf(one, k)),
          range,
        )
        expect(Math.abs(fit.radPerX - k)).toBeLessThan(1e-5)
        for (const [i, { mean, cos, sin }] of hidden.entries()) {
          expect(fit.channels[i]!.mean).toBeCloseTo(mean, 3)
          expect(fit.channels[i]!.cos).toBeCloseTo(cos, 3)
          expect(fit.channels[i]!.sin).toBeCloseTo(sin, 3)
        }
        expect(fit.rmsResidual).toBeLessThan(1e-5)
      }),
      { numRuns: 60 },
    )
  })

  test('is found by the channels that swing, whatever the others do', () => {
    const still = Array.from({ length: 20 }, (_, i) => new Float64Array(POINTS).fill(i))
    const fit = fitSharedFringe(x, [...still, seriesOf({ mean: 1, cos: 0.3, sin: -0.4 }, 8)], range)
    // A parabola's top is flat to half of a double's digits.
    expect(fit.radPerX).toBeCloseTo(8, 4)
    // One of 21 channels swings with an amplitude of 0.5.
    const wave = seriesOf({ mean: 0, cos: 0.3, sin: -0.4 }, 8)
    const mean = wave.reduce((sum, value) => sum + value / POINTS, 0)
    expect(fit.rmsAmplitude).toBeCloseTo(
      Math.sqrt(wave.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (21 * POINTS)),
      5,
    )
  })

  test('the standard error is honest: found frequencies scatter by it', () => {
    const random = new RandomStream(1, 'fringe noise')
    const [k, noise] = [8.6, 0.02]
    const scores = Array.from({ length: 300 }, () => {
      const channels = Array.from({ length: 16 }, () =>
        seriesOf({ mean: random.normal(), cos: random.normal(), sin: random.normal() }, k).map(
          (y) => y + random.normal(0, noise),
        ),
      )
      const fit = fitSharedFringe(x, channels, range)
      return (fit.radPerX - k) / fit.radPerXSigma
    })
    const { mean, meanTolerance, sigma } = statistics(scores)
    expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    expect(sigma).toBeGreaterThan(0.8)
    expect(sigma).toBeLessThan(1.25)
  })

  test('the residual is the noise: 0.02 rms, less the freedom of three numbers a channel', () => {
    const random = new RandomStream(2, 'fringe noise')
    const channels = Array.from({ length: 400 }, () =>
      seriesOf({ mean: 1, cos: 1, sin: 0 }, 9).map((y) => y + random.normal(0, 0.02)),
    )
    const { rmsResidual } = fitSharedFringe(x, channels, range)
    const expected = 0.02 * Math.sqrt((POINTS - 3) / POINTS)
    expect(rmsResidual / expected).toBeCloseTo(1, 1)
  })

  test('noise shows no fringe: the swing is about what is left, however often one looks', () => {
    const random = new RandomStream(3, 'fringe noise')
    for (let i = 0; i < 100; i++) {
      const noise = Array.from({ length: 16 }, () => x.map(() => random.normal()))
      const fit = fitSharedFringe(x, noise, range)
      expect(fit.rmsAmplitude).toBeLessThan(1.5 * fit.rmsResidual)
      expect(fit.rmsSignal).toBeGreaterThan(0.8)
      expect(fit.rmsSignal).toBeLessThan(1.2)
    }
  })

  test('a flat channel shows none either', () => {
    const flat = fitSharedFringe(x, [new Float64Array(POINTS).fill(2)], range)
    expect(flat.rmsAmplitude).toBeLessThan(1e-12)
    expect(flat.rmsSignal).toBeCloseTo(2, 12)
    expect(flat.channels[0]!.mean).toBeCloseTo(2, 9)
  })
})
