import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixedGridThz, nearestChannel } from '../../../sim/optics/itu-grid.ts'
import { LaneFilters } from '../../../sim/optics/lane-filters.ts'
import { passbandTransmission } from '../../../sim/optics/passband.ts'
import type { Passband } from '../../../sim/optics/passband.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'
import { statistics } from '../../support/statistics.ts'

const dataSheet: Passband = {
  centreThz: 193.1,
  width1DbThz: 0.05,
  width3DbThz: 0.075,
  spacingThz: 0.1,
  adjacentLeak: 10 ** -2.5,
  otherLeak: 10 ** -3,
}
const lossDb = (band: Passband, offThz: number): number =>
  -10 * Math.log10(passbandTransmission(band, band.centreThz + offThz))

describe('the grids of ITU-T G.694.1', () => {
  test('count from 193.1 THz in every spacing of the standard', () => {
    expect(fixedGridThz(0, 0.1)).toBe(193.1)
    expect(fixedGridThz(-3, 0.05)).toBeCloseTo(192.95, 12)
    expect(fixedGridThz(8, 0.0125)).toBeCloseTo(193.2, 12)
    for (const spacingThz of [0.0125, 0.025, 0.05, 0.1]) {
      for (const n of [-40, 0, 7]) expect(nearestChannel(fixedGridThz(n, spacingThz), spacingThz)).toBe(n)
    }
  })
})

describe('a passband', () => {
  test('loses nothing at its centre, 1 dB and 3 dB at the edges of its data sheet', () => {
    expect(passbandTransmission(dataSheet, 193.1)).toBe(1)
    for (const sign of [-1, 1]) {
      expect(lossDb(dataSheet, sign * 0.025)).toBeCloseTo(1, 8)
      expect(lossDb(dataSheet, sign * 0.0375)).toBeCloseTo(3, 8)
    }
  })

  test('is a Gaussian when B₁/B₃ = 1/√3', () => {
    const gaussian = { ...dataSheet, width1DbThz: 0.075 / Math.sqrt(3) }
    for (const offThz of [0.005, 0.02, 0.04])
      expect(lossDb(gaussian, offThz)).toBeCloseTo(3 * (offThz / 0.0375) ** 2, 8)
  })

  test('a laser 10 GHz off its channel loses light; 100 GHz off it leaks at 25 dB, 200 GHz off at 30 dB', () => {
    expect(lossDb(dataSheet, 0.01)).toBeGreaterThan(0.05)
    expect(lossDb(dataSheet, 0.1)).toBeCloseTo(25, 8)
    expect(lossDb(dataSheet, -0.2)).toBeCloseTo(30, 8)
  })

  test('gives out no more light than it gets, at any frequency', () => {
    fc.assert(
      fc.property(fc.double({ min: -2, max: 2, noNaN: true }), (offThz) => {
        const passed = passbandTransmission(dataSheet, 193.1 + offThz)
        expect(passed).toBeGreaterThan(0)
        expect(passed).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('the filters of a bench', () => {
  const CHANNELS_THZ = [193.1, 193.2, 193.4]

  test('pass a lane’s own laser, and leak the others by their distance', () => {
    const filters = new LaneFilters(2, CHANNELS_THZ, defaultImperfections({ muxCentreErrorGhz: 0 }), 1)
    const { muxField, demuxPower } = filters.at(Float64Array.from(CHANNELS_THZ))
    for (const field of muxField) expect(field).toBeCloseTo(1, 8)
    const db = Array.from(demuxPower, (power) => Math.abs(Math.round(-10 * Math.log10(power))))
    // [laser, lane, port]
    expect(db).toEqual([0, 0, 25, 25, 30, 30, 25, 25, 0, 0, 30, 30, 30, 30, 30, 30, 0, 0])
  })

  test('follow the lasers when these move', () => {
    const filters = new LaneFilters(2, CHANNELS_THZ, defaultImperfections({ muxCentreErrorGhz: 0 }), 1)
    const first = filters.at(Float64Array.from(CHANNELS_THZ))
    expect(filters.at(Float64Array.from(CHANNELS_THZ))).toBe(first)
    const moved = filters.at(Float64Array.from(CHANNELS_THZ, (thz) => thz + 0.0375))
    expect(moved.muxField[0]).toBeCloseTo(10 ** -0.15, 8)
  })

  test('are centred to 2 GHz (σ), and nobody else’s seed moves them', () => {
    const build = (seed: number) => new LaneFilters(1000, [193.1], defaultImperfections(), seed)
    const { mean, meanTolerance, sigma, sigmaTolerance } = statistics(
      build(1).mux.map(({ centreThz }) => (centreThz - 193.1) * 1e3),
    )
    expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - 2)).toBeLessThan(sigmaTolerance)
    expect(build(1).demux).toEqual(build(1).demux)
    expect(build(2).demux).not.toEqual(build(1).demux)
    expect(build(1).demux[0]!.centreThz).not.toBe(build(1).mux[0]!.centreThz)
  })

  test.each([
    [{ muxPassband3DbGhz: 120 }, /wider than gridSpacingGhz 100/],
    [{ muxPassband1DbGhz: 75 }, /must be less than muxPassband3DbGhz/],
  ])('refuse %o before anything is made', (changes, message) => {
    expect(() => new LaneFilters(2, CHANNELS_THZ, defaultImperfections(changes), 1)).toThrow(message)
  })
})
