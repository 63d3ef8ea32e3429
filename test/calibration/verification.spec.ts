import { describe, expect, test } from 'vitest'
import { randomOrthogonal, verify } from '../../calibration/steps/verification.ts'
import { RandomStream } from '../../core/random.ts'
import { complexFromReal } from '../../calibration/fit/complex-matrix.ts'
import { nonUnitarity } from '../support/complex.ts'
import { ExactCore } from '../support/exact-core.ts'
import type { ExactCoreOptions } from '../support/exact-core.ts'
import { neverAborted } from '../support/run-plan.ts'
import { statistics } from '../support/statistics.ts'

const SIZE = 4

const verified = (spoil?: ExactCoreOptions['spoil'], lanes = 1): ReturnType<typeof verify> =>
  verify(
    new ExactCore({ maxSymbolsPerFrame: 100, lanes, ...(spoil && { spoil }) }),
    new RandomStream(1, 'verify'),
    neverAborted,
  )

describe('verification', () => {
  test('of perfect optics: no error, full fidelity, every bit', async () => {
    const { E, F, amplitudeFidelity, tvd, effectiveBits } = await verified(undefined, 2)
    expect(E).toBeLessThan(1e-15)
    expect(F).toBeCloseTo(1, 14)
    expect(amplitudeFidelity).toBeCloseTo(1, 14)
    expect(tvd).toBeLessThan(1e-14)
    expect(effectiveBits).toBeGreaterThan(50)
  })

  test('of optics 10 % too bright: E is 0.1, and the metrics that ignore the scale do not see it', async () => {
    const { E, F, amplitudeFidelity, tvd, effectiveBits } = await verified((exact) => exact.map((value) => 1.1 * value))
    expect(E).toBeCloseTo(0.1, 12)
    expect(F).toBeCloseTo(1, 12)
    expect(amplitudeFidelity).toBeCloseTo(1, 12)
    expect(tvd).toBeLessThan(1e-12)
    expect(effectiveBits).toBeLessThan(7)
  })

  test('of optics that lose the sign of one output: amplitude fidelity and TVD hide it, E and F do not', async () => {
    const { E, F, amplitudeFidelity, tvd } = await verified((exact) =>
      exact.map((value, i) => (i % SIZE === 0 ? -value : value)),
    )
    // One row of four is off by twice itself: E² = 4/4. The trace is 2 of 4.
    expect(E).toBeCloseTo(1, 12)
    expect(F).toBeCloseTo(0.25, 12)
    expect(amplitudeFidelity).toBeCloseTo(1, 12)
    expect(tvd).toBeLessThan(1e-12)
  })

  test('of optics that mix neighbours: TVD sees where the light went', async () => {
    const { tvd, amplitudeFidelity } = await verified((exact) =>
      exact.map((value, i) => 0.9 * value + 0.3 * exact[i % SIZE === SIZE - 1 ? i - SIZE + 1 : i + 1]!),
    )
    expect(tvd).toBeGreaterThan(0.05)
    expect(amplitudeFidelity).toBeLessThan(0.99)
  })

  test('uses tiles that no job has, and the same ones whenever the random numbers are the same', async () => {
    const [one, two] = [new ExactCore({ maxSymbolsPerFrame: 100 }), new ExactCore({ maxSymbolsPerFrame: 100 })]
    for (const core of [one, two]) await verify(core, new RandomStream(7, 'verify'), neverAborted)
    expect(one.frames).toEqual(two.frames)
    for (const { tile } of one.frames) expect(tile.id).toBeLessThan(0)
  })
})

describe('random orthogonal matrices', () => {
  test.each([1, 2, 8])('of %i rows are orthogonal', (size) => {
    const random = new RandomStream(size, 'orthogonal')
    for (let i = 0; i < 20; i++) {
      expect(nonUnitarity(complexFromReal(size, randomOrthogonal(size, random)))).toBeLessThan(1e-13)
    }
  })

  test('favour no direction: elements have mean 0, variance 1/N and fourth moment 3/N(N+2)', () => {
    const random = new RandomStream(1, 'haar')
    const elements = Array.from({ length: 2000 }, () => randomOrthogonal(4, random)[5]!)
    for (const [power, expected] of [
      [1, 0],
      [2, 1 / 4],
      [4, 3 / (4 * 6)],
    ] as const) {
      const { mean, meanTolerance } = statistics(elements.map((value) => value ** power))
      expect(Math.abs(mean - expected)).toBeLessThan(meanTolerance)
    }
  })
})
