import { describe, expect, test } from 'vitest'
import { findArrival, neighboursIn } from '../../../calibration/fit/delay.ts'
import { lightPattern } from '../../../calibration/steps/lane-delay.ts'
import { RandomStream } from '../../../core/random.ts'

const LEVELS = lightPattern(32)
const POINTS = 4

/** Means over points of what arrives so many points late, on a bright ground, falling or rising with the light. */
function records(latePoints: number, amplitudes: readonly number[], noise = 0): Float64Array[] {
  const random = new RandomStream(1, 'records')
  const levelAt = (time: number): number => LEVELS[Math.floor(time / POINTS)] ?? 0
  const [whole, part] = [Math.floor(latePoints), latePoints - Math.floor(latePoints)]
  return amplitudes.map((amplitude) =>
    Float64Array.from({ length: LEVELS.length * POINTS }, (_, point) => {
      const level = (1 - part) * levelAt(point - whole) + part * levelAt(point - whole - 1)
      return 0.3 + amplitude * level + random.normal(0, noise)
    }),
  )
}

describe('the pattern of light', () => {
  test('is silent first and resembles itself only where it lies on itself', () => {
    expect(LEVELS[0]).toBe(0)
    const signs = Array.from(LEVELS.subarray(1), (level) => 2 * level - 1)
    for (let by = 1; by < signs.length; by++) {
      const likeness = signs.reduce((sum, sign, at) => sum + sign * signs[(at + by) % signs.length]!, 0)
      expect(likeness).toBe(-1)
    }
  })
})

describe('arrival of a pattern', () => {
  test.each([0, 1, 3.25, 3.75, 4, 9.5, -1, -2.75, -17, 60])('is found, %f points late', (late) => {
    const { points, explained } = findArrival(records(late, [0.1, -0.05]), LEVELS, POINTS)
    expect(points).toBeCloseTo(late, 9)
    expect(explained).toBeGreaterThan(0.8)
  })

  test('is found to a hundredth of a point with noise of a tenth of the light', () => {
    const many = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0.1 : -0.08))
    expect(Math.abs(findArrival(records(6.3, many, 0.01), LEVELS, POINTS).points - 6.3)).toBeLessThan(0.05)
  })

  test('is none where the light does not follow', () => {
    expect(findArrival(records(0, [0, 0], 0.01), LEVELS, POINTS).points).toBeNaN()
  })
})

describe('neighbours in the readings of symbols', () => {
  const mixed = (late: number, early: number): Float64Array =>
    Float64Array.from(LEVELS, (own, n) => {
      return 0.2 + 0.1 * ((1 - late - early) * own + late * (LEVELS[n - 1] ?? 0) + early * (LEVELS[n + 1] ?? 0))
    })

  test.each([
    [0, 0],
    [0.1, 0],
    [0, 0.25],
    [0.03, 0.07],
    [1, 0],
  ])('are told apart, %f late and %f early', (late, early) => {
    const found = neighboursIn([mixed(late, early), mixed(late, early).map((mw) => 1 - mw)], LEVELS)
    expect(found.late).toBeCloseTo(late, 9)
    expect(found.early).toBeCloseTo(early, 9)
  })

  test('come with what noise makes of them', () => {
    const random = new RandomStream(2, 'neighbours')
    const found = Array.from({ length: 200 }, () =>
      neighboursIn(
        [mixed(0.02, 0), mixed(0.02, 0)].map((record) => record.map((mw) => mw + random.normal(0, 0.005))),
        LEVELS,
      ),
    )
    const within = found.filter(({ late, sigma }) => Math.abs(late - 0.02) < 1.96 * sigma).length
    expect(within).toBeGreaterThan(0.9 * found.length)
    expect(within).toBeLessThan(found.length)
  })
})
