import { createHash } from 'node:crypto'
import { AccuracySum } from '../../core/accuracy.ts'
import type { Accuracy } from '../../core/accuracy.ts'
import { withStep } from '../../core/step-context.ts'
import type { ArraySink } from '../arrays/dense-array.ts'
import type { Numerics } from '../numerics/choose-numerics.ts'
import type { WantedColumns } from '../numerics/error-sums.ts'
import { probeErrorOf } from '../numerics/probe-sums.ts'
import type { ProbeSums } from '../numerics/probe-sums.ts'
import { NumericsSum } from '../numerics/numerics-sum.ts'
import type { StepLog } from '../plans/engine.ts'
import type { Progress } from '../plans/plan.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'

/** What rows and columns of C, of its panels and of its blocks are counted in: elements of C, complex or not. */
export interface PanelPlace {
  readonly firstRow: number
  readonly rows: number
  readonly firstColumn: number
  readonly columns: number
}

/**
 * One product of a job, as real matrices: where its factors come from, and where C goes.
 *
 * A panel is some rows of A, multiplied with a block of columns of B. Neither A nor B nor C need fit into memory.
 */
export interface PanelledProduct {
  /** Of C. */
  readonly rows: number
  readonly columns: number
  readonly inner: number
  /** Rows of real matrix for a row of A, and columns for a column of B: 2 for complex ones. */
  readonly rowParts: number
  readonly columnParts: number
  /** Multiply-accumulates of real numbers that were asked for. */
  readonly macs: number
  readA(firstRow: number, rows: number, signal: AbortSignal): Promise<RealMatrix>
  readB(firstColumn: number, columns: number, signal: AbortSignal): Promise<RealMatrix>
  /** Columns of the real product that matter to C, counted from the first of their block; left out: all. */
  readonly isWanted?: WantedColumns
  /** The part of C that a real product stands for. */
  combine(product: RealMatrix): RealMatrix
  write(place: PanelPlace, c: RealMatrix): Promise<void>
}

/** What a job computes from two arrays, as real products. */
export interface ProductJob {
  /** Of the result. */
  readonly shape: readonly number[]
  readonly isComplex: boolean
  products(sink: ArraySink): readonly PanelledProduct[]
}

/** What a multiplier makes of one panel and one block of B. */
export interface PanelResult {
  readonly product: RealMatrix
  /** The same in float64, to compare with. */
  readonly exact: RealMatrix
  readonly frames: number
  readonly repeatedFrames: number
  /** Of the repeated ones, those that were too bright for a meter. */
  readonly dimmedFrames: number
  readonly probes: ProbeSums
  readonly numerics: Numerics
}

/** Multiplies on light, or on whatever stands in for it. The same object as `b` means the same weights. */
export type MultiplyPanel = (
  a: RealMatrix,
  b: RealMatrix,
  signal: AbortSignal,
  onProgress: Progress,
  isWanted?: WantedColumns,
) => Promise<PanelResult>

/** What all panels together came to. */
export interface PanelTotals extends Accuracy {
  readonly panels: number
  readonly frames: number
  readonly repeatedFrames: number
  /** Multiply-accumulates of real numbers that were asked for. */
  readonly macs: number
  /** RMS error of the probe vectors relative to their RMS, over all frames. */
  readonly probeError: number
  readonly dimmedFrames: number
  /** As chosen for the first panel, and what was expected of all of them. */
  readonly numerics: Numerics
}

export interface PanelOptions {
  /** What panels, blocks and their products may take together. */
  readonly memoryBytes: number
  readonly log: StepLog
  readonly signal: AbortSignal
  readonly onProgress?: Progress
}

/** Enough for all of most jobs, and small beside what a computer has. */
export const PANEL_MEMORY_BYTES = 256 * 2 ** 20

/**
 * Multiplies panel by panel: reads some rows of A, multiplies, compares with float64, writes that part of C.
 *
 * Every panel programs all tiles of its block again, so panels are as high as memory allows. A job of more than one
 * panel journals each, with the SHA-256 of what it wrote: a replay that keeps nothing can compare that.
 * Throws: what reading, multiplying and writing throw; panels that were written stay so.
 */
export async function multiplyPanels(
  products: readonly PanelledProduct[],
  multiplyPanel: MultiplyPanel,
  { memoryBytes, log, signal, onProgress = () => undefined }: PanelOptions,
): Promise<PanelTotals> {
  const accuracy = new AccuracySum()
  const probes = { squaredError: 0, squared: 0 }
  const numerics = new NumericsSum()
  let [done, frames, repeatedFrames, dimmedFrames] = [0, 0, 0, 0]
  const panels = products.reduce((sum, product) => sum + countPanels(product, memoryBytes), 0)

  const onePanel = async (product: PanelledProduct, place: PanelPlace, b: RealMatrix): Promise<string> => {
    const a = await product.readA(place.firstRow, place.rows, signal)
    // Panels are nearly as large as each other.
    const onPanel: Progress = (ofPanel, total, note) => onProgress(done * total + ofPanel, panels * total, note)
    const result = await multiplyPanel(a, b, signal, onPanel, product.isWanted)
    const [c, exact] = [product.combine(result.product), product.combine(result.exact)]
    for (let i = 0; i < c.data.length; i++) accuracy.add(exact.data[i]!, c.data[i]! - exact.data[i]!)
    await product.write(place, c)
    done++
    frames += result.frames
    repeatedFrames += result.repeatedFrames
    dimmedFrames += result.dimmedFrames
    numerics.add(result.numerics, product.isWanted === undefined ? result.exact : exact)
    probes.squaredError += result.probes.squaredError
    probes.squared += result.probes.squared
    return panels === 1 ? '' : sha256Of(c.data)
  }

  for (const product of products) {
    const { rows, columns } = panelSize(product, memoryBytes)
    for (let firstColumn = 0; firstColumn < product.columns; firstColumn += columns) {
      const blockColumns = Math.min(columns, product.columns - firstColumn)
      const b = await product.readB(firstColumn, blockColumns, signal)
      for (let firstRow = 0; firstRow < product.rows; firstRow += rows) {
        signal.throwIfAborted()
        const panelRows = Math.min(rows, product.rows - firstRow)
        const place = { firstRow, rows: panelRows, firstColumn, columns: blockColumns }
        if (panels === 1) {
          await onePanel(product, place, b)
          continue
        }
        await log.ready()
        const sha256 = await withStep(log.step('panel', { panel: done, ...place }), () => onePanel(product, place, b))
        log.step('panel done', { panel: done - 1, sha256 })
      }
    }
  }
  const macs = products.reduce((sum, product) => sum + product.macs, 0)
  return {
    ...{ panels, frames, repeatedFrames, dimmedFrames, macs },
    probeError: probeErrorOf(probes),
    numerics: numerics.of(accuracy.range),
    ...accuracy.accuracy,
  }
}

/**
 * How many rows of A and columns of B are multiplied at once.
 *
 * A quarter of the memory is for the block of B. A row of a panel needs itself, and three times its product: on light,
 * in float64, and the errors.
 */
export function panelSize(
  { rows, columns, inner, rowParts, columnParts }: PanelledProduct,
  memoryBytes: number,
): { readonly rows: number; readonly columns: number } {
  const perColumn = 8 * inner * columnParts
  const blockColumns = atOnce(memoryBytes / 4 / perColumn, columns)
  const perRow = 8 * rowParts * (inner + 3 * blockColumns * columnParts)
  return { rows: atOnce((3 * memoryBytes) / 4 / perRow, rows), columns: blockColumns }
}

/** One at least, or nothing would ever be done. */
const atOnce = (fitting: number, all: number): number => Math.max(1, Math.min(all, Math.floor(fitting)))

function countPanels(product: PanelledProduct, memoryBytes: number): number {
  const { rows, columns } = panelSize(product, memoryBytes)
  return Math.ceil(product.rows / rows) * Math.ceil(product.columns / columns)
}

const sha256Of = ({ buffer, byteOffset, byteLength }: Float64Array): string =>
  createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex')
