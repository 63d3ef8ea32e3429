import { describe, expect, test } from 'vitest'
import type { VoltageMonitor } from '../../core/instruments.ts'

/** A voltage monitor and what a test may see besides its driver. */
export interface VoltageMonitorUnderTest {
  readonly monitor: VoltageMonitor
  /** Messages sent to the monitor so far. */
  readonly messagesSent: () => number
  /** [channel]: what lies at its inputs. */
  readonly inputsV: Float64Array
  /** Largest voltage it can read, and how far a reading may be off. */
  readonly rangeV: number
  readonly errorV: number
}

const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }

/** What every voltage monitor must do, simulated or real. */
export function describeVoltageMonitor(name: string, open: () => Promise<VoltageMonitorUnderTest>): void {
  describe(`${name} keeps the voltage-monitor contract`, () => {
    test('reads every input, each its own', async () => {
      const { monitor, inputsV, rangeV, errorV } = await open()
      await using _ = monitor
      expect(inputsV).toHaveLength(monitor.channelCount)
      inputsV.forEach((_input, channel) => (inputsV[channel] = rangeV * (channel / monitor.channelCount - 0.4)))
      const voltagesV = await monitor.readVoltagesV(0, monitor.channelCount, forever())
      expect(voltagesV).toHaveLength(monitor.channelCount)
      voltagesV.forEach((voltageV, channel) => expect(Math.abs(voltageV - inputsV[channel]!)).toBeLessThan(errorV))
    })

    test('reads some neighbouring inputs', async () => {
      const { monitor, inputsV, rangeV, errorV } = await open()
      await using _ = monitor
      inputsV[3] = 0.1 * rangeV
      inputsV[4] = -0.2 * rangeV
      const [third, fourth] = await monitor.readVoltagesV(3, 2, forever())
      expect(Math.abs(third! - inputsV[3])).toBeLessThan(errorV)
      expect(Math.abs(fourth! - inputsV[4])).toBeLessThan(errorV)
    })

    test('refuses inputs that it does not have before a byte is sent', async () => {
      const { monitor, messagesSent } = await open()
      await using _ = monitor
      const before = messagesSent()
      const { channelCount } = monitor
      await expect(monitor.readVoltagesV(-1, 1, forever())).rejects.toMatchObject(RANGE)
      await expect(monitor.readVoltagesV(channelCount, 1, forever())).rejects.toMatchObject(RANGE)
      await expect(monitor.readVoltagesV(1, channelCount, forever())).rejects.toMatchObject(RANGE)
      await expect(monitor.readVoltagesV(0, 0, forever())).rejects.toMatchObject(RANGE)
      await expect(monitor.readVoltagesV(0.5, 1, forever())).rejects.toMatchObject(RANGE)
      expect(messagesSent()).toBe(before)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { monitor } = await open()
      await using _ = monitor
      await expect(monitor.readVoltagesV(0, 1, AbortSignal.abort())).rejects.toMatchObject({
        code: 'TRANSPORT_ABORTED',
      })
      expect(await monitor.readVoltagesV(0, 1, forever())).toHaveLength(1)
    })

    test('goes on reading after it was made safe: it drives nothing', async () => {
      const { monitor } = await open()
      await using _ = monitor
      await monitor.makeSafe(forever())
      await monitor.makeSafe(forever())
      expect(await monitor.readVoltagesV(0, 2, forever())).toHaveLength(2)
    })
  })
}
