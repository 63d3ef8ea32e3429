// A unitary on its way to a diagonal, in float64. The same operations in the same order as ../reference/nulling.ts.
//
// An element is one vector (re, im), so that turns of columns and turns of rows both read whole vectors. The turns of a
// diagonal form a chain: each shares a column (or row) with the next, and that element stays in a register. Four rows
// (or columns) go through the chain side by side, because each turn waits for the one before.

/** Bytes of one element, of one turn as it is kept (sin, cos, e^{−iφ}) and as it is used (a vector for each number). */
const ELEMENT: usize = 16
const KEPT: usize = 32
const USED: usize = 64
/** Amplitudes of a unitary below this are taken for the rounding that they are. */
const NOTHING: f64 = 1e-15

let matrix: usize = 0
/** Bytes from one row to the next. */
let line: usize = 0
let size: i32 = 0
/** Turns of the diagonal under way, as they are used. */
let used: usize = 0

@inline
function swapped(value: v128): v128 {
  return v128.shuffle<f64>(value, value, 1, 0)
}

@inline
function at(row: i32, column: i32): usize {
  return matrix + <usize>row * line + <usize>column * ELEMENT
}

/** Turn j nulls the amplitude a (from the right) or b (from the left) of a pair. */
function choose(j: i32, kept: usize, sign: f64, a: usize, b: usize, right: bool): void {
  const ar = load<f64>(a)
  const ai = load<f64>(a, 8)
  const br = load<f64>(b)
  const bi = load<f64>(b, 8)
  let ma = sqrt<f64>(ar * ar + ai * ai)
  let mb = sqrt<f64>(br * br + bi * bi)
  const unturned = ma < NOTHING || mb < NOTHING
  if (ma < NOTHING) ma = mb < NOTHING ? 1 : 0
  if (mb < NOTHING) mb = 0
  const r = sqrt<f64>(ma * ma + mb * mb)
  const sin = sign * ((right ? mb : ma) / r)
  const cos = (right ? ma : mb) / r
  const scale = (right ? -sign : sign) / (ma * mb)
  const re = unturned ? sign : scale * (ar * br + ai * bi)
  const im = unturned ? 0 : scale * (right ? ar * bi - ai * br : ai * br - ar * bi)
  const to = kept + <usize>j * KEPT
  store<f64>(to, sin)
  store<f64>(to, cos, 8)
  store<f64>(to, re, 16)
  store<f64>(to, im, 24)
  const turn = used + <usize>j * USED
  v128.store(turn, f64x2.splat(sin))
  v128.store(turn, f64x2.splat(cos), 16)
  v128.store(turn, f64x2.splat(re), 32)
  // From the left a is turned by e^{iφ}.
  v128.store(turn, right ? f64x2(-im, im) : f64x2(im, -im), 48)
}

/** Turns `from` to `to` of the diagonal on one row: columns top, top + 1 with top = count − 1 − j. */
function turnRow(row: i32, count: i32, from: i32, to: i32): void {
  let place = at(row, count - from)
  let b = v128.load(place)
  let turn = used + <usize>from * USED
  for (const end = used + <usize>to * USED; turn < end; turn += USED) {
    const s = v128.load(turn)
    const c = v128.load(turn, 16)
    const value = v128.load(place - ELEMENT)
    const a = f64x2.add(f64x2.mul(value, v128.load(turn, 32)), f64x2.mul(swapped(value), v128.load(turn, 48)))
    v128.store(place, f64x2.sub(f64x2.mul(c, a), f64x2.mul(s, b)))
    b = f64x2.add(f64x2.mul(s, a), f64x2.mul(c, b))
    place -= ELEMENT
  }
  v128.store(place, b)
}

/** The same on four rows from `row` on. */
function turnFourRows(row: i32, count: i32, from: i32, to: i32): void {
  let place0 = at(row, count - from)
  let place1 = place0 + line
  let place2 = place1 + line
  let place3 = place2 + line
  let b0 = v128.load(place0)
  let b1 = v128.load(place1)
  let b2 = v128.load(place2)
  let b3 = v128.load(place3)
  let turn = used + <usize>from * USED
  for (const end = used + <usize>to * USED; turn < end; turn += USED) {
    const s = v128.load(turn)
    const c = v128.load(turn, 16)
    const re = v128.load(turn, 32)
    const im = v128.load(turn, 48)
    const value0 = v128.load(place0 - ELEMENT)
    const a0 = f64x2.add(f64x2.mul(value0, re), f64x2.mul(swapped(value0), im))
    v128.store(place0, f64x2.sub(f64x2.mul(c, a0), f64x2.mul(s, b0)))
    b0 = f64x2.add(f64x2.mul(s, a0), f64x2.mul(c, b0))
    const value1 = v128.load(place1 - ELEMENT)
    const a1 = f64x2.add(f64x2.mul(value1, re), f64x2.mul(swapped(value1), im))
    v128.store(place1, f64x2.sub(f64x2.mul(c, a1), f64x2.mul(s, b1)))
    b1 = f64x2.add(f64x2.mul(s, a1), f64x2.mul(c, b1))
    const value2 = v128.load(place2 - ELEMENT)
    const a2 = f64x2.add(f64x2.mul(value2, re), f64x2.mul(swapped(value2), im))
    v128.store(place2, f64x2.sub(f64x2.mul(c, a2), f64x2.mul(s, b2)))
    b2 = f64x2.add(f64x2.mul(s, a2), f64x2.mul(c, b2))
    const value3 = v128.load(place3 - ELEMENT)
    const a3 = f64x2.add(f64x2.mul(value3, re), f64x2.mul(swapped(value3), im))
    v128.store(place3, f64x2.sub(f64x2.mul(c, a3), f64x2.mul(s, b3)))
    b3 = f64x2.add(f64x2.mul(s, a3), f64x2.mul(c, b3))
    place0 -= ELEMENT
    place1 -= ELEMENT
    place2 -= ELEMENT
    place3 -= ELEMENT
  }
  v128.store(place0, b0)
  v128.store(place1, b1)
  v128.store(place2, b2)
  v128.store(place3, b3)
}

/** Turns `from` to `to` of the diagonal on one column: rows top, top + 1 with top = N + j − count − 1. */
function turnColumn(column: i32, count: i32, from: i32, to: i32): void {
  let place = at(size + from - count - 1, column)
  let value = v128.load(place)
  let turn = used + <usize>from * USED
  for (const end = used + <usize>to * USED; turn < end; turn += USED) {
    const s = v128.load(turn)
    const c = v128.load(turn, 16)
    const b = v128.load(place + line)
    const a = f64x2.add(f64x2.mul(value, v128.load(turn, 32)), f64x2.mul(swapped(value), v128.load(turn, 48)))
    v128.store(place, f64x2.add(f64x2.mul(s, a), f64x2.mul(c, b)))
    value = f64x2.sub(f64x2.mul(c, a), f64x2.mul(s, b))
    place += line
  }
  v128.store(place, value)
}

/** The same on four columns from `column` on, a line of the cache. */
function turnFourColumns(column: i32, count: i32, from: i32, to: i32): void {
  let place = at(size + from - count - 1, column)
  let value0 = v128.load(place)
  let value1 = v128.load(place, 16)
  let value2 = v128.load(place, 32)
  let value3 = v128.load(place, 48)
  let turn = used + <usize>from * USED
  for (const end = used + <usize>to * USED; turn < end; turn += USED) {
    const s = v128.load(turn)
    const c = v128.load(turn, 16)
    const re = v128.load(turn, 32)
    const im = v128.load(turn, 48)
    const next = place + line
    const b0 = v128.load(next)
    const a0 = f64x2.add(f64x2.mul(value0, re), f64x2.mul(swapped(value0), im))
    v128.store(place, f64x2.add(f64x2.mul(s, a0), f64x2.mul(c, b0)))
    value0 = f64x2.sub(f64x2.mul(c, a0), f64x2.mul(s, b0))
    const b1 = v128.load(next, 16)
    const a1 = f64x2.add(f64x2.mul(value1, re), f64x2.mul(swapped(value1), im))
    v128.store(place, f64x2.add(f64x2.mul(s, a1), f64x2.mul(c, b1)), 16)
    value1 = f64x2.sub(f64x2.mul(c, a1), f64x2.mul(s, b1))
    const b2 = v128.load(next, 32)
    const a2 = f64x2.add(f64x2.mul(value2, re), f64x2.mul(swapped(value2), im))
    v128.store(place, f64x2.add(f64x2.mul(s, a2), f64x2.mul(c, b2)), 32)
    value2 = f64x2.sub(f64x2.mul(c, a2), f64x2.mul(s, b2))
    const b3 = v128.load(next, 48)
    const a3 = f64x2.add(f64x2.mul(value3, re), f64x2.mul(swapped(value3), im))
    v128.store(place, f64x2.add(f64x2.mul(s, a3), f64x2.mul(c, b3)), 48)
    value3 = f64x2.sub(f64x2.mul(c, a3), f64x2.mul(s, b3))
    place = next
  }
  v128.store(place, value0)
  v128.store(place, value1, 16)
  v128.store(place, value2, 32)
  v128.store(place, value3, 48)
}

/** Row N − 1 − j tells turn j, once the turns before have passed over it; those after find nothing in it. */
function fromRight(count: i32, kept: usize, signs: usize): void {
  let passed = 0
  for (let j = 0; j < count; j++) {
    const row = size - 1 - j
    if (j % 4 == 0) {
      passed = j + 4 <= count ? j : 0
      if (passed > 0) turnFourRows(row - 3, count, 0, passed)
    }
    if (j > passed) turnRow(row, count, passed, j)
    choose(j, kept, load<i8>(signs + j), at(row, count - 1 - j), at(row, count - j), true)
    turnRow(row, count, j, j + 1)
  }
  let row = 0
  for (; row + 4 <= size - count; row += 4) turnFourRows(row, count, 0, count)
  for (; row < size - count; row++) turnRow(row, count, 0, count)
}

/** Column j tells turn j, once the turns before have passed over it; those after find nothing in it. */
function fromLeft(count: i32, kept: usize, signs: usize): void {
  let passed = 0
  for (let j = 0; j < count; j++) {
    const upper = size + j - count - 1
    if (j % 4 == 0) {
      passed = j + 4 <= count ? j : 0
      if (passed > 0) turnFourColumns(j, count, 0, passed)
    }
    if (j > passed) turnColumn(j, count, passed, j)
    choose(j, kept, load<i8>(signs + j), at(upper, j), at(upper + 1, j), false)
    turnColumn(j, count, j, j + 1)
  }
  let column = count
  for (; column < size && column % 4 != 0; column++) turnColumn(column, count, 0, count)
  for (; column + 4 <= size; column += 4) turnFourColumns(column, count, 0, count)
  for (; column < size; column++) turnColumn(column, count, 0, count)
}

/**
 * Nulls a unitary [row][stride][re, im] to a diagonal: `turns` [step][sin θ/2, cos θ/2, re, im of e^{−iφ}], diagonal by
 * diagonal, on the branch `signs` [step]. `scratch` holds 64 bytes a mode.
 */
export function nullUnitary(unitary: usize, stride: i32, modes: i32, signs: usize, turns: usize, scratch: usize): void {
  matrix = unitary
  line = <usize>stride * ELEMENT
  size = modes
  used = scratch
  let step: usize = 0
  for (let count = 1; count < modes; count++) {
    if (count % 2 == 1) fromRight(count, turns + step * KEPT, signs + step)
    else fromLeft(count, turns + step * KEPT, signs + step)
    step += count
  }
}
