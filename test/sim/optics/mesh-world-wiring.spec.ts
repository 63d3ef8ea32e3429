import { describe, expect, test } from 'vitest'
import { close } from '../../support/close.ts'
import { SIZE, smallWorld, steady } from '../../support/small-world.ts'
import { statistics } from '../../support/statistics.ts'

const { signal } = new AbortController()

describe('the trigger cable', () => {
  test('runs from the source to everything on it, and from nothing else', () => {
    const { world } = smallWorld({}, { lanes: 2 })
    const pulses: string[] = []
    for (const name of ['awg-0', 'awg-1'] as const) {
      world.port('symbol-generator', name).onTrigger(() => pulses.push(name))
    }
    for (const name of ['meter-0', 'meter-1']) world.port('power-meter', name).onTrigger(() => pulses.push(name))
    world.port('symbol-generator', 'awg-1').start()
    expect(pulses).toEqual([])
    world.port('symbol-generator', 'awg-0').start()
    // Generators first: what meters record from the pulse on has begun.
    expect(pulses).toEqual(['awg-1', 'meter-0', 'meter-1'])
  })
})

describe('electrical power', () => {
  test('at the mains is the instruments, the lasers by their efficiency, the heaters and the ovens', () => {
    const { world, light } = smallWorld()
    expect(world.port('energy-meter', 'mains').powerW()).toBe(900)
    light(0, 20)
    expect(world.mainsPowerW()).toBeCloseTo(900 + 0.02 / 0.2, 12)
    world.port('phase-shifter-bank', 'heaters').setVoltageV(0, 6)
    expect(world.mainsPowerW()).toBeCloseTo(900.1 + 0.024, 12)
    expect(world.port('phase-shifter-bank', 'heaters').currentMa(0)).toBeCloseTo(4, 12)
    world.port('temperature-controller', 'oven').setSetPointC(33, true)
    expect(world.mainsPowerW()).toBeCloseTo(900.124 + 3, 12)
  })

  test('includes what source meters put into their loads beside the mesh, each into its own', () => {
    const { world } = smallWorld()
    const smu = world.port('source-meter', 'smu')
    const currentA = smu.forceV(0, 3)
    expect(world.mainsPowerW()).toBeCloseTo(900 + 3 * currentA, 12)
    world.port('source-meter', 'other').forceA(0, 1e-3)
    // Plugged in again, it is the same load.
    world.port('source-meter', 'smu').forceV(0, 0)
    expect(world.mainsPowerW()).toBeGreaterThan(900.001)
    expect(world.mainsPowerW()).toBeLessThan(900.002)
  })

  test('is counted in kWh by what was drawn while it was drawn', async () => {
    const { world, light, clock } = smallWorld({ instrumentsIdleW: 1000, ...steady })
    const mains = world.port('energy-meter', 'mains')
    const oven = world.port('temperature-controller', 'oven')
    const hour = (): Promise<void> => clock.sleep(3600e3, signal)
    const start = mains.energyKwh()
    const used: number[] = []
    const phase = async (change: () => void): Promise<void> => {
      const before = mains.energyKwh()
      await hour()
      // The change comes after the hour and must not be charged for it.
      change()
      used.push(mains.energyKwh() - before)
    }
    await phase(() => light(0, 20_000))
    await phase(() => oven.setSetPointC(123, true))
    await phase(() => world.port('phase-shifter-bank', 'heaters').setVoltageV(0, 12))
    await phase(() => oven.setSetPointC(123, false))
    await phase(() => light(0, 0))
    const expectedKwh = [1, 1.1, 1.13, 1.130096, 1.100096]
    expect(used).toEqual(expectedKwh.map(close(9)))
    expect(start).toBeGreaterThan(100)
    expect(mains.energyKwh()).toBe(mains.energyKwh())
  })

  test('a channel of the bank without a heater is an open circuit', () => {
    const { world } = smallWorld()
    const bank = world.port('phase-shifter-bank', 'heaters')
    bank.setVoltageV(1000, 5)
    expect(bank.currentMa(1000)).toBe(0)
    expect(world.core.heaters.totalPowerW()).toBe(0)
  })
})

describe('the wiring', () => {
  test.each([
    ['laser', 'laser-9'],
    ['symbol-generator', 'awg-9'],
    ['bias-controller', 'bias-99'],
    ['phase-shifter-bank', 'shifters'],
    ['temperature-controller', 'fridge'],
    ['power-meter', 'meter-9'],
    ['voltage-monitor', 'daq'],
    ['energy-meter', 'meter-0'],
  ] as const)('knows no %s called %s', (kind, name) => {
    expect(() => smallWorld().world.port(kind, name)).toThrow(`${name} is not wired to this optical world`)
  })

  test('two chips of one seed are one chip; of two seeds, two', () => {
    const [one, same, other] = [smallWorld(), smallWorld(), smallWorld({}, { seed: 2 })]
    expect(same.world.truth).toEqual(one.world.truth)
    expect(other.world.truth.paths).not.toEqual(one.world.truth.paths)
  })

  test('paths lose what their parameters say: 6 dB before the mesh, spread by 0.3 dB a port', () => {
    const losses = Array.from({ length: 60 }, (_, seed) => {
      const { inRe, inIm } = smallWorld({ loShare: 0.5 }, { seed }).world.truth.paths[0]!
      // Half of the light for the signal, shared by the ports.
      return Array.from(inRe, (re, port) => -10 * Math.log10((re * re + inIm[port]! ** 2) / (0.5 / SIZE)))
    }).flat()
    const { mean, meanTolerance, sigma, sigmaTolerance } = statistics(losses)
    expect(Math.abs(mean - 6)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - 0.3)).toBeLessThan(sigmaTolerance)
  })
})
