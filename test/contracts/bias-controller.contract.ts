import { describe, expect, test } from 'vitest'
import type { BiasController } from '../../core/instruments.ts'

/** A bias controller and what a test may see besides its driver. */
export interface BiasControllerUnderTest {
  readonly controller: BiasController
  /** The electrode of the modulator. */
  readonly biasV: () => number
  /** Where a lock on the null ends. */
  readonly nullBiasV: number
  readonly setLight: (on: boolean) => void
}

const forever = (): AbortSignal => new AbortController().signal

/** What every bias controller must do, simulated or real. `open` gives one with light through its modulator. */
export function describeBiasController(name: string, open: () => Promise<BiasControllerUnderTest>): void {
  describe(`${name} keeps the bias controller contract`, () => {
    test('locks the null and reads back the bias that it found, to 1 mV', async () => {
      const { controller, biasV, nullBiasV } = await open()
      await using _ = controller
      expect(await controller.readLocked(forever())).toBe(false)
      await controller.lockNull(forever())
      expect(await controller.readLocked(forever())).toBe(true)
      expect(biasV()).toBe(nullBiasV)
      expect(Math.abs((await controller.readBiasV(forever())) - nullBiasV)).toBeLessThan(1e-3)
    })

    test('locks again when asked again', async () => {
      const { controller, biasV, nullBiasV } = await open()
      await using _ = controller
      await controller.lockNull(forever())
      await controller.lockNull(forever())
      expect(biasV()).toBe(nullBiasV)
    })

    test('says that it found no lock when there is no light', async () => {
      const { controller, setLight } = await open()
      await using _ = controller
      setLight(false)
      await expect(controller.lockNull(forever())).rejects.toMatchObject({ code: 'INSTRUMENT_NOT_SETTLED' })
      expect(await controller.readLocked(forever())).toBe(false)
    })

    test('notices when the light goes and the lock with it', async () => {
      const { controller, setLight } = await open()
      await using _ = controller
      await controller.lockNull(forever())
      setLight(false)
      expect(await controller.readLocked(forever())).toBe(false)
      setLight(true)
      expect(await controller.readLocked(forever())).toBe(true)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { controller } = await open()
      await using _ = controller
      await expect(controller.readLocked(AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      await expect(controller.lockNull(AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      await controller.lockNull(forever())
      expect(await controller.readLocked(forever())).toBe(true)
    })

    test('drives nothing once made safe, and stays so when made safe again', async () => {
      const { controller, biasV } = await open()
      await using _ = controller
      await controller.lockNull(forever())
      await controller.makeSafe(forever())
      expect([biasV(), await controller.readBiasV(forever())]).toEqual([0, 0])
      await controller.makeSafe(forever())
      expect(biasV()).toBe(0)
    })

    test('drives nothing when it is let go, even after the caller gave up', async () => {
      const { controller, biasV, nullBiasV } = await open()
      const caller = new AbortController()
      {
        await using _ = controller
        await controller.lockNull(caller.signal)
        expect(biasV()).toBe(nullBiasV)
        caller.abort()
      }
      expect(biasV()).toBe(0)
    })
  })
}
