import type { GridPlan, GridSpread, Stencil } from '../grid-spread.ts'

/** The stencil in plain JavaScript: what the WebAssembly one is held against, and stands in for it where none is built. */
export class ReferenceSpread implements GridSpread {
  readonly from: Float64Array
  readonly to: Float64Array
  readonly #pair: Float64Array
  readonly #plan: GridPlan

  constructor(plan: GridPlan) {
    const cells = (plan.columns + 2 * plan.margin) * (plan.rows + 2 * plan.margin)
    this.from = new Float64Array(cells)
    this.to = new Float64Array(cells)
    this.#pair = new Float64Array(cells)
    this.#plan = plan
  }

  spread({ reach, weights }: Stencil): void {
    const { from, to } = this
    const pair = this.#pair
    const { columns, rows, margin } = this.#plan
    const stride = rows + 2 * margin
    to.fill(0)
    for (let across = 0; across <= reach; across++) {
      const away = across * stride
      for (let column = 0; column < columns; column++) {
        const first = (column + margin) * stride + margin
        const last = first + rows
        for (let i = first; i < last; i++) pair[i] = across === 0 ? from[i]! : from[i + away]! + from[i - away]!
        const row = across * (reach + 1)
        const own = weights[row]!
        if (own !== 0) for (let i = first; i < last; i++) to[i]! += own * pair[i]!
        for (let along = 1; along <= reach; along++) {
          const weight = weights[row + along]!
          if (weight === 0) continue
          for (let i = first; i < last; i++) to[i]! += weight * (pair[i - along]! + pair[i + along]!)
        }
      }
    }
  }
}
