import { describe, expect, test } from 'vitest'
import type { Laser } from '../../core/instruments.ts'
import { powerDbm } from '../../core/quantities.ts'

/** A laser and what a test may see besides its driver. */
export interface LaserUnderTest {
  readonly laser: Laser
  /** Messages sent to the laser so far. */
  readonly messagesSent: () => number
  /** What leaves its fibre. */
  readonly lightMw: () => number
}

const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }

/** What every laser must do, simulated or real. */
export function describeLaser(name: string, open: () => Promise<LaserUnderTest>): void {
  describe(`${name} keeps the laser contract`, () => {
    test('reads back the frequency it was set to, to 0.1 GHz', async () => {
      const { laser } = await open()
      await using _ = laser
      for (const share of [0, 0.37, 1]) {
        const { min, max } = laser.frequencyRangeThz
        await laser.setFrequencyThz(min + share * (max - min), forever())
        expect(Math.abs((await laser.readFrequencyThz(forever())) - (min + share * (max - min)))).toBeLessThan(1e-4)
      }
    })

    test('emits the power it was set to, to 0.1 dB, and measures what it emits', async () => {
      const { laser, lightMw } = await open()
      await using _ = laser
      const power = powerDbm((laser.powerRangeDbm.min + laser.powerRangeDbm.max) / 2)
      await laser.setPowerDbm(power, forever())
      await laser.setEmission(true, forever())
      const measured = await laser.readPowerDbm(forever())
      expect(Math.abs(measured - power)).toBeLessThan(0.1)
      expect(10 * Math.log10(lightMw())).toBeCloseTo(measured, 6)
    })

    test('emits from when it is switched on until it is switched off', async () => {
      const { laser, lightMw } = await open()
      await using _ = laser
      expect([await laser.readEmission(forever()), lightMw()]).toEqual([false, 0])
      await laser.setEmission(true, forever())
      expect(await laser.readEmission(forever())).toBe(true)
      expect(lightMw()).toBeGreaterThan(1)
      await laser.setEmission(false, forever())
      expect([await laser.readEmission(forever()), lightMw()]).toEqual([false, 0])
    })

    test('takes a new power while it emits', async () => {
      const { laser, lightMw } = await open()
      await using _ = laser
      await laser.setEmission(true, forever())
      await laser.setPowerDbm(powerDbm(laser.powerRangeDbm.min), forever())
      expect(10 * Math.log10(lightMw())).toBeCloseTo(laser.powerRangeDbm.min, 0)
    })

    test('takes a new frequency while it emits', async () => {
      const { laser } = await open()
      await using _ = laser
      await laser.setEmission(true, forever())
      await laser.setFrequencyThz(laser.frequencyRangeThz.max, forever())
      expect(await laser.readFrequencyThz(forever())).toBeCloseTo(laser.frequencyRangeThz.max, 4)
    })

    test('refuses a frequency or a power outside its range before a byte is sent', async () => {
      const { laser, messagesSent } = await open()
      await using _ = laser
      const before = messagesSent()
      const { frequencyRangeThz: frequency, powerRangeDbm: power } = laser
      await expect(laser.setFrequencyThz(frequency.max + 0.001, forever())).rejects.toMatchObject(RANGE)
      await expect(laser.setFrequencyThz(frequency.min - 0.001, forever())).rejects.toMatchObject(RANGE)
      await expect(laser.setFrequencyThz(Number.NaN, forever())).rejects.toMatchObject(RANGE)
      await expect(laser.setPowerDbm(powerDbm(power.max + 0.1), forever())).rejects.toMatchObject(RANGE)
      await expect(laser.setPowerDbm(powerDbm(power.min - 0.1), forever())).rejects.toMatchObject(RANGE)
      expect(messagesSent()).toBe(before)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { laser } = await open()
      await using _ = laser
      await expect(laser.readFrequencyThz(AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      expect(await laser.readFrequencyThz(forever())).toBeGreaterThan(100)
    })

    test('is dark once made safe, and stays so when made safe again', async () => {
      const { laser, lightMw } = await open()
      await using _ = laser
      await laser.setEmission(true, forever())
      await laser.makeSafe(forever())
      expect(lightMw()).toBe(0)
      await laser.makeSafe(forever())
      expect(lightMw()).toBe(0)
    })

    test('is dark when it is let go, even after the caller gave up', async () => {
      const { laser, lightMw } = await open()
      const caller = new AbortController()
      {
        await using _ = laser
        await laser.setEmission(true, caller.signal)
        expect(lightMw()).toBeGreaterThan(1)
        caller.abort()
      }
      expect(lightMw()).toBe(0)
    })
  })
}
