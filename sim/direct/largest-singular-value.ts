/*
 * Once a tile, a thousand times in a product of 2048³: its inner loops make no arrays, whose garbage would hold up
 * the thread that feeds all others.
 */

/** So many find the largest of random values to a few percent, less than the room that weights leave. */
const STEPS = 6
const SMALL_ROUNDS = 24

/**
 * Largest singular value of a square matrix, row-major, from below: Golub and Kahan's bidiagonalisation of a few steps.
 *
 * Source: Golub, Kahan, SIAM J. Numer. Anal. 2, 205 (1965).
 */
export function largestSingularValue(matrix: Float64Array, size: number): number {
  let squares = 0
  for (let at = 0; at < matrix.length; at++) squares += matrix[at]! * matrix[at]!
  // Bent, so that neither sums nor differences of columns are its null vectors.
  const right = new Float64Array(size)
  for (let i = 0; i < size; i++) right[i] = 1 + i / size + (i % 3)
  const left = new Float64Array(size)
  normalise(right)
  const alphas: number[] = []
  const betas: number[] = []
  let beta = 0
  for (let step = 0; step < Math.min(STEPS, size); step++) {
    times(matrix, right, left, beta)
    const alpha = normalise(left)
    alphas.push(alpha)
    if (alpha === 0) break
    timesTransposed(matrix, left, right, alpha)
    beta = normalise(right)
    betas.push(beta)
    if (beta === 0) break
  }
  // It is never less than the root mean square of them all, whatever a start without luck has found.
  return Math.max(Math.sqrt(squares / size), largestOfBidiagonal(alphas, betas))
}

/** out ← M·v − beta · out. Four rows at once, so that no sum waits for its own last addition. */
function times(matrix: Float64Array, v: Float64Array, out: Float64Array, beta: number): void {
  const size = v.length
  const fours = size & ~3
  for (let row = 0; row < fours; row += 4) {
    const first = row * size
    const second = first + size
    const third = second + size
    const fourth = third + size
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let column = 0; column < size; column++) {
      const value = v[column]!
      a += matrix[first + column]! * value
      b += matrix[second + column]! * value
      c += matrix[third + column]! * value
      d += matrix[fourth + column]! * value
    }
    out[row] = a - beta * out[row]!
    out[row + 1] = b - beta * out[row + 1]!
    out[row + 2] = c - beta * out[row + 2]!
    out[row + 3] = d - beta * out[row + 3]!
  }
  for (let row = fours; row < size; row++) {
    let sum = 0
    for (let column = 0; column < size; column++) sum += matrix[row * size + column]! * v[column]!
    out[row] = sum - beta * out[row]!
  }
}

/** out ← Mᵀ·u − alpha · out */
function timesTransposed(matrix: Float64Array, u: Float64Array, out: Float64Array, alpha: number): void {
  const size = u.length
  for (let column = 0; column < size; column++) out[column]! *= -alpha
  const fours = size & ~3
  for (let row = 0; row < fours; row += 4) {
    const first = row * size
    const second = first + size
    const third = second + size
    const fourth = third + size
    const a = u[row]!
    const b = u[row + 1]!
    const c = u[row + 2]!
    const d = u[row + 3]!
    for (let column = 0; column < size; column++) {
      out[column]! +=
        a * matrix[first + column]! +
        b * matrix[second + column]! +
        (c * matrix[third + column]! + d * matrix[fourth + column]!)
    }
  }
  for (let row = fours; row < size; row++) {
    for (let column = 0; column < size; column++) out[column]! += u[row]! * matrix[row * size + column]!
  }
}

/** Divides by its length, which it returns. */
function normalise(v: Float64Array): number {
  let squares = 0
  for (let i = 0; i < v.length; i++) squares += v[i]! * v[i]!
  const length = Math.sqrt(squares)
  if (length > 0) for (let i = 0; i < v.length; i++) v[i]! /= length
  return length
}

/** Of the upper bidiagonal matrix with these diagonals, by repeated products with a vector. */
function largestOfBidiagonal(alphas: readonly number[], betas: readonly number[]): number {
  const size = alphas.length
  const v = new Float64Array(size).fill(1)
  const up = new Float64Array(size)
  let value = 0
  for (let round = 0; round < SMALL_ROUNDS; round++) {
    normalise(v)
    for (let i = 0; i < size; i++) up[i] = alphas[i]! * v[i]! + (i + 1 < size ? betas[i]! * v[i + 1]! : 0)
    for (let i = 0; i < size; i++) v[i] = alphas[i]! * up[i]! + (i > 0 ? betas[i - 1]! * up[i - 1]! : 0)
    value = normalise(up)
  }
  return value
}
