import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../../../core/random.ts'
import { OLDEST_S, OrnsteinUhlenbeck } from '../../../../sim/optics/drift/ornstein-uhlenbeck.ts'
import { statistics } from '../../../support/statistics.ts'

const PATHS = 4000
const LAW = { sigma: 2, tauS: 36_000 }
const paths = Array.from({ length: PATHS }, (_, path) => new OrnsteinUhlenbeck(7, `path ${path}`, LAW))
const at = (ageS: number): number[] => paths.map((path) => path.at(ageS))
const rho = (ageS: number): number => Math.exp(-ageS / LAW.tauS)

describe('what wanders and is held back', () => {
  test('is what it was at age 0, and keeps to mean 0', () => {
    expect(new Set(at(0))).toEqual(new Set([0]))
    for (const ageS of [1, 60, 43_200, 1e7]) {
      const { mean, meanTolerance } = statistics(at(ageS))
      expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    }
  })

  test.each([1, 60, 3600, 43_200, 43_200.3, 259_200, 8.64e6])(
    'has the standard deviation σ·√(1 − e^(−2t/τ)) at age %d s',
    (ageS) => {
      const { sigma, sigmaTolerance } = statistics(at(ageS))
      expect(Math.abs(sigma - LAW.sigma * Math.sqrt(1 - rho(ageS) ** 2))).toBeLessThan(sigmaTolerance)
    },
  )

  test.each([
    [1000, 1060],
    [3600, 43_200],
    [43_200, 43_201],
    [86_400, 122_400],
    [259_200, 259_260],
  ])('from %d s to %d s grows by steps of the variance of the law, and covaries by it', (earlierS, laterS) => {
    const covariance = (s: number, t: number): number => LAW.sigma ** 2 * (rho(t - s) - rho(t + s))
    const [earlier, later] = [at(earlierS), at(laterS)]
    const variance = covariance(earlierS, earlierS) + covariance(laterS, laterS) - 2 * covariance(earlierS, laterS)
    const steps = statistics(later.map((value, path) => value - earlier[path]!))
    expect(Math.abs(steps.sigma - Math.sqrt(variance))).toBeLessThan(steps.sigmaTolerance)
    const products = statistics(later.map((value, path) => value * earlier[path]!))
    expect(Math.abs(products.mean - covariance(earlierS, laterS))).toBeLessThan(products.meanTolerance)
  })

  test('forgets: along one path of 100 days the autocorrelation falls as e^(−Δ/τ)', () => {
    const path = Float64Array.from({ length: 2400 }, (_, hour) => new OrnsteinUhlenbeck(1, 'long', LAW).at(3600 * hour))
    const long = new OrnsteinUhlenbeck(1, 'long', LAW)
    expect(path[7]).toBe(long.at(7 * 3600))
    for (const lag of [5, 10, 20]) {
      const pairs = Array.from(path.subarray(lag), (value, hour) => (value * path[hour]!) / LAW.sigma ** 2)
      // 2400 hours hold 120 stretches of 2τ: ±0.09 and a little for the wings, four times.
      expect(Math.abs(pairs.reduce((sum, pair) => sum + pair, 0) / pairs.length - rho(3600 * lag))).toBeLessThan(0.4)
    }
  })

  test.each([600, 43_200, 43_277.7])('is normal at age %d s: as many beyond 1, 2 and 3 σ as there must be', (ageS) => {
    const sigma = LAW.sigma * Math.sqrt(1 - rho(ageS) ** 2)
    for (const [beyond, share] of [
      [1, 0.31731],
      [2, 0.0455],
      [3, 0.0027],
    ] as const) {
      const seen = at(ageS).filter((value) => Math.abs(value) > beyond * sigma).length
      expect(Math.abs(seen - share * PATHS)).toBeLessThan(5 * Math.sqrt(share * PATHS))
    }
  })

  test('depends on neither the order nor the number of looks', () => {
    const random = new RandomStream(3, 'ages')
    const agesS = Array.from({ length: 500 }, () => random.uniform(0, 2e6))
    const [once, often] = [new OrnsteinUhlenbeck(5, 'x', LAW), new OrnsteinUhlenbeck(5, 'x', LAW)]
    const seen = new Map(agesS.map((ageS) => [ageS, often.at(ageS)]))
    for (const ageS of agesS.toSorted((a, b) => a - b)) expect(once.at(ageS)).toBe(seen.get(ageS))
    expect(new OrnsteinUhlenbeck(5, 'x', LAW).at(agesS[99]!)).toBe(seen.get(agesS[99]!))
  })

  test('is another path for another seed or another name, and without σ none', () => {
    const values = [
      new OrnsteinUhlenbeck(5, 'x', LAW),
      new OrnsteinUhlenbeck(6, 'x', LAW),
      new OrnsteinUhlenbeck(5, 'y', LAW),
    ].map((path) => path.at(43_200))
    expect(new Set(values).size).toBe(3)
    expect(new OrnsteinUhlenbeck(5, 'x', { ...LAW, sigma: 0 }).at(43_200)).toBe(0)
  })

  test('has no jumps: over a hundredth of a second it moves as far as the law lets it', () => {
    const move = Math.sqrt((2 * LAW.sigma ** 2 * 0.01) / LAW.tauS)
    for (let ageS = 99.9; ageS < 100.1; ageS += 0.01) {
      for (const path of paths.slice(0, 50)) {
        expect(Math.abs(path.at(ageS + 0.01) - path.at(ageS))).toBeLessThan(8 * move)
      }
    }
  })

  test('ends where the clock ends to be exact, and does not blow up for a very fast one', () => {
    const [path] = paths
    expect(path!.at(2 * OLDEST_S)).toBe(path!.at(OLDEST_S))
    const fast = Array.from({ length: PATHS }, (_, n) => new OrnsteinUhlenbeck(7, `fast ${n}`, { sigma: 1, tauS: 1 }))
    const { sigma, sigmaTolerance } = statistics(fast.map((each) => each.at(43_200.25)))
    expect(Math.abs(sigma - 1)).toBeLessThan(sigmaTolerance)
  })
})
