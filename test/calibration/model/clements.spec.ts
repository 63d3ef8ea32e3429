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

  test.each([
    [64, 1e-12],
    [256, 2.56e-11],
  ])('make a unitary of %i modes to %f', (size, within) => {
    const unitary = haarUnitary(size, new RandomStream(1, `haar ${size}`))
    const { thetaRad, phiRad, outputRad } = clementsPhases(unitary)
    const { re, im } = identity(size)
    const t = new Float64Array(8)
    for (const [k, { top }] of clementsPlaces(size).entries()) {
      mziMatrix(IDEAL, thetaRad[k]!, phiRad[k]!, t)
      for (let a = top * size, b = a + size; a < (top + 1) * size; a++, b++) {
        const [ar, ai, br, bi] = [re[a]!, im[a]!, re[b]!, im[b]!]
        re[a] = t[0]! * ar - t[1]! * ai + t[2]! * br - t[3]! * bi
        im[a] = t[0]! * ai + t[1]! * ar + t[2]! * bi + t[3]! * br
        re[b] = t[4]! * ar - t[5]! * ai + t[6]! * br - t[7]! * bi
        im[b] = t[4]! * ai + t[5]! * ar + t[6]! * bi + t[7]! * br
      }
    }
    let squares = 0
    for (let at = 0; at < size * size; at++) {
      const output = outputRad[Math.floor(at / size)]!
      const [c, d] = [Math.cos(output), Math.sin(output)]
      squares += (c * re[at]! - d * im[at]! - unitary.re[at]!) ** 2 + (c * im[at]! + d * re[at]! - unitary.im[at]!) ** 2
    }
    expect(Math.sqrt(squares)).toBeLessThan(within)
  })

  test('are in one canonical form: θ in 0…π, all others in 0…2π', () => {
    for (const size of [2, 3, 6, 17]) {
      const { thetaRad, phiRad, outputRad } = clementsPhases(haarUnitary(size, new RandomStream(2, 'haar')))
      for (const theta of thetaRad) expect(theta >= 0 && theta <= Math.PI).toBe(true)
      for (const phase of [...phiRad, ...outputRad]) expect(phase >= 0 && phase < 2 * Math.PI).toBe(true)
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
