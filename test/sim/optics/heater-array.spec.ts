import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { svdCoreLayout } from '../../../core/mesh-layout.ts'
import { fabricateChip } from '../../../sim/optics/chip.ts'
import type { ChipTruth } from '../../../sim/optics/chip.ts'
import { HeaterArray } from '../../../sim/optics/heater-array.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'

const TAU_US = 5.6
const { signal } = new AbortController()

function heaters(crosstalkNeighbour = 0): {
  chip: ChipTruth
  array: HeaterArray
  wait: (us: number) => Promise<void>
  grown: () => Float64Array
} {
  const clock = new VirtualClock()
  const chip = fabricateChip(svdCoreLayout(4, 1), defaultImperfections({ crosstalkNeighbour }), 1)
  const array = new HeaterArray(chip, TAU_US, clock)
  return {
    chip,
    array,
    wait: (us) => clock.sleep(us / 1e3, signal),
    grown: () => array.phasesRad().map((phase, heater) => phase - chip.offsetRad[heater]!),
  }
}

describe('heaters on the chip', () => {
  test('turn by π at the voltage whose V²/R is Pπ, and by four times that at twice the voltage', async () => {
    const { chip, array, wait, grown } = heaters()
    const piV = Math.sqrt((chip.piPowerMw[3]! / 1e3) * chip.resistanceOhm[3]!)
    array.setVoltageV(3, piV)
    await wait(1000)
    expect(grown()[3]).toBeCloseTo(Math.PI, 12)
    array.setVoltageV(3, 2 * piV)
    await wait(1000)
    expect(grown()[3]).toBeCloseTo(4 * Math.PI, 12)
  })

  test('draw current and power by Ohm’s law: 6 V on 1500 Ω are 4 mA and 24 mW', () => {
    const { array } = heaters()
    array.setVoltageV(0, 6)
    array.setVoltageV(1, 3)
    expect(array.currentMa(0)).toBeCloseTo(4, 12)
    expect(array.powerMw(0)).toBeCloseTo(24, 12)
    expect(array.totalPowerW()).toBeCloseTo(0.03, 12)
  })

  test('start from their offsets and stay there until somebody heats', async () => {
    const { chip, array, wait } = heaters()
    await wait(50)
    expect(array.phasesRad()).toEqual(chip.offsetRad)
    expect(array.settled).toBe(true)
  })

  test('follow a step by 1 − e^{−t/τ}: 63 % after 5.6 µs, all after 40 time constants', async () => {
    const { array, wait, grown } = heaters()
    array.setVoltageV(2, 5)
    expect(grown()[2]).toBe(0)
    expect(array.settled).toBe(false)
    await wait(TAU_US)
    const afterOne = grown()[2]!
    await wait(2 * TAU_US)
    const afterThree = grown()[2]!
    await wait(40 * TAU_US)
    const end = grown()[2]!
    expect(array.settled).toBe(true)
    expect(afterOne / end).toBeCloseTo(1 - Math.exp(-1), 9)
    expect(afterThree / end).toBeCloseTo(1 - Math.exp(-3), 9)
  })

  test('go on from where they are when the voltage changes half-way, up or down', async () => {
    const { array, wait, grown } = heaters()
    array.setVoltageV(2, 5)
    await wait(TAU_US)
    const before = grown()[2]!
    array.setVoltageV(2, 0)
    expect(grown()[2]).toBeCloseTo(before, 12)
    await wait(TAU_US)
    expect(grown()[2]).toBeCloseTo(before * Math.exp(-1), 9)
    await wait(100 * TAU_US)
    expect(grown()[2]).toBe(0)
  })

  test('warm their neighbours by their share of the phase, and these add up', async () => {
    const { chip, array, wait, grown } = heaters(0.02)
    const count = chip.layout.heaters.length
    const self = new Float64Array(count)
    for (const [heater, voltage] of [
      [5, 4],
      [6, 6],
      [17, 8],
    ] as const) {
      array.setVoltageV(heater, voltage)
      self[heater] = (Math.PI * (voltage ** 2 / 1500) * 1e3) / chip.piPowerMw[heater]!
    }
    await wait(1000)
    const seen = grown()
    for (let victim = 0; victim < count; victim++) {
      let expected = 0
      for (let from = 0; from < count; from++) expected += chip.crosstalk.share(victim, from) * self[from]!
      expect(seen[victim]).toBeCloseTo(expected, 12)
    }
    expect(seen[4]).toBeGreaterThan(0)
  })

  test('count a new version for a new voltage, and none for the same again', () => {
    const { array } = heaters()
    const before = array.version
    array.setVoltageV(1, 2)
    array.setVoltageV(1, 2)
    expect(array.version).toBe(before + 1)
  })
})
