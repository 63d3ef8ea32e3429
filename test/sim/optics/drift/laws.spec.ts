import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../../core/clock.ts'
import { svdCoreLayout } from '../../../../core/mesh-layout.ts'
import { BenchAge } from '../../../../sim/optics/drift/bench-age.ts'
import { BiasDrift } from '../../../../sim/optics/drift/bias-drift.ts'
import { HeaterDrift } from '../../../../sim/optics/drift/heater-drift.ts'
import { LaserDrift } from '../../../../sim/optics/drift/laser-drift.ts'
import { MeshDrift } from '../../../../sim/optics/drift/mesh-drift.ts'
import { Room } from '../../../../sim/optics/drift/room.ts'
import { defaultImperfections } from '../../../support/direct-bench.ts'
import { statistics } from '../../../support/statistics.ts'

const what = defaultImperfections()
const NIGHT_S = 43_200
const MANY = 3000
const seeds = [...Array(MANY).keys()]
/** Share of σ that a deviation has grown to after a night. */
const grown = (correlationH: number): number => Math.sqrt(1 - Math.exp((-2 * 12) / correlationH))

function expectSigma(values: readonly number[], sigma: number): void {
  const seen = statistics(values)
  expect(Math.abs(seen.sigma - sigma)).toBeLessThan(seen.sigmaTolerance)
  expect(Math.abs(seen.mean)).toBeLessThan(seen.meanTolerance)
}

describe('the age of a world', () => {
  const clockAt = (ns: number): VirtualClock => {
    const clock = new VirtualClock()
    clock.moveTo(ns)
    return clock
  }

  test('is held for a minute at a time, counted from where it began', () => {
    const clock = clockAt(5e9)
    const age = new BenchAge(clock, { startS: NIGHT_S, holdS: 60 })
    expect(age.heldS()).toBe(NIGHT_S)
    clock.moveTo(64.9e9)
    expect(age.heldS()).toBe(NIGHT_S)
    clock.moveTo(65e9)
    expect(age.heldS()).toBe(NIGHT_S + 60)
    expect([...age.holdsBetween(64e9, 130e9)]).toEqual([
      { ageS: NIGHT_S, durationNs: 1e9 },
      { ageS: NIGHT_S + 60, durationNs: 60e9 },
      { ageS: NIGHT_S + 120, durationNs: 5e9 },
    ])
  })

  test('splits any time into its holds, with ends that no double hits', () => {
    const age = new BenchAge(clockAt(0.1), { startS: 0, holdS: 1.0000001 / 3 })
    const holds = [...age.holdsBetween(0.7, 9e9 + 0.3)]
    expect(holds.length).toBe(27)
    expect(holds.reduce((sum, { durationNs }) => sum + durationNs, 0)).toBeCloseTo(9e9 - 0.4, 3)
  })

  test('a world of a night is the one that a new world becomes in a night', () => {
    const clock = new VirtualClock()
    const waited = new BenchAge(clock, { startS: 0, holdS: 60 })
    clock.moveTo(NIGHT_S * 1e9)
    expect(waited.heldS()).toBe(new BenchAge(clock, { startS: NIGHT_S, holdS: 60 }).heldS())
  })
})

describe('a laser', () => {
  const set = { powerMw: 10, frequencyThz: 193.1 }

  test('emits what it was set to at age 0', () => {
    expect(new LaserDrift('laser', what, 1).emitted(set, 0)).toEqual(set)
  })

  test('is off by the σ of its frequency and of its power after a night, each by itself', () => {
    const emitted = seeds.map((seed) => new LaserDrift('laser', what, seed).emitted(set, NIGHT_S))
    const mhz = emitted.map(({ frequencyThz }) => (frequencyThz - 193.1) * 1e6)
    const db = emitted.map(({ powerMw }) => 10 * Math.log10(powerMw / 10))
    expectSigma(mhz, what.laserFrequencyDriftMhz * grown(what.laserCorrelationH))
    expectSigma(db, what.laserPowerDriftDb * grown(what.laserCorrelationH))
    const together = mhz.reduce((sum, value, seed) => sum + value * db[seed]!, 0) / MANY
    expect(Math.abs(together)).toBeLessThan((5 * statistics(mhz).sigma * statistics(db).sigma) / Math.sqrt(MANY))
  })

  test('of another name goes another way', () => {
    const [one, other] = ['laser-0', 'laser-1'].map((name) => new LaserDrift(name, what, 1).emitted(set, NIGHT_S))
    expect(one!.frequencyThz).not.toBe(other!.frequencyThz)
  })
})

test('a null and what its controller misses it by drift by their σ', () => {
  const drifts = seeds.map((seed) => new BiasDrift('mbx', what, seed))
  for (const [at, sigma] of [
    [(drift: BiasDrift) => drift.nullV(NIGHT_S), what.mzmNullDriftV],
    [(drift: BiasDrift) => drift.lockV(NIGHT_S), what.mzmLockDriftV],
  ] as const) {
    expectSigma(drifts.map(at), sigma * grown(what.mzmCorrelationH))
  }
  expect([drifts[0]!.nullV(0), drifts[0]!.lockV(0)]).toEqual([0, 0])
})

describe('the heaters of a chip', () => {
  test('wander one by one by their σ', () => {
    const drift = new HeaterDrift(MANY, { ...what, heaterAgeingPerKh: 0 }, 1)
    const beside = seeds.map((heater) => drift.ratio(heater, NIGHT_S) - 1)
    expectSigma(beside, what.heaterResistanceDrift * grown(what.heaterCorrelationH))
  })

  test('age all alike: by 2 % in 1000 h when told so, and not at once', () => {
    const drift = new HeaterDrift(2, { ...what, heaterResistanceDrift: 0, heaterAgeingPerKh: 0.02 }, 1)
    expect(drift.ratio(0, 0)).toBe(1)
    expect(drift.ratio(1, 3.6e6)).toBeCloseTo(1.02, 12)
    expect(drift.ratio(0, 1.8e6)).toBeCloseTo(1.01, 12)
  })
})

describe('the room', () => {
  test('is 23 °C at age 0 and two amplitudes warmer half a day later, every day', () => {
    const room = new Room({ ...what, ambientDriftK: 0, ambientCycleK: 0.5 }, 1)
    const temperaturesC = [0, 6, 12, 18, 24, 36].map((hours) => room.temperatureC(3600 * hours))
    const expectedC = [23, 23.5, 24, 23.5, 23, 24]
    for (const [at, expected] of expectedC.entries()) expect(temperaturesC[at]).toBeCloseTo(expected, 9)
  })

  test('reaches what an oven holds by a part of its own rise', () => {
    const room = new Room(what, 1)
    expect(room.throughOvenK(NIGHT_S)).toBeCloseTo((room.temperatureC(NIGHT_S) - 23) / what.ovenRejection, 12)
  })

  test('in a climate chamber is warmer by a staircase', () => {
    const chamber = { chamberStartK: -30, chamberStepK: 1.5, chamberStepH: 0.25 }
    const room = new Room({ ...what, ambientDriftK: 0, ambientCycleK: 0, ...chamber }, 1)
    const temperaturesC = [0, 0.24, 0.25, 0.6, 10].map((hours) => room.temperatureC(3600 * hours))
    expect(temperaturesC).toEqual([-7, -7, -5.5, -4, 53])
    expect(room.throughOvenK(36_000)).toBeCloseTo(30 / what.ovenRejection, 12)
  })

  test('wanders by its σ beside its day', () => {
    const beside = seeds.map((seed) => new Room({ ...what, ambientCycleK: 0 }, seed).temperatureC(NIGHT_S) - 23)
    expectSigma(beside, what.ambientDriftK * grown(what.ambientCorrelationH))
  })
})

describe('the phases of a mesh', () => {
  const layout = svdCoreLayout(4, 2)
  const quiet = { ...what, meshPhaseRadPerK: 0, loPhaseDriftRad: 0, loPortDriftRad: 0 }
  const loOf = (values: Partial<typeof what>, seed: number): { lo: number[][]; others: number[] } => {
    const phasesRad = new MeshDrift(layout, { ...quiet, ...values }, seed).phasesRad(NIGHT_S)
    const lo = layout.lo.map((ports) => ports.map((heater) => phasesRad[heater]!))
    const heaters = new Set(layout.lo.flat())
    return { lo, others: [...phasesRad].filter((_, heater) => !heaters.has(heater)) }
  }

  test('are what they were at age 0', () => {
    expect([...new MeshDrift(layout, what, 1).phasesRad(0)].every((rad) => rad === 0)).toBe(true)
  })

  test('turn all local oscillators of a lane together by its fibre', () => {
    const drawn = seeds.map((seed) => loOf({ loPhaseDriftRad: 0.1 }, seed))
    for (const { lo, others } of drawn) {
      for (const ports of lo) expect(new Set(ports).size).toBe(1)
      expect(others.every((rad) => rad === 0)).toBe(true)
    }
    expect(drawn[0]!.lo[0]![0]).not.toBe(drawn[0]!.lo[1]![0])
    expectSigma(
      drawn.map(({ lo }) => lo[0]![0]!),
      0.1 * grown(what.loCorrelationH),
    )
  })

  test('turn each of them by its waveguide', () => {
    const drawn = seeds.map((seed) => loOf({ loPortDriftRad: 0.05 }, seed).lo.flat())
    expect(new Set(drawn[0]).size).toBe(8)
    expectSigma(
      drawn.map(([rad]) => rad!),
      0.05 * grown(what.loCorrelationH),
    )
  })

  test('turn with the temperature of the chip, each path with its own length', () => {
    const warm = { ...what, meshPhaseRadPerK: 0.3, ambientDriftK: 0, ambientCycleK: 0.5, ovenRejection: 50 }
    const drawn = seeds.slice(0, 100).flatMap((seed) => loOf(warm, seed).others)
    // 1 K in the room is 20 mK on the chip.
    expectSigma(drawn, 0.3 * 0.02)
  })
})
