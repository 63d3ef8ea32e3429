import { describe, expect, test } from 'vitest'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { neverAborted } from '../support/run-plan.ts'

/** 40 heaters on a bank of 48 channels, wired the other way round; three modules of eight hold the first 24 channels. */
function watched(fail: (first: number) => boolean = () => false): {
  bench: MeshBench
  sent: { first: number; voltagesV: number[] }[]
} {
  const { bench } = openDirectBench({ size: 4, lanes: 1 })
  const sent: { first: number; voltagesV: number[] }[] = []
  return {
    sent,
    bench: {
      ...bench,
      heaterChannels: bench.layout.heaters.map((_, heater) => 39 - heater),
      heaters: {
        ...bench.heaters,
        channelCount: 48,
        setVoltagesV: async (first, voltagesV) => {
          if (fail(first)) throw new Error(`module at ${first} does not answer`)
          sent.push({ first, voltagesV: [...voltagesV] })
        },
      },
      heaterSettleMs: 7,
    },
  }
}

const cold = (): Float64Array => new Float64Array(40)

describe('setting heaters', () => {
  test('the first time sends every module, and channels without a heater 0 V', async () => {
    const { bench, sent } = watched()
    await new HeaterSetter(bench).set(cold().fill(2), neverAborted)
    expect(sent.map(({ first }) => first)).toEqual([0, 8, 16, 24, 32, 40])
    expect(sent[4]!.voltagesV).toEqual([2, 2, 2, 2, 2, 2, 2, 2])
    expect(sent[5]!.voltagesV).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
  })

  test('puts each voltage on the channel of its heater', async () => {
    const { bench, sent } = watched()
    await new HeaterSetter(bench).set(
      Float64Array.from(cold(), (_, heater) => heater / 10),
      neverAborted,
    )
    expect(sent[0]!.voltagesV).toEqual([3.9, 3.8, 3.7, 3.6, 3.5, 3.4, 3.3, 3.2])
  })

  test('afterwards sends only the modules that change', async () => {
    const { bench, sent } = watched()
    const setter = new HeaterSetter(bench)
    const voltages = cold()
    await setter.set(voltages, neverAborted)
    sent.length = 0
    await setter.set(voltages.slice(), neverAborted)
    expect(sent).toEqual([])
    // Heater 20 is channel 19, in the third module.
    voltages[20] = 3
    await setter.set(voltages, neverAborted)
    expect(sent).toEqual([{ first: 16, voltagesV: [0, 0, 0, 3, 0, 0, 0, 0] }])
  })

  test('waits for the heat to settle after a change, and not without one', async () => {
    const { bench } = watched()
    const setter = new HeaterSetter(bench)
    await setter.set(cold(), neverAborted)
    expect(bench.clock.monotonicNs()).toBe(7e6)
    await setter.set(cold(), neverAborted)
    expect(bench.clock.monotonicNs()).toBe(7e6)
  })

  test.each([
    ['above the limit', 9.6],
    ['below it', -0.1],
    ['not a number', NaN],
  ])('a voltage %s is refused before anything is sent', async (_, voltage) => {
    const { bench, sent } = watched()
    const voltages = cold()
    voltages[39] = voltage
    await expect(new HeaterSetter(bench).set(voltages, neverAborted)).rejects.toMatchObject({
      code: 'RANGE_EXCEEDED',
      message: `voltage of heater 39, V ${voltage} is outside 0 to 9.5`,
    })
    expect(sent).toEqual([])
  })

  test('too few voltages are refused too', async () => {
    const { bench, sent } = watched()
    await expect(new HeaterSetter(bench).set(new Float64Array(39), neverAborted)).rejects.toMatchObject({
      code: 'RANGE_EXCEEDED',
    })
    expect(sent).toEqual([])
  })

  test('after a failure half-way sends everything again: nobody knows what the modules hold', async () => {
    let broken = false
    const { bench, sent } = watched((first) => broken && first === 16)
    const setter = new HeaterSetter(bench)
    await setter.set(cold(), neverAborted)
    broken = true
    await expect(setter.set(cold().fill(1), neverAborted)).rejects.toThrow('module at 16')
    broken = false
    sent.length = 0
    await setter.set(cold(), neverAborted)
    expect(sent.map(({ first }) => first)).toEqual([0, 8, 16, 24, 32, 40])
  })

  test('does not keep the caller’s array: changing it later changes nothing', async () => {
    const { bench, sent } = watched()
    const setter = new HeaterSetter(bench)
    const voltages = cold()
    await setter.set(voltages, neverAborted)
    sent.length = 0
    voltages[0] = 5
    await setter.set(voltages, neverAborted)
    expect(sent).toHaveLength(1)
  })
})
