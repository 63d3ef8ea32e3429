import type { Accuracy } from '../../core/accuracy.ts'
import type { DenseMatrix, RowBlock } from '../../core/product-core.ts'
import { RandomStream } from '../../core/random.ts'

/** Up to so many multiply-accumulates every element is checked: a few seconds at most. */
const EXHAUSTIVE_MACS = 2 ** 26
const SAMPLED_COLUMNS = 64
const SAMPLED_ELEMENTS = 8192
const SEED = 1
/** Of a normal distribution, for 95 %. */
const SIGMAS = 1.96

/** How good a product is, and how well that is known. */
export interface CheckedAccuracy extends Accuracy {
  /** Elements that were compared with float64. */
  readonly checked: number
  readonly elements: number
  /** Effective bits are known to ± this, with 95 % confidence; 0 when every element was compared. */
  readonly bitsUncertainty: number
}

/**
 * Compares a product with float64 while it comes: every element of a small one, some rows of each block and some columns of
 * a large one, drawn by a seed of its own.
 *
 * The largest and the smallest element of each block are computed exactly, too, so that the range is that of all.
 */
export class SampledCheck {
  readonly #b: DenseMatrix
  readonly #elements: number
  readonly #rowsPerBlock: number
  readonly #isExhaustive: boolean
  readonly #columns: readonly number[]
  /** [column of `#columns`][inner] */
  readonly #sampled: Float64Array
  readonly #random = new RandomStream(SEED, 'checked rows')
  /** Mean squared error of each row that was looked at. */
  readonly #rowErrors: number[] = []
  #checked = 0
  #min = Infinity
  #max = -Infinity

  constructor(rows: number, b: DenseMatrix, blockRows: number) {
    this.#b = b
    this.#elements = rows * b.columns
    this.#isExhaustive = rows * b.rows * b.columns <= EXHAUSTIVE_MACS
    this.#columns = this.#isExhaustive || b.columns <= SAMPLED_COLUMNS ? range(b.columns) : drawn(b.columns)
    const blocks = Math.max(1, Math.ceil(rows / blockRows))
    this.#rowsPerBlock = Math.max(2, Math.ceil(SAMPLED_ELEMENTS / this.#columns.length / blocks))
    this.#sampled = new Float64Array(this.#columns.length * b.rows)
    // Row by row, as B lies in memory.
    for (let k = 0; k < b.rows; k++) {
      for (let at = 0; at < this.#columns.length; at++) {
        this.#sampled[at * b.rows + k] = b.data[k * b.columns + this.#columns[at]!]!
      }
    }
  }

  /** Returns the RMS error of what was looked at, relative to its RMS; null where that is zero. Blocks come in order. */
  add({ rows, values }: RowBlock, product: Float32Array | Float64Array): number | null {
    const { columns } = this.#b
    let [errors, squares] = [0, 0]
    for (const row of this.#rowsOf(rows)) {
      let rowErrors = 0
      for (const [at, column] of this.#columns.entries()) {
        const exact = this.#exact(values, row, at)
        rowErrors += (product[row * columns + column]! - exact) ** 2
        squares += exact * exact
        this.#widen(exact)
      }
      this.#rowErrors.push(rowErrors / this.#columns.length)
      this.#checked += this.#columns.length
      errors += rowErrors
    }
    if (!this.#isExhaustive) this.#widenByExtremes(rows, values, product)
    return squares > 0 ? Math.sqrt(errors / squares) : null
  }

  get accuracy(): CheckedAccuracy {
    const counts = { checked: this.#checked, elements: this.#elements }
    const rows = this.#rowErrors.length
    const mean = this.#rowErrors.reduce((sum, each) => sum + each, 0) / rows
    const range = this.#max - this.#min
    if (rows === 0 || mean === 0) return { effectiveBits: Infinity, nrmse: 0, ...counts, bitsUncertainty: 0 }
    if (range === 0) return { effectiveBits: 0, nrmse: Infinity, ...counts, bitsUncertainty: 0 }
    const rms = Math.sqrt(mean)
    // Rows differ by their scales, so that they, and not elements, are what is drawn.
    const variance = this.#rowErrors.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (rows - 1) / rows
    const bitsUncertainty = this.#isExhaustive ? 0 : (SIGMAS * Math.sqrt(variance)) / mean / (2 * Math.LN2)
    return { effectiveBits: Math.log2(range / rms), nrmse: rms / range, ...counts, bitsUncertainty }
  }

  #rowsOf(rows: number): readonly number[] {
    if (this.#isExhaustive || rows <= this.#rowsPerBlock) return range(rows)
    return Array.from({ length: this.#rowsPerBlock }, () => Math.floor(this.#random.uniform(0, rows)))
  }

  #exact(values: RowBlock['values'], row: number, at: number): number {
    const inner = this.#b.rows
    const [from, to] = [row * inner, at * inner]
    let [even, odd] = [0, 0]
    for (let k = 0; k + 1 < inner; k += 2) {
      even += values[from + k]! * this.#sampled[to + k]!
      odd += values[from + k + 1]! * this.#sampled[to + k + 1]!
    }
    if (inner % 2 === 1) even += values[from + inner - 1]! * this.#sampled[to + inner - 1]!
    return even + odd
  }

  #widenByExtremes(rows: number, values: RowBlock['values'], product: Float32Array | Float64Array): void {
    const { columns, rows: inner, data } = this.#b
    let [least, most] = [0, 0]
    for (let at = 1; at < rows * columns; at++) {
      if (product[at]! < product[least]!) least = at
      else if (product[at]! > product[most]!) most = at
    }
    for (const at of [least, most]) {
      const [from, column] = [Math.floor(at / columns) * inner, at % columns]
      let exact = 0
      for (let k = 0; k < inner; k++) exact += values[from + k]! * data[k * columns + column]!
      this.#widen(exact)
    }
  }

  #widen(exact: number): void {
    this.#min = Math.min(this.#min, exact)
    this.#max = Math.max(this.#max, exact)
  }
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

/** Without repetition, ascending. */
function drawn(columns: number): readonly number[] {
  const random = new RandomStream(SEED, 'checked columns')
  const chosen = new Set<number>()
  while (chosen.size < SAMPLED_COLUMNS) chosen.add(Math.floor(random.uniform(0, columns)))
  return [...chosen].sort((a, b) => a - b)
}
