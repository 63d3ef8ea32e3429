import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchMzi, perfectSplitters, turn } from '../../../calibration/model/mzi-match.ts'
import type { Splitters } from '../../../calibration/model/mzi-match.ts'
import { RandomStream } from '../../../core/random.ts'
import { mziMatrix } from '../../../sim/optics/mzi.ts'
import { haarUnitary } from '../../support/complex.ts'

const errorRad = fc.double({ min: -0.1, max: 0.1, noNaN: true })
const splitters: fc.Arbitrary<Splitters> = fc
  .record({
    alphaRad: errorRad,
    betaRad: errorRad,
    thirdErrorRad: errorRad,
    kind: fc.constantFrom('plain', 'three-splitter', 'crossing'),
  })
  .map(({ alphaRad, betaRad, thirdErrorRad, kind }) => {
    const { thirdRad } = perfectSplitters(kind)
    return { alphaRad, betaRad, ...(thirdRad === undefined ? {} : { thirdRad: thirdRad + thirdErrorRad }) }
  })

/** A random unitary 2×2 as re, im of 11, 12, 21, 22. */
function target(seed: number): Float64Array {
  const { re, im } = haarUnitary(2, new RandomStream(seed, 'target'))
  return Float64Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? re : im)[at >> 1]!)
}

/** What the twin’s interferometer does at these phases, its outputs turned. */
function made(of: Splitters, { thetaRad, phiRad, upperRad, lowerRad }: ReturnType<typeof matchMzi>): Float64Array {
  const t = new Float64Array(8)
  mziMatrix({ ...of, fieldRatio: 1 }, thetaRad, phiRad, t)
  turn(t, [0, 2], upperRad)
  turn(t, [4, 6], lowerRad)
  return t
}

const largest = (left: Float64Array, right: Float64Array): number =>
  Math.max(...left.map((value, at) => Math.abs(value - right[at]!)))

test('an interferometer does all that its splitters let it reach, and says what it was set to', () => {
  fc.assert(
    fc.property(splitters, fc.double({ min: 0, max: Math.PI, noNaN: true }), fc.nat(), (of, thetaRad, seed) => {
      // Whatever it makes at some setting it can reach; phases of the outputs are left to others.
      const wanted = new Float64Array(8)
      mziMatrix({ ...of, fieldRatio: 1 }, thetaRad, seed, wanted)
      turn(wanted, [0, 2], seed / 2)
      turn(wanted, [4, 6], seed / 3)
      const set = matchMzi(wanted, of)
      expect(largest(made(of, set), wanted)).toBeLessThan(1e-10)
      const bare = made(of, { ...set, upperRad: 0, lowerRad: 0 })
      expect(largest(bare, set.made)).toBeLessThan(1e-12)
    }),
    { numRuns: 300 },
  )
})

test('no phases of the twin’s interferometer come nearer to what is out of reach', () => {
  fc.assert(
    fc.property(
      splitters,
      fc.nat(),
      fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      (of, seed, dTheta, dPhi) => {
        const wanted = target(seed)
        const set = matchMzi(wanted, of)
        const distance = (other: ReturnType<typeof matchMzi>): number =>
          Math.hypot(...made(of, other).map((value, at) => value - wanted[at]!))
        const moved = { ...set, thetaRad: set.thetaRad + dTheta, phiRad: set.phiRad + dPhi }
        expect(distance(set)).toBeLessThanOrEqual(distance(moved) + 1e-9)
      },
    ),
    { numRuns: 300 },
  )
})
