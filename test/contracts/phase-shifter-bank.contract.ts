import { describe, expect, test } from 'vitest'
import type { PhaseShifterBank } from '../../core/instruments.ts'

/** A bank of heaters and what a test may see besides its driver. */
export interface PhaseShifterBankUnderTest {
  readonly bank: PhaseShifterBank
  /** Messages sent to the bank so far. */
  readonly messagesSent: () => number
  /** Voltages that the heaters see. */
  readonly outputsV: () => readonly number[]
  /** Power that the heaters take. */
  readonly powersMw: () => readonly number[]
}

const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }

/** Half a step of 16 bits in 12 V, and the rounding of the number on the wire. */
const STEP_V = 1e-4
/** A reading is a measurement: some millivolts of noise and a fraction of a percent. */
const readingToleranceV = (voltageV: number): number => 0.005 + 0.005 * voltageV

/** What every bank of phase shifters must do, simulated or real. */
export function describePhaseShifterBank(name: string, open: () => Promise<PhaseShifterBankUnderTest>): void {
  describe(`${name} keeps the phase-shifter-bank contract`, () => {
    test('sets every channel and measures what it set', async () => {
      const { bank, outputsV } = await open()
      await using _ = bank
      const { min, max } = bank.voltageRangeV
      const wantedV = Float64Array.from({ length: bank.channelCount }, (_, channel) => {
        return min + ((channel + 0.5) / bank.channelCount) * (max - min)
      })
      await bank.setVoltagesV(0, wantedV, forever())
      const readV = await bank.readVoltagesV(forever())
      expect(readV).toHaveLength(bank.channelCount)
      wantedV.forEach((wanted, channel) => {
        expect(Math.abs((outputsV()[channel] ?? NaN) - wanted), `output ${channel}`).toBeLessThan(STEP_V)
        expect(Math.abs(readV[channel]! - wanted), `reading ${channel}`).toBeLessThan(readingToleranceV(wanted))
      })
    })

    test('measures the power that each heater takes', async () => {
      const { bank, powersMw } = await open()
      await using _ = bank
      const { max } = bank.voltageRangeV
      const wantedV = Float64Array.from({ length: bank.channelCount }, (_, channel) => (channel % 4) * 0.2 * max)
      await bank.setVoltagesV(0, wantedV, forever())
      const readMw = await bank.readPowersMw(forever())
      expect(readMw).toHaveLength(bank.channelCount)
      powersMw().forEach((powerMw, channel) => {
        expect(Math.abs(readMw[channel]! - powerMw), `channel ${channel}`).toBeLessThan(0.05 + 0.01 * powerMw)
      })
    })

    test('sets any run of neighbouring channels and leaves the others alone', async () => {
      const { bank, outputsV } = await open()
      await using _ = bank
      const baseV = 0.25 * bank.voltageRangeV.max
      const newV = 0.5 * bank.voltageRangeV.max
      for (const [first, count] of [
        [0, 1],
        [3, bank.channelCount - 4],
        [bank.channelCount - 1, 1],
        [5, 0],
      ] as const) {
        await bank.setVoltagesV(0, new Float64Array(bank.channelCount).fill(baseV), forever())
        await bank.setVoltagesV(first, new Float64Array(count).fill(newV), forever())
        outputsV().forEach((outputV, channel) => {
          const wantedV = channel >= first && channel < first + count ? newV : baseV
          expect(Math.abs(outputV - wantedV), `output ${channel}`).toBeLessThan(STEP_V)
        })
      }
    })

    test('reaches both ends of its range', async () => {
      const { bank, outputsV } = await open()
      await using _ = bank
      const { min, max } = bank.voltageRangeV
      await bank.setVoltagesV(0, Float64Array.of(max, min), forever())
      expect(outputsV()[0]).toBeCloseTo(max, 3)
      expect(outputsV()[1]).toBeCloseTo(min, 3)
    })

    test('refuses a voltage or a channel outside its range before a byte is sent', async () => {
      const { bank, messagesSent } = await open()
      await using _ = bank
      const before = messagesSent()
      const { min, max } = bank.voltageRangeV
      const { channelCount } = bank
      const last = new Float64Array(channelCount).fill(min)
      last[channelCount - 1] = max + 0.01
      await expect(bank.setVoltagesV(0, last, forever())).rejects.toMatchObject(RANGE)
      for (const [first, voltageV] of [
        [0, max + 0.01],
        [0, min - 0.01],
        [0, Number.NaN],
        [-1, min],
        [0.5, min],
        [channelCount, min],
      ] as const)
        await expect(bank.setVoltagesV(first, Float64Array.of(voltageV), forever())).rejects.toMatchObject(RANGE)
      expect(messagesSent()).toBe(before)
    })

    test('sets what the caller asked for, whatever the caller does with the array meanwhile', async () => {
      const { bank, outputsV } = await open()
      await using _ = bank
      const wantedV = new Float64Array(bank.channelCount).fill(1)
      const setting = bank.setVoltagesV(0, wantedV, forever())
      wantedV.fill(2)
      await setting
      for (const outputV of outputsV()) expect(Math.abs(outputV - 1)).toBeLessThan(STEP_V)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { bank } = await open()
      await using _ = bank
      await expect(bank.setVoltagesV(0, Float64Array.of(1), AbortSignal.abort())).rejects.toMatchObject({
        code: 'TRANSPORT_ABORTED',
      })
      await bank.setVoltagesV(0, Float64Array.of(1), forever())
      const [first] = await bank.readVoltagesV(forever())
      expect(Math.abs((first ?? NaN) - 1)).toBeLessThan(readingToleranceV(1))
    })

    test('is cold once made safe, and stays so when made safe again', async () => {
      const { bank, outputsV } = await open()
      await using _ = bank
      const cold = new Array<number>(bank.channelCount).fill(0)
      await bank.setVoltagesV(0, new Float64Array(bank.channelCount).fill(2), forever())
      await bank.makeSafe(forever())
      expect(outputsV()).toEqual(cold)
      await bank.makeSafe(forever())
      expect(outputsV()).toEqual(cold)
    })

    test('is cold when it is let go, even after the caller gave up', async () => {
      const { bank, outputsV } = await open()
      const caller = new AbortController()
      {
        await using _ = bank
        await bank.setVoltagesV(0, new Float64Array(bank.channelCount).fill(2), caller.signal)
        caller.abort()
      }
      expect(outputsV()).toEqual(new Array<number>(bank.channelCount).fill(0))
    })
  })
}
