import { describe, expect, test } from 'vitest'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { powerDbm } from '../../core/quantities.ts'
import { bringLight, warmUp } from '../../orchestrator/plans/light.ts'
import { Oven } from '../../sim/optics/oven.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { neverAborted } from '../support/run-plan.ts'

interface OvenOptions {
  readonly name: string
  readonly temperatureC: number
  readonly readC?: (real: number) => number
}

function withOvens(...ovens: readonly OvenOptions[]): { bench: MeshBench; calls: string[] } {
  const { bench } = openDirectBench({ size: 2, lanes: 1 })
  const calls: string[] = []
  const template = bench.mains
  return {
    calls,
    bench: {
      ...bench,
      ovens: ovens.map(({ name, temperatureC, readC = (real) => real }) => {
        const oven = new Oven(bench.clock, () => 23)
        let setPointC = 0
        return {
          name,
          temperatureC,
          controller: {
            identity: template.identity,
            makeSafe: () => Promise.resolve(),
            [Symbol.asyncDispose]: () => Promise.resolve(),
            temperatureRangeC: { min: 0, max: 100 },
            setTemperatureC: async (celsius) => {
              calls.push(`${name} to ${celsius}`)
              setPointC = celsius
            },
            setRunning: async (on) => {
              calls.push(`${name} ${on ? 'runs' : 'stops'}`)
              oven.setSetPointC(setPointC, on)
            },
            readTemperatureC: async () => readC(oven.temperatureC()),
          },
        }
      }),
    },
  }
}

describe('warming up', () => {
  test('waits until every oven is within 0.2 °C of its temperature, all at once', async () => {
    const { bench, calls } = withOvens({ name: 'mux', temperatureC: 31.4 }, { name: 'chip', temperatureC: 40 })
    await warmUp(bench, neverAborted)
    // 8 s time constant: 17 K shrink to 0.2 K in 35.6 s; side by side, not one after the other.
    expect(bench.clock.monotonicNs()).toBe(36e9)
    for (const { controller, temperatureC } of bench.ovens) {
      expect(Math.abs((await controller.readTemperatureC(neverAborted)) - temperatureC)).toBeLessThanOrEqual(0.2)
    }
    expect(calls.toSorted()).toEqual(['chip runs', 'chip to 40', 'mux runs', 'mux to 31.4'])
    expect(calls.indexOf('mux to 31.4')).toBeLessThan(calls.indexOf('mux runs'))
  })

  test('without ovens, or with warm ones, takes no time', async () => {
    for (const bench of [withOvens().bench, withOvens({ name: 'mux', temperatureC: 23 }).bench]) {
      await warmUp(bench, neverAborted)
      expect(bench.clock.monotonicNs()).toBe(0)
    }
  })

  test('an oven that never settles is named after five minutes', async () => {
    const { bench } = withOvens({ name: 'chip', temperatureC: 40, readC: (real) => Math.min(real, 35) })
    await expect(warmUp(bench, neverAborted)).rejects.toMatchObject({
      code: 'INSTRUMENT_NOT_SETTLED',
      message: 'chip is at 35 °C after 300 s, not at 40 °C',
      context: { name: 'chip', readC: 35, temperatureC: 40 },
    })
    expect(bench.clock.monotonicNs()).toBe(300e9)
  })

  test('an oven that reads no number never counts as warm', async () => {
    const { bench } = withOvens({ name: 'chip', temperatureC: 40, readC: () => NaN })
    await expect(warmUp(bench, neverAborted)).rejects.toMatchObject({ code: 'INSTRUMENT_NOT_SETTLED' })
  })

  test('an abort ends the waiting', async () => {
    const { bench } = withOvens({ name: 'chip', temperatureC: 99, readC: () => 20 })
    const stop = new AbortController()
    const warming = warmUp(bench, stop.signal)
    setImmediate(() => stop.abort(new Error('enough')))
    await expect(warming).rejects.toThrow('enough')
    expect(bench.clock.monotonicNs()).toBeLessThan(300e9)
  })
})

function withLasers(emits: (lane: number) => number): { bench: MeshBench; calls: string[] } {
  const { bench } = openDirectBench({ size: 2, lanes: 2 })
  const calls: string[] = []
  return {
    calls,
    bench: {
      ...bench,
      lasers: bench.lasers.map((one, l) => ({
        ...one,
        laser: {
          ...one.laser,
          setFrequencyThz: async (thz) => void calls.push(`laser ${l} at ${thz} THz`),
          setPowerDbm: async (power) => void calls.push(`laser ${l} to ${power} dBm`),
          setEmission: async (on) => void calls.push(`laser ${l} ${on ? 'on' : 'off'}`),
          readPowerDbm: async () => powerDbm(emits(l)),
        },
      })),
      lanes: bench.lanes.map((lane, l) => ({
        ...lane,
        modulators: lane.modulators.map((modulator, port) => ({
          ...modulator,
          bias: { ...modulator.bias, lockNull: async () => void calls.push(`bias ${l}.${port} locks`) },
        })),
      })),
    },
  }
}

describe('bringing light', () => {
  test('tunes each laser while it is dark, lights it, and then locks its modulators', async () => {
    const { bench, calls } = withLasers(() => 13.2)
    await bringLight(bench, neverAborted)
    for (const lane of [0, 1]) {
      expect(calls.filter((call) => call.startsWith(`laser ${lane} `) || call.startsWith(`bias ${lane}.`))).toEqual([
        `laser ${lane} at ${193.1 + 0.1 * lane} THz`,
        `laser ${lane} to 13 dBm`,
        `laser ${lane} on`,
        `bias ${lane}.0 locks`,
        `bias ${lane}.1 locks`,
      ])
    }
  })

  test.each([12.4, 13.6, -Infinity, NaN])(
    'a laser that emits %f dBm instead of 13 is named, and its modulators are not locked',
    async (dbm) => {
      const { bench, calls } = withLasers((lane) => (lane === 1 ? dbm : 13))
      await expect(bringLight(bench, neverAborted)).rejects.toMatchObject({
        code: 'INSTRUMENT_NOT_SETTLED',
        message: `the laser of lane 1 emits ${dbm} dBm, not 13 dBm`,
        context: { lane: 1, measured: dbm, laserPower: 13 },
      })
      expect(calls.filter((call) => call.startsWith('bias 1'))).toEqual([])
    },
  )
})
