import type { RandomStream } from '../../core/random.ts'

/** Complex square matrix, row-major: element (row, column) at row × size + column of both arrays. */
export interface Square {
  readonly size: number
  readonly re: Float64Array
  readonly im: Float64Array
}

export function zeros(size: number): Square {
  return { size, re: new Float64Array(size * size), im: new Float64Array(size * size) }
}

export function identity(size: number): Square {
  const matrix = zeros(size)
  for (let i = 0; i < size; i++) matrix.re[i * size + i] = 1
  return matrix
}

/** left · right, by the definition. */
export function times(left: Square, right: Square): Square {
  const { size } = left
  const product = zeros(size)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      for (let k = 0; k < size; k++) {
        const [a, b] = [row * size + k, k * size + column]
        product.re[row * size + column]! += left.re[a]! * right.re[b]! - left.im[a]! * right.im[b]!
        product.im[row * size + column]! += left.re[a]! * right.im[b]! + left.im[a]! * right.re[b]!
      }
    }
  }
  return product
}

export function conjugateTranspose({ size, re, im }: Square): Square {
  const out = zeros(size)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      out.re[column * size + row] = re[row * size + column]!
      out.im[column * size + row] = -im[row * size + column]!
    }
  }
  return out
}

/** Largest modulus of an element of left − right. */
export function distance(left: Square, right: Square): number {
  return Math.max(...left.re.map((value, i) => Math.hypot(value - right.re[i]!, left.im[i]! - right.im[i]!)))
}

/** How far a matrix is from being unitary: largest element of M†M − 1. */
export const nonUnitarity = (matrix: Square): number =>
  distance(times(conjugateTranspose(matrix), matrix), identity(matrix.size))

/** A 2×2 matrix (re, im of 11, 12, 21, 22) on modes `top` and `top + 1` of `size`. */
export function embed(size: number, top: number, t: Float64Array): Square {
  const matrix = identity(size)
  for (const [i, [row, column]] of [
    [top, top],
    [top, top + 1],
    [top + 1, top],
    [top + 1, top + 1],
  ].entries()) {
    matrix.re[row! * size + column!] = t[2 * i]!
    matrix.im[row! * size + column!] = t[2 * i + 1]!
  }
  return matrix
}

/** Diagonal matrix of these complex numbers. */
export function diagonal(re: ArrayLike<number>, im: ArrayLike<number>): Square {
  const matrix = zeros(re.length)
  for (let i = 0; i < re.length; i++) {
    matrix.re[i * re.length + i] = re[i]!
    matrix.im[i * re.length + i] = im[i]!
  }
  return matrix
}

/** Haar-distributed unitary: Gram–Schmidt on complex normal numbers. */
export function haarUnitary(size: number, random: RandomStream): Square {
  const rows: { re: Float64Array; im: Float64Array }[] = []
  for (let row = 0; row < size; row++) {
    const re = Float64Array.from({ length: size }, () => random.normal())
    const im = Float64Array.from({ length: size }, () => random.normal())
    for (const before of rows) {
      let [sr, si] = [0, 0]
      for (let i = 0; i < size; i++) {
        sr += before.re[i]! * re[i]! + before.im[i]! * im[i]!
        si += before.re[i]! * im[i]! - before.im[i]! * re[i]!
      }
      for (let i = 0; i < size; i++) {
        re[i]! -= sr * before.re[i]! - si * before.im[i]!
        im[i]! -= sr * before.im[i]! + si * before.re[i]!
      }
    }
    const norm = Math.hypot(...re, ...im)
    rows.push({ re: re.map((value) => value / norm), im: im.map((value) => value / norm) })
  }
  return {
    size,
    re: Float64Array.from(rows.flatMap(({ re }) => [...re])),
    im: Float64Array.from(rows.flatMap(({ im }) => [...im])),
  }
}

/** Difference of two angles, −π…π. */
export function angleBetween(left: number, right: number): number {
  return Math.atan2(Math.sin(left - right), Math.cos(left - right))
}
