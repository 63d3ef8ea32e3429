import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readBenchFile, requireKind } from '../../bench/bench-file.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { openMeshBench } from '../../bench/open-bench.ts'
import { VirtualClock } from '../../core/clock.ts'
import { DEFAULT_DESIGN } from '../../core/mesh-design.ts'
import { powerDbm } from '../../core/quantities.ts'
import { benchPower } from '../../orchestrator/ledger/bench-power.ts'
import { BOUNDARIES } from '../../orchestrator/ledger/boundaries.ts'
import type { Boundary } from '../../orchestrator/ledger/boundaries.ts'
import { boundaryEnergies } from '../../orchestrator/ledger/energy.ts'
import type { PowerShare } from '../../orchestrator/ledger/energy.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { close } from '../support/close.ts'
import { neverAborted } from '../support/run-plan.ts'

const share = (boundary: Boundary, joules: number, uncertaintyJ = 0): PowerShare => ({
  ...{ component: boundary, boundary, joules, uncertaintyJ },
  ...{ powerW: joules, source: 'modelled', from: 'test', accuracy: 'test' },
  ...{ readings: 0, measuredSeconds: 0, modelledSeconds: 1 },
})

describe('the energy of a job', () => {
  test('1 J of light for a million multiplications: 1 µJ each, 2 operations each', () => {
    const [optical] = boundaryEnergies([share('optical', 1)], 1e6)
    expect(optical).toMatchObject({
      boundary: 'optical',
      joules: 1,
      femtojoulePerMac: close(3)(1e9),
      milliwattPerTops: close(3)(5e8),
      topsPerWatt: close(15)(2e-6),
    })
  })

  test('each boundary holds all before it; the wall plug is one meter for everything', () => {
    const shares = [
      share('optical', 2),
      share('electro-optic', 20),
      share('electro-optic', 40),
      share('converters', 200),
      share('wall-plug', 2000),
    ]
    expect(boundaryEnergies(shares, 10).map(({ boundary, joules }) => [boundary, joules])).toEqual([
      ['optical', 2],
      ['electro-optic', 62],
      ['converters', 262],
      ['wall-plug', 2000],
    ])
  })

  test('errors of components know nothing of each other: 3 J and 4 J make 5 J', () => {
    const shares = [share('optical', 10, 3), share('electro-optic', 40, 4), share('wall-plug', 100, 1)]
    const [optical, electroOptic, , wall] = boundaryEnergies(shares, 1e6)
    expect([optical, electroOptic, wall].map((each) => each!.uncertainty.joules)).toEqual([3, 5, 1])
    // Time and multiplications are counted: all figures have the same relative error, a tenth here.
    for (const key of ['milliwattPerTops', 'femtojoulePerMac', 'topsPerWatt'] as const) {
      expect(electroOptic!.uncertainty[key] / electroOptic![key]).toBeCloseTo(0.1, 12)
    }
  })

  test('does not depend on the order of the shares, and never shrinks from one boundary to the next but the last', () => {
    const shares = fc.array(
      fc.record({ boundary: fc.constantFrom(...BOUNDARIES), joules: fc.double({ min: 0, max: 1e3, noNaN: true }) }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(shares, (list) => {
        const given = list.map(({ boundary, joules }) => share(boundary, joules))
        const [account, back] = [boundaryEnergies(given, 1), boundaryEnergies(given.toReversed(), 1)]
        for (const [i, { joules }] of account.entries()) {
          expect(back[i]!.joules).toBeCloseTo(joules, 6)
          if (i > 0 && i < 3) expect(joules).toBeGreaterThanOrEqual(account[i - 1]!.joules)
        }
      }),
    )
  })

  test('mW/TOPS, fJ/MAC and TOPS/W are one figure in three units', () => {
    const { milliwattPerTops, femtojoulePerMac, topsPerWatt } = boundaryEnergies([share('optical', 4.4)], 12345)[0]!
    // 1 MAC = 2 OPS: 1 mW/TOPS = 1 fJ/OP = 2 fJ/MAC.
    expect(femtojoulePerMac / milliwattPerTops).toBeCloseTo(2, 12)
    expect(topsPerWatt * milliwattPerTops).toBeCloseTo(1000, 9)
  })
})

describe('what a bench draws', () => {
  test('is read from mains, heaters and each laser', async () => {
    const { bench: plain } = openDirectBench({ size: 4, lanes: 2 })
    const bench = {
      ...plain,
      lasers: plain.lasers.map((one, i) => ({
        ...one,
        laser: { ...one.laser, readPowerDbm: async () => powerDbm(10 * (i + 1)) },
      })),
      heaters: { ...plain.heaters, readPowersMw: async () => new Float64Array(48).fill(25) },
      mains: { ...plain.mains, readPowerW: async () => 987 },
    }
    const read = await Promise.all(
      benchPower(bench).channels.map(async (channel) => [channel.quantity, await channel.read(neverAborted)]),
    )
    expect(read).toEqual([
      ['power of whole bench', 987],
      ['power of heaters', close(12)(1.2)],
      ['power of laser light, laser-0', close(12)(0.01)],
      ['power of laser light, laser-1', close(12)(0.1)],
    ])
  })

  test('is nothing where heaters are cold, although their noise multiplies to less than nothing', async () => {
    const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
    const clock = new VirtualClock()
    const { direct } = startDirectTwin(file, { seed: 7, clock })
    await using open = await openMeshBench(file, { direct, clock, signal: neverAborted })
    const heaters = benchPower(open.bench).channels.find(({ quantity }) => quantity === 'power of heaters')!
    let least = Infinity
    for (let reading = 0; reading < 20; reading++) {
      least = Math.min(
        least,
        (await open.bench.heaters.readPowersMw(neverAborted)).reduce((sum, mw) => sum + mw, 0),
      )
      const readW = await heaters.read(neverAborted)
      expect(readW).toBeGreaterThanOrEqual(0)
      expect(readW).toBeLessThan(1e-7)
    }
    expect(least).toBeLessThan(0)
  })

  test('is modelled where no instrument measures: converters, amplifiers, and lasers by their light', () => {
    const { bench: plain } = openDirectBench({ size: 4, lanes: 2 })
    const { components } = benchPower({ ...plain, timing: { ...plain.timing, symbolPeriodS: 40e-6 } })
    const constants = components.filter(({ series }) => series.length === 0)
    expect(constants.map(({ component, constantW }) => [component, constantW])).toEqual([
      // 8 modulators of 8 bits and 16 detectors of 12 bits, 33.6 fJ each, 25 000 times a second.
      ['DAC and ADC', close(18)((8 * 8 + 16 * 12) * 33.6e-15 * 25_000)],
      ['transimpedance amplifiers', close(12)(16 * 0.119)],
    ])
    const [light, electrical] = components
    expect(electrical).toMatchObject({ component: 'lasers, electrical', source: 'modelled', factor: 4 })
    expect(electrical!.series).toBe(light!.series)
    // Single photodiodes are half as many.
    const singles = openDirectBench({ size: 4, lanes: 2, design: { ...DEFAULT_DESIGN, detection: 'intensity' } }).bench
    const amplifiers = benchPower(singles).components.find(({ component }) => /amplifiers/.test(component))
    expect(amplifiers?.constantW).toBeCloseTo(8 * 0.119, 12)
  })

  test('every component says how far it may be off and why: the mains by its class, models by assumption', () => {
    for (const { source, from, accuracy } of benchPower(openDirectBench({ size: 2, lanes: 1 }).bench).components) {
      expect(accuracy.relative).toBeGreaterThan(0)
      if (source === 'modelled') expect(`${from}; ${accuracy.from}`).toMatch(/(SimPhony|LSSC).*assumption/)
      else expect(accuracy.from).toMatch(/class 1|assumption/)
    }
  })
})
