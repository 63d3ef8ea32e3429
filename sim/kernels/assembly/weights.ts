// Weights of a tile in float64, two at a time: cut out of B, and what a mesh must be for them. The same operations in the
// same order as ../reference/weights.ts.
//
// A tile stands twice, [output][input] and turned, [input][output], so that both ways through it read whole vectors. Lines
// hold `line` numbers, a multiple of four; beyond the tile there are zeros.

/** Steps of `largestSingularValue`. */
const STEPS: i32 = 6
/** Rounds in which the largest value of its small matrix is found. */
const ROUNDS: i32 = 24
/** Bytes of a vector of `STEPS` numbers, with room to spare. */
const FEW: usize = 64

/** W[output][input] = rows of B [input][stride] times `factor`. */
export function cutTile(
  from: usize,
  stride: i32,
  inputs: i32,
  outputs: i32,
  factor: f64,
  line: i32,
  weights: usize,
  turned: usize,
): void {
  const width = <usize>line << 3
  const row = <usize>stride << 3
  if (inputs < line || outputs < line) {
    memory.fill(weights, 0, <usize>line * width)
    memory.fill(turned, 0, <usize>line * width)
  }
  const factors = f64x2.splat(factor)
  let input = 0
  for (; input + 2 <= inputs; input += 2, from += 2 * row, turned += 2 * width, weights += 16) {
    let x = from
    let to = turned
    let across = weights
    let output = 0
    for (; output + 2 <= outputs; output += 2, x += 16, to += 16, across += 2 * width) {
      const a = f64x2.mul(v128.load(x), factors)
      const b = f64x2.mul(v128.load(x + row), factors)
      v128.store(to, a)
      v128.store(to + width, b)
      v128.store(across, v128.shuffle<i64>(a, b, 0, 2))
      v128.store(across + width, v128.shuffle<i64>(a, b, 1, 3))
    }
    if (output < outputs) {
      copyTimes(x, factor, to, across)
      copyTimes(x + row, factor, to + width, across + 8)
    }
  }
  if (input == inputs) return
  for (let output = 0; output < outputs; output++, from += 8, turned += 8, weights += width) {
    copyTimes(from, factor, turned, weights)
  }
}

@inline
function copyTimes(from: usize, factor: f64, first: usize, second: usize): void {
  const value = load<f64>(from) * factor
  store<f64>(first, value)
  store<f64>(second, value)
}

/**
 * Largest singular value of a tile of `size`, from below; works in `singularWorkFloats`.
 *
 * Source: see the reference.
 */
export function largestSingularValue(weights: usize, turned: usize, line: i32, size: i32, work: usize): f64 {
  const width = <usize>line << 3
  const right = work
  const left = right + width
  const alphas = left + width
  const betas = alphas + FEW
  let squares: f64 = 0
  for (let output = 0; output < size; output++) squares = addSquares(squares, weights + <usize>output * width, size)
  memory.fill(work, 0, 2 * width)
  for (let i = 0; i < size; i++) store<f64>(right + (<usize>i << 3), 1 + <f64>i / <f64>size + <f64>(i % 3))
  normalise(right, size)
  let found = 0
  let beta: f64 = 0
  for (let step = 0; step < min(STEPS, size); step++) {
    times(turned, width, size, right, left, beta)
    const alpha = normalise(left, size)
    store<f64>(alphas + (<usize>step << 3), alpha)
    found = step + 1
    if (alpha == 0) break
    timesTransposed(weights, width, size, left, right, alpha)
    beta = normalise(right, size)
    store<f64>(betas + (<usize>step << 3), beta)
    if (beta == 0) break
  }
  return Math.max(Math.sqrt(squares / <f64>size), largestOfBidiagonal(alphas, betas, found, betas + FEW))
}

@inline
function addSquares(sum: f64, v: usize, count: i32): f64 {
  for (const end = v + (<usize>count << 3); v < end; v += 8) {
    const value = load<f64>(v)
    sum += value * value
  }
  return sum
}

/** Divides by its length, which it returns. */
function normalise(v: usize, size: i32): f64 {
  const length = Math.sqrt(addSquares(0, v, size))
  if (length > 0) {
    const end = v + (<usize>((size + 1) & ~1) << 3)
    for (const by = f64x2.splat(length); v < end; v += 16) v128.store(v, f64x2.div(v128.load(v), by))
  }
  return length
}

/** out ← M·v − beta · out: sixteen outputs in registers while all inputs pass, then four at a time. */
function times(turned: usize, width: usize, size: i32, v: usize, out: usize, beta: f64): void {
  const betas = f64x2.splat(beta)
  const end = v + (<usize>size << 3)
  let at: usize = 0
  for (; at + 128 <= width; at += 128) {
    let a = f64x2.splat(0)
    let b = a
    let c = a
    let d = a
    let e = a
    let f = a
    let g = a
    let h = a
    for (let x = v, m = turned + at; x < end; x += 8, m += width) {
      const value = v128.load64_splat(x)
      a = f64x2.add(a, f64x2.mul(v128.load(m), value))
      b = f64x2.add(b, f64x2.mul(v128.load(m, 16), value))
      c = f64x2.add(c, f64x2.mul(v128.load(m, 32), value))
      d = f64x2.add(d, f64x2.mul(v128.load(m, 48), value))
      e = f64x2.add(e, f64x2.mul(v128.load(m, 64), value))
      f = f64x2.add(f, f64x2.mul(v128.load(m, 80), value))
      g = f64x2.add(g, f64x2.mul(v128.load(m, 96), value))
      h = f64x2.add(h, f64x2.mul(v128.load(m, 112), value))
    }
    const to = out + at
    less(to, a, betas)
    less(to + 16, b, betas)
    less(to + 32, c, betas)
    less(to + 48, d, betas)
    less(to + 64, e, betas)
    less(to + 80, f, betas)
    less(to + 96, g, betas)
    less(to + 112, h, betas)
  }
  for (; at < width; at += 32) {
    let a = f64x2.splat(0)
    let b = a
    for (let x = v, m = turned + at; x < end; x += 8, m += width) {
      const value = v128.load64_splat(x)
      a = f64x2.add(a, f64x2.mul(v128.load(m), value))
      b = f64x2.add(b, f64x2.mul(v128.load(m, 16), value))
    }
    less(out + at, a, betas)
    less(out + at + 16, b, betas)
  }
}

/** out ← sum − beta · out */
@inline
function less(out: usize, sum: v128, beta: v128): void {
  v128.store(out, f64x2.sub(sum, f64x2.mul(beta, v128.load(out))))
}

/** out ← Mᵀ·u − alpha · out, four inputs in registers while all outputs pass. */
function timesTransposed(weights: usize, width: usize, size: i32, u: usize, out: usize, alpha: f64): void {
  const factor = f64x2.splat(-alpha)
  const fours = u + (<usize>(size & ~3) << 3)
  const end = u + (<usize>size << 3)
  for (let at: usize = 0; at < width; at += 32) {
    let p = f64x2.mul(v128.load(out + at), factor)
    let q = f64x2.mul(v128.load(out + at, 16), factor)
    let x = u
    let first = weights + at
    for (; x < fours; x += 32, first += 4 * width) {
      const a = v128.load64_splat(x)
      const b = v128.load64_splat(x, 8)
      const c = v128.load64_splat(x, 16)
      const d = v128.load64_splat(x, 24)
      const second = first + width
      const third = second + width
      const fourth = third + width
      p = f64x2.add(
        p,
        f64x2.add(
          f64x2.add(f64x2.mul(a, v128.load(first)), f64x2.mul(b, v128.load(second))),
          f64x2.add(f64x2.mul(c, v128.load(third)), f64x2.mul(d, v128.load(fourth))),
        ),
      )
      q = f64x2.add(
        q,
        f64x2.add(
          f64x2.add(f64x2.mul(a, v128.load(first, 16)), f64x2.mul(b, v128.load(second, 16))),
          f64x2.add(f64x2.mul(c, v128.load(third, 16)), f64x2.mul(d, v128.load(fourth, 16))),
        ),
      )
    }
    for (; x < end; x += 8, first += width) {
      const a = v128.load64_splat(x)
      p = f64x2.add(p, f64x2.mul(a, v128.load(first)))
      q = f64x2.add(q, f64x2.mul(a, v128.load(first, 16)))
    }
    v128.store(out + at, p)
    v128.store(out + at, q, 16)
  }
}

/** Of the upper bidiagonal matrix with these diagonals, by repeated products with the vector `v`. */
function largestOfBidiagonal(alphas: usize, betas: usize, size: i32, v: usize): f64 {
  const up = v + FEW
  for (let i = 0; i < size; i++) store<f64>(v + (<usize>i << 3), 1)
  let value: f64 = 0
  for (let round = 0; round < ROUNDS; round++) {
    normalise(v, size)
    for (let i = 0; i < size; i++) {
      const at = <usize>i << 3
      const next = i + 1 < size ? load<f64>(betas + at) * load<f64>(v + at, 8) : 0
      store<f64>(up + at, load<f64>(alphas + at) * load<f64>(v + at) + next)
    }
    for (let i = 0; i < size; i++) {
      const at = <usize>i << 3
      const before = i > 0 ? load<f64>(betas + at - 8) * load<f64>(up + at - 8) : 0
      store<f64>(v + at, load<f64>(alphas + at) * load<f64>(up + at) + before)
    }
    value = normalise(up, size)
  }
  return value
}

/** Fields of a tile, float32 [output][input] without gaps. */
export function fieldsOfWeights(weights: usize, line: i32, size: i32, fieldPerWeight: f64, re: usize): void {
  const factor = f64x2.splat(fieldPerWeight)
  for (let output = 0; output < size; output++) {
    let from = weights + ((<usize>output * line) << 3)
    let input = 0
    for (; input + 2 <= size; input += 2, from += 16, re += 8) {
      v128.store64_lane(re, f32x4.demote_f64x2_zero(f64x2.mul(v128.load(from), factor)), 0)
    }
    if (input < size) {
      store<f32>(re, <f32>(load<f64>(from) * fieldPerWeight))
      re += 4
    }
  }
}

/** What the outputs of a tile make of `silent` light [re, im][line], into `out` [re, im][line]. */
export function silentFields(
  turned: usize,
  line: i32,
  size: i32,
  fieldPerWeight: f64,
  silent: usize,
  out: usize,
): void {
  const width = <usize>line << 3
  const factor = f64x2.splat(fieldPerWeight)
  const end = silent + (<usize>size << 3)
  for (let at: usize = 0; at < width; at += 32) {
    let firstRe = f64x2.splat(0)
    let firstIm = firstRe
    let secondRe = firstRe
    let secondIm = firstRe
    for (let x = silent, m = turned + at; x < end; x += 8, m += width) {
      const re = v128.load64_splat(x)
      const im = v128.load64_splat(x + width)
      // As they are in the tile: rounded to float32.
      const first = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(f64x2.mul(v128.load(m), factor)))
      const second = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(f64x2.mul(v128.load(m, 16), factor)))
      firstRe = f64x2.add(firstRe, f64x2.mul(first, re))
      firstIm = f64x2.add(firstIm, f64x2.mul(first, im))
      secondRe = f64x2.add(secondRe, f64x2.mul(second, re))
      secondIm = f64x2.add(secondIm, f64x2.mul(second, im))
    }
    v128.store(out + at, firstRe)
    v128.store(out + at, secondRe, 16)
    v128.store(out + at + width, firstIm)
    v128.store(out + at + width, secondIm, 16)
  }
}
