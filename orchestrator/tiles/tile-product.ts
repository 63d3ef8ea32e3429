import type { Tile } from '../../core/optical-core.ts'
import { meanOf, middleOf, ROW_SCALING, unitOf } from './block-scaling.ts'
import type { BlockScaling } from './block-scaling.ts'

/** A dense real matrix, row-major. */
export interface RealMatrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float64Array
}

/** A piece of B as the optics are asked for it, and what makes its products those of B. */
export interface CutTile {
  /** (B − offset) / scale, transposed; beyond the edge of B there is nothing. */
  readonly tile: Tile
  /** First row of B (column of A), and first column of B. */
  readonly firstInner: number
  readonly firstColumn: number
  /** Rows and columns of B that are in it. */
  readonly inner: number
  readonly columns: number
  /** [output] */
  readonly scale: Float64Array
  readonly offset: Float64Array
  /** [output] of B − offset over the inner dimension. */
  readonly sum: Float64Array
}

/** Rows of A, as far as they belong to one tile, scaled to −1…1. */
export interface CutInputs {
  readonly firstRow: number
  readonly rows: number
  /** [row, input]: (A − offset) / scale */
  readonly values: Float64Array
  /** [row] */
  readonly scale: Float64Array
  readonly offset: Float64Array
  /** [row] of A itself over the inner dimension. */
  readonly sum: Float64Array
}

export interface TileShape {
  readonly outputs: number
  readonly inputs: number
}

/** Cuts C = A·B into tiles of B and shares of A by one scaling. */
export class TileProduct {
  readonly a: RealMatrix
  readonly b: RealMatrix
  readonly shape: TileShape
  readonly scaling: BlockScaling
  /** [row of A], [column of B]: zero points of whole rows and columns; NaN until somebody asks, who may want few. */
  readonly #rowOffset: Float64Array
  readonly #columnOffset: Float64Array

  constructor(a: RealMatrix, b: RealMatrix, shape: TileShape, scaling: BlockScaling = ROW_SCALING) {
    this.a = a
    this.b = b
    this.shape = shape
    this.scaling = scaling
    this.#rowOffset = new Float64Array(scaling.inputs === 'whole' ? a.rows : 0).fill(NaN)
    this.#columnOffset = new Float64Array(scaling.weights === 'whole' ? b.columns : 0).fill(NaN)
  }

  get tiles(): number {
    return this.innerTiles * Math.ceil(this.b.columns / this.shape.outputs)
  }

  /** Tiles along the inner dimension: partial sums of each product. */
  get innerTiles(): number {
    return Math.ceil(this.b.rows / this.shape.inputs)
  }

  /** Row of tiles by row of tiles. */
  tile(id: number): CutTile {
    const { b, shape } = this
    const across = Math.ceil(b.columns / shape.outputs)
    const [firstInner, firstColumn] = [Math.floor(id / across) * shape.inputs, (id % across) * shape.outputs]
    const inner = Math.min(shape.inputs, b.rows - firstInner)
    const columns = Math.min(shape.outputs, b.columns - firstColumn)
    const weights = new Float64Array(shape.outputs * shape.inputs)
    const [scale, offset, sum] = [zeros(shape.outputs), zeros(shape.outputs), zeros(shape.outputs)]
    let largest = 0
    for (let output = 0; output < columns; output++) {
      const row = weights.subarray(output * shape.inputs, output * shape.inputs + inner)
      for (let i = 0; i < inner; i++) row[i] = b.data[(firstInner + i) * b.columns + firstColumn + output]!
      offset[output] = this.#weightOffset(row, firstColumn + output)
      for (let i = 0; i < inner; i++) {
        row[i]! -= offset[output]!
        sum[output]! += row[i]!
        largest = Math.max(largest, Math.abs(row[i]!))
      }
    }
    const unit = unitOf(largest)
    for (let output = 0; output < columns; output++) {
      const row = weights.subarray(output * shape.inputs, output * shape.inputs + inner)
      if (unit !== 1) for (let i = 0; i < inner; i++) row[i]! /= unit
      const length = Math.hypot(...row)
      const norm = this.scaling.scaled === 'output' ? length || 1 : 1
      if (norm !== 1) for (let i = 0; i < inner; i++) row[i]! /= norm
      // Whatever the optics make of no weights at all, it belongs to nothing.
      scale[output] = length === 0 ? 0 : unit * norm
    }
    return { tile: { id, weights }, firstInner, firstColumn, inner, columns, scale, offset, sum }
  }

  inputs({ firstInner, inner }: Pick<CutTile, 'firstInner' | 'inner'>, firstRow: number, rows: number): CutInputs {
    const { a, shape } = this
    const values = new Float64Array(rows * shape.inputs)
    const [scale, offset, sum] = [zeros(rows), zeros(rows), zeros(rows)]
    for (let row = 0; row < rows; row++) {
      const to = row * shape.inputs
      const from = (firstRow + row) * a.columns + firstInner
      for (let i = 0; i < inner; i++) values[to + i] = a.data[from + i]!
      const zero = this.#inputOffset(values, to, inner, firstRow + row)
      let [total, largest] = [0, 0]
      for (let i = to; i < to + inner; i++) {
        total += values[i]!
        values[i]! -= zero
        largest = Math.max(largest, Math.abs(values[i]!))
      }
      if (largest !== 0) for (let i = to; i < to + inner; i++) values[i]! /= largest
      offset[row] = zero
      sum[row] = total
      scale[row] = largest
    }
    return { firstRow, rows, values, scale, offset, sum }
  }

  #inputOffset(values: Float64Array, first: number, inner: number, row: number): number {
    const { inputs } = this.scaling
    if (inputs === 'none') return 0
    // A view costs as much as the row, so only who looks at it pays for one.
    if (inputs === 'share') return middleOf(values.subarray(first, first + inner))
    const { data, columns } = this.a
    return known(this.#rowOffset, row, () => middleOf(data.subarray(row * columns, (row + 1) * columns)))
  }

  #weightOffset(share: Float64Array, column: number): number {
    const { weights } = this.scaling
    if (weights === 'none') return 0
    if (weights === 'share') return meanOf(share)
    const { data, rows, columns } = this.b
    return known(this.#columnOffset, column, () =>
      meanOf(Float64Array.from({ length: rows }, (_, row) => data[row * columns + column]!)),
    )
  }
}

/** Worked out the first time. */
function known(values: Float64Array, at: number, workOut: () => number): number {
  if (Number.isNaN(values[at])) values[at] = workOut()
  return values[at]!
}

/** The tiles of B, row of tiles by row of tiles, as they are. */
export function* cutTiles(b: RealMatrix, shape: TileShape): Generator<CutTile> {
  const product = new TileProduct({ rows: 0, columns: b.rows, data: zeros(0) }, b, shape)
  for (let id = 0; id < product.tiles; id++) yield product.tile(id)
}

const zeros = (length: number): Float64Array => new Float64Array(length)
