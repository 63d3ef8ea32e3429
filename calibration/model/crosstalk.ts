import type { SvdCoreLayout } from '../../core/mesh-layout.ts'

/** Shares below this are left out, and so is everything farther away than this many pitches. */
const LEAST_SHARE = 1e-7
const MAX_REACH_PITCH = 12

/**
 * Floor plan of the heaters as a grid of cells one pitch wide, with a margin that no share reaches across.
 *
 * A core of 64 ports has 8,448 heaters: as a matrix their crosstalk would be 570 MB, as a stencil it is 90 numbers.
 */
export class HeaterGrid {
  readonly heaters: number
  readonly columns: number
  readonly rows: number
  /** Cells from one column to the next. */
  readonly stride: number
  /** [heater] its cell. */
  readonly cells: Int32Array

  constructor({ heaters }: SvdCoreLayout) {
    this.heaters = heaters.length
    this.columns = 1 + heaters.reduce((most, { x }) => Math.max(most, x), 0)
    this.rows = 1 + heaters.reduce((most, { y }) => Math.max(most, y), 0)
    this.stride = this.rows + 2 * MAX_REACH_PITCH
    this.cells = Int32Array.from(heaters, ({ x, y }) => (x + MAX_REACH_PITCH) * this.stride + y + MAX_REACH_PITCH)
  }
}

/** One stencil: a weight for each distance in columns and rows, the same in all four quadrants. */
interface Stencil {
  readonly reach: number
  /** [columns apart × (reach + 1) + rows apart] */
  readonly weights: Float64Array
}

/**
 * Thermal crosstalk that falls with distance d as neighbour·e^{−(d−1)/decay}, d in heater pitches.
 *
 * Symmetric: what one heater gives another is what it gets, so each product is its own adjoint.
 */
export class Crosstalk {
  readonly #grid: HeaterGrid
  readonly #shares: Stencil
  readonly #byLogDecay: Stencil
  readonly #from: Float64Array
  readonly #pair: Float64Array
  readonly #to: Float64Array

  constructor(grid: HeaterGrid, neighbour: number, decayPitch: number) {
    this.#grid = grid
    const farthest = 1 + decayPitch * Math.log(Math.max(1, neighbour / LEAST_SHARE))
    const reach = Math.min(MAX_REACH_PITCH, Math.floor(farthest))
    const stencil = (weight: (distance: number) => number): Stencil => ({
      reach,
      weights: Float64Array.from({ length: (reach + 1) ** 2 }, (_, i) => {
        const distance = Math.hypot(Math.floor(i / (reach + 1)), i % (reach + 1))
        return distance === 0 || distance > reach ? 0 : weight(distance)
      }),
    })
    const share = (distance: number): number => neighbour * Math.exp(-(distance - 1) / decayPitch)
    this.#shares = stencil(share)
    this.#byLogDecay = stencil((distance) => (share(distance) * (distance - 1)) / decayPitch)
    const cells = (grid.columns + 2 * MAX_REACH_PITCH) * grid.stride
    this.#from = new Float64Array(cells)
    this.#pair = new Float64Array(cells)
    this.#to = new Float64Array(cells)
  }

  /** What each heater's phase gets from all others, which make `selfRad` of their own. Shape: [heater]. */
  given(selfRad: Float64Array): Float64Array {
    return this.#spread(selfRad, this.#shares)
  }

  /** ∂given/∂ln decay; ∂given/∂ln neighbour is `given` itself. */
  givenByLogDecay(selfRad: Float64Array): Float64Array {
    return this.#spread(selfRad, this.#byLogDecay)
  }

  #spread(values: Float64Array, { reach, weights }: Stencil): Float64Array {
    const { cells, columns, rows, stride } = this.#grid
    const from = this.#from
    const pair = this.#pair
    const to = this.#to
    for (let h = 0; h < cells.length; h++) from[cells[h]!] = values[h]!
    to.fill(0)
    for (let across = 0; across <= reach; across++) {
      const away = across * stride
      for (let column = 0; column < columns; column++) {
        const first = (column + MAX_REACH_PITCH) * stride + MAX_REACH_PITCH
        const last = first + rows
        for (let i = first; i < last; i++) pair[i] = across === 0 ? from[i]! : from[i + away]! + from[i - away]!
        const own = weights[across * (reach + 1)]!
        if (own !== 0) for (let i = first; i < last; i++) to[i]! += own * pair[i]!
        // Four rows a pass, for speed; weights beyond the reach are 0.
        for (let along = 1; along <= reach; along += 4) {
          const at = across * (reach + 1) + along
          const w1 = weights[at]!
          if (w1 === 0 && along > 1) break
          const w2 = along + 1 > reach ? 0 : weights[at + 1]!
          const w3 = along + 2 > reach ? 0 : weights[at + 2]!
          const w4 = along + 3 > reach ? 0 : weights[at + 3]!
          for (let i = first; i < last; i++) {
            const low = i - along
            const high = i + along
            to[i]! +=
              w1 * (pair[low]! + pair[high]!) +
              w2 * (pair[low - 1]! + pair[high + 1]!) +
              w3 * (pair[low - 2]! + pair[high + 2]!) +
              w4 * (pair[low - 3]! + pair[high + 3]!)
          }
        }
      }
    }
    return Float64Array.from(cells, (cell) => to[cell]!)
  }
}
