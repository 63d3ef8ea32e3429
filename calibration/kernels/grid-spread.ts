/** A grid of cells, column by column, with a margin of empty cells on every side. */
export interface GridPlan {
  readonly columns: number
  readonly rows: number
  /** Cells around it that nothing reaches across; at least one. */
  readonly margin: number
}

/** One stencil: a weight for each distance in columns and rows, the same in all four quadrants. */
export interface Stencil {
  readonly reach: number
  /** [columns apart × (reach + 1) + rows apart]; 0 beyond the reach. */
  readonly weights: Float64Array
}

/** What every cell of a grid gets from those around it. */
export interface GridSpread {
  /** [cell]: what each gives. Cell (column, row) lies at (column + margin) · (rows + 2 · margin) + row + margin. */
  readonly from: Float64Array
  /** [cell]: what each gets; the margin holds nothing of use. */
  readonly to: Float64Array
  spread(stencil: Stencil): void
}
