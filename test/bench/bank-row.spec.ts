import { describe, expect, test } from 'vitest'
import { bankRow } from '../../bench/bank-row.ts'
import { readBenchFile, requireKind } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { expandBanks } from '../../bench/heater-banks.ts'
import { openMeshBench } from '../../bench/open-bench.ts'
import type { PhaseShifterBank } from '../../core/instruments.ts'
import { VirtualClock } from '../../core/clock.ts'
import { neverAborted } from '../support/run-plan.ts'

/** A bank that remembers what it was told. */
function bank(channelCount: number, maxV: number): PhaseShifterBank & { readonly volts: Float64Array; safe: boolean } {
  const volts = new Float64Array(channelCount)
  return {
    volts,
    safe: false,
    identity: { maker: '', model: '', serial: '', firmware: '' },
    channelCount,
    voltageRangeV: { min: 0, max: maxV },
    setVoltagesV: async (first, voltagesV) => volts.set(voltagesV, first),
    readVoltagesV: async () => volts.slice(),
    readPowersMw: async () => volts.map((v) => v * v),
    async makeSafe() {
      this.safe = true
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

describe('several heater banks in a row', () => {
  const banks = { a: bank(16, 12), b: bank(24, 10), c: bank(8, 11) }
  const row = bankRow(expandBanks(['a.0-15', 'b.8-23', 'c.0-7']), (name) => banks[name as 'a' | 'b' | 'c'])

  test('count their channels one after the other, in the range that all of them have', () => {
    expect(row.channelCount).toBe(16 + 16 + 8)
    expect(row.voltageRangeV).toEqual({ min: 0, max: 10 })
  })

  test('get each its own part of what is set across them, and give it back', async () => {
    await row.setVoltagesV(
      12,
      Float64Array.from({ length: 24 }, (_, i) => i + 1),
      neverAborted,
    )
    expect([...banks.a.volts.subarray(12)]).toEqual([1, 2, 3, 4])
    expect([...banks.b.volts.subarray(0, 8)]).toEqual(new Array(8).fill(0))
    expect([...banks.b.volts.subarray(8)]).toEqual(Array.from({ length: 16 }, (_, i) => i + 5))
    expect([...banks.c.volts]).toEqual([21, 22, 23, 24, 0, 0, 0, 0])
    const read = await row.readVoltagesV(neverAborted)
    expect([...read.subarray(12, 36)]).toEqual(Array.from({ length: 24 }, (_, i) => i + 1))
    expect((await row.readPowersMw(neverAborted))[35]).toBe(24 ** 2)
  })

  test('become safe all of them', async () => {
    await row.makeSafe(neverAborted)
    expect(Object.values(banks).every(({ safe }) => safe)).toBe(true)
  })

  test('one bank by its name is the bank itself', () => {
    expect(bankRow(expandBanks('a'), () => banks.a)).toBe(banks.a)
  })
})

describe('the example bench of 64 ports', () => {
  test('is read: seventeen chains with a channel for each of 8,320 heaters, and no taps', async () => {
    const { wiring } = requireKind(await readBenchFile('examples/mesh-64.yaml'), 'mesh')
    const { banks, channels } = wiring.heaters
    expect(banks).toHaveLength(17)
    expect(channels).toHaveLength(8320)
    expect(new Set(channels).size).toBe(8320)
    expect(Math.max(...channels)).toBe(8319)
    expect(banks.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(8320)
    expect(wiring.taps).toBeUndefined()
  })
})

test('in the twin each bank heats its own part of the chip', async () => {
  const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
  const banks = expandBanks(['shifters.0-79', 'more.0-79'])
  const first = file.instruments.get('shifters')!
  const two = {
    ...file,
    wiring: { ...file.wiring, heaters: { ...file.wiring.heaters, banks } },
    instruments: new Map([...file.instruments, ['more', { ...first, name: 'more' }]]),
  }
  await using twin = await startTwin(two, { seed: 1, clock: new VirtualClock(), mode: 'pipe' })
  const clock = new VirtualClock()
  await using open = await openMeshBench(two, { connect: twin.connect, clock, signal: neverAborted })
  await open.bench.heaters.setVoltagesV(
    72,
    Float64Array.of(1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2),
    neverAborted,
  )
  const heater = (channel: number): number => file.wiring.heaters.channels.indexOf(channel)
  expect(twin.world.core.heaters.powerMw(heater(79))).toBeCloseTo(1 / 1.5, 3)
  expect(twin.world.core.heaters.powerMw(heater(80))).toBeCloseTo(4 / 1.5, 2)
  expect(twin.world.core.heaters.powerMw(heater(88))).toBe(0)
})
