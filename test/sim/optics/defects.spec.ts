import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { NO_DEFECTS, heaterCables } from '../../../sim/optics/defects.ts'
import type { TwinDefects } from '../../../sim/optics/defects.ts'
import { meshWorld } from '../../../sim/optics/mesh-world.ts'
import { defaultImperfections, directWorldSpec } from '../../support/direct-bench.ts'

/** Three heaters on channels 10, 11 and 12; what they were told, and 1 mA a volt. */
function wired(defects: Partial<TwinDefects>) {
  const volts = [0, 0, 0]
  const row = {
    setVoltageV: (heater: number, voltageV: number) => void (volts[heater] = voltageV),
    currentMa: (heater: number) => volts[heater]!,
  }
  return { volts, port: heaterCables([10, 11, 12], row, { ...NO_DEFECTS, ...defects }) }
}

describe('cables of the heaters', () => {
  test('lead each channel to its heater when nothing is wrong', () => {
    const { volts, port } = wired({})
    for (const channel of [10, 11, 12]) port.setVoltageV(channel, channel)
    expect(volts).toEqual([10, 11, 12])
  })

  test('that are exchanged lead each channel to the other heater', () => {
    const { volts, port } = wired({ swappedHeaters: [[10, 12]] })
    port.setVoltageV(10, 5)
    expect(volts).toEqual([0, 0, 5])
    expect([port.currentMa(10), port.currentMa(12)]).toEqual([5, 0])
  })

  test('that are off carry no current', () => {
    const { volts, port } = wired({ deadHeaters: [11] })
    port.setVoltageV(11, 5)
    expect(volts).toEqual([0, 0, 0])
    expect(port.currentMa(11)).toBe(0)
  })

  test('of a stuck output carry its voltage from the start, whatever it is told', () => {
    const { volts, port } = wired({ stuckHeaters: [{ channel: 11, voltageV: 4 }] })
    expect(volts).toEqual([0, 4, 0])
    port.setVoltageV(11, 0)
    expect(volts).toEqual([0, 4, 0])
  })
})

describe('the light of a world with defects', () => {
  const worldWith = (defects: Partial<TwinDefects>) => {
    const spec = { ...directWorldSpec(2, 1, defaultImperfections()), defects: { ...NO_DEFECTS, ...defects } }
    const world = meshWorld(spec, 1, new VirtualClock())
    world.port('laser', 'laser-0').setOutput({ powerMw: 20, frequencyThz: 193.1 })
    return [0, 1, 2, 3].map((port) => world.port('power-meter', 'meter-0').powerMw(port))
  }

  test('does not reach a dark port, and reaches all others as before', () => {
    const [sound, broken] = [worldWith({}), worldWith({ darkPorts: [{ meter: 'meter-0', port: 2 }] })]
    expect(sound[2]).toBeGreaterThan(0.1)
    expect(broken[2]).toBeLessThan(1e-4)
    expect(broken.filter((_, port) => port !== 2)).toEqual(sound.filter((_, port) => port !== 2))
  })

  test('is shown short by a saturated port, and by all others as before', () => {
    const saturationMw = 0.5
    const saturatedPorts = [{ meter: 'meter-0', port: 1, saturationMw }]
    const [sound, broken] = [worldWith({}), worldWith({ saturatedPorts })]
    // Sound diodes differ by some percent, so the light is known that well.
    expect(broken[1]! / sound[1]!).toBeCloseTo(1 / (1 + sound[1]! / saturationMw), 1)
    expect(broken[1]!).toBeLessThan(0.8 * sound[1]!)
    expect(broken.filter((_, port) => port !== 1)).toEqual(sound.filter((_, port) => port !== 1))
  })

  test('comes from another place of the passband where a laser is off', () => {
    const [sound, off] = [worldWith({}), worldWith({ laserOffsetsGhz: { 'laser-0': 60 } })]
    // Modulators at rest leak a little of it: what is left at a detector is its local oscillator.
    expect(off.some((mw, port) => Math.abs(mw - sound[port]!) > 1e-3)).toBe(true)
  })
})
