import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { complexFromReal, complexIdentity, copyOf } from '../../../calibration/fit/complex-matrix.ts'
import { projectOnto, strongestRow } from '../../../calibration/fit/complex-vectors.ts'
import type { ComplexVector } from '../../../calibration/fit/complex-vectors.ts'
import { RandomStream } from '../../../core/random.ts'
import { close } from '../../support/close.ts'

const sizes = fc.integer({ min: 2, max: 9 })

const vector = (size: number, random: RandomStream): ComplexVector => ({
  re: Float64Array.from({ length: size }, () => random.normal()),
  im: Float64Array.from({ length: size }, () => random.normal()),
})

/** left · rightᵀ */
function outer(left: ComplexVector, right: ComplexVector): { size: number; re: Float64Array; im: Float64Array } {
  const size = left.re.length
  const re = new Float64Array(size * size)
  const im = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      re[i * size + j] = left.re[i]! * right.re[j]! - left.im[i]! * right.im[j]!
      im[i * size + j] = left.re[i]! * right.im[j]! + left.im[i]! * right.re[j]!
    }
  }
  return { size, re, im }
}

/** |⟨left, right⟩| / (|left|·|right|): 1 when they are the same but for a factor. */
function likeness(left: ComplexVector, right: ComplexVector): number {
  let [re, im] = [0, 0]
  for (let i = 0; i < left.re.length; i++) {
    re += left.re[i]! * right.re[i]! + left.im[i]! * right.im[i]!
    im += left.re[i]! * right.im[i]! - left.im[i]! * right.re[i]!
  }
  return Math.hypot(re, im) / (Math.hypot(...left.re, ...left.im) * Math.hypot(...right.re, ...right.im))
}

describe('the strongest row of a matrix', () => {
  test('of an outer product l·rᵀ is r, up to a factor', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, seed) => {
        const random = new RandomStream(seed, 'vectors')
        const [left, right] = [vector(size, random), vector(size, random)]
        expect(likeness(strongestRow(outer(left, right)), right)).toBeCloseTo(1, 12)
      }),
    )
  })

  test('is found through noise of a percent', () => {
    const random = new RandomStream(1, 'vectors')
    const [left, right] = [vector(8, random), vector(8, random)]
    const { size, re, im } = outer(left, right)
    const noise = (0.01 * Math.hypot(...re, ...im)) / size
    const noisy = {
      size,
      re: re.map((v) => v + random.normal(0, noise)),
      im: im.map((v) => v + random.normal(0, noise)),
    }
    expect(likeness(strongestRow(noisy), right)).toBeGreaterThan(0.9999)
  })

  test('of nothing is nothing', () => {
    const { re, im } = strongestRow({ size: 3, re: new Float64Array(9), im: new Float64Array(9) })
    expect([...re, ...im]).toEqual([0, 0, 0, 0, 0, 0])
  })
})

describe('a vector split over others', () => {
  test('gives back the coefficients that it was made of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 9 }), fc.integer({ min: 1, max: 3 }), fc.nat(), (size, count, seed) => {
        const random = new RandomStream(seed, 'vectors')
        const basis = Array.from({ length: count }, () => vector(size, random))
        const hidden = basis.map(() => ({ re: random.normal(), im: random.normal() }))
        const sum = { re: new Float64Array(size), im: new Float64Array(size) }
        for (const [k, { re, im }] of hidden.entries()) {
          for (let i = 0; i < size; i++) {
            sum.re[i]! += re * basis[k]!.re[i]! - im * basis[k]!.im[i]!
            sum.im[i]! += re * basis[k]!.im[i]! + im * basis[k]!.re[i]!
          }
        }
        const found = projectOnto(sum, basis)
        for (const [k, { re, im }] of hidden.entries()) {
          expect(found[k]!.re).toBeCloseTo(re, 7)
          expect(found[k]!.im).toBeCloseTo(im, 7)
        }
      }),
    )
  })

  test('leaves out what none of them can make', () => {
    const axis = (i: number): ComplexVector => ({
      re: Float64Array.from([0, 1, 2], (k) => Number(k === i)),
      im: new Float64Array(3),
    })
    const both = { re: Float64Array.of(2, 0, 5), im: Float64Array.of(-1, 0, 0) }
    const [first, second] = projectOnto(both, [axis(0), axis(1)])
    expect([first!.re, first!.im, second!.re, second!.im]).toEqual([2, -1, 0, 0].map(close(12)))
  })
})

describe('complex matrices', () => {
  test('of real values have no imaginary part, and a copy is a copy', () => {
    const real = complexFromReal(2, Float64Array.of(1, 2, 3, 4))
    const copy = copyOf(real)
    copy.re[0] = 9
    expect([...real.re, ...real.im]).toEqual([1, 2, 3, 4, 0, 0, 0, 0])
    expect([...complexIdentity(2).re]).toEqual([1, 0, 0, 1])
  })
})
