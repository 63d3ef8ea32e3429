import { lastValueFrom, scan } from 'rxjs'
import { accuracyOf } from '../../core/accuracy.ts'
import type { Accuracy } from '../../core/accuracy.ts'
import { BenchError } from '../../core/errors.ts'
import type { Frame, FrameResult, OpticalCore } from '../../core/optical-core.ts'
import { creditWindow } from '../operators/credit-window.ts'
import type { StepLog } from '../plans/engine.ts'
import { countFrames, placeOfRow, PROBES, tileJobs } from '../tiles/tile-product.ts'
import type { RealMatrix, TileJob, TilingShape } from '../tiles/tile-product.ts'

export interface MatmulLog extends StepLog {
  /** What one frame was and how good it is. */
  frame(data: unknown): void
}

export interface MatmulResult extends Accuracy {
  readonly product: RealMatrix
  readonly frames: number
  readonly repeatedFrames: number
  /** Multiply-accumulates that were asked for: rows × inner × columns. */
  readonly macs: number
  /** RMS error of the probe vectors relative to their RMS, over all frames. */
  readonly probeError: number
}

/** Who counts what the frames of a product cost. */
export interface FrameAccount {
  /** Before a frame, its step journalled: mains, heaters and lasers have nothing else to answer now. */
  between(signal: AbortSignal): Promise<void>
  /** A frame was journalled; `isGood` when its products were taken. */
  frame(job: TileJob, isGood: boolean): void
}

/** A frame whose probes are this far off, RMS relative to RMS, is measured again. */
export const PROBE_LIMIT = 0.15
/** Results that wait to be journalled. */
const CREDIT = 2

/**
 * C = A·B on an optical core: tiled, scaled, streamed, checked and accumulated.
 *
 * Known probe vectors ride in every frame; a frame out of bounds is repeated once, then the run stops.
 * Throws: SHAPE_MISMATCH when A has other columns than B rows; QUALITY_OUT_OF_BOUNDS naming the tile.
 */
export async function multiply(
  core: OpticalCore,
  a: RealMatrix,
  b: RealMatrix,
  options: {
    readonly log: MatmulLog
    readonly signal: AbortSignal
    readonly account?: FrameAccount
    readonly onProgress?: (done: number, total: number) => void
  },
): Promise<MatmulResult> {
  if (a.columns !== b.rows) {
    throw new BenchError(
      'SHAPE_MISMATCH',
      `A is ${a.rows}×${a.columns} and B is ${b.rows}×${b.columns}: A needs as many columns as B has rows`,
    )
  }
  const { log, signal, account, onProgress = () => undefined } = options
  const shape: TilingShape = { ...core.shape, lanes: core.lanes, maxSymbols: core.maxSymbolsPerFrame }
  const total = countFrames(a, b, shape)
  const product: RealMatrix = { rows: a.rows, columns: b.columns, data: new Float64Array(a.rows * b.columns) }
  const probes = { squaredError: 0, squared: 0 }

  const stream = async (
    jobs: Iterable<TileJob>,
    attempt: number,
    onBad: (job: TileJob, error: number) => void,
  ): Promise<number> => {
    const jobOf = new Map<Frame, TileJob>()
    async function* frames(): AsyncGenerator<Frame> {
      for (const job of jobs) {
        await log.ready()
        const { frame, firstRow, rows } = job
        const step = log.step('frame', { tile: frame.tile.id, firstRow, rows, attempt })
        const numbered = { ...frame, step }
        jobOf.set(numbered, job)
        await account?.between(signal)
        yield numbered
      }
    }
    const take = async (result: FrameResult): Promise<number> => {
      const job = jobOf.get(result.frame)!
      jobOf.delete(result.frame)
      const check = checkProbes(result, core)
      log.frame({ step: result.frame.step, tile: result.frame.tile.id, probeError: check.relative, attempt })
      const isGood = check.relative <= PROBE_LIMIT
      account?.frame(job, isGood)
      if (!isGood) {
        onBad(job, check.relative)
        return 0
      }
      probes.squaredError += check.squaredError
      probes.squared += check.squared
      accumulate(product, job, result, core)
      return 1
    }
    const done$ = creditWindow((inner) => core.stream(frames(), AbortSignal.any([signal, inner])), CREDIT, take).pipe(
      scan((sum, one) => {
        onProgress(sum + one, total)
        return sum + one
      }, 0),
    )
    return lastValueFrom(done$, { defaultValue: 0 })
  }

  const again: TileJob[] = []
  await stream(tileJobs(a, b, shape), 1, (job) => again.push(job))
  await stream(again, 2, ({ frame, firstRow }, error) => {
    throw new BenchError(
      'QUALITY_OUT_OF_BOUNDS',
      `tile ${frame.tile.id} at row ${firstRow} is off by ${(100 * error).toFixed(1)} % of its probes, twice; at most ${100 * PROBE_LIMIT} % is allowed: calibrate again`,
      { context: { tile: frame.tile.id, firstRow, probeError: error, limit: PROBE_LIMIT } },
    )
  })
  const exact = exactProduct(a, b)
  const errors = product.data.map((value, i) => value - exact.data[i]!)
  return {
    product,
    frames: total,
    repeatedFrames: again.length,
    macs: a.rows * a.columns * b.columns,
    probeError: probes.squared > 0 ? Math.sqrt(probes.squaredError / probes.squared) : 0,
    ...accuracyOf(exact.data, errors),
  }
}

/** The product in float64, to compare with. */
export function exactProduct(a: RealMatrix, b: RealMatrix): RealMatrix {
  const data = new Float64Array(a.rows * b.columns)
  for (let row = 0; row < a.rows; row++) {
    const to = data.subarray(row * b.columns, (row + 1) * b.columns)
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[row * a.columns + k]!
      const from = b.data.subarray(k * b.columns, (k + 1) * b.columns)
      for (let column = 0; column < to.length; column++) to[column]! += factor * from[column]!
    }
  }
  return { rows: a.rows, columns: b.columns, data }
}

/** How far the probes of a frame are from what this tile should make of them. */
function checkProbes(
  { frame, lanes }: FrameResult,
  core: OpticalCore,
): { squaredError: number; squared: number; relative: number } {
  const { outputs, inputs } = core.shape
  // Near the tile's largest weight, because squares of very large or small ones leave a double's range; a power of
  // two, because dividing by it rounds nothing.
  const largest = frame.tile.weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1
  const unit = 2 ** Math.floor(Math.log2(largest))
  let [squaredError, squared] = [0, 0]
  for (const [lane, results] of lanes.entries()) {
    const given = frame.lanes[lane]!
    for (let probe = 0; probe < PROBES; probe++) {
      for (let output = 0; output < outputs; output++) {
        let expected = 0
        for (let i = 0; i < inputs; i++)
          expected += (frame.tile.weights[output * inputs + i]! / unit) * given[probe * inputs + i]!
        squared += expected * expected
        squaredError += (results[probe * outputs + output]! / unit - expected) ** 2
      }
    }
  }
  // A tile of zeros has no scale to be compared with.
  return { squaredError, squared, relative: squared > 0 ? Math.sqrt(squaredError / squared) : 0 }
}

function accumulate(product: RealMatrix, job: TileJob, { lanes }: FrameResult, core: OpticalCore): void {
  const { outputs } = core.shape
  const width = Math.min(outputs, product.columns - job.firstColumn)
  for (let row = 0; row < job.rows; row++) {
    const { lane, symbol } = placeOfRow(row, core.lanes)
    const to = (job.firstRow + row) * product.columns + job.firstColumn
    for (let output = 0; output < width; output++) {
      product.data[to + output]! += lanes[lane]![symbol * outputs + output]! * job.scale[row]!
    }
  }
}
