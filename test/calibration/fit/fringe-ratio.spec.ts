import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fringeRatio } from '../../../calibration/fit/fringe-ratio.ts'
import { RandomStream } from '../../../core/random.ts'

/** As in a sweep of a heater: five points over 1.4 turns, frequencies around that. */
const POINTS = 5
const x = Float64Array.from({ length: POINTS }, (_, i) => i / (POINTS - 1))
const usual = 2 * Math.PI * 1.4
const range = { min: 0.6 * usual, max: 1.5 * usual }

/** A fringe of so many elements, and readings of one that is `ratio` times as strong. */
function fringes(elements: number, ratio: { re: number; im: number }, k: number, noise: number, seed: number) {
  const random = new RandomStream(seed, 'fringes')
  const draw = (): Float64Array => Float64Array.from({ length: elements }, () => random.normal())
  const like = { re: draw(), im: draw() }
  const means = draw()
  const channels = Array.from(means, (mean, e) => {
    const re = ratio.re * like.re[e]! - ratio.im * like.im[e]!
    const im = ratio.re * like.im[e]! + ratio.im * like.re[e]!
    return x.map((value) => mean + re * Math.cos(k * value) - im * Math.sin(k * value) + random.normal(0, noise))
  })
  return { like, channels }
}

describe('a fringe beside one that is known', () => {
  test('its strength and turn are found, whatever its frequency and the means are', () => {
    const part = fc.double({ min: -2, max: 2, noNaN: true })
    // Twice a turn, at 2·(POINTS − 1)/2 turns over the sweep, is within: two points to a turn are enough here.
    const frequency = fc.double({ min: 0.65 * usual, max: 1.45 * usual, noNaN: true })
    fc.assert(
      fc.property(part, part, frequency, fc.integer({ min: 4, max: 40 }), fc.nat(99), (re, im, k, elements, seed) => {
        fc.pre(Math.hypot(re, im) > 0.1)
        const { like, channels } = fringes(elements, { re, im }, k, 0, seed)
        const found = fringeRatio(x, channels, like, range)
        expect(found.re).toBeCloseTo(re, 3)
        expect(found.im).toBeCloseTo(im, 3)
      }),
      { numRuns: 100 },
    )
  })

  test.each([1, 2, 3, 4, 5, 6])('a fringe of nothing is a ratio of nothing, whatever noise looks like (%i)', (seed) => {
    const noise = 0.05
    const { like, channels } = fringes(64, { re: 0, im: 0 }, usual, noise, seed)
    const { re, im } = fringeRatio(x, channels, like, range)
    // Of the best of many frequencies: a few standard deviations of what 64 elements of five points leave.
    expect(Math.hypot(re, im)).toBeLessThan((4 * noise) / Math.sqrt(64 * POINTS))
  })
})
