import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clementsPhases } from '../../../calibration/model/clements.ts'
import type { ClementsPhases } from '../../../calibration/model/clements.ts'
import { clementsPlaces } from '../../../core/mesh-layout.ts'
import { RandomStream } from '../../../core/random.ts'
import { mziMatrix } from '../../../sim/optics/mzi.ts'
import { diagonal, distance, embed, haarUnitary, identity, times, zeros } from '../../support/complex.ts'
import type { Square } from '../../support/complex.ts'

const IDEAL = { alphaRad: 0, betaRad: 0, fieldRatio: 1 }

/** diag(e^{i·output}) · T_last … T_first, with the twin's interferometers: they share no code with the decomposition. */
function rebuild(size: number, { thetaRad, phiRad, outputRad }: ClementsPhases): Square {
  const t = new Float64Array(8)
  const mesh = clementsPlaces(size).reduce((matrix, { top }, k) => {
    mziMatrix(IDEAL, thetaRad[k]!, phiRad[k]!, t)
    return times(embed(size, top, t), matrix)
  }, identity(size))
  return times(diagonal(outputRad.map(Math.cos), outputRad.map(Math.sin)), mesh)
}

const sizes = Array.from({ length: 11 }, (_, i) => i + 2)

describe('the phases of a rectangular mesh', () => {
  test.each(sizes)('make any unitary of %i modes, to the last digits', (size) => {
    for (let seed = 0; seed < 10; seed++) {
      const unitary = haarUnitary(size, new RandomStream(seed, `haar ${size}`))
      expect(distance(rebuild(size, clementsPhases(unitary)), unitary)).toBeLessThan(1e-12)
    }
  })

  test('make it just as well when each interferometer is on either branch of its phase', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(), fc.infiniteStream(fc.boolean()), (size, seed, signs) => {
        const unitary = haarUnitary(size, new RandomStream(seed, 'haar'))
        const branch = Int8Array.from(clementsPlaces(size), () => (signs.next().value === true ? 1 : -1))
        const phases = clementsPhases(unitary, branch)
        expect(distance(rebuild(size, phases), unitary)).toBeLessThan(1e-12)
        for (const [k, theta] of phases.thetaRad.entries()) {
          const onBranch = theta * branch[k]!
          expect(onBranch).toBeGreaterThanOrEqual(0)
          expect(onBranch).toBeLessThanOrEqual(Math.PI)
        }
      }),
      { numRuns: 60 },
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
    ['a sign on every other mode', diagonal([1, -1, 1, -1, 1], [0, 0, 0, 0, 0])],
    ['phases alone', diagonal([1, 0, -1, 0], [0, 1, 0, -1])],
    [
      'two blocks that do not meet',
      { ...identity(4), re: Float64Array.of(0.6, 0.8, 0, 0, -0.8, 0.6, 0, 0, 0, 0, 0.8, 0.6, 0, 0, -0.6, 0.8) },
    ],
  ])('make %s, where many elements are zero from the start', (_, unitary) => {
    expect(distance(rebuild(unitary.size, clementsPhases(unitary)), unitary)).toBeLessThan(1e-12)
  })

  test('lie within one turn, and leave the matrix as it was', () => {
    const unitary = haarUnitary(9, new RandomStream(1, 'haar'))
    const before = unitary.re.slice()
    const { phiRad, outputRad } = clementsPhases(unitary)
    for (const phase of [...phiRad, ...outputRad]) {
      expect(phase).toBeGreaterThanOrEqual(0)
      expect(phase).toBeLessThan(2 * Math.PI)
    }
    expect(unitary.re).toEqual(before)
  })
})
