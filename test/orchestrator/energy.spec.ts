import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_DESIGN } from '../../core/mesh-design.ts'
import { powerDbm } from '../../core/quantities.ts'
import { accountEnergy, BOUNDARIES } from '../../orchestrator/ledger/energy.ts'
import type { PowerShare } from '../../orchestrator/ledger/energy.ts'
import { measurePower } from '../../orchestrator/ledger/measure-power.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { neverAborted } from '../support/run-plan.ts'
import { close } from '../support/close.ts'

const share = (boundary: PowerShare['boundary'], powerW: number, component = boundary): PowerShare => ({
  component,
  boundary,
  powerW,
  source: 'modelled',
  from: 'test',
})

describe('the energy account', () => {
  test('2 W of light for half a second and a million multiplications: 1 J, 1 µJ each, 2 TOPS a megawatt', () => {
    const { tops, benchSeconds, macs, boundaries } = accountEnergy([share('optical', 2)], 0.5, 1e6)
    expect({ tops, benchSeconds, macs }).toEqual({ tops: 4e-6, benchSeconds: 0.5, macs: 1e6 })
    expect(boundaries[0]).toEqual({
      boundary: 'optical',
      joules: 1,
      femtojoulePerMac: close(3)(1e9),
      milliwattPerTops: close(3)(5e8),
      topsPerWatt: close(15)(2e-6),
    })
  })

  test('each boundary holds all before it; the wall plug is one meter for everything', () => {
    const shares = [
      share('optical', 1),
      share('electro-optic', 10),
      share('electro-optic', 20, 'electro-optic'),
      share('converters', 100),
      share('wall-plug', 1000),
    ]
    const { boundaries } = accountEnergy(shares, 2, 10)
    expect(boundaries.map(({ boundary, joules }) => [boundary, joules])).toEqual([
      ['optical', 2],
      ['electro-optic', 62],
      ['converters', 262],
      ['wall-plug', 2000],
    ])
  })

  test('does not depend on the order of the shares, and never shrinks from one boundary to the next but the last', () => {
    const shares = fc.array(
      fc.record({ boundary: fc.constantFrom(...BOUNDARIES), powerW: fc.double({ min: 0, max: 1e3, noNaN: true }) }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(shares, (list) => {
        const given = list.map(({ boundary, powerW }) => share(boundary, powerW))
        const [account, back] = [accountEnergy(given, 1, 1), accountEnergy(given.toReversed(), 1, 1)]
        for (const [i, { joules }] of account.boundaries.entries()) {
          expect(back.boundaries[i]!.joules).toBeCloseTo(joules, 6)
          if (i > 0 && i < 3) expect(joules).toBeGreaterThanOrEqual(account.boundaries[i - 1]!.joules)
        }
      }),
    )
  })

  test('mW/TOPS, fJ/MAC and TOPS/W are one figure in three units', () => {
    const { boundaries } = accountEnergy([share('optical', 0.37)], 12, 12345)
    const { milliwattPerTops, femtojoulePerMac, topsPerWatt } = boundaries[0]!
    // 1 MAC = 2 OPS: 1 mW/TOPS = 1 fJ/OP = 2 fJ/MAC.
    expect(femtojoulePerMac / milliwattPerTops).toBeCloseTo(2, 12)
    expect(topsPerWatt * milliwattPerTops).toBeCloseTo(1000, 9)
  })
})

describe('what a bench draws', () => {
  test('is read from lasers, heaters and mains, and modelled where no instrument measures', async () => {
    const { bench: plain } = openDirectBench({ size: 4, lanes: 2 })
    const bench = {
      ...plain,
      lasers: plain.lasers.map((one, i) => ({
        ...one,
        laser: { ...one.laser, readPowerDbm: async () => powerDbm(10 * (i + 1)) },
      })),
      heaters: { ...plain.heaters, readPowersMw: async () => new Float64Array(48).fill(25) },
      mains: { ...plain.mains, readPowerW: async () => 987 },
      timing: { ...plain.timing, symbolPeriodS: 40e-6 },
    }
    const shares = await measurePower(bench, neverAborted)
    const powers = Object.fromEntries(shares.map(({ component, powerW }) => [component, powerW]))
    expect(powers).toEqual({
      // 10 mW and 100 mW of light, made at 20 %.
      'laser light': close(12)(0.11),
      'lasers, electrical': close(12)(0.44),
      heaters: close(12)(1.2),
      // 8 modulators of 8 bits and 16 detectors of 12 bits, 33.6 fJ each, 25 000 times a second.
      'DAC and ADC': close(18)((8 * 8 + 16 * 12) * 33.6e-15 * 25_000),
      'transimpedance amplifiers': close(12)(16 * 0.119),
      'whole bench': 987,
    })
    expect(Object.fromEntries(shares.map(({ component, source }) => [component, source]))).toEqual({
      'laser light': 'measured',
      'lasers, electrical': 'modelled',
      heaters: 'measured',
      'DAC and ADC': 'modelled',
      'transimpedance amplifiers': 'modelled',
      'whole bench': 'measured',
    })
    // Single photodiodes are half as many.
    const singles = openDirectBench({ size: 4, lanes: 2, design: { ...DEFAULT_DESIGN, detection: 'intensity' } }).bench
    const amplifiers = (await measurePower(singles, neverAborted)).find(({ component }) => /amplifiers/.test(component))
    expect(amplifiers?.powerW).toBeCloseTo(8 * 0.119, 12)
    const { boundaries } = accountEnergy(shares, 10, 1e6)
    expect(boundaries[1]!.joules).toBeCloseTo(10 * (0.11 / 0.2 + 1.2), 9)
    expect(boundaries[3]!.joules).toBe(9870)
  })

  test('every modelled share names its formula or source', async () => {
    const shares = await measurePower(openDirectBench({ size: 2, lanes: 1 }).bench, neverAborted)
    for (const { from } of shares) expect(from.length).toBeGreaterThan(5)
    for (const { source, from } of shares) if (source === 'modelled') expect(from).toMatch(/SimPhony|LSSC/)
  })

  test('a meter that does not answer fails the measurement', async () => {
    const { bench } = openDirectBench({ size: 2, lanes: 1 })
    const mains = { ...bench.mains, readPowerW: () => Promise.reject(new Error('no answer')) }
    await expect(measurePower({ ...bench, mains }, neverAborted)).rejects.toThrow('no answer')
  })
})
