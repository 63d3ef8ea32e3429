import { complexIdentity, complexZeros, copyOf } from '../../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../../fit/complex-matrix.ts'
import type { ChipSweeps, Stop } from '../chip-sweeps.ts'

/** The sweeps in plain JavaScript: what the WebAssembly ones are held against, and stand in for them where none are built. */
export class ReferenceSweeps implements ChipSweeps {
  readonly values: Float64Array
  readonly changes: Float64Array
  readonly gradients: Float64Array
  readonly #size: number
  readonly #stops: readonly Stop[]
  /** [stop]: rows of re and im of the upper waveguide, then of the lower one. */
  readonly #before: readonly (readonly [Float64Array, Float64Array, Float64Array, Float64Array])[]

  constructor(size: number, stops: readonly Stop[]) {
    this.#size = size
    this.#stops = stops
    this.values = new Float64Array(8 * stops.length)
    this.changes = new Float64Array(8 * stops.length)
    this.gradients = new Float64Array(8 * stops.length)
    const row = (): Float64Array => new Float64Array(size)
    this.#before = stops.map(() => [row(), row(), row(), row()])
  }

  forward(): ComplexMatrix {
    const size = this.#size
    const matrix = complexIdentity(size)
    const { re, im } = matrix
    for (const [e, { top, single }] of this.#stops.entries()) {
      const [xr, xi, yr, yi] = this.#before[e]!
      const [v0, v1, v2, v3, v4, v5, v6, v7] = eight(this.values, e)
      for (let c = 0, u = top * size, l = u + size; c < size; c++, u++, l++) {
        const ur = (xr[c] = re[u]!)
        const ui = (xi[c] = im[u]!)
        if (single) {
          re[u] = v4 * ur - v5 * ui
          im[u] = v4 * ui + v5 * ur
          continue
        }
        const lr = (yr[c] = re[l]!)
        const li = (yi[c] = im[l]!)
        re[u] = v0 * ur - v1 * ui + v2 * lr - v3 * li
        im[u] = v0 * ui + v1 * ur + v2 * li + v3 * lr
        re[l] = v4 * ur - v5 * ui + v6 * lr - v7 * li
        im[l] = v4 * ui + v5 * ur + v6 * li + v7 * lr
      }
    }
    return matrix
  }

  tangent(): ComplexMatrix {
    const size = this.#size
    const out = complexZeros(size)
    const { re, im } = out
    for (const [e, { top, single }] of this.#stops.entries()) {
      const [xrs, xis, yrs, yis] = this.#before[e]!
      const [v0, v1, v2, v3, v4, v5, v6, v7] = eight(this.values, e)
      const [d0, d1, d2, d3, d4, d5, d6, d7] = eight(this.changes, e)
      for (let c = 0, u = top * size, l = u + size; c < size; c++, u++, l++) {
        const [ur, ui, xr, xi] = [re[u]!, im[u]!, xrs[c]!, xis[c]!]
        if (single) {
          re[u] = v4 * ur - v5 * ui + d4 * xr - d5 * xi
          im[u] = v4 * ui + v5 * ur + d4 * xi + d5 * xr
          continue
        }
        const [lr, li, yr, yi] = [re[l]!, im[l]!, yrs[c]!, yis[c]!]
        re[u] = v0 * ur - v1 * ui + v2 * lr - v3 * li + d0 * xr - d1 * xi + d2 * yr - d3 * yi
        im[u] = v0 * ui + v1 * ur + v2 * li + v3 * lr + d0 * xi + d1 * xr + d2 * yi + d3 * yr
        re[l] = v4 * ur - v5 * ui + v6 * lr - v7 * li + d4 * xr - d5 * xi + d6 * yr - d7 * yi
        im[l] = v4 * ui + v5 * ur + v6 * li + v7 * lr + d4 * xi + d5 * xr + d6 * yi + d7 * yr
      }
    }
    return out
  }

  backward(weight: ComplexMatrix): void {
    const size = this.#size
    const { re, im } = copyOf(weight)
    for (let e = this.#stops.length - 1; e >= 0; e--) {
      const { top, single } = this.#stops[e]!
      const [xrs, xis, yrs, yis] = this.#before[e]!
      const [v0, v1, v2, v3, v4, v5, v6, v7] = eight(this.values, e)
      // Even and odd inputs apart, as two of them travel in one vector.
      const sums = [new Float64Array(8), new Float64Array(8)] as const
      for (let c = 0, u = top * size, l = u + size; c < size; c++, u++, l++) {
        const s = sums[(c % 2) as 0 | 1]
        const [ur, ui, xr, xi] = [re[u]!, im[u]!, xrs[c]!, xis[c]!]
        if (single) {
          s[4] = s[4]! + ur * xr + ui * xi
          s[5] = s[5]! + ui * xr - ur * xi
          re[u] = v4 * ur + v5 * ui
          im[u] = v4 * ui - v5 * ur
          continue
        }
        const [lr, li, yr, yi] = [re[l]!, im[l]!, yrs[c]!, yis[c]!]
        s[0] = s[0]! + ur * xr + ui * xi
        s[1] = s[1]! + ui * xr - ur * xi
        s[2] = s[2]! + ur * yr + ui * yi
        s[3] = s[3]! + ui * yr - ur * yi
        s[4] = s[4]! + lr * xr + li * xi
        s[5] = s[5]! + li * xr - lr * xi
        s[6] = s[6]! + lr * yr + li * yi
        s[7] = s[7]! + li * yr - lr * yi
        re[u] = v0 * ur + v1 * ui + v4 * lr + v5 * li
        im[u] = v0 * ui - v1 * ur + v4 * li - v5 * lr
        re[l] = v2 * ur + v3 * ui + v6 * lr + v7 * li
        im[l] = v2 * ui - v3 * ur + v6 * li - v7 * lr
      }
      for (let i = single ? 4 : 0; i < (single ? 6 : 8); i++) this.gradients[8 * e + i] = sums[0][i]! + sums[1][i]!
    }
  }

  entered(stop: number): { readonly re: Float64Array; readonly im: Float64Array } {
    const [re, im] = this.#before[stop]!
    return { re, im }
  }
}

type Eight = readonly [number, number, number, number, number, number, number, number]

const eight = (numbers: Float64Array, stop: number): Eight =>
  Array.from(numbers.subarray(8 * stop, 8 * stop + 8)) as unknown as Eight
