import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clementsPhases } from '../../../calibration/model/clements.ts'
import { localCorrection } from '../../../calibration/model/local-correction.ts'
import { meshPhases } from '../../../calibration/model/mesh-phases.ts'
import { perfectSplitters } from '../../../calibration/model/mzi-match.ts'
import type { Splitters } from '../../../calibration/model/mzi-match.ts'
import { meshPlaces } from '../../../core/mesh-layout.ts'
import type { MziKind } from '../../../core/mesh-design.ts'
import { RandomStream } from '../../../core/random.ts'
import { diagonal, distance, haarUnitary, identity, zeros } from '../../support/complex.ts'
import type { Square } from '../../support/complex.ts'
import { rebuild } from '../../support/mesh-rebuild.ts'

const ARRANGEMENTS = ['clements', 'reck'] as const
const KINDS = ['plain', 'three-splitter', 'crossing'] as const

const sizes = fc.integer({ min: 2, max: 12 })
const haar = (size: number, seed: number): Square => haarUnitary(size, new RandomStream(seed, `haar ${size}`))

/** Splitters of one mesh: each with its own normal errors, or both of one MZI alike. */
function splittersOf(kind: MziKind, count: number, sigmaRad: number, seed = 1, alike = false): Splitters[] {
  const random = new RandomStream(seed, 'splitters')
  return Array.from({ length: count }, () => {
    const { thirdRad } = perfectSplitters(kind)
    const alphaRad = random.normal(0, sigmaRad)
    const errors = { alphaRad, betaRad: alike ? alphaRad : random.normal(0, sigmaRad) }
    // A crossing has no angle error: it is geometry.
    if (thirdRad === undefined || kind === 'crossing') return { ...errors, ...(thirdRad && { thirdRad }) }
    return { ...errors, thirdRad: thirdRad + random.normal(0, sigmaRad) }
  })
}

/** ‖U − U₀‖_F / √N */
function matrixError(left: Square, right: Square): number {
  const squares = left.re.reduce((sum, re, i) => sum + (re - right.re[i]!) ** 2 + (left.im[i]! - right.im[i]!) ** 2, 0)
  return Math.sqrt(squares / left.size)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

describe.each(ARRANGEMENTS)('the phases of a mesh arranged as in %s', (arrangement) => {
  describe.each(KINDS)('of %s interferometers with perfect splitters', (kind) => {
    const perfect = (size: number): Splitters[] => meshPlaces(size, arrangement).map(() => perfectSplitters(kind))
    const rebuilt = (unitary: Square): Square => {
      const { size } = unitary
      const phases = meshPhases(unitary, arrangement, perfect(size))
      return rebuild(size, meshPlaces(size, arrangement), perfect(size), phases)
    }

    test('make any unitary, to the last digits', () => {
      fc.assert(
        fc.property(sizes, fc.nat(), (size, seed) => {
          const unitary = haar(size, seed)
          expect(distance(rebuilt(unitary), unitary)).toBeLessThan(1e-12)
        }),
        { numRuns: 40 },
      )
    })

    test('make one of 64 modes to 1e-12', () => {
      const unitary = haar(64, 1)
      expect(distance(rebuilt(unitary), unitary)).toBeLessThan(1e-12)
    })

    test('are in one canonical form: θ in 0…π, all others in 0…2π, and the same again for the same unitary', () => {
      fc.assert(
        fc.property(sizes, fc.nat(), (size, seed) => {
          const unitary = haar(size, seed)
          const phases = meshPhases(unitary, arrangement, perfect(size))
          for (const theta of phases.thetaRad) expect(theta >= 0 && theta <= Math.PI).toBe(true)
          for (const phase of [...phases.phiRad, ...phases.outputRad]) {
            expect(phase >= 0 && phase < 2 * Math.PI).toBe(true)
          }
          expect(meshPhases(unitary, arrangement, perfect(size))).toEqual(phases)
          expect(unitary).toEqual(haar(size, seed))
        }),
        { numRuns: 20 },
      )
    })

    const permutation = (size: number, to: (i: number) => number): Square => {
      const matrix = zeros(size)
      for (let i = 0; i < size; i++) matrix.re[to(i) * size + i] = 1
      return matrix
    }
    test.each([
      ['nothing at all', permutation(6, (i) => i)],
      ['the modes upside down', permutation(7, (i) => 6 - i)],
      ['the modes moved on by one', permutation(8, (i) => (i + 1) % 8)],
      ['phases alone', diagonal([1, 0, -1, 0], [0, 1, 0, -1])],
      [
        'two blocks that do not meet',
        { ...identity(4), re: Float64Array.of(0.6, 0.8, 0, 0, -0.8, 0.6, 0, 0, 0, 0, 0.8, 0.6, 0, 0, -0.6, 0.8) },
      ],
    ])('make %s, where many elements are zero from the start', (_, unitary) => {
      expect(distance(rebuilt(unitary), unitary)).toBeLessThan(1e-12)
    })
  })

  test('of plain interferometers are those of the fast rectangle', () => {
    if (arrangement === 'reck') return
    for (const size of [2, 3, 8, 17]) {
      const unitary = haar(size, 5)
      const [ours, fast] = [
        meshPhases(unitary, arrangement, splittersOf('plain', size * size, 0)),
        clementsPhases(unitary),
      ]
      for (const key of ['thetaRad', 'phiRad', 'outputRad'] as const) {
        for (const [k, phase] of ours[key].entries())
          expect(Math.abs(Math.sin((phase - fast[key][k]!) / 2))).toBeLessThan(1e-9)
      }
    }
  })

  describe.each(KINDS)('of %s interferometers with known errors', (kind) => {
    const size = 16
    const places = meshPlaces(size, arrangement)
    /** Mean matrix error over chips and unitaries: as if perfect, corrected one by one, and nulled with known errors. */
    const errors = (sigmaRad: number, alike = false, chips = 4) => {
      const all = Array.from({ length: chips }, (_, seed) => {
        const unitary = haar(size, seed)
        const splitters = splittersOf(kind, places.length, sigmaRad, seed, alike)
        const plain = meshPhases(unitary, arrangement, splittersOf('plain', places.length, 0))
        const unaware = meshPhases(
          unitary,
          arrangement,
          places.map(() => perfectSplitters(kind)),
        )
        const made = (phases: typeof plain): number => matrixError(rebuild(size, places, splitters, phases), unitary)
        return {
          unaware: made(unaware),
          local: made(localCorrection(places, plain, splitters)),
          nulled: made(meshPhases(unitary, arrangement, splitters)),
        }
      })
      return {
        unaware: mean(all.map(({ unaware }) => unaware)),
        local: mean(all.map(({ local }) => local)),
        nulled: mean(all.map(({ nulled }) => nulled)),
      }
    }

    test('leave an error that grows with the square of the splitters’, not with the splitters’ own', () => {
      for (const sigmaRad of [0.02, 0.05]) {
        const { unaware, local, nulled } = errors(sigmaRad)
        expect(unaware).toBeGreaterThan(0.8 * Math.sqrt(2 * size) * sigmaRad)
        expect(local).toBeLessThan(1.5 * size * sigmaRad ** 2)
        expect(nulled).toBeLessThan(1.3 * size * sigmaRad ** 2)
      }
    })

    test('make what every interferometer can reach, to the last digits, whichever way', () => {
      const splitters = splittersOf(kind, places.length, 0.05, 3)
      const random = new RandomStream(3, 'reachable')
      // Half-way between straight and crossed for B, wherever φ and the third coupler then stand.
      const phases = {
        thetaRad: Float64Array.from(places, () => random.uniform(1, 2)),
        phiRad: Float64Array.from(places, () => random.uniform(0, 2 * Math.PI)),
        outputRad: Float64Array.from({ length: size }, () => random.uniform(0, 2 * Math.PI)),
      }
      const unitary = rebuild(size, places, splitters, phases)
      const nulled = rebuild(size, places, splitters, meshPhases(unitary, arrangement, splitters))
      expect(distance(nulled, unitary)).toBeLessThan(1e-11)
    })
  })

  test('a third splitter, or a crossing where both errors are alike, leaves far less than plain ones', () => {
    const size = 32
    const places = meshPlaces(size, arrangement)
    const left = (kind: MziKind, alike: boolean): number =>
      mean(
        [1, 2].map((seed) => {
          const unitary = haar(size, seed)
          const splitters = splittersOf(kind, places.length, 0.05, seed, alike)
          const plain = meshPhases(unitary, arrangement, splittersOf('plain', places.length, 0))
          return matrixError(rebuild(size, places, splitters, localCorrection(places, plain, splitters)), unitary)
        }),
      )
    expect(left('three-splitter', false)).toBeLessThan(left('plain', false) / 3)
    expect(left('crossing', true)).toBeLessThan(left('plain', true) / 3)
  })
})
