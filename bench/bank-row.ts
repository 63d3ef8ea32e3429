import { intersect } from '../core/range.ts'
import type { PhaseShifterBank } from '../core/instruments.ts'
import type { BankPart } from './heater-banks.ts'

/**
 * Several chains of heater drivers as one bank: their channels follow one another in the order of the file.
 *
 * A chain ends at 64 modules, and a core of 64 ports has 8,448 heaters.
 * Leaves: the instruments belong to whoever opened them; disposing the row closes nothing.
 */
export function bankRow(parts: readonly BankPart[], at: (name: string) => PhaseShifterBank): PhaseShifterBank {
  const banks = parts.map(({ instrument, first, count }) => ({ bank: at(instrument), first, count }))
  const [only] = banks
  if (banks.length === 1 && only!.count === undefined) return only!.bank
  const row = banks.map(({ bank, first, count }) => ({ bank, first, count: count ?? bank.channelCount - first }))
  const all = async (read: (bank: PhaseShifterBank) => Promise<Float64Array>): Promise<Float64Array> => {
    const parts = await Promise.all(
      row.map(async ({ bank, first, count }) => (await read(bank)).slice(first, first + count)),
    )
    return Float64Array.from(parts.flatMap((part) => [...part]))
  }
  return {
    identity: row[0]!.bank.identity,
    channelCount: row.reduce((sum, { count }) => sum + count, 0),
    voltageRangeV: row.map(({ bank }) => bank.voltageRangeV).reduce(intersect),
    setVoltagesV: async (from, voltagesV, signal) => {
      const to = from + voltagesV.length
      let start = 0
      for (const { bank, first, count } of row) {
        const [low, high] = [Math.max(from, start), Math.min(to, start + count)]
        if (low < high)
          await bank.setVoltagesV(first + low - start, voltagesV.subarray(low - from, high - from), signal)
        start += count
      }
    },
    readVoltagesV: (signal) => all((bank) => bank.readVoltagesV(signal)),
    readPowersMw: (signal) => all((bank) => bank.readPowersMw(signal)),
    makeSafe: async (signal) => {
      await Promise.all(row.map(({ bank }) => bank.makeSafe(signal)))
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
