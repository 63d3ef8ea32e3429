import { complexZeros, copyOf, complexIdentity } from './complex-matrix.ts'
import type { ComplexMatrix } from './complex-matrix.ts'

/** left · right */
export function multiplyComplex(left: ComplexMatrix, right: ComplexMatrix): ComplexMatrix {
  const { size } = left
  const product = complexZeros(size)
  const { re, im } = product
  for (let row = 0; row < size; row++) {
    const to = row * size
    for (let k = 0; k < size; k++) {
      const ar = left.re[to + k]!
      const ai = left.im[to + k]!
      if (ar === 0 && ai === 0) continue
      for (let c = 0, from = k * size; c < size; c++, from++) {
        const br = right.re[from]!
        const bi = right.im[from]!
        re[to + c]! += ar * br - ai * bi
        im[to + c]! += ar * bi + ai * br
      }
    }
  }
  return product
}

/** left⁻¹ · right, by Gauss and Jordan with row pivots; undefined when `left` is singular. */
export function solveComplex(left: ComplexMatrix, right: ComplexMatrix): ComplexMatrix | undefined {
  const { size } = left
  const a = copyOf(left)
  const b = copyOf(right)
  for (let k = 0; k < size; k++) {
    let pivot = k
    for (let row = k + 1; row < size; row++) if (power(a, row, k) > power(a, pivot, k)) pivot = row
    const strength = power(a, pivot, k)
    if (!(strength > 0)) return undefined
    if (pivot !== k) for (const m of [a, b]) swapRows(m, pivot, k)
    const pr = a.re[k * size + k]! / strength
    const pi = -a.im[k * size + k]! / strength
    for (const m of [a, b]) {
      for (let at = k * size; at < (k + 1) * size; at++) {
        const re = m.re[at]!
        const im = m.im[at]!
        m.re[at] = re * pr - im * pi
        m.im[at] = re * pi + im * pr
      }
    }
    for (let row = 0; row < size; row++) {
      if (row === k) continue
      const fr = a.re[row * size + k]!
      const fi = a.im[row * size + k]!
      for (const m of [a, b]) {
        for (let c = 0, to = row * size, from = k * size; c < size; c++, to++, from++) {
          m.re[to]! -= fr * m.re[from]! - fi * m.im[from]!
          m.im[to]! -= fr * m.im[from]! + fi * m.re[from]!
        }
      }
    }
  }
  return b
}

export function invertComplex(matrix: ComplexMatrix): ComplexMatrix | undefined {
  return solveComplex(matrix, complexIdentity(matrix.size))
}

const power = ({ size, re, im }: ComplexMatrix, row: number, column: number): number =>
  re[row * size + column]! ** 2 + im[row * size + column]! ** 2

function swapRows({ size, re, im }: ComplexMatrix, one: number, other: number): void {
  for (const values of [re, im]) {
    const kept = values.slice(one * size, (one + 1) * size)
    values.copyWithin(one * size, other * size, (other + 1) * size)
    values.set(kept, other * size)
  }
}
