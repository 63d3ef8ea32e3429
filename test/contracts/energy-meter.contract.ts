import { describe, expect, test } from 'vitest'
import type { EnergyMeter } from '../../core/instruments.ts'

/** An energy meter and what a test may see besides its driver. */
export interface EnergyMeterUnderTest {
  readonly meter: EnergyMeter
  /** What is drawn through the meter, and has been. */
  readonly mains: { powerW: number; energyKwh: number }
}

const forever = (): AbortSignal => new AbortController().signal

/** What every energy meter must do, simulated or real. */
export function describeEnergyMeter(name: string, open: () => Promise<EnergyMeterUnderTest>): void {
  describe(`${name} keeps the energy-meter contract`, () => {
    test.each([0, 3.7, 984.5, 9000])('reads a power of %d W, to 0.1 %%', async (powerW) => {
      const { meter, mains } = await open()
      await using _ = meter
      mains.powerW = powerW
      expect(Math.abs((await meter.readPowerW(forever())) - powerW)).toBeLessThanOrEqual(1e-3 * powerW)
    })

    test.each([0, 0.0129, 12.345, 45_678.9])('reads an energy of %d kWh, to 5 Wh', async (energyKwh) => {
      const { meter, mains } = await open()
      await using _ = meter
      mains.energyKwh = energyKwh
      expect(Math.abs((await meter.readEnergyKwh(forever())) - energyKwh)).toBeLessThanOrEqual(5e-3)
    })

    test('answers several callers at once, each with its own value', async () => {
      const { meter, mains } = await open()
      await using _ = meter
      mains.powerW = 100
      mains.energyKwh = 7
      const values = await Promise.all([
        meter.readPowerW(forever()),
        meter.readEnergyKwh(forever()),
        meter.readPowerW(forever()),
      ])
      expect(values).toEqual([100, 7, 100])
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { meter, mains } = await open()
      await using _ = meter
      mains.powerW = 50
      await expect(meter.readPowerW(AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      expect(await meter.readPowerW(forever())).toBe(50)
    })

    test('goes on measuring after it was made safe: it drives nothing', async () => {
      const { meter, mains } = await open()
      await using _ = meter
      mains.powerW = 50
      await meter.makeSafe(forever())
      await meter.makeSafe(forever())
      expect(await meter.readPowerW(forever())).toBe(50)
    })
  })
}
