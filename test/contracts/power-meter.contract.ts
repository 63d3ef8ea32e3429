import { describe, expect, test } from 'vitest'
import type { MultichannelPowerMeter } from '../../core/instruments.ts'

/** A power meter and what a test may see besides its driver. */
export interface PowerMeterUnderTest {
  readonly meter: MultichannelPowerMeter
  /** Messages sent to the meter so far. */
  readonly messagesSent: () => number
  /** What falls on a port in a time slot of `averagingS` that began `timeS` after the trigger; before it, timeS is −1. */
  readonly light: { powerMw: (port: number, timeS: number) => number }
  /** A pulse at the trigger input. */
  readonly pulse: () => void
  /** Ports that would react to a pulse. */
  readonly portsArmed: () => number
  /** How far a reading may be off, relative to the full scale of the range. */
  readonly resolution: number
}

const SETUP = { wavelengthNm: 1552.524, rangeDbm: 0 }
const FULL_SCALE_MW = 2
const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }
const CALL = { code: 'CALL_INVALID' }

/** What every multichannel power meter must do, simulated or real. */
export function describePowerMeter(name: string, open: () => Promise<PowerMeterUnderTest>): void {
  describe(`${name} keeps the power-meter contract`, () => {
    const configured = async (): Promise<PowerMeterUnderTest> => {
      const bench = await open()
      await bench.meter.configure(SETUP, forever())
      return bench
    }

    test('reads the power on each port, in milliwatts', async () => {
      const { meter, light, resolution } = await configured()
      await using _ = meter
      light.powerMw = (port) => 0.1 + 0.2 * port
      for (let port = 0; port < meter.channelCount; port++) {
        const offMw = Math.abs((await meter.readPowerMw(port, forever())) - (0.1 + 0.2 * port))
        expect(offMw / FULL_SCALE_MW).toBeLessThan(resolution)
      }
    })

    test('logs all ports from one trigger, every point of them', async () => {
      const { meter, light, pulse, portsArmed, resolution } = await configured()
      await using _ = meter
      light.powerMw = (port, timeS) => 0.05 * (port + 1) * (1 + Math.floor(timeS / 1e-5))
      const log = { points: 5, averagingS: 1e-5 }
      await meter.armLog(log, forever())
      expect(portsArmed()).toBe(meter.channelCount)
      pulse()
      await meter.waitLog(forever())
      const logsMw = await meter.readLogMw(forever())
      expect(logsMw.map(({ length }) => length)).toEqual(new Array(meter.channelCount).fill(5))
      logsMw.forEach((logMw, port) =>
        logMw.forEach((powerMw, point) => {
          const litMw = 0.05 * (port + 1) * (1 + point)
          if (litMw < FULL_SCALE_MW) expect(Math.abs(powerMw - litMw) / FULL_SCALE_MW).toBeLessThan(resolution)
        }),
      )
    })

    test('logs again and again, with the same parameters and with others', async () => {
      const { meter, light, pulse } = await configured()
      await using _ = meter
      light.powerMw = () => 0.5
      for (const points of [4, 4, 9, 9, 4]) {
        await meter.armLog({ points, averagingS: 1e-5 }, forever())
        pulse()
        await meter.waitLog(forever())
        expect((await meter.readLogMw(forever()))[0]).toHaveLength(points)
      }
    })

    test('keeps small negative readings around dark', async () => {
      const { meter, light, pulse } = await configured()
      await using _ = meter
      light.powerMw = (_port, timeS) => (timeS < 1e-5 ? -0.01 : 0.01)
      await meter.armLog({ points: 2, averagingS: 1e-5 }, forever())
      pulse()
      await meter.waitLog(forever())
      const [first] = await meter.readLogMw(forever())
      expect(first![0]).toBeLessThan(0)
      expect(first![1]).toBeGreaterThan(0)
    })

    test('says which port and which range when the light is too strong', async () => {
      const { meter, light, pulse } = await configured()
      await using _ = meter
      light.powerMw = (port) => (port === 2 ? 5 : 0.5)
      await expect(meter.readPowerMw(2, forever())).rejects.toMatchObject({
        ...RANGE,
        context: { port: 2, rangeDbm: 0 },
      })
      await meter.armLog({ points: 3, averagingS: 1e-5 }, forever())
      pulse()
      await meter.waitLog(forever())
      await expect(meter.readLogMw(forever())).rejects.toMatchObject({ ...RANGE, context: { port: 2, rangeDbm: 0 } })
      light.powerMw = () => 0.5
      expect(await meter.readPowerMw(2, forever())).toBeGreaterThan(0.4)
    })

    test('takes every range that it says it has, in steps of 10 dB, and no other', async () => {
      const { meter, light, resolution } = await configured()
      await using _ = meter
      const { min, max } = meter.rangesDbm
      for (let rangeDbm = min; rangeDbm <= max; rangeDbm += 10) {
        const fullMw = FULL_SCALE_MW * 10 ** (rangeDbm / 10)
        light.powerMw = () => 0.4 * fullMw
        await meter.configure({ ...SETUP, rangeDbm }, forever())
        const offMw = Math.abs((await meter.readPowerMw(1, forever())) - 0.4 * fullMw)
        expect(offMw / fullMw).toBeLessThan(resolution)
      }
      for (const rangeDbm of [min - 10, max + 10]) {
        await expect(meter.configure({ ...SETUP, rangeDbm }, forever())).rejects.toMatchObject(RANGE)
      }
    })

    test('refuses what it cannot measure before a byte is sent', async () => {
      const { meter, messagesSent } = await configured()
      await using _ = meter
      const before = messagesSent()
      for (const wrong of [{ wavelengthNm: 632 }, { wavelengthNm: NaN }, { rangeDbm: 40 }, { rangeDbm: -3 }]) {
        await expect(meter.configure({ ...SETUP, ...wrong }, forever())).rejects.toMatchObject(RANGE)
      }
      const log = { points: 10, averagingS: 1e-5 }
      for (const wrong of [
        { points: 0 },
        { points: meter.maxLogPoints + 1 },
        { points: 1.5 },
        { averagingS: 0 },
        { averagingS: NaN },
      ]) {
        await expect(meter.armLog({ ...log, ...wrong }, forever())).rejects.toMatchObject(RANGE)
      }
      for (const port of [-1, meter.channelCount, 0.5]) {
        await expect(meter.readPowerMw(port, forever())).rejects.toMatchObject(RANGE)
      }
      expect(messagesSent()).toBe(before)
    })

    test('measures nothing before it is configured, and has no log before it is armed', async () => {
      const { meter } = await open()
      await using _ = meter
      await expect(meter.readPowerMw(0, forever())).rejects.toMatchObject(CALL)
      await expect(meter.armLog({ points: 10, averagingS: 1e-5 }, forever())).rejects.toMatchObject(CALL)
      await meter.configure(SETUP, forever())
      await expect(meter.waitLog(forever())).rejects.toMatchObject(CALL)
      await expect(meter.readLogMw(forever())).rejects.toMatchObject(CALL)
    })

    test('gives up waiting for a trigger that never comes', async () => {
      const { meter } = await configured()
      await using _ = meter
      await meter.armLog({ points: 10, averagingS: 1e-5 }, forever())
      await expect(meter.waitLog(forever())).rejects.toMatchObject({ code: 'INSTRUMENT_NOT_SETTLED' })
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { meter, light } = await configured()
      await using _ = meter
      light.powerMw = () => 1
      await expect(meter.readPowerMw(0, AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      expect(await meter.readPowerMw(0, forever())).toBeCloseTo(1, 2)
    })

    test('waits for nothing once made safe, and stays so when made safe again', async () => {
      const { meter, portsArmed } = await configured()
      await using _ = meter
      await meter.armLog({ points: 10, averagingS: 1e-5 }, forever())
      await meter.makeSafe(forever())
      await meter.makeSafe(forever())
      expect(portsArmed()).toBe(0)
      await expect(meter.readLogMw(forever())).rejects.toMatchObject(CALL)
    })

    test('waits for nothing when it is let go, even after the caller gave up', async () => {
      const { meter, portsArmed } = await configured()
      const caller = new AbortController()
      {
        await using _ = meter
        await meter.armLog({ points: 10, averagingS: 1e-5 }, caller.signal)
        caller.abort()
      }
      expect(portsArmed()).toBe(0)
    })
  })
}
