// Light through the elements of a chip, one after the other, and weights back through them, in float64. The same operations
// in the same order as ../reference/chip-sweeps.ts.
//
// A matrix is two planes, re and im, whose rows hold `line` bytes: an even number of columns, so that every vector
// holds two. What enters an element is kept in `before`: rows of re and im of its upper waveguide, then of its lower one.

/** Bytes of the eight numbers of an element: re, im of 11, 12, 21, 22. */
const NUMBERS: usize = 64

@inline
function number(from: usize, index: i32): v128 {
  return v128.load64_splat(from + (<usize>index << 3))
}

/** a·x − b·y */
@inline
function less(a: v128, x: v128, b: v128, y: v128): v128 {
  return f64x2.sub(f64x2.mul(a, x), f64x2.mul(b, y))
}

/** a·x + b·y */
@inline
function more(a: v128, x: v128, b: v128, y: v128): v128 {
  return f64x2.add(f64x2.mul(a, x), f64x2.mul(b, y))
}

/** base + a·x − b·y */
@inline
function andLess(base: v128, a: v128, x: v128, b: v128, y: v128): v128 {
  return f64x2.sub(f64x2.add(base, f64x2.mul(a, x)), f64x2.mul(b, y))
}

/** base + a·x + b·y */
@inline
function andMore(base: v128, a: v128, x: v128, b: v128, y: v128): v128 {
  return f64x2.add(f64x2.add(base, f64x2.mul(a, x)), f64x2.mul(b, y))
}

/** `stops` holds 2·top + 1 where light enters the upper waveguide and leaves from its lower output, 2·top elsewhere. */
export function forward(stops: usize, count: i32, values: usize, re: usize, im: usize, line: usize, before: usize): void {
  for (let e = 0; e < count; e++, values += NUMBERS, before += 4 * line) {
    const stop = load<i32>(stops + (<usize>e << 2))
    let u = <usize>(stop >> 1) * line
    const end = u + line
    const v4 = number(values, 4)
    const v5 = number(values, 5)
    let b = before
    if (stop & 1) {
      for (; u < end; u += 16, b += 16) {
        const ur = v128.load(re + u)
        const ui = v128.load(im + u)
        v128.store(b, ur)
        v128.store(b + line, ui)
        v128.store(re + u, less(v4, ur, v5, ui))
        v128.store(im + u, more(v4, ui, v5, ur))
      }
      continue
    }
    const v0 = number(values, 0)
    const v1 = number(values, 1)
    const v2 = number(values, 2)
    const v3 = number(values, 3)
    const v6 = number(values, 6)
    const v7 = number(values, 7)
    for (; u < end; u += 16, b += 16) {
      const l = u + line
      const ur = v128.load(re + u)
      const ui = v128.load(im + u)
      const lr = v128.load(re + l)
      const li = v128.load(im + l)
      v128.store(b, ur)
      v128.store(b + line, ui)
      v128.store(b + 2 * line, lr)
      v128.store(b + 3 * line, li)
      v128.store(re + u, andLess(less(v0, ur, v1, ui), v2, lr, v3, li))
      v128.store(im + u, andMore(more(v0, ui, v1, ur), v2, li, v3, lr))
      v128.store(re + l, andLess(less(v4, ur, v5, ui), v6, lr, v7, li))
      v128.store(im + l, andMore(more(v4, ui, v5, ur), v6, li, v7, lr))
    }
  }
}

/** How the matrix changes: `re` and `im` start at 0, `changes` are of the elements' values. */
export function tangent(
  stops: usize,
  count: i32,
  values: usize,
  changes: usize,
  re: usize,
  im: usize,
  line: usize,
  before: usize,
): void {
  for (let e = 0; e < count; e++, values += NUMBERS, changes += NUMBERS, before += 4 * line) {
    const stop = load<i32>(stops + (<usize>e << 2))
    let u = <usize>(stop >> 1) * line
    const end = u + line
    const v4 = number(values, 4)
    const v5 = number(values, 5)
    const d4 = number(changes, 4)
    const d5 = number(changes, 5)
    let b = before
    if (stop & 1) {
      for (; u < end; u += 16, b += 16) {
        const ur = v128.load(re + u)
        const ui = v128.load(im + u)
        const xr = v128.load(b)
        const xi = v128.load(b + line)
        v128.store(re + u, andLess(less(v4, ur, v5, ui), d4, xr, d5, xi))
        v128.store(im + u, andMore(more(v4, ui, v5, ur), d4, xi, d5, xr))
      }
      continue
    }
    const v0 = number(values, 0)
    const v1 = number(values, 1)
    const v2 = number(values, 2)
    const v3 = number(values, 3)
    const v6 = number(values, 6)
    const v7 = number(values, 7)
    const d0 = number(changes, 0)
    const d1 = number(changes, 1)
    const d2 = number(changes, 2)
    const d3 = number(changes, 3)
    const d6 = number(changes, 6)
    const d7 = number(changes, 7)
    for (; u < end; u += 16, b += 16) {
      const l = u + line
      const ur = v128.load(re + u)
      const ui = v128.load(im + u)
      const lr = v128.load(re + l)
      const li = v128.load(im + l)
      const xr = v128.load(b)
      const xi = v128.load(b + line)
      const yr = v128.load(b + 2 * line)
      const yi = v128.load(b + 3 * line)
      v128.store(re + u, andLess(andLess(andLess(less(v0, ur, v1, ui), v2, lr, v3, li), d0, xr, d1, xi), d2, yr, d3, yi))
      v128.store(im + u, andMore(andMore(andMore(more(v0, ui, v1, ur), v2, li, v3, lr), d0, xi, d1, xr), d2, yi, d3, yr))
      v128.store(re + l, andLess(andLess(andLess(less(v4, ur, v5, ui), v6, lr, v7, li), d4, xr, d5, xi), d6, yr, d7, yi))
      v128.store(im + l, andMore(andMore(andMore(more(v4, ui, v5, ur), v6, li, v7, lr), d4, xi, d5, xr), d6, yi, d7, yr))
    }
  }
}

@inline
function sum(value: v128): f64 {
  return f64x2.extract_lane(value, 0) + f64x2.extract_lane(value, 1)
}

/** Weights from the outputs back to the inputs; `gradients` of an element: Σ weight·x* over what went through it. */
export function backward(
  stops: usize,
  count: i32,
  values: usize,
  gradients: usize,
  re: usize,
  im: usize,
  line: usize,
  before: usize,
): void {
  for (let e = count - 1; e >= 0; e--) {
    const stop = load<i32>(stops + (<usize>e << 2))
    const from = values + <usize>e * NUMBERS
    const to = gradients + <usize>e * NUMBERS
    let b = before + 4 * <usize>e * line
    let u = <usize>(stop >> 1) * line
    const end = u + line
    const v4 = number(from, 4)
    const v5 = number(from, 5)
    let s4 = f64x2.splat(0)
    let s5 = f64x2.splat(0)
    if (stop & 1) {
      for (; u < end; u += 16, b += 16) {
        const ur = v128.load(re + u)
        const ui = v128.load(im + u)
        const xr = v128.load(b)
        const xi = v128.load(b + line)
        s4 = andMore(s4, ur, xr, ui, xi)
        s5 = andLess(s5, ui, xr, ur, xi)
        v128.store(re + u, more(v4, ur, v5, ui))
        v128.store(im + u, less(v4, ui, v5, ur))
      }
      store<f64>(to, sum(s4), 32)
      store<f64>(to, sum(s5), 40)
      continue
    }
    const v0 = number(from, 0)
    const v1 = number(from, 1)
    const v2 = number(from, 2)
    const v3 = number(from, 3)
    const v6 = number(from, 6)
    const v7 = number(from, 7)
    let s0 = f64x2.splat(0)
    let s1 = f64x2.splat(0)
    let s2 = f64x2.splat(0)
    let s3 = f64x2.splat(0)
    let s6 = f64x2.splat(0)
    let s7 = f64x2.splat(0)
    for (; u < end; u += 16, b += 16) {
      const l = u + line
      const ur = v128.load(re + u)
      const ui = v128.load(im + u)
      const lr = v128.load(re + l)
      const li = v128.load(im + l)
      const xr = v128.load(b)
      const xi = v128.load(b + line)
      const yr = v128.load(b + 2 * line)
      const yi = v128.load(b + 3 * line)
      s0 = andMore(s0, ur, xr, ui, xi)
      s1 = andLess(s1, ui, xr, ur, xi)
      s2 = andMore(s2, ur, yr, ui, yi)
      s3 = andLess(s3, ui, yr, ur, yi)
      s4 = andMore(s4, lr, xr, li, xi)
      s5 = andLess(s5, li, xr, lr, xi)
      s6 = andMore(s6, lr, yr, li, yi)
      s7 = andLess(s7, li, yr, lr, yi)
      v128.store(re + u, andMore(more(v0, ur, v1, ui), v4, lr, v5, li))
      v128.store(im + u, andLess(less(v0, ui, v1, ur), v4, li, v5, lr))
      v128.store(re + l, andMore(more(v2, ur, v3, ui), v6, lr, v7, li))
      v128.store(im + l, andLess(less(v2, ui, v3, ur), v6, li, v7, lr))
    }
    store<f64>(to, sum(s0))
    store<f64>(to, sum(s1), 8)
    store<f64>(to, sum(s2), 16)
    store<f64>(to, sum(s3), 24)
    store<f64>(to, sum(s4), 32)
    store<f64>(to, sum(s5), 40)
    store<f64>(to, sum(s6), 48)
    store<f64>(to, sum(s7), 56)
  }
}
