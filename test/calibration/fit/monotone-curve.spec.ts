import { describe, expect, test } from 'vitest'
import { monotoneCurve } from '../../../calibration/fit/monotone-curve.ts'

describe('a monotone curve', () => {
  const x = Float64Array.of(-2, -1, 0, 2, 3)

  test('goes through its points, and stays at its ends beyond them', () => {
    const y = Float64Array.of(0, 0, 1, 1.5, 4)
    const at = monotoneCurve(x, y)
    for (const [i, value] of x.entries()) expect(at(value)).toBeCloseTo(y[i]!, 14)
    expect(at(-9)).toBe(0)
    expect(at(9)).toBe(4)
  })

  test('rises where its points rise, and never overshoots a flat', () => {
    const at = monotoneCurve(x, Float64Array.of(0, 0, 1, 1, 4))
    for (let v = -2; v < 3; v += 0.01) expect(at(v + 0.01)).toBeGreaterThanOrEqual(at(v) - 1e-12)
    expect(at(-1.5)).toBe(0)
    expect(at(1)).toBeCloseTo(1, 14)
  })

  test('follows an exponential between points a quarter apart to 1e-3', () => {
    const grid = Float64Array.from({ length: 21 }, (_, i) => i / 4)
    const at = monotoneCurve(
      grid,
      grid.map((v) => Math.exp(-v)),
    )
    for (let v = 0.25; v < 4.75; v += 0.01) expect(Math.abs(at(v) - Math.exp(-v))).toBeLessThan(1e-3)
  })
})
