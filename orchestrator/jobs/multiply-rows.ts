import { lastValueFrom } from 'rxjs'
import type { DenseMatrix, ProductCore, RowBlock } from '../../core/product-core.ts'
import { BenchError } from '../../core/errors.ts'
import { creditWindow } from '../operators/credit-window.ts'
import type { MatmulLog } from './matmul.ts'
import { SampledCheck } from './sampled-check.ts'
import type { CheckedAccuracy, ExpectedRows } from './sampled-check.ts'

/** A matrix whose rows are asked for, from memory or from wherever they are; it need not fit into memory. */
export interface RowSource {
  readonly rows: number
  readonly columns: number
  /** Shape: [row, column]. The caller may keep it, and must not change it. */
  read(first: number, rows: number, signal: AbortSignal): Promise<Float32Array | Float64Array>
}

/** Takes the rows of C in order. What it is given is lent until it is done. */
export type RowSink = (first: number, rows: number, values: Float64Array) => Promise<void> | void

export interface RowsResult extends CheckedAccuracy {
  readonly blocks: number
  readonly tiles: number
  readonly overRange: number
  readonly macs: number
}

export interface RowsOptions {
  readonly log: Pick<MatmulLog, 'ready' | 'frame'>
  readonly signal: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * C = A·B on a core that takes B as a whole, rows of A block by block.
 *
 * Rate: a block is read when the core has room for it. Backpressure: end to end by credit, so that no more blocks are in
 * memory than the core takes at once; a slow sink holds all of it back. Each block is journalled with its check.
 * Throws: SHAPE_MISMATCH when A has other columns than B rows; what reading and writing throw.
 */
export async function multiplyRows(
  core: ProductCore,
  a: RowSource,
  b: DenseMatrix,
  sink: RowSink,
  { log, signal, onProgress = () => undefined }: RowsOptions,
): Promise<RowsResult> {
  if (a.columns !== b.rows) {
    throw new BenchError(
      'SHAPE_MISMATCH',
      `A is ${a.rows}×${a.columns} and B is ${b.rows}×${b.columns}: A needs as many columns as B has rows`,
    )
  }
  await using factor = await core.program(b, signal)
  const check = new SampledCheck(a.rows, b, core.rowsPerBlock)
  const total = Math.ceil(a.rows / core.rowsPerBlock)

  async function* blocks(inner: AbortSignal): AsyncGenerator<RowBlock> {
    for (let first = 0; first < a.rows; first += core.rowsPerBlock) {
      await log.ready()
      const rows = Math.min(core.rowsPerBlock, a.rows - first)
      yield { first, rows, values: await a.read(first, rows, AbortSignal.any([signal, inner])) }
    }
  }
  let [done, overRange] = [0, 0]
  const finish = async (expected: ExpectedRows, product: Float64Array, over: number): Promise<void> => {
    const { block } = expected
    const error = check.add(expected, product)
    log.frame({ block: done, firstRow: block.first, rows: block.rows, tiles: factor.tiles, overRange: over, error })
    overRange += over
    await sink(block.first, block.rows, product)
    onProgress(++done, total)
  }
  const rooms: Float64Array[] = []
  // A block holds its credit until it is written, and blocks are written in order.
  let before: Promise<void> = Promise.resolve()
  const work = async (block: RowBlock, inner: AbortSignal): Promise<void> => {
    const room = rooms.pop() ?? factor.room()
    const product = room.subarray(0, block.rows * b.columns)
    const reading = factor.multiplyBlock(block, product, AbortSignal.any([signal, inner]))
    const earlier = before
    before = (async () => {
      const [expected, { overRange: over }] = await Promise.all([expect(block), reading, earlier])
      await finish(expected, product, over)
    })()
    await before
    rooms.push(room)
  }
  // Computed while the core multiplies, one at a time, so that nothing waits long that the core needs from this thread.
  let expectedBefore: Promise<unknown> = Promise.resolve()
  const expect = (block: RowBlock): Promise<ExpectedRows> => {
    const expected = expectedBefore.then(otherWork).then(() => check.expect(block))
    expectedBefore = expected
    return expected
  }
  await lastValueFrom(creditWindow(blocks, core.blocksAtOnce, work), { defaultValue: undefined })
  return {
    ...{ blocks: done, tiles: factor.tiles, overRange },
    macs: a.rows * a.columns * b.columns,
    ...check.accuracy,
  }
}

/** Lets this thread hear of whatever has happened meanwhile. */
const otherWork = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
