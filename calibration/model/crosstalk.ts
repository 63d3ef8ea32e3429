import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { GridSpread, Stencil } from '../kernels/grid-spread.ts'
import { gridSpread } from '../kernels/kernels.ts'

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
  /** [heater] its cell. */
  readonly cells: Int32Array
  readonly spread: GridSpread

  constructor({ heaters }: SvdCoreLayout) {
    this.heaters = heaters.length
    this.columns = 1 + heaters.reduce((most, { x }) => Math.max(most, x), 0)
    this.rows = 1 + heaters.reduce((most, { y }) => Math.max(most, y), 0)
    const stride = this.rows + 2 * MAX_REACH_PITCH
    this.cells = Int32Array.from(heaters, ({ x, y }) => (x + MAX_REACH_PITCH) * stride + y + MAX_REACH_PITCH)
    this.spread = gridSpread({ columns: this.columns, rows: this.rows, margin: MAX_REACH_PITCH })
  }
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
  }

  /** What each heater's phase gets from all others, which make `selfRad` of their own. Shape: [heater]. */
  given(selfRad: Float64Array): Float64Array {
    return this.#spread(selfRad, this.#shares)
  }

  /** ∂given/∂ln decay; ∂given/∂ln neighbour is `given` itself. */
  givenByLogDecay(selfRad: Float64Array): Float64Array {
    return this.#spread(selfRad, this.#byLogDecay)
  }

  #spread(values: Float64Array, stencil: Stencil): Float64Array {
    const { cells, spread } = this.#grid
    for (let h = 0; h < cells.length; h++) spread.from[cells[h]!] = values[h]!
    spread.spread(stencil)
    return Float64Array.from(cells, (cell) => spread.to[cell]!)
  }
}
