import { BenchError } from '../../core/errors.ts'
import type { Frame, Tile } from '../../core/optical-core.ts'
import { RandomStream } from '../../core/random.ts'

/** A dense real matrix, row-major. */
export interface RealMatrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float64Array
}

/** Where a frame's products go. */
export interface TileJob {
  readonly frame: Frame
  /** First row of A, and how many. */
  readonly firstRow: number
  readonly rows: number
  /** First row of B (column of A), and first column of B. */
  readonly firstInner: number
  readonly firstColumn: number
  /** [row of the frame] by which its inputs were divided: the largest of them. */
  readonly scale: Float64Array
}

interface TileShape {
  readonly outputs: number
  readonly inputs: number
}

export interface TilingShape extends TileShape {
  readonly lanes: number
  /** Symbols a frame may have, probes included. */
  readonly maxSymbols: number
}

/** Known inputs at the start of every frame, the same on all lanes. */
export const PROBES = 4
const PROBE_SEED = 1

/** Shape: [probe, input], values over the whole range. */
export function probeVectors(inputs: number): Float64Array {
  const random = new RandomStream(PROBE_SEED, 'probes')
  return Float64Array.from({ length: PROBES * inputs }, () => random.uniform(-1, 1))
}

/** How many frames a product takes. */
export function countFrames(a: RealMatrix, b: RealMatrix, shape: TilingShape): number {
  const { inner, across, along } = counts(a, b, shape)
  return inner * across * along
}

/**
 * Cuts C = A·B into frames: tiles of B are the weights, rows of A the inputs, spread over the lanes.
 *
 * All rows pass one tile before the next is programmed, so each tile is programmed once. Each row's share of a tile
 * is scaled to its own largest value, so that small rows use all of the modulators' range.
 */
export function* tileJobs(a: RealMatrix, b: RealMatrix, shape: TilingShape): Generator<TileJob> {
  const { along, rowsPerFrame } = counts(a, b, shape)
  for (const { tile, firstInner, firstColumn } of cutTiles(b, shape)) {
    for (let m = 0; m < along; m++) {
      const firstRow = m * rowsPerFrame
      const rows = Math.min(rowsPerFrame, a.rows - firstRow)
      const { lanes, scale } = cutInputs(a, shape, firstRow, rows, firstInner)
      yield { frame: { tile, lanes, probes: PROBES }, firstRow, rows, firstInner, firstColumn, scale }
    }
  }
}

/** The tiles of B, row of tiles by row of tiles. */
export function* cutTiles(
  b: RealMatrix,
  shape: TileShape,
): Generator<Pick<TileJob, 'firstInner' | 'firstColumn'> & { readonly tile: Tile }> {
  for (let firstInner = 0, id = 0; firstInner < b.rows; firstInner += shape.inputs) {
    for (let firstColumn = 0; firstColumn < b.columns; firstColumn += shape.outputs, id++) {
      yield { firstInner, firstColumn, tile: cutTile(b, shape, firstInner, firstColumn, id) }
    }
  }
}

/** Lane and symbol of a row within its frame; probes come first. */
export const placeOfRow = (row: number, lanes: number): { lane: number; symbol: number } => ({
  lane: row % lanes,
  symbol: PROBES + Math.floor(row / lanes),
})

function counts(
  a: RealMatrix,
  b: RealMatrix,
  { outputs, inputs, lanes, maxSymbols }: TilingShape,
): { inner: number; across: number; along: number; rowsPerFrame: number } {
  const rowsPerFrame = (maxSymbols - PROBES) * lanes
  if (rowsPerFrame < 1) {
    throw new BenchError(
      'RANGE_EXCEEDED',
      `a frame of ${maxSymbols} symbols has no room for data: ${PROBES} are probes`,
      {
        context: { maxSymbols, probes: PROBES },
      },
    )
  }
  return {
    inner: Math.ceil(b.rows / inputs),
    across: Math.ceil(b.columns / outputs),
    along: Math.ceil(a.rows / rowsPerFrame),
    rowsPerFrame,
  }
}

/** W[output, input] = B[inner, column]; beyond the edge of B there is nothing. */
function cutTile(b: RealMatrix, shape: TileShape, firstInner: number, firstColumn: number, id: number): Tile {
  const weights = new Float64Array(shape.outputs * shape.inputs)
  for (let output = 0; output < shape.outputs && firstColumn + output < b.columns; output++) {
    for (let input = 0; input < shape.inputs && firstInner + input < b.rows; input++) {
      weights[output * shape.inputs + input] = b.data[(firstInner + input) * b.columns + firstColumn + output]!
    }
  }
  return { id, weights }
}

function cutInputs(
  a: RealMatrix,
  { inputs, lanes }: TilingShape,
  firstRow: number,
  rows: number,
  firstInner: number,
): { lanes: Float64Array[]; scale: Float64Array } {
  const symbols = PROBES + Math.ceil(rows / lanes)
  const out = Array.from({ length: lanes }, () => {
    const values = new Float64Array(symbols * inputs)
    values.set(probeVectors(inputs))
    return values
  })
  const scale = new Float64Array(rows)
  const width = Math.min(inputs, a.columns - firstInner)
  for (let row = 0; row < rows; row++) {
    const from = (firstRow + row) * a.columns + firstInner
    let largest = 0
    for (let i = 0; i < width; i++) largest = Math.max(largest, Math.abs(a.data[from + i]!))
    scale[row] = largest
    if (largest === 0) continue
    const { lane, symbol } = placeOfRow(row, lanes)
    for (let i = 0; i < width; i++) out[lane]![symbol * inputs + i] = a.data[from + i]! / largest
  }
  return { lanes: out, scale }
}
