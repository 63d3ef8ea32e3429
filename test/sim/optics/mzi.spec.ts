import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mziMatrix } from '../../../sim/optics/mzi.ts'
import type { MziTruth } from '../../../sim/optics/chip.ts'
import { distance, embed, nonUnitarity, times } from '../../support/complex.ts'
import { close } from '../../support/close.ts'

const phase = fc.double({ min: -10, max: 10, noNaN: true })
const splitterError = fc.double({ min: -0.7, max: 0.7, noNaN: true })

function matrixOf(mzi: MziTruth, thetaRad: number, phiRad: number): Float64Array {
  const out = new Float64Array(8)
  mziMatrix(mzi, thetaRad, phiRad, out)
  return out
}

const ideal = { alphaRad: 0, betaRad: 0, fieldRatio: 1 }
const modulus = (t: Float64Array, element: number): number => Math.hypot(t[2 * element]!, t[2 * element + 1]!)

describe('an interferometer of the twin', () => {
  test('without loss passes all light on, whatever its splitters and phases are', () => {
    fc.assert(
      fc.property(splitterError, splitterError, phase, phase, (alphaRad, betaRad, theta, phi) => {
        const t = matrixOf({ alphaRad, betaRad, fieldRatio: 1 }, theta, phi)
        expect(nonUnitarity(embed(2, 0, t))).toBeLessThan(1e-14)
      }),
    )
  })

  test('crosses the light over at θ = 0 and lets it straight on at θ = π', () => {
    const cross = matrixOf(ideal, 0, 0)
    expect([0, 1, 2, 3].map((element) => modulus(cross, element))).toEqual([0, 1, 1, 0].map(close(15)))
    const bar = matrixOf(ideal, Math.PI, 0)
    expect([0, 1, 2, 3].map((element) => modulus(bar, element))).toEqual([1, 0, 0, 1].map(close(15)))
  })

  test('splits by sin²(θ/2) in between', () => {
    fc.assert(
      fc.property(phase, phase, (theta, phi) => {
        expect(modulus(matrixOf(ideal, theta, phi), 0) ** 2).toBeCloseTo(Math.sin(theta / 2) ** 2, 13)
      }),
    )
  })

  test('turns what enters above by φ, and nothing else', () => {
    const [before, after] = [
      matrixOf({ ...ideal, alphaRad: 0.1 }, 1, 0),
      matrixOf({ ...ideal, alphaRad: 0.1 }, 1, Math.PI / 2),
    ]
    // The first column times i, the second as it was.
    expect([...after]).toEqual(
      [-before[1]!, before[0]!, before[2]!, before[3]!, -before[5]!, before[4]!, before[6]!, before[7]!].map((v) =>
        close(14)(v),
      ),
    )
  })

  test('with splitter errors reaches |T11| from |sin(α + β)| to |cos(α − β)| and no further', () => {
    fc.assert(
      fc.property(splitterError, splitterError, phase, (alphaRad, betaRad, theta) => {
        const mzi = { alphaRad, betaRad, fieldRatio: 1 }
        const [least, most] = [Math.abs(Math.sin(alphaRad + betaRad)), Math.abs(Math.cos(alphaRad - betaRad))]
        expect(modulus(matrixOf(mzi, 0, 0), 0)).toBeCloseTo(least, 13)
        expect(modulus(matrixOf(mzi, Math.PI, 0), 0)).toBeCloseTo(most, 13)
        const between = modulus(matrixOf(mzi, theta, 0), 0)
        expect(between).toBeGreaterThan(Math.min(least, most) - 1e-13)
        expect(between).toBeLessThan(Math.max(least, most) + 1e-13)
      }),
    )
  })

  test('loses the same share of every field', () => {
    const [full, half] = [matrixOf(ideal, 1, 2), matrixOf({ ...ideal, fieldRatio: 0.5 }, 1, 2)]
    expect([...half]).toEqual([...full].map((value) => close(15)(value / 2)))
  })
})

describe('a third coupler', () => {
  const angle = fc.double({ min: -4, max: 4, noNaN: true })

  test('loses no light, whatever its angle and those of the splitters are', () => {
    fc.assert(
      fc.property(splitterError, splitterError, angle, phase, phase, (alphaRad, betaRad, thirdRad, theta, phi) => {
        const t = matrixOf({ alphaRad, betaRad, thirdRad, fieldRatio: 1 }, theta, phi)
        expect(nonUnitarity(embed(2, 0, t))).toBeLessThan(1e-14)
      }),
    )
  })

  test('is a splitter that the light meets before φ', () => {
    fc.assert(
      fc.property(splitterError, angle, phase, phase, (alphaRad, thirdRad, theta, phi) => {
        const mzi = { alphaRad, betaRad: 0.1, fieldRatio: 0.9 }
        const [c, s] = [Math.cos(thirdRad), Math.sin(thirdRad)]
        const splitter = embed(2, 0, Float64Array.of(c, 0, 0, s, 0, s, c, 0))
        const expected = times(embed(2, 0, matrixOf(mzi, theta, phi)), splitter)
        expect(distance(embed(2, 0, matrixOf({ ...mzi, thirdRad }, theta, phi)), expected)).toBeLessThan(1e-14)
      }),
    )
  })

  test('of π/4 lets an MZI of imperfect splitters cross the light entirely, which two splitters cannot', () => {
    const mzi = { alphaRad: 0.05, betaRad: 0.03, fieldRatio: 1 }
    const leastStraight = (of: MziTruth): number => {
      let least = 1
      for (let theta = 0; theta < 2 * Math.PI; theta += 0.01) {
        for (let phi = 0; phi < 2 * Math.PI; phi += 0.01) least = Math.min(least, modulus(matrixOf(of, theta, phi), 0))
      }
      return least
    }
    expect(leastStraight(mzi)).toBeGreaterThan(0.079)
    expect(leastStraight({ ...mzi, thirdRad: Math.PI / 4 + 0.02 })).toBeLessThan(0.01)
  })

  test('as a crossing goes straight where the plain one crosses', () => {
    const straight = matrixOf({ ...ideal, thirdRad: Math.PI / 2 }, 0, 0)
    expect([0, 1, 2, 3].map((element) => modulus(straight, element))).toEqual([1, 0, 0, 1].map(close(15)))
  })

  test('as a crossing crosses entirely where both splitters err alike, which the plain one cannot', () => {
    const mzi = { alphaRad: 0.1, betaRad: 0.1, fieldRatio: 1 }
    expect(modulus(matrixOf({ ...mzi, thirdRad: Math.PI / 2 }, Math.PI, 0), 0)).toBeCloseTo(0, 15)
    expect(modulus(matrixOf(mzi, 0, 0), 0)).toBeCloseTo(Math.sin(0.2), 13)
  })
})
