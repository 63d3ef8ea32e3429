import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { awgrLayout } from '../../../core/awgr-layout.ts'
import { svdCoreLayout } from '../../../core/mesh-layout.ts'
import { Crosstalk } from '../../../sim/optics/crosstalk.ts'

/** The law, written out for all pairs and never cut. */
function everyPair(
  places: readonly { x: number; y: number }[],
  { crosstalkNeighbour: c, crosstalkDecayPitch: decay }: { crosstalkNeighbour: number; crosstalkDecayPitch: number },
  ownRad: Float64Array,
): Float64Array {
  return Float64Array.from(places, ({ x, y }, victim) =>
    places.reduce((sum, from, k) => {
      const d = Math.hypot(x - from.x, y - from.y)
      return sum + (k === victim ? 1 : c * Math.exp(-(d - 1) / decay)) * ownRad[k]!
    }, 0),
  )
}

const law = fc.record({
  crosstalkNeighbour: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.2, noNaN: true })),
  crosstalkDecayPitch: fc.double({ min: 0.1, max: 20, noNaN: true }),
})
const places = fc
  .uniqueArray(fc.record({ x: fc.integer({ min: -3, max: 60 }), y: fc.integer({ min: -3, max: 30 }) }), {
    minLength: 1,
    maxLength: 80,
    selector: ({ x, y }) => `${x},${y}`,
  })
  .chain((at) =>
    fc.record({
      at: fc.constant(at),
      own: fc.array(fc.double({ min: 0, max: 14, noNaN: true }), { minLength: at.length, maxLength: at.length }),
    }),
  )

describe('warmth that spreads by a stencil', () => {
  test('is the sum over all pairs, but for a hundred-millionth of each heater', () => {
    fc.assert(
      fc.property(law, places, (of, { at, own }) => {
        const ownRad = Float64Array.from(own)
        const cut = 1.000001e-8 * ownRad.reduce((sum, rad) => sum + rad, 0) + 1e-12
        const expected = everyPair(at, of, ownRad)
        for (const [heater, rad] of new Crosstalk(at, of).spread(ownRad).entries()) {
          expect(Math.abs(rad - expected[heater]!)).toBeLessThanOrEqual(cut)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('tells for one pair what it does to all', () => {
    fc.assert(
      fc.property(law, places, (of, { at }) => {
        const crosstalk = new Crosstalk(at, of)
        const own = new Float64Array(at.length)
        own[0] = 1
        expect([...crosstalk.spread(own)]).toEqual(at.map((_, victim) => crosstalk.share(victim, 0)))
      }),
      { numRuns: 100 },
    )
  })

  test('leaves nothing behind from the time before', () => {
    const crosstalk = new Crosstalk(svdCoreLayout(4, 1).heaters, { crosstalkNeighbour: 0.1, crosstalkDecayPitch: 2 })
    const cold = new Float64Array(svdCoreLayout(4, 1).heaters.length)
    crosstalk.spread(cold.map(() => 5))
    expect(crosstalk.spread(cold)).toEqual(cold)
  })

  test('on a chip of 64 ports leaves out less than 1e-5 of a heater’s phase, all far ones together', () => {
    const { heaters } = svdCoreLayout(64, 1)
    const of = { crosstalkNeighbour: 0.01, crosstalkDecayPitch: 1 }
    const all = new Float64Array(heaters.length).fill(1)
    const seen = new Crosstalk(heaters, of).spread(all)
    for (let victim = 0; victim < heaters.length; victim += 97) {
      const { x, y } = heaters[victim]!
      const expected = heaters.reduce((sum, from, k) => {
        const d = Math.hypot(x - from.x, y - from.y)
        return sum + (k === victim ? 1 : of.crosstalkNeighbour * Math.exp(-(d - 1)))
      }, 0)
      expect(Math.abs(seen[victim]! - expected)).toBeLessThan(1e-5)
    }
  })
})

describe.each([
  ['mesh of 5 ports and 3 lanes', svdCoreLayout(5, 3).heaters],
  ['mesh of 8 ports', svdCoreLayout(8, 1).heaters],
  ['bank for each of 6 ports', awgrLayout(6, 'per-port').heaters],
  ['shared bank', awgrLayout(6, 'shared').heaters],
])('heaters of a %s', (_, heaters) => {
  test('stand on whole pitches, each on a place of its own', () => {
    expect(new Set(heaters.map(({ x, y }) => `${x},${y}`)).size).toBe(heaters.length)
    for (const { x, y } of heaters) expect([x, y].every(Number.isInteger)).toBe(true)
  })
})
