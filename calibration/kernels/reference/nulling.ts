import { copyOf } from '../../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../../fit/complex-matrix.ts'
import type { NulledUnitary } from '../nulling.ts'

/** Amplitudes of a unitary below this are taken for the rounding that they are. */
const NOTHING = 1e-15

/** The nulling in plain JavaScript: what the WebAssembly one is held against, and stands in for it where none is built. */
export function nullUnitary(unitary: ComplexMatrix, signs: Int8Array): NulledUnitary {
  const nulling = new Nulling(unitary, signs)
  const { size } = unitary
  for (let count = 1, step = 0; count < size; step += count, count++) {
    if (count % 2 === 1) nulling.fromRight(count, step)
    else nulling.fromLeft(count, step)
  }
  return nulling
}

/** A unitary on its way to a diagonal, and the turns that took it there. */
class Nulling implements NulledUnitary {
  readonly turns: Float64Array
  readonly #size: number
  readonly #re: Float64Array
  readonly #im: Float64Array
  readonly #signs: Int8Array

  constructor(unitary: ComplexMatrix, signs: Int8Array) {
    const { size, re, im } = copyOf(unitary)
    this.#size = size
    this.#re = re
    this.#im = im
    this.#signs = signs
    this.turns = new Float64Array(4 * signs.length)
  }

  get diagonal(): Float64Array {
    const places = Array.from({ length: this.#size }, (_, port) => port * (this.#size + 1))
    return Float64Array.from(places.flatMap((at) => [this.#re[at]!, this.#im[at]!]))
  }

  /**
   * Nulls elements (N − 1 − j, count − 1 − j) by turning columns top, top + 1 with top = count − 1 − j: U·R†.
   *
   * Row by row from the lowest, because rows lie together in memory: row N − 1 − j tells the turn j.
   */
  fromRight(count: number, first: number): void {
    const size = this.#size
    const turns = this.turns.subarray(4 * first)
    for (let j = 0; j < count; j++) {
      const row = (size - 1 - j) * size
      this.#turnColumns(turns, row, count, j)
      const at = row + count - 1 - j
      // (a, b)·R† begins with a·e^{−iφ}·s + b·c.
      this.#choose(first + j, at, at + 1, true)
      this.#turnColumns(turns, row, count, j + 1, j)
    }
    for (let row = 0; row < size - count; row++) this.#turnColumns(turns, row * size, count, count)
  }

  /** Nulls elements (N + j − count, j) by turning rows top, top + 1 with top = N + j − count − 1: R·U. */
  fromLeft(count: number, first: number): void {
    const size = this.#size
    for (let j = 0; j < count; j++) {
      const upper = (size + j - count - 1) * size
      const lower = upper + size
      // The lower of R·(a, b) is e^{iφ}·a·c − b·s.
      this.#choose(first + j, upper + j, lower + j, false)
      this.#turnRows(first + j, upper, lower, j)
    }
  }

  /** The turn of a step nulls the amplitude at a (from the right) or b (from the left) of a pair. */
  #choose(step: number, a: number, b: number, right: boolean): void {
    const [ar, ai, br, bi] = [this.#re[a]!, this.#im[a]!, this.#re[b]!, this.#im[b]!]
    let [ma, mb] = [Math.sqrt(ar * ar + ai * ai), Math.sqrt(br * br + bi * bi)]
    const unturned = ma < NOTHING || mb < NOTHING
    if (ma < NOTHING) ma = mb < NOTHING ? 1 : 0
    if (mb < NOTHING) mb = 0
    const r = Math.sqrt(ma * ma + mb * mb)
    const sign = this.#signs[step]!
    const [sin, cos] = right ? [mb / r, ma / r] : [ma / r, mb / r]
    // e^{−iφ}: from the right −b·a*/|ab|, from the left a·b*/|ab|.
    const scale = (right ? -sign : sign) / (ma * mb)
    const turnRe = unturned ? sign : scale * (ar * br + ai * bi)
    const turnIm = unturned ? 0 : scale * (right ? ar * bi - ai * br : ai * br - ar * bi)
    this.turns.set([sign * sin, cos, turnRe, turnIm], 4 * step)
  }

  /** Turns `from` to `to` of the diagonal on one row: columns top, top + 1 with top = count − 1 − j. */
  #turnColumns(turns: Float64Array, row: number, count: number, to: number, from = 0): void {
    const [re, im] = [this.#re, this.#im]
    for (let j = from, a = row + count - 1 - from; j < to; j++, a--) {
      const [s, c] = [turns[4 * j]!, turns[4 * j + 1]!]
      const [tr, ti] = [turns[4 * j + 2]!, turns[4 * j + 3]!]
      const ar = re[a]! * tr - im[a]! * ti
      const ai = re[a]! * ti + im[a]! * tr
      const [br, bi] = [re[a + 1]!, im[a + 1]!]
      re[a] = s * ar + c * br
      im[a] = s * ai + c * bi
      re[a + 1] = c * ar - s * br
      im[a + 1] = c * ai - s * bi
    }
  }

  /** The turn of a step on two rows; columns before `from` hold nothing any more. */
  #turnRows(step: number, upper: number, lower: number, from: number): void {
    const [re, im] = [this.#re, this.#im]
    const turn = this.turns.subarray(4 * step, 4 * step + 4)
    const [s, c, tr, ti] = turn as unknown as [number, number, number, number]
    for (let a = upper + from, b = lower + from; a < upper + this.#size; a++, b++) {
      const ar = re[a]! * tr + im[a]! * ti
      const ai = im[a]! * tr - re[a]! * ti
      const [br, bi] = [re[b]!, im[b]!]
      re[a] = s * ar + c * br
      im[a] = s * ai + c * bi
      re[b] = c * ar - s * br
      im[b] = c * ai - s * bi
    }
  }
}
