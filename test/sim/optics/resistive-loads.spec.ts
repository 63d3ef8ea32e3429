import { describe, expect, test } from 'vitest'
import { ResistiveLoads } from '../../../sim/optics/resistive-loads.ts'

describe('a heater on a source meter', () => {
  test('is 1500 Ω when cold, and 0.3 ‰ more for each milliwatt', () => {
    const loads = new ResistiveLoads()
    expect(1e-6 / loads.forceV(0, 1e-6)).toBeCloseTo(1500, 6)
    const currentA = loads.forceV(0, 6)
    expect(6 / currentA).toBeCloseTo(1500 * (1 + 0.3 * 6 * currentA), 6)
  })

  test('is the same resistor whichever quantity is forced, of either sign', () => {
    const loads = new ResistiveLoads()
    for (const voltageV of [-12, -0.1, 0, 0.1, 12]) {
      expect(loads.forceA(0, loads.forceV(0, voltageV))).toBeCloseTo(voltageV, 9)
    }
  })

  test('never stops warming above a current: its voltage has no end', () => {
    const loads = new ResistiveLoads()
    expect([loads.forceA(0, 0.1), loads.forceA(0, -0.1)]).toEqual([Infinity, -Infinity])
  })

  test('dissipates what its channels draw', () => {
    const loads = new ResistiveLoads()
    expect(loads.powerW()).toBe(0)
    const currentA = loads.forceV(0, 5)
    expect(loads.powerW()).toBeCloseTo(5 * currentA, 12)
    loads.forceA(1, 2e-3)
    loads.forceV(0, 0)
    expect(loads.powerW()).toBeCloseTo(2e-3 * loads.forceA(1, 2e-3), 12)
  })
})
