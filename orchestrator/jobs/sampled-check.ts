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

/** Rows of a block that are looked at. */
export interface ExpectedRows {
  readonly block: RowBlock
  /** Within the block. */
  readonly rows: readonly number[]
  /** [row of `rows`][column that is looked at] */
  readonly exact: Float64Array
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
  /** [column of `#columns`][inner]; gathered when first needed, since the core begins without it. */
  #sampled: Float64Array | undefined
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
  }

  /** What some rows of a block should be, known before its product is. Blocks come in order. */
  expect(block: RowBlock): ExpectedRows {
    const rows = this.#rowsOf(block.rows)
    const columns = (this.#sampled ??= this.#gather())
    const [inner, count] = [this.#b.rows, this.#columns.length]
    const exact = new Float64Array(rows.length * count)
    for (const [at, row] of rows.entries()) {
      exactRow(block.values, row * inner, columns, inner, exact.subarray(at * count, (at + 1) * count))
    }
    return { block, rows, exact }
  }

  /** Returns the RMS error of what was looked at, relative to its RMS; null where that is zero. Blocks come in order. */
  add({ block, rows, exact }: ExpectedRows, product: Float64Array): number | null {
    const { columns } = this.#b
    let [errors, squares, next] = [0, 0, 0]
    for (const row of rows) {
      let rowErrors = 0
      for (const column of this.#columns) {
        const value = exact[next++]!
        rowErrors += (product[row * columns + column]! - value) ** 2
        squares += value * value
        this.#widen(value)
      }
      this.#rowErrors.push(rowErrors / this.#columns.length)
      this.#checked += this.#columns.length
      errors += rowErrors
    }
    if (!this.#isExhaustive) this.#widenByExtremes(block, product)
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

  /** Row by row, as B lies in memory. */
  #gather(): Float64Array {
    const { rows, columns, data } = this.#b
    const sampled = new Float64Array(this.#columns.length * rows)
    for (let k = 0; k < rows; k++) {
      for (let at = 0; at < this.#columns.length; at++) {
        sampled[at * rows + k] = data[k * columns + this.#columns[at]!]!
      }
    }
    return sampled
  }

  #widenByExtremes({ rows, values }: RowBlock, product: Float64Array): void {
    const { columns, rows: inner, data } = this.#b
    let least = Infinity
    let most = -Infinity
    let leastAt = 0
    let mostAt = 0
    const count = rows * columns
    for (let at = 0; at < count; at++) {
      const value = product[at]!
      if (value < least) {
        least = value
        leastAt = at
      }
      if (value > most) {
        most = value
        mostAt = at
      }
    }
    for (const at of [leastAt, mostAt]) {
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

/**
 * A row times columns [column][inner]. Four columns at a time, each in an even and an odd sum, so that no sum waits for its own
 * last addition.
 */
function exactRow(
  values: RowBlock['values'],
  from: number,
  columns: Float64Array,
  inner: number,
  out: Float64Array,
): void {
  const even = inner & ~1
  const fours = out.length & ~3
  for (let column = 0; column < fours; column += 4) {
    const first = column * inner
    const second = first + inner
    const third = second + inner
    const fourth = third + inner
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let e = 0
    let f = 0
    let g = 0
    let h = 0
    for (let k = 0; k < even; k += 2) {
      const value = values[from + k]!
      const next = values[from + k + 1]!
      a += value * columns[first + k]!
      b += next * columns[first + k + 1]!
      c += value * columns[second + k]!
      d += next * columns[second + k + 1]!
      e += value * columns[third + k]!
      f += next * columns[third + k + 1]!
      g += value * columns[fourth + k]!
      h += next * columns[fourth + k + 1]!
    }
    if (even < inner) {
      const last = values[from + even]!
      a += last * columns[first + even]!
      c += last * columns[second + even]!
      e += last * columns[third + even]!
      g += last * columns[fourth + even]!
    }
    out[column] = a + b
    out[column + 1] = c + d
    out[column + 2] = e + f
    out[column + 3] = g + h
  }
  for (let column = fours; column < out.length; column++) {
    const first = column * inner
    let [a, b] = [0, 0]
    for (let k = 0; k < even; k += 2) {
      a += values[from + k]! * columns[first + k]!
      b += values[from + k + 1]! * columns[first + k + 1]!
    }
    if (even < inner) a += values[from + even]! * columns[first + even]!
    out[column] = a + b
  }
}
