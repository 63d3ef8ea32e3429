import { describe, expect, test } from 'vitest'
import { passbandCentre } from '../../../calibration/fit/passband-centre.ts'

/** A flat top that loses `fall` e-folds at 30 from its middle. */
const passed = (centre: number, order: number, fall: number) =>
  [-30, -20, 0, 20, 30].map((detuning) => ({
    detuning,
    power: 7 * Math.exp(-fall * (Math.abs(detuning - centre) / 30) ** order),
  }))

describe('the middle of a passband', () => {
  test.each([
    [0, 2.7],
    [-10, 2.7],
    [12, 2],
    [4, 5],
  ])('is found at %d for an order of %d', (centre, order) => {
    expect(Math.abs(passbandCentre(passed(centre, order, 1.5), 30)! - centre)).toBeLessThan(1)
  })

  test('is not made up where all light passes', () => {
    expect(passbandCentre(passed(0, 2, 0), 30)).toBeUndefined()
    expect(passbandCentre(passed(10, 2, 0.05), 30)).toBeUndefined()
  })
})
