import { describe, expect, test } from 'vitest'
import type { MeshImperfections } from '../../../sim/optics/parameters/mesh-parameters.ts'
import type { MeshWorld } from '../../../sim/optics/mesh-world.ts'
import { noiseless, smallWorld } from '../../support/small-world.ts'
import type { SmallWorld } from '../../support/small-world.ts'
import { statistics } from '../../support/statistics.ts'

describe('records of a frame', () => {
  const PERIOD_S = 40e-6
  const POINT_S = 10e-6

  function armed(changes: Partial<MeshImperfections> = {}, seed = 1): SmallWorld {
    const setup = smallWorld(changes, { seed })
    setup.light()
    setup.lockBiases()
    const frame = Array.from({ length: 4 }, (_, channel) => Float64Array.of(0.4, channel === 0 ? -0.4 : 0, 0.1))
    setup.world.port('symbol-generator', 'awg-0').load(frame, PERIOD_S)
    return setup
  }
  const record = ({ world }: SmallWorld, channel: number, points = 20): Float64Array =>
    world.port('power-meter', 'meter-0').captureMw(channel, points, POINT_S)

  test('follow the symbols, four points each, and then the rest level', () => {
    const setup = armed({ ...noiseless, laserRinDbPerHz: -200 })
    setup.world.port('symbol-generator', 'awg-0').start()
    const points = record(setup, 0)
    const means = Array.from({ length: 5 }, (_, symbol) => statistics(points.subarray(4 * symbol, 4 * symbol + 4)))
    // Shot noise of 0.2 mW over 10 µs is 2 nW.
    for (const { sigma } of means) expect(sigma).toBeLessThan(1e-5)
    expect(new Set(means.slice(0, 4).map(({ mean }) => mean.toFixed(4))).size).toBe(4)
    expect(Math.abs(means[3]!.mean - means[4]!.mean)).toBeLessThan(1e-5)
  })

  test('of slow modulators smear into one another: symbols have a memory', () => {
    const [fast, slow] = [armed(noiseless), armed({ ...noiseless, mzmBandwidthMhz: 0.01 })]
    for (const { world } of [fast, slow]) world.port('symbol-generator', 'awg-0').start()
    const [sharp, smeared] = [record(fast, 0), record(slow, 0)]
    // 16 µs time constant, points of 10 µs: after a change all four points of a symbol differ.
    expect(Math.abs(sharp[4]! - sharp[7]!)).toBeLessThan(1e-5)
    for (const point of [4, 5, 6]) expect(Math.abs(smeared[point]! - smeared[point + 1]!)).toBeGreaterThan(1e-4)
  })

  test('of slow receivers follow with e^(−t/τ) a point', () => {
    const [fast, slow] = [armed(noiseless), armed({ ...noiseless, receiverBandwidthMhz: 0.01 })]
    for (const { world } of [fast, slow]) world.port('symbol-generator', 'awg-0').start()
    const [sharp, smeared] = [record(fast, 0), record(slow, 0)]
    const kept = Math.exp(-2 * Math.PI * 1e4 * POINT_S)
    const stepMw = sharp[3]! - sharp[4]!
    for (let point = 4; point < 8; point++) {
      // A power of 0.1 mW with shot noise of 2 nW.
      expect(smeared[point]! - sharp[point]!).toBeCloseTo(stepMw * kept ** (point - 3), 4)
    }
  })

  test('come through a fibre as late as it is long: one symbol of 40 µs over 8.17 km, and darker by its loss', () => {
    // No dispersion: 193.1 THz is not quite where the group index is given.
    const span = { modulatorFibreKm: (40e-6 * 299_792.458) / 1.467, fibreDispersionPsPerNmKm: 0, fibreLossDbPerKm: 0 }
    const [near, far] = [armed(noiseless), armed({ ...noiseless, ...span })]
    for (const { world } of [near, far]) world.port('symbol-generator', 'awg-0').start()
    const [at, later] = [record(near, 0), record(far, 0)]
    for (let point = 4; point < 20; point++) expect(later[point]!).toBeCloseTo(at[point - 4]!, 4)
    const lossy = armed({ ...noiseless, detectorFibreKm: 15, meterTriggerDelayUs: 0 })
    expect(
      lossy.world.port('power-meter', 'meter-0').powerMw(0) / near.world.port('power-meter', 'meter-0').powerMw(0),
    ).toBeCloseTo(10 ** -0.3, 3)
  })

  test('lose their beat to a wide line whose local oscillator comes much earlier, and keep it with equal paths', () => {
    const spread = (changes: Partial<MeshImperfections>): number => {
      const { world } = armed({ ...noiseless, ...changes })
      const generator = world.port('symbol-generator', 'awg-0')
      generator.start()
      const [plus, minus] = [0, 1].map((channel) =>
        world.port('power-meter', 'meter-0').captureMw(channel, 12, POINT_S),
      )
      return statistics(plus!.map((mw, i) => mw - minus![i]!)).sigma
    }
    const [clean, equal] = [spread({ laserLinewidthKhz: 0 }), spread({ laserLinewidthKhz: 1e5 })]
    expect(equal).toBe(clean)
    expect(spread({ laserLinewidthKhz: 1e5, loMismatchM: 100 })).toBeLessThan(clean / 10)
  })

  test('without a trigger show the outputs at rest', () => {
    const setup = armed(noiseless)
    const { sigma } = statistics(record(setup, 0))
    expect(sigma).toBeLessThan(1e-5)
  })

  test('of one trigger are one record, however often they are read; the next trigger brings new noise', () => {
    const setup = armed()
    const generator = setup.world.port('symbol-generator', 'awg-0')
    generator.start()
    const first = record(setup, 2)
    expect(record(setup, 2)).toEqual(first)
    generator.start()
    const second = record(setup, 2)
    expect(second).not.toEqual(first)
    for (const [i, value] of second.entries()) expect(Math.abs(value - first[i]!)).toBeLessThan(1e-4)
  })

  test('do not depend on the order in which instruments are read', () => {
    const [forth, back] = [armed(), armed()]
    for (const { world } of [forth, back]) world.port('symbol-generator', 'awg-0').start()
    const channels = [...Array(8).keys()]
    const [a, b] = [
      channels.map((channel) => record(forth, channel)),
      channels.toReversed().map((channel) => record(back, channel)),
    ]
    expect(b.reverse()).toEqual(a)
  })

  test('a longer record begins like a shorter one', () => {
    const setup = armed()
    setup.world.port('symbol-generator', 'awg-0').start()
    expect(record(setup, 1, 20).subarray(0, 8)).toEqual(record(setup, 1, 8))
  })

  test('the same seed gives the same record and another seed another one', () => {
    const [one, same, other] = [armed({}, 3), armed({}, 3), armed({}, 4)]
    for (const { world } of [one, same, other]) world.port('symbol-generator', 'awg-0').start()
    expect(record(same, 0)).toEqual(record(one, 0))
    expect(record(other, 0)).not.toEqual(record(one, 0))
  })

  test('of a port without a fibre are dark', () => {
    const { world } = smallWorld({}, { lanes: 1 })
    const spare = world.port('power-meter', 'meter-0')
    expect([...spare.captureMw(9, 3, POINT_S)]).toEqual([0, 0, 0])
    expect(spare.powerMw(9)).toBe(0)
  })
})

describe('single readings', () => {
  test('do not depend on the order in which instruments are read', () => {
    const [forth, back] = [smallWorld(), smallWorld()]
    for (const { light } of [forth, back]) light()
    const meters = (world: MeshWorld) => world.port('power-meter', 'meter-0')
    const taps = (world: MeshWorld) => world.port('voltage-monitor', 'taps')
    const a = [meters(forth.world).powerMw(0), taps(forth.world).voltageV(0), meters(forth.world).powerMw(1)]
    const b = [meters(back.world).powerMw(1), taps(back.world).voltageV(0), meters(back.world).powerMw(0)]
    expect(b.reverse()).toEqual(a)
  })

  test('of one port bring new noise every time, and so do neighbouring taps', () => {
    const { world } = smallWorld()
    const meter = world.port('power-meter', 'meter-0')
    expect(meter.powerMw(0)).not.toBe(meter.powerMw(0))
    const taps = world.port('voltage-monitor', 'taps')
    expect(new Set([taps.voltageV(0), taps.voltageV(1), taps.voltageV(0), taps.voltageV(1)]).size).toBe(4)
  })
})
