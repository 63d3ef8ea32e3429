import { BenchError } from '../../core/errors.ts'
import type {
  BlockReading,
  DenseMatrix,
  ModelledBench,
  ProductCore,
  ProgrammedFactor,
  RowBlock,
} from '../../core/product-core.ts'
import { partsOfOutputs, productScratch } from '../kernels/behavioural-product.ts'
import type { ProductJob, ProductScratch } from '../kernels/behavioural-product.ts'
import type { KernelEngine } from '../kernels/kernel-engine.ts'
import { KernelPool } from '../kernels/kernel-pool.ts'
import type { KernelTasks } from '../kernels/kernel-tasks.ts'
import { describeEngine } from '../kernels/kernels.ts'
import type { Kernels } from '../kernels/kernels.ts'
import { BlockPasses } from './block-passes.ts'
import { FactorWeights } from './factor-weights.ts'
import { powerOfTwoAbove } from './power-of-two.ts'
import type { ProductTables } from './product-tables.ts'

/** Rows of A in a block: what a kernel takes at once, so that light stays in the cache. */
const BLOCK_ROWS = 256

/** Rows that stand in float64 between a matrix and the kernels: they stay in the cache. */
const ROWS_BETWEEN = 32

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
    // Two more than threads: while one is emptied and the next one filled, all others compute.
    this.blocksAtOnce = threads + 2
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

/** Weights are made row of tiles by row of tiles, while threads multiply with those that are there. */
class KernelFactor implements ProgrammedFactor {
  readonly tiles: number
  readonly #engine: KernelEngine
  readonly #tables: ProductTables
  readonly #b: DenseMatrix
  readonly #weights: FactorWeights
  readonly #passes: BlockPasses
  readonly #stride: number
  /** Light rows of a block. */
  readonly #lightRows: number
  readonly #free: Slot[]
  readonly #rooms: Float64Array[]
  /** [row][inner] or [row][column], `ROWS_BETWEEN` at a time. */
  readonly #between: Float64Array
  /** [thread] */
  readonly #scratches: readonly ProductScratch[]
  readonly #onDispose: () => void
  readonly #making: Promise<void>
  #isDisposed = false

  constructor(
    { kernels, pool, tables, slots }: FactorParts,
    b: DenseMatrix,
    signal: AbortSignal,
    onDispose: () => void,
  ) {
    const { memory } = kernels
    const { size, symbolsPerRow } = tables
    const weights = new FactorWeights(kernels, tables, b)
    const { innerTiles, outputTiles } = weights
    this.tiles = innerTiles * outputTiles
    this.#engine = kernels.engine
    this.#tables = tables
    this.#b = b
    this.#weights = weights
    this.#passes = new BlockPasses(pool, innerTiles, size)
    this.#stride = innerTiles * size
    this.#lightRows = symbolsPerRow * BLOCK_ROWS
    this.#onDispose = onDispose
    this.#free = Array.from({ length: slots }, () => ({
      values: memory.float32(this.#lightRows * this.#stride),
      sums: memory.unclearedFloat32(outputTiles * size * this.#lightRows),
    }))
    this.#rooms = Array.from({ length: slots }, () => memory.unclearedFloat64(BLOCK_ROWS * b.columns))
    this.#between = memory.unclearedFloat64(ROWS_BETWEEN * Math.max(b.rows, b.columns))
    const shape = { tileInputs: size, tileOutputs: size, innerTiles }
    this.#scratches = Array.from({ length: pool.threads }, () => productScratch(memory, shape))
    this.#making = this.#makeRows(signal)
  }

  room(): Float64Array {
    const room = this.#rooms.pop()
    if (room === undefined) throw new BenchError('CALL_INVALID', 'more products at once than the core has room for')
    return room
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
      const scale = powerOfTwoAbove(this.#largestOf(values, rows))
      if (this.#tables.symbolsPerRow === 1) this.#fill(slot.values, values, rows, scale)
      else this.#fillParts(slot.values, values, rows, scale)
      slot.sums.fill(0)
      const overRange = await this.#passes.pass(
        (from, to, shares) => this.#parts(slot, first / BLOCK_ROWS, rows, { from, to, shares }),
        signal,
      )
      this.#empty(slot.sums, out, rows, scale)
      return { overRange }
    } finally {
      this.#free.push(slot)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    await this.#making
    this.#onDispose()
  }

  /**
   * The first row at once, since no thread can begin without it, the others while this thread has nothing better to do. Failing
   * is told to whoever waits for them.
   */
  async #makeRows(signal: AbortSignal): Promise<void> {
    try {
      for (let k = 0; k < this.#weights.innerTiles; k++) {
        if (k > 0) await new Promise((resolve) => setImmediate(resolve))
        signal.throwIfAborted()
        if (this.#isDisposed) return
        this.#weights.makeRow(k)
        this.#passes.rowMade()
      }
    } catch (error) {
      this.#passes.fail(error as Error)
    }
  }

  /** A block on its way past the rows of tiles from `from` to `to`, in as many shares of outputs. */
  #parts(
    slot: Slot,
    block: number,
    rows: number,
    { from, to, shares }: { readonly from: number; readonly to: number; readonly shares: number },
  ): KernelTasks['product'][] {
    const { size, detection, lanes, symbolsPerRow } = this.#tables
    const { outputTiles, detectorStride } = this.#weights
    const lane = block % lanes.length
    const pass = from * outputTiles
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
      outputTiles,
      tiles: this.#weights.tilesFrom(pass),
      detectors: this.#weights.detectorsFrom(lane, pass),
      detectorStride,
      firstSample: (block * this.tiles + pass) * this.#lightRows,
      sums: slot.sums,
      sumStride: this.#lightRows,
    }
    // Negative parts follow a whole block of positive ones.
    const all = { job, scratches: this.#scratches, first: 0, rows: symbolsPerRow === 1 ? rows : this.#lightRows }
    return partsOfOutputs(job, shares).map((outputs) => ({ ...all, outputs }))
  }

  /** Calls `work` for a few rows after the other. */
  #byRows(rows: number, work: (first: number, count: number) => void): void {
    for (let first = 0; first < rows; first += ROWS_BETWEEN) work(first, Math.min(ROWS_BETWEEN, rows - first))
  }

  #largestOf(values: RowBlock['values'], rows: number): number {
    const inner = this.#b.rows
    let largest = 0
    this.#byRows(rows, (first, count) => {
      this.#between.set(values.subarray(first * inner, (first + count) * inner))
      largest = Math.max(largest, this.#engine.largest(this.#between, count * inner))
    })
    return largest
  }

  #fill(to: Float32Array, values: RowBlock['values'], rows: number, scale: number): void {
    const [inner, stride] = [this.#b.rows, this.#stride]
    this.#byRows(rows, (first, count) => {
      this.#between.set(values.subarray(first * inner, (first + count) * inner))
      this.#engine.scaleLines(this.#between, count, inner, 1 / scale, to.subarray(first * stride), stride)
    })
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
    const { columns } = this.#b
    const negative = this.#tables.symbolsPerRow === 1 ? 0 : BLOCK_ROWS
    const [lines, factor, between] = [this.#lightRows, this.#weights.scale, this.#between]
    if (out instanceof Float64Array && out.buffer instanceof SharedArrayBuffer) {
      this.#engine.rowsOfSums(sums, lines, columns, rows, negative, scale, factor, out)
      return
    }
    this.#byRows(rows, (first, count) => {
      this.#engine.rowsOfSums(sums.subarray(first), lines, columns, count, negative, scale, factor, between)
      out.set(between.subarray(0, count * columns), first * columns)
    })
  }
}
