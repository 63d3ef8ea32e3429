/** So many find the largest of random values to a few percent, less than the room that weights leave. */
const STEPS = 6
const SMALL_ROUNDS = 24

export function cutTile(
  from: Float64Array,
  stride: number,
  inputs: number,
  outputs: number,
  factor: number,
  line: number,
  weights: Float64Array,
  turned: Float64Array,
): void {
  weights.fill(0, 0, line * line)
  turned.fill(0, 0, line * line)
  for (let input = 0; input < inputs; input++) {
    for (let output = 0; output < outputs; output++) {
      const weight = from[input * stride + output]! * factor
      weights[output * line + input] = weight
      turned[input * line + output] = weight
    }
  }
}

/**
 * Largest singular value of a tile, from below: Golub and Kahan's bidiagonalisation of a few steps.
 *
 * Source: Golub, Kahan, SIAM J. Numer. Anal. 2, 205 (1965).
 */
export function largestSingularValue(
  weights: Float64Array,
  turned: Float64Array,
  line: number,
  size: number,
  work: Float64Array,
): number {
  let squares = 0
  for (let output = 0; output < size; output++) {
    squares = addSquares(squares, weights.subarray(output * line, output * line + size))
  }
  const [right, left] = [work.subarray(0, size), work.subarray(line, line + size)]
  left.fill(0)
  // Bent, so that neither sums nor differences of columns are its null vectors.
  for (let i = 0; i < size; i++) right[i] = 1 + i / size + (i % 3)
  normalise(right)
  const alphas: number[] = []
  const betas: number[] = []
  let beta = 0
  for (let step = 0; step < Math.min(STEPS, size); step++) {
    times(turned, line, right, left, beta)
    const alpha = normalise(left)
    alphas.push(alpha)
    if (alpha === 0) break
    timesTransposed(weights, line, left, right, alpha)
    beta = normalise(right)
    betas.push(beta)
    if (beta === 0) break
  }
  // It is never less than the root mean square of them all, whatever a start without luck has found.
  return Math.max(Math.sqrt(squares / size), largestOfBidiagonal(alphas, betas))
}

export function fieldsOfWeights(
  weights: Float64Array,
  line: number,
  size: number,
  fieldPerWeight: number,
  re: Float32Array,
): void {
  for (let output = 0; output < size; output++) {
    for (let input = 0; input < size; input++) {
      re[output * size + input] = weights[output * line + input]! * fieldPerWeight
    }
  }
}

export function silentFields(
  turned: Float64Array,
  line: number,
  size: number,
  fieldPerWeight: number,
  silent: Float64Array,
  out: Float64Array,
): void {
  for (let output = 0; output < line; output++) {
    let [re, im] = [0, 0]
    for (let input = 0; input < size; input++) {
      const field = Math.fround(turned[input * line + output]! * fieldPerWeight)
      re += field * silent[input]!
      im += field * silent[line + input]!
    }
    out[output] = re
    out[line + output] = im
  }
}

/** out ← M·v − beta · out */
function times(turned: Float64Array, line: number, v: Float64Array, out: Float64Array, beta: number): void {
  const size = v.length
  for (let output = 0; output < size; output++) {
    let sum = 0
    for (let input = 0; input < size; input++) sum += turned[input * line + output]! * v[input]!
    out[output] = sum - beta * out[output]!
  }
}

/** out ← Mᵀ·u − alpha · out, four outputs at once. */
function timesTransposed(weights: Float64Array, line: number, u: Float64Array, out: Float64Array, alpha: number): void {
  const size = u.length
  const fours = size & ~3
  const term = (output: number, input: number): number => u[output]! * weights[output * line + input]!
  for (let input = 0; input < size; input++) {
    let sum = out[input]! * -alpha
    for (let o = 0; o < fours; o += 4) {
      sum += term(o, input) + term(o + 1, input) + (term(o + 2, input) + term(o + 3, input))
    }
    for (let o = fours; o < size; o++) sum += term(o, input)
    out[input] = sum
  }
}

function addSquares(sum: number, v: Float64Array): number {
  for (let i = 0; i < v.length; i++) sum += v[i]! * v[i]!
  return sum
}

/** Divides by its length, which it returns. */
function normalise(v: Float64Array): number {
  const length = Math.sqrt(addSquares(0, v))
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
