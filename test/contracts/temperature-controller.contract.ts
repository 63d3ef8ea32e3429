import { describe, expect, test } from 'vitest'
import type { TemperatureController } from '../../core/instruments.ts'

/** A temperature controller and what a test may see besides its driver. */
export interface TemperatureControllerUnderTest {
  readonly controller: TemperatureController
  /** Messages sent to the controller so far. */
  readonly messagesSent: () => number
  /** Whether its output may drive the oven. */
  readonly running: () => boolean
  /** Waits until the oven is where it goes. */
  readonly settle: () => Promise<void>
}

const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }

/** What every temperature controller must do, simulated or real. */
export function describeTemperatureController(name: string, open: () => Promise<TemperatureControllerUnderTest>): void {
  describe(`${name} keeps the temperature-controller contract`, () => {
    test('brings the oven to the temperature it was set to, to 0.1 K, and measures it', async () => {
      const { controller, settle } = await open()
      await using _ = controller
      const { min, max } = controller.temperatureRangeC
      for (const share of [0.3, 0.5, 0.42]) {
        const temperatureC = min + share * (max - min)
        await controller.setTemperatureC(temperatureC, forever())
        await controller.setRunning(true, forever())
        await settle()
        expect(Math.abs((await controller.readTemperatureC(forever())) - temperatureC)).toBeLessThan(0.101)
      }
    })

    test('runs from when it is switched on until it is switched off', async () => {
      const { controller, running } = await open()
      await using _ = controller
      await controller.setRunning(true, forever())
      expect(running()).toBe(true)
      await controller.setRunning(false, forever())
      expect(running()).toBe(false)
    })

    test('refuses a temperature outside its range before a byte is sent', async () => {
      const { controller, messagesSent } = await open()
      await using _ = controller
      const before = messagesSent()
      const { min, max } = controller.temperatureRangeC
      await expect(controller.setTemperatureC(max + 0.1, forever())).rejects.toMatchObject(RANGE)
      await expect(controller.setTemperatureC(min - 0.1, forever())).rejects.toMatchObject(RANGE)
      await expect(controller.setTemperatureC(Number.NaN, forever())).rejects.toMatchObject(RANGE)
      expect(messagesSent()).toBe(before)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { controller } = await open()
      await using _ = controller
      await expect(controller.readTemperatureC(AbortSignal.abort())).rejects.toMatchObject({
        code: 'TRANSPORT_ABORTED',
      })
      expect(await controller.readTemperatureC(forever())).toBeGreaterThan(-50)
    })

    test('has stopped once made safe, and stays so when made safe again', async () => {
      const { controller, running } = await open()
      await using _ = controller
      await controller.setRunning(true, forever())
      await controller.makeSafe(forever())
      expect(running()).toBe(false)
      await controller.makeSafe(forever())
      expect(running()).toBe(false)
    })

    test('has stopped when it is let go, even after the caller gave up', async () => {
      const { controller, running } = await open()
      const caller = new AbortController()
      {
        await using _ = controller
        await controller.setRunning(true, caller.signal)
        expect(running()).toBe(true)
        caller.abort()
      }
      expect(running()).toBe(false)
    })
  })
}
