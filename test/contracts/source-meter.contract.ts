import { describe, expect, test } from 'vitest'
import type { SourceLevel, SourceMeter, SourceSweep } from '../../core/instruments.ts'

/** A source meter and what a test may see besides its driver. */
export interface SourceMeterUnderTest {
  readonly meter: SourceMeter
  /** Messages sent to the meter so far. */
  readonly messagesSent: () => number
  /** [channel]: the resistor there, which the test may change, and the voltage across it now. */
  readonly resistanceOhm: number[]
  readonly loadV: (channel: number) => number
  /** How far a reading may be off, relative. */
  readonly errorRatio: number
}

const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }
const CALL = { code: 'CALL_INVALID' }
const TWO_VOLTS = { force: 'voltage', voltageV: 2, limitA: 10e-3 } as const
const MILLIAMPERE = { force: 'current', currentA: 1e-3, limitV: 5 } as const

/** What every source meter must do, simulated or real, with a resistor of a kilo-ohm on every channel. */
export function describeSourceMeter(name: string, open: () => Promise<SourceMeterUnderTest>): void {
  describe(`${name} keeps the source-meter contract`, () => {
    const opened = async (channel: number, level: SourceLevel) => {
      const under = await open()
      await under.meter.setLevel(channel, level, forever())
      await under.meter.setOutput(channel, true, forever())
      const about = (value: number): unknown =>
        expect.closeTo(value, Math.ceil(-Math.log10(under.errorRatio * Math.abs(value))))
      return { ...under, about }
    }

    test('forces a voltage on every channel and measures both quantities', async () => {
      const { meter, loadV, errorRatio } = await open()
      await using _ = meter
      for (let channel = 0; channel < meter.channelCount; channel++) {
        await meter.setLevel(channel, TWO_VOLTS, forever())
        expect(await meter.readOutput(channel, forever())).toBe(false)
        expect(loadV(channel)).toBe(0)
        await meter.setOutput(channel, true, forever())
        expect(await meter.readOutput(channel, forever())).toBe(true)
        const { voltageV, currentA, limited } = await meter.measure(channel, forever())
        expect(Math.abs(voltageV / 2 - 1)).toBeLessThan(errorRatio)
        expect(Math.abs(currentA / 2e-3 - 1)).toBeLessThan(errorRatio)
        expect(limited).toBe(false)
      }
    })

    test('forces a current, of either sign', async () => {
      const { meter, about, loadV } = await opened(0, MILLIAMPERE)
      await using _ = meter
      expect(await meter.measure(0, forever())).toEqual({ voltageV: about(1), currentA: about(1e-3), limited: false })
      await meter.setLevel(0, { force: 'current', currentA: -2e-3, limitV: 5 }, forever())
      expect(await meter.measure(0, forever())).toEqual({ voltageV: about(-2), currentA: about(-2e-3), limited: false })
      expect(loadV(0)).toEqual(about(-2))
    })

    test('holds the limit where the level would go beyond it, and says so', async () => {
      const { meter, about, loadV } = await opened(0, { force: 'voltage', voltageV: 2, limitA: 1e-3 })
      await using _ = meter
      expect(await meter.measure(0, forever())).toEqual({ voltageV: about(1), currentA: about(1e-3), limited: true })
      expect(loadV(0)).toEqual(about(1))
      await meter.setLevel(0, { force: 'current', currentA: -5e-3, limitV: 2 }, forever())
      expect(await meter.measure(0, forever())).toEqual({ voltageV: about(-2), currentA: about(-2e-3), limited: true })
    })

    test('steps through levels, measures at each, and is back at its level with the output on', async () => {
      const { meter, about, loadV } = await opened(0, TWO_VOLTS)
      await using _ = meter
      const voltagesV = Float64Array.of(0, 1, -1, 3, 0.5)
      const sweep: SourceSweep = { force: 'voltage', voltagesV, limitA: 2e-3 }
      const pending = meter.measureSweep(0, sweep, forever())
      voltagesV.fill(99)
      const readings = await pending
      expect([...readings.limited]).toEqual([0, 0, 0, 1, 0])
      expect([...readings.voltagesV]).toEqual([expect.closeTo(0, 6), about(1), about(-1), about(2), about(0.5)])
      expect([...readings.currentsA]).toEqual([
        expect.closeTo(0, 9),
        about(1e-3),
        about(-1e-3),
        about(2e-3),
        about(0.5e-3),
      ])
      expect(loadV(0)).toEqual(about(2))
      expect(await meter.measure(0, forever())).toMatchObject({ voltageV: about(2), limited: false })
    })

    test('sweeps a current from a voltage, and as many levels as it says', async () => {
      const { meter, about, loadV } = await opened(0, TWO_VOLTS)
      await using _ = meter
      const currentsA = Float64Array.from({ length: meter.maxSweepLevels }, (_, index) => (index + 1) * 1e-6)
      const readings = await meter.measureSweep(0, { force: 'current', currentsA, limitV: 5 }, forever())
      expect(readings.voltagesV).toHaveLength(meter.maxSweepLevels)
      expect(readings.voltagesV[999]).toEqual(about(1))
      expect(readings.currentsA.at(-1)).toEqual(about(meter.maxSweepLevels * 1e-6))
      expect(loadV(0)).toEqual(about(2))
    })

    test('measures in fixed ranges, and says which channel and point when a reading does not fit', async () => {
      const { meter, resistanceOhm } = await opened(0, { force: 'voltage', voltageV: 2, limitA: 0.1 })
      await using _ = meter
      await meter.setRanges(0, { voltageV: 2, currentA: 10e-3 }, forever())
      expect((await meter.measure(0, forever())).limited).toBe(false)
      resistanceOhm[0] = 100
      await meter.setLevel(0, { force: 'voltage', voltageV: 2, limitA: 0.1 }, forever())
      await expect(meter.measure(0, forever())).rejects.toMatchObject({ ...RANGE, context: { channel: 0, point: 0 } })
      const sweep: SourceSweep = { force: 'voltage', voltagesV: Float64Array.of(0.5, 2), limitA: 0.1 }
      await expect(meter.measureSweep(0, sweep, forever())).rejects.toMatchObject({ ...RANGE, context: { point: 1 } })
      await meter.setRanges(0, {}, forever())
      expect((await meter.measure(0, forever())).currentA).toBeCloseTo(0.02, 5)
    })

    test('refuses what it cannot force before a byte is sent', async () => {
      const { meter, messagesSent } = await opened(0, TWO_VOLTS)
      await using _ = meter
      const before = messagesSent()
      const { voltageRangeV, currentRangeA } = meter
      const levels: SourceLevel[] = [
        { ...TWO_VOLTS, voltageV: voltageRangeV.max + 1 },
        { ...TWO_VOLTS, voltageV: NaN },
        { ...TWO_VOLTS, limitA: 0 },
        { ...TWO_VOLTS, limitA: NaN },
        { ...TWO_VOLTS, voltageV: voltageRangeV.max, limitA: currentRangeA.max },
        { ...MILLIAMPERE, currentA: currentRangeA.min - 1 },
        { ...MILLIAMPERE, limitV: -1 },
        { ...MILLIAMPERE, currentA: currentRangeA.max, limitV: voltageRangeV.max },
      ]
      for (const level of levels) await expect(meter.setLevel(0, level, forever())).rejects.toMatchObject(RANGE)
      const sweeps: SourceSweep[] = [
        { force: 'voltage', voltagesV: Float64Array.of(), limitA: 1e-3 },
        { force: 'voltage', voltagesV: new Float64Array(meter.maxSweepLevels + 1), limitA: 1e-3 },
        { force: 'voltage', voltagesV: Float64Array.of(0, Infinity), limitA: 1e-3 },
        { force: 'current', currentsA: Float64Array.of(0, currentRangeA.max), limitV: voltageRangeV.max },
      ]
      for (const sweep of sweeps) await expect(meter.measureSweep(0, sweep, forever())).rejects.toMatchObject(RANGE)
      for (const ranges of [{ voltageV: -1 }, { voltageV: 1e4 }, { currentA: NaN }]) {
        await expect(meter.setRanges(0, ranges, forever())).rejects.toMatchObject(RANGE)
      }
      for (const channel of [-1, meter.channelCount, 0.5]) {
        await expect(meter.setLevel(channel, TWO_VOLTS, forever())).rejects.toMatchObject(RANGE)
        await expect(meter.measure(channel, forever())).rejects.toMatchObject(RANGE)
      }
      expect(messagesSent()).toBe(before)
    })

    test('switches nothing on without a level, and measures nothing without an output', async () => {
      const { meter, messagesSent } = await open()
      await using _ = meter
      const before = messagesSent()
      const sweep: SourceSweep = { force: 'voltage', voltagesV: Float64Array.of(1), limitA: 1e-3 }
      await expect(meter.setOutput(0, true, forever())).rejects.toMatchObject(CALL)
      await expect(meter.measure(0, forever())).rejects.toMatchObject(CALL)
      await expect(meter.measureSweep(0, sweep, forever())).rejects.toMatchObject(CALL)
      expect(messagesSent()).toBe(before)
      await meter.setLevel(0, TWO_VOLTS, forever())
      await expect(meter.measure(0, forever())).rejects.toMatchObject(CALL)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { meter, about } = await opened(0, TWO_VOLTS)
      await using _ = meter
      await expect(meter.measure(0, AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      expect(await meter.measure(0, forever())).toMatchObject({ voltageV: about(2) })
    })

    test('ends a sweep that the caller gives up, and is back at its level', async () => {
      const { meter, about, loadV } = await opened(0, TWO_VOLTS)
      await using _ = meter
      const caller = new AbortController()
      const voltagesV = new Float64Array(200).fill(4)
      const sweeping = meter.measureSweep(0, { force: 'voltage', voltagesV, limitA: 10e-3 }, caller.signal)
      caller.abort(new Error('enough'))
      await expect(sweeping).rejects.toThrow()
      expect(loadV(0)).toEqual(about(2))
      expect(await meter.measure(0, forever())).toMatchObject({ voltageV: about(2) })
    })

    test('is at zero and off once made safe, stays so when made safe again, and wants a level anew', async () => {
      const { meter, loadV } = await opened(0, TWO_VOLTS)
      await using _ = meter
      await meter.makeSafe(forever())
      await meter.makeSafe(forever())
      expect(loadV(0)).toBe(0)
      expect(await meter.readOutput(0, forever())).toBe(false)
      await expect(meter.setOutput(0, true, forever())).rejects.toMatchObject(CALL)
    })

    test('is off when it is let go, even after the caller gave up', async () => {
      const { meter, loadV } = await open()
      const caller = new AbortController()
      {
        await using _ = meter
        await meter.setLevel(0, TWO_VOLTS, caller.signal)
        await meter.setOutput(0, true, caller.signal)
        expect(loadV(0)).toBeGreaterThan(1)
        caller.abort()
      }
      expect(loadV(0)).toBe(0)
    })
  })
}
