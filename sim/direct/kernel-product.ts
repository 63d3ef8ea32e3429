import { BenchError } from '../../core/errors.ts'
import type {
  BlockReading,
  DenseMatrix,
  ModelledBench,
  ProductCore,
  ProgrammedFactor,
  RowBlock,
} from '../../core/product-core.ts'
import { packedTileFloats, productScratch } from '../kernels/behavioural-product.ts'
import type { ProductJob, ProductScratch } from '../kernels/behavioural-product.ts'
import { tileLine } from '../kernels/kernel-engine.ts'
import type { KernelEngine } from '../kernels/kernel-engine.ts'
import { KernelPool } from '../kernels/kernel-pool.ts'
import type { KernelTasks } from '../kernels/kernel-tasks.ts'
import { describeEngine } from '../kernels/kernels.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { DETECTOR_FLOATS } from '../kernels/reference/detection.ts'
import type { ProductTables, TileWeights } from './product-tables.ts'

/** Rows of A in a block: what a kernel takes at once, so that light stays in the cache. */
const BLOCK_ROWS = 256

/** What one block works in. */
interface Slot {
  /** [light row][stride] */
  readonly values: Float32Array
  /** [output][light row] */
  readonly sums: Float32Array
}

/**
 * The core of a bench as kernels compute it: fields, detectors, noise and converters of every symbol, on all threads of a
 * pool, with weights that stand exactly where they should.
 *
 * Numbers are float32, scaled by powers of two beforehand, so that any finite double fits.
 */
export class KernelProduct implements ProductCore {
  readonly kind: 'mesh' | 'awgr'
  readonly engine: string
  readonly shape: { readonly outputs: number; readonly inputs: number }
  readonly rowsPerBlock = BLOCK_ROWS
  readonly blocksAtOnce: number
  readonly idealised: readonly string[]
  readonly modelled: ModelledBench
  readonly #kernels: Kernels
  readonly #tables: ProductTables
  readonly #pool: KernelPool
  #isProgrammed = false

  constructor(kind: 'mesh' | 'awgr', kernels: Kernels, tables: ProductTables, threads: number) {
    this.kind = kind
    this.engine = describeEngine(kernels.engineName, threads)
    this.shape = { outputs: tables.size, inputs: tables.size }
    // One more than threads: while it is filled and emptied, all others compute.
    this.blocksAtOnce = threads + 1
    this.idealised = tables.idealised
    this.modelled = tables.modelled
    this.#kernels = kernels
    this.#tables = tables
    this.#pool = new KernelPool(kernels, threads)
  }

  async program(b: DenseMatrix, signal: AbortSignal): Promise<ProgrammedFactor> {
    if (this.#isProgrammed) throw new BenchError('CALL_INVALID', 'the core holds a factor: dispose of it first')
    const memory = this.#kernels.memory.scope()
    try {
      const parts = { kernels: this.#kernels, pool: this.#pool, tables: this.#tables, slots: this.blocksAtOnce }
      const factor = new KernelFactor(parts, b, signal, () => {
        this.#isProgrammed = false
        memory[Symbol.dispose]()
      })
      this.#isProgrammed = true
      return factor
    } catch (error) {
      memory[Symbol.dispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]()
  }
}

interface FactorParts {
  readonly kernels: Kernels
  readonly pool: KernelPool
  readonly tables: ProductTables
  readonly slots: number
}

/**
 * Weights are made row of tiles by row of tiles, while threads multiply with those that are there; each block passes them in
 * their order, so that its sums do not depend on when they came.
 */
class KernelFactor implements ProgrammedFactor {
  readonly tiles: number
  readonly #engine: KernelEngine
  readonly #pool: KernelPool
  readonly #tables: ProductTables
  readonly #b: DenseMatrix
  readonly #innerTiles: number
  readonly #outputTiles: number
  readonly #stride: number
  /** Light rows of a block. */
  readonly #lightRows: number
  readonly #scale: number
  readonly #packed: Float32Array
  readonly #tileFloats: number
  /** [lane] */
  readonly #detectors: readonly Float32Array[]
  readonly #detectorStride: number
  readonly #free: Slot[]
  /** Rows of B that become a row of tiles [inner][column], and the tile under way. */
  readonly #rows: Float64Array
  readonly #tile: TileWeights
  /** [thread] */
  readonly #scratches: readonly ProductScratch[]
  readonly #onDispose: () => void
  /** Rows of tiles that are made. */
  #made = 0
  /** The row under way; the last one when all are made, or when making them failed. */
  #making: Promise<void>
  #isDisposed = false

  constructor(
    { kernels, pool, tables, slots }: FactorParts,
    b: DenseMatrix,
    signal: AbortSignal,
    onDispose: () => void,
  ) {
    const { memory } = kernels
    const { size, detection, symbolsPerRow, lanes } = tables
    this.#innerTiles = Math.ceil(b.rows / size)
    this.#outputTiles = Math.ceil(b.columns / size)
    this.tiles = this.#innerTiles * this.#outputTiles
    this.#engine = kernels.engine
    this.#pool = pool
    this.#tables = tables
    this.#b = b
    this.#stride = this.#innerTiles * size
    this.#lightRows = symbolsPerRow * BLOCK_ROWS
    this.#onDispose = onDispose
    this.#scale = powerOfTwoAbove(largestOf(b.data, b.data.length))
    this.#tileFloats = packedTileFloats(detection, size, size)
    this.#detectorStride = 2 * size * DETECTOR_FLOATS
    this.#packed = memory.unclearedFloat32(this.tiles * this.#tileFloats)
    this.#detectors = lanes.map(() => memory.unclearedFloat32(this.tiles * this.#detectorStride))
    this.#free = Array.from({ length: slots }, () => ({
      values: memory.float32(this.#lightRows * this.#stride),
      sums: memory.unclearedFloat32(this.#outputTiles * size * this.#lightRows),
    }))
    const line = tileLine(size)
    this.#rows = memory.float64(Math.min(size, b.rows) * b.columns)
    this.#tile = { line, weights: memory.float64(line * line), turned: memory.float64(line * line) }
    const shape = { tileInputs: size, tileOutputs: size, innerTiles: this.#innerTiles }
    this.#scratches = Array.from({ length: pool.threads }, () => productScratch(memory, shape))
    this.#making = this.#makeRow(signal)
    // Told to whoever waits for it.
    this.#making.catch(() => undefined)
  }

  async multiplyBlock(
    { first, rows, values }: RowBlock,
    out: Float32Array | Float64Array,
    signal: AbortSignal,
  ): Promise<BlockReading> {
    if (first % BLOCK_ROWS !== 0 || rows > BLOCK_ROWS) {
      throw new BenchError(
        'CALL_INVALID',
        `${rows} rows from ${first} are no block: it begins at a multiple of ${BLOCK_ROWS} and has no more rows`,
      )
    }
    const slot = this.#free.pop()
    if (slot === undefined) throw new BenchError('CALL_INVALID', 'more blocks at once than the core takes')
    try {
      const scale = powerOfTwoAbove(largestOf(values, rows * this.#b.rows))
      if (this.#tables.symbolsPerRow === 1) this.#fill(slot.values, values, rows, scale)
      else this.#fillParts(slot.values, values, rows, scale)
      slot.sums.fill(0)
      let overRange = 0
      for (let k = 0; k < this.#innerTiles;) {
        if (k === this.#made) await this.#making
        const part = this.#part(slot, first / BLOCK_ROWS, rows, k, this.#made)
        k += part.job.innerTiles
        overRange += await this.#pool.run('product', [part], signal)
      }
      this.#empty(slot.sums, out, rows, scale)
      return { overRange }
    } finally {
      this.#free.push(slot)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    await this.#making.catch(() => undefined)
    this.#onDispose()
  }

  /** Makes one row of tiles, and has the next one made while this thread has nothing better to do. */
  async #makeRow(signal: AbortSignal): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    if (this.#isDisposed || this.#innerTiles === 0) return
    const { size } = this.#tables
    const { rows, columns, data } = this.#b
    const { line, weights, turned } = this.#tile
    const k = this.#made
    const inputs = Math.min(size, rows - k * size)
    this.#rows.set(data.subarray(k * size * columns, (k * size + inputs) * columns))
    for (let n = 0; n < this.#outputTiles; n++) {
      const pass = k * this.#outputTiles + n
      const outputs = Math.min(size, columns - n * size)
      const from = this.#rows.subarray(n * size)
      this.#engine.cutTile(from, columns, inputs, outputs, this.#scale, line, weights, turned)
      this.#tables.program(
        this.#tile,
        pass,
        this.#tilesFrom(pass),
        this.#detectors.map((lane) => this.#detectorsFrom(lane, pass)),
      )
    }
    this.#made++
    if (this.#made === this.#innerTiles) return
    this.#making = this.#makeRow(signal)
    this.#making.catch(() => undefined)
  }

  #tilesFrom(pass: number): Float32Array {
    return this.#packed.subarray(pass * this.#tileFloats)
  }

  #detectorsFrom(lane: Float32Array, pass: number): Float32Array {
    return lane.subarray(pass * this.#detectorStride)
  }

  /** A block on its way past the rows of tiles from `from` to `to`. */
  #part(slot: Slot, block: number, rows: number, from: number, to: number): KernelTasks['product'] {
    const { size, detection, lanes, symbolsPerRow } = this.#tables
    const lane = block % lanes.length
    const pass = from * this.#outputTiles
    const job: ProductJob = {
      ...lanes[lane]!,
      detection,
      values: slot.values.subarray(from * size),
      stride: this.#stride,
      // Of a whole block, also where fewer come: so the numbers of noise samples depend on the row alone.
      rows: this.#lightRows,
      tileInputs: size,
      tileOutputs: size,
      innerTiles: to - from,
      outputTiles: this.#outputTiles,
      tiles: this.#tilesFrom(pass),
      detectors: this.#detectorsFrom(this.#detectors[lane]!, pass),
      detectorStride: this.#detectorStride,
      firstSample: (block * this.tiles + pass) * this.#lightRows,
      sums: slot.sums,
      sumStride: this.#lightRows,
    }
    // Negative parts follow a whole block of positive ones.
    return { job, scratches: this.#scratches, first: 0, rows: symbolsPerRow === 1 ? rows : this.#lightRows }
  }

  #fill(to: Float32Array, values: RowBlock['values'], rows: number, scale: number): void {
    const [inner, stride] = [this.#b.rows, this.#stride]
    for (let row = 0; row < rows; row++) {
      const [from, at] = [row * inner, row * stride]
      for (let i = 0; i < inner; i++) to[at + i] = values[from + i]! / scale
    }
  }

  /**
   * Positive parts of all rows, then negative ones. Light is a power, the square of the field that the kernels encode: they are
   * given √(v·m), which is m where v is, so that they take m for the scale of the row and √(v/m) for the field.
   */
  #fillParts(to: Float32Array, values: RowBlock['values'], rows: number, scale: number): void {
    const [inner, stride, tile] = [this.#b.rows, this.#stride, this.#tables.size]
    to.fill(0)
    for (let row = 0; row < rows; row++) {
      for (let first = 0; first < inner; first += tile) {
        const last = Math.min(inner, first + tile)
        let [most, least] = [0, 0]
        for (let i = first; i < last; i++) {
          const value = values[row * inner + i]! / scale
          if (value > most) most = value
          else if (value < least) least = value
        }
        for (let i = first; i < last; i++) {
          const value = values[row * inner + i]! / scale
          if (value > 0) to[row * stride + i] = Math.sqrt(value * most)
          else to[(BLOCK_ROWS + row) * stride + i] = Math.sqrt(value * least)
        }
      }
    }
  }

  #empty(sums: Float32Array, out: Float32Array | Float64Array, rows: number, scale: number): void {
    const [columns, lines] = [this.#b.columns, this.#lightRows]
    const negative = this.#tables.symbolsPerRow === 1 ? undefined : BLOCK_ROWS
    // A few lines of C at a time, because both ways through memory are long.
    for (let first = 0; first < columns; first += LINES_AT_ONCE) {
      const last = Math.min(columns, first + LINES_AT_ONCE)
      for (let row = 0; row < rows; row++) {
        for (let column = first; column < last; column++) {
          const at = column * lines + row
          const sum = negative === undefined ? sums[at]! : sums[at]! - sums[at + negative]!
          out[row * columns + column] = sum * scale * this.#scale
        }
      }
    }
  }
}

const LINES_AT_ONCE = 16

function largestOf(data: Float32Array | Float64Array, count: number): number {
  let largest = 0
  for (let i = 0; i < count; i++) largest = Math.max(largest, Math.abs(data[i]!))
  return largest
}

/** Dividing by it rounds nothing, and leaves nothing above 1. */
function powerOfTwoAbove(value: number): number {
  if (value === 0) return 1
  return Math.min(2 ** Math.ceil(Math.log2(value)), 2 ** 1023)
}
