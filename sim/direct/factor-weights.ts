import type { DenseMatrix } from '../../core/product-core.ts'
import { packedTileFloats } from '../kernels/behavioural-product.ts'
import { tileLine } from '../kernels/kernel-engine.ts'
import type { KernelEngine } from '../kernels/kernel-engine.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { DETECTOR_FLOATS } from '../kernels/reference/detection.ts'
import { powerOfTwoAbove } from './power-of-two.ts'
import type { ProductTables, TileWeights } from './product-tables.ts'

/** B as tiles of weights, and detectors scaled to each; made row of tiles by row of tiles. */
export class FactorWeights {
  readonly innerTiles: number
  readonly outputTiles: number
  /** What all weights were divided by. */
  readonly scale: number
  readonly detectorStride: number
  readonly #engine: KernelEngine
  readonly #tables: ProductTables
  readonly #b: DenseMatrix
  readonly #packed: Float32Array
  readonly #tileFloats: number
  /** [lane] */
  readonly #detectors: readonly Float32Array[]
  /** Rows of B that become a row of tiles, [inner][column]. */
  readonly #rows: Float64Array
  /** The tile under way. */
  readonly #tile: TileWeights

  constructor({ memory, engine }: Kernels, tables: ProductTables, b: DenseMatrix) {
    const { size, detection, lanes } = tables
    const line = tileLine(size)
    this.innerTiles = Math.ceil(b.rows / size)
    this.outputTiles = Math.ceil(b.columns / size)
    this.#engine = engine
    this.#tables = tables
    this.#b = b
    const tiles = this.innerTiles * this.outputTiles
    this.#tileFloats = packedTileFloats(detection, size, size)
    this.detectorStride = 2 * size * DETECTOR_FLOATS
    this.#packed = memory.unclearedFloat32(tiles * this.#tileFloats)
    this.#detectors = lanes.map(() => memory.unclearedFloat32(tiles * this.detectorStride))
    this.#rows = memory.unclearedFloat64(Math.min(size, b.rows) * b.columns)
    this.#tile = { line, weights: memory.float64(line * line), turned: memory.float64(line * line) }
    this.scale = powerOfTwoAbove(this.#largest())
  }

  /** Tiles from number `pass` on, counted row by row. */
  tilesFrom(pass: number): Float32Array {
    return this.#packed.subarray(pass * this.#tileFloats)
  }

  detectorsFrom(lane: number, pass: number): Float32Array {
    return this.#detectors[lane]!.subarray(pass * this.detectorStride)
  }

  makeRow(k: number): void {
    const { size, lanes } = this.#tables
    const { columns } = this.#b
    const { line, weights, turned } = this.#tile
    const inputs = this.#copyRows(k)
    for (let n = 0; n < this.outputTiles; n++) {
      const pass = k * this.outputTiles + n
      const outputs = Math.min(size, columns - n * size)
      const from = this.#rows.subarray(n * size)
      this.#engine.cutTile(from, columns, inputs, outputs, 1 / this.scale, line, weights, turned)
      const detectors = lanes.map((_, lane) => this.detectorsFrom(lane, pass))
      this.#tables.program(this.#tile, pass, this.tilesFrom(pass), detectors)
    }
  }

  #largest(): number {
    let largest = 0
    for (let k = 0; k < this.innerTiles; k++) {
      const count = this.#copyRows(k) * this.#b.columns
      largest = Math.max(largest, this.#engine.largest(this.#rows, count))
    }
    return largest
  }

  /** Rows of B for row `k` of tiles into shared memory; returns how many there are. */
  #copyRows(k: number): number {
    const { size } = this.#tables
    const { rows, columns, data } = this.#b
    const inputs = Math.min(size, rows - k * size)
    this.#rows.set(data.subarray(k * size * columns, (k * size + inputs) * columns))
    return inputs
  }
}
