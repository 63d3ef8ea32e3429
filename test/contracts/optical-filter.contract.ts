import { describe, expect, test } from 'vitest'
import type { FilterProfile, OpticalFilter } from '../../core/instruments.ts'

/** An optical filter and what a test may see besides its driver. */
export interface OpticalFilterUnderTest {
  readonly filter: OpticalFilter
  /** Messages sent to the filter so far. */
  readonly messagesSent: () => number
  /** Power that leaves a port for 1 that comes in. */
  readonly powerRatio: (port: number, frequencyThz: number) => number
}

const forever = (): AbortSignal => new AbortController().signal
const RANGE = { code: 'RANGE_EXCEEDED' }
const SLICES = 8

/** Neighbouring slices from here on, all to one port. */
function slices(fromThz: number, port: number, attenuationDb = 0): FilterProfile {
  return {
    frequenciesThz: Float64Array.from({ length: SLICES }, (_, slice) => fromThz + slice / 1000),
    attenuationsDb: new Float64Array(SLICES).fill(attenuationDb),
    phasesRad: Float64Array.from({ length: SLICES }, (_, slice) => slice / 4),
    ports: new Uint8Array(SLICES).fill(port),
  }
}

/** What every optical filter must do, simulated or real. */
export function describeOpticalFilter(name: string, open: () => Promise<OpticalFilterUnderTest>): void {
  describe(`${name} keeps the optical-filter contract`, () => {
    test('passes what a profile says to the ports that it says, and nothing else', async () => {
      const { filter, powerRatio } = await open()
      await using _ = filter
      await filter.loadProfile(slices(193.1, 1), forever())
      const open0 = powerRatio(1, 193.103)
      expect(open0).toBeGreaterThan(0.1)
      expect(powerRatio(2, 193.103)).toBeLessThan(1e-5)
      expect(powerRatio(1, 193.2)).toBeLessThan(1e-5)
      await filter.loadProfile(slices(193.1, 2, 10), forever())
      expect(powerRatio(2, 193.103) / open0).toBeCloseTo(0.1, 3)
      expect(powerRatio(1, 193.103)).toBeLessThan(1e-5)
    })

    test('reads back what was loaded', async () => {
      const { filter } = await open()
      await using _ = filter
      const loaded = slices(193.1, 2, 3.25)
      await filter.loadProfile(loaded, forever())
      const read = await filter.readProfile(forever())
      const first = read.frequenciesThz.findIndex((frequencyThz) => Math.abs(frequencyThz - 193.1) < 1e-4)
      expect(Array.from(read.ports.subarray(first, first + SLICES))).toEqual(Array.from(loaded.ports))
      for (let slice = 0; slice < SLICES; slice++) {
        expect(read.attenuationsDb[first + slice]).toBeCloseTo(3.25, 4)
        expect(read.phasesRad[first + slice]).toBeCloseTo(slice / 4, 4)
      }
    })

    test('passes a band to one port', async () => {
      const { filter, powerRatio } = await open()
      await using _ = filter
      await filter.loadBandPass({ port: 1, centreThz: 193.5, bandwidthThz: 0.05, attenuationDb: 0 }, forever())
      for (const inside of [193.48, 193.5, 193.52]) expect(powerRatio(1, inside)).toBeGreaterThan(0.1)
      for (const outside of [193.46, 193.54]) expect(powerRatio(1, outside)).toBeLessThan(1e-5)
    })

    test('blocks everything when it is made safe, and when it is let go', async () => {
      const { filter, powerRatio } = await open()
      {
        await using _ = filter
        await filter.loadProfile(slices(193.1, 1), forever())
        await filter.makeSafe(forever())
        await filter.makeSafe(forever())
        expect(powerRatio(1, 193.103)).toBeLessThan(1e-5)
        await filter.loadProfile(slices(193.1, 1), forever())
      }
      expect(powerRatio(1, 193.103)).toBeLessThan(1e-5)
    })

    test('refuses what it cannot do before a byte is sent', async () => {
      const { filter, messagesSent } = await open()
      await using _ = filter
      const before = messagesSent()
      const { frequencyRangeThz, portCount } = filter
      const good = slices(193.1, 1)
      const bad: readonly FilterProfile[] = [
        slices(frequencyRangeThz.min - 0.001, 1),
        slices(frequencyRangeThz.max - 0.001, 1),
        slices(193.1004, 1),
        { ...good, frequenciesThz: good.frequenciesThz.with(3, 193.104) },
        { ...good, frequenciesThz: good.frequenciesThz.toReversed() },
        slices(193.1, 1, -0.1),
        slices(193.1, 1, 60.1),
        slices(193.1, 1, Number.NaN),
        { ...good, phasesRad: good.phasesRad.with(0, Number.POSITIVE_INFINITY) },
        slices(193.1, portCount + 1),
      ]
      for (const profile of bad) await expect(filter.loadProfile(profile, forever())).rejects.toMatchObject(RANGE)
      for (const profile of [
        { ...good, ports: new Uint8Array(3) },
        { ...good, frequenciesThz: new Float64Array(0) },
      ]) {
        await expect(filter.loadProfile(profile, forever())).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' })
      }
      const band = { port: 1, centreThz: 193.5, bandwidthThz: 0.05, attenuationDb: 0 }
      for (const change of [
        { port: 0 },
        { port: portCount + 1 },
        { port: 1.5 },
        { bandwidthThz: 0.009 },
        { bandwidthThz: 100 },
        { centreThz: frequencyRangeThz.min },
        { attenuationDb: 40.1 },
        { attenuationDb: -1 },
      ]) {
        await expect(filter.loadBandPass({ ...band, ...change }, forever())).rejects.toMatchObject(RANGE)
      }
      expect(messagesSent()).toBe(before)
    })

    test('rejects under an aborted signal and works again under a fresh one', async () => {
      const { filter, powerRatio } = await open()
      await using _ = filter
      await expect(filter.blockAll(AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
      await filter.loadProfile(slices(193.1, 1), forever())
      expect(powerRatio(1, 193.103)).toBeGreaterThan(0.1)
    })
  })
}
