/** So many steps find the largest of random values to a percent or two, and a value that stands alone to all digits. */
const STEPS = 8
const SMALL_ROUNDS = 40

/**
 * Largest singular value of a square matrix, row-major, from below: Golub and Kahan's bidiagonalisation of a few steps.
 *
 * Source: Golub, Kahan, SIAM J. Numer. Anal. 2, 205 (1965).
 */
export function largestSingularValue(matrix: Float64Array, size: number): number {
  let squares = 0
  for (const value of matrix) squares += value * value
  // Bent, so that neither sums nor differences of columns are its null vectors.
  let right = Float64Array.from({ length: size }, (_, i) => 1 + i / size + (i % 3))
  let left = new Float64Array(size)
  normalise(right)
  const alphas: number[] = []
  const betas: number[] = []
  let beta = 0
  for (let step = 0; step < Math.min(STEPS, size); step++) {
    left = times(matrix, right, left, beta)
    const alpha = normalise(left)
    alphas.push(alpha)
    if (alpha === 0) break
    right = timesTransposed(matrix, left, right, alpha)
    beta = normalise(right)
    betas.push(beta)
    if (beta === 0) break
  }
  // It is never less than the root mean square of them all, whatever a start without luck has found.
  return Math.max(Math.sqrt(squares / size), largestOfBidiagonal(alphas, betas))
}

/** M·v − beta · before */
function times(matrix: Float64Array, v: Float64Array, before: Float64Array, beta: number): Float64Array<ArrayBuffer> {
  const size = v.length
  const out = new Float64Array(size)
  for (let row = 0, at = 0; row < size; row++) {
    let sum = 0
    for (let column = 0; column < size; column++, at++) sum += matrix[at]! * v[column]!
    out[row] = sum - beta * before[row]!
  }
  return out
}

/** Mᵀ·u − alpha · before */
function timesTransposed(
  matrix: Float64Array,
  u: Float64Array,
  before: Float64Array,
  alpha: number,
): Float64Array<ArrayBuffer> {
  const size = u.length
  const out = new Float64Array(size)
  for (let row = 0, at = 0; row < size; row++) {
    const factor = u[row]!
    for (let column = 0; column < size; column++, at++) out[column]! += factor * matrix[at]!
  }
  for (let column = 0; column < size; column++) out[column]! -= alpha * before[column]!
  return out
}

/** Divides by its length, which it returns. */
function normalise(v: Float64Array): number {
  let squares = 0
  for (const value of v) squares += value * value
  const length = Math.sqrt(squares)
  if (length > 0) for (let i = 0; i < v.length; i++) v[i]! /= length
  return length
}

/** Of the upper bidiagonal matrix with these diagonals, by repeated products with a vector. */
function largestOfBidiagonal(alphas: readonly number[], betas: readonly number[]): number {
  const size = alphas.length
  let v = new Float64Array(size).fill(1)
  let value = 0
  for (let round = 0; round < SMALL_ROUNDS; round++) {
    normalise(v)
    const up = v.map((each, i) => alphas[i]! * each + (i + 1 < size ? betas[i]! * v[i + 1]! : 0))
    value = Math.hypot(...up)
    v = up.map((each, i) => alphas[i]! * each + (i > 0 ? betas[i - 1]! * up[i - 1]! : 0))
  }
  return value
}
