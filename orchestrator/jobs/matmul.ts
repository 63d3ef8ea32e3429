import { lastValueFrom, scan } from 'rxjs'
import { AccuracySum, rangeOf } from '../../core/accuracy.ts'
import type { Accuracy } from '../../core/accuracy.ts'
import { BenchError } from '../../core/errors.ts'
import type { Frame, FrameResult, OpticalCore } from '../../core/optical-core.ts'
import { chooseNumerics } from '../numerics/choose-numerics.ts'
import type { Numerics, NumericsOptions } from '../numerics/choose-numerics.ts'
import type { WantedColumns } from '../numerics/error-sums.ts'
import { probeErrorOf } from '../numerics/probe-sums.ts'
import type { ProbeSums } from '../numerics/probe-sums.ts'
import { creditWindow } from '../operators/credit-window.ts'
import type { StepLog } from '../plans/engine.ts'
import type { RealMatrix } from '../tiles/tile-product.ts'
import { FrameQueue } from './frame-queue.ts'
import type { FrameJob } from './frame-queue.ts'
import { ProductSum } from './product-sum.ts'

export interface MatmulLog extends StepLog {
  /** What one frame was and how good it is. */
  frame(data: unknown): void
}

export interface MatmulResult extends Accuracy {
  readonly product: RealMatrix
  /** The same in float64, to compare with. */
  readonly exact: RealMatrix
  readonly frames: number
  readonly repeatedFrames: number
  /** Of the repeated ones, those that were too bright for a meter. */
  readonly dimmedFrames: number
  /** Multiply-accumulates that were asked for: rows × inner × columns. */
  readonly macs: number
  /** RMS error of the probe vectors relative to their RMS, over all frames. */
  readonly probeError: number
  /** What that is made of, for whoever adds up several products. */
  readonly probes: ProbeSums
  /** How it was computed, and what was expected of that before it began. */
  readonly numerics: Numerics
}

/** Who counts what the frames of a product cost. */
export interface FrameAccount {
  /** Before a frame, its step journalled: mains, heaters and lasers have nothing else to answer now. */
  between(signal: AbortSignal): Promise<void>
  /** A frame was journalled; `isGood` when its products were taken. */
  frame(job: FrameJob, isGood: boolean): void
}

export interface MultiplyOptions extends NumericsOptions {
  readonly log: MatmulLog
  readonly signal: AbortSignal
  readonly account?: FrameAccount
  readonly onProgress?: (done: number, total: number) => void
}

/** A frame whose probes are this far off, RMS relative to RMS, is measured again. */
export const PROBE_LIMIT = 0.15
/** Results that wait to be journalled. */
const CREDIT = 2
/** The least light that a frame is sent with before the run stops. */
const LEAST_GAIN = 1 / 64

/**
 * C = A·B on an optical core: planned, tiled, scaled, streamed, checked and accumulated.
 *
 * Known probe vectors ride in every frame; a frame out of bounds is repeated once, with half the light in case that it
 * was too bright, then the run stops. A frame that a meter has no valid power for is repeated with half the light until
 * it has.
 * Throws: SHAPE_MISMATCH when A has other columns than B rows; RANGE_EXCEEDED for values that are not finite or may
 * exceed a double's range together; CALL_INVALID for bits out of reach; QUALITY_OUT_OF_BOUNDS naming the tile.
 */
export async function multiply(
  core: OpticalCore,
  a: RealMatrix,
  b: RealMatrix,
  options: MultiplyOptions,
): Promise<MatmulResult> {
  requireFactors(a, b)
  const { log, signal, account, onProgress = () => undefined } = options
  const exact = exactProduct(a, b)
  const { min, max } = rangeOf(wantedElements(exact, options.isWanted))
  const numerics = chooseNumerics(core, a, b, Math.min(max - min, Number.MAX_VALUE), options)
  const queue = new FrameQueue(core, a, b, numerics)
  const sum = new ProductSum(core, a, b, numerics)
  const repeated = { frames: 0, dimmed: 0 }

  const stream = async (jobs: Iterable<FrameJob>, again: FrameJob[]): Promise<void> => {
    const jobOf = new Map<Frame, FrameJob>()
    async function* frames(): AsyncGenerator<Frame> {
      for (const job of jobs) {
        await log.ready()
        const { coded, attempt } = job
        const { frame, inputs, gain } = coded
        const weak = gain === 1 ? {} : { gain }
        const { firstRow, rows } = inputs
        const step = log.step('frame', { tile: frame.tile.id, firstRow, rows, attempt, ...weak })
        const numbered = { ...frame, step }
        jobOf.set(numbered, job)
        await account?.between(signal)
        yield numbered
      }
    }
    const take = async (result: FrameResult): Promise<number> => {
      const job = jobOf.get(result.frame)!
      jobOf.delete(result.frame)
      if (result.overRange !== undefined) {
        log.frame({ ...frameNote(job, result), probeError: null, overRange: result.overRange.message })
        account?.frame(job, false)
        if (job.coded.gain <= LEAST_GAIN) throw tooBright(job, result.overRange)
        repeated.dimmed++
        queue.dim(job)
        again.push(queue.dimmer(job))
        return 0
      }
      const reading = sum.read(job, result)
      log.frame({ ...frameNote(job, result), probeError: reading.relative, probeNrmse: finite(reading.nrmse) })
      const isGood = reading.relative <= PROBE_LIMIT
      account?.frame(job, isGood)
      if (isGood) {
        sum.add(job, result, reading)
        return 1
      }
      if (job.attempt > 1) throw outOfBounds(job, reading.relative)
      again.push({ ...queue.dimmer(job), attempt: job.attempt + 1 })
      return 0
    }
    const done$ = creditWindow((inner) => core.stream(frames(), AbortSignal.any([signal, inner])), CREDIT, take).pipe(
      scan((before, one) => {
        onProgress(before + one, numerics.predicted.frames)
        return before + one
      }, done),
    )
    done = await lastValueFrom(done$, { defaultValue: done })
  }
  let done = 0
  const toTheEnd = async (jobs: Iterable<FrameJob>): Promise<void> => {
    for (let now = jobs; ;) {
      const again: FrameJob[] = []
      await stream(now, again)
      if (again.length === 0) return
      repeated.frames += again.length
      now = again
    }
  }
  await toTheEnd(queue.tiles())
  // What tiles missed is known when all frames of theirs are read.
  if (numerics.remedy.isMended) await toTheEnd(queue.mendingTiles((tile) => sum.missedWeights(tile)))

  const accuracy = new AccuracySum()
  for (let i = 0; i < exact.data.length; i++) accuracy.add(exact.data[i]!, sum.product.data[i]! - exact.data[i]!)
  return {
    ...{ product: sum.product, exact },
    frames: numerics.predicted.frames,
    repeatedFrames: repeated.frames,
    dimmedFrames: repeated.dimmed,
    macs: a.rows * a.columns * b.columns,
    ...{ probes: sum.probes, probeError: probeErrorOf(sum.probes) },
    numerics,
    ...accuracy.accuracy,
  }
}

function frameNote({ attempt }: FrameJob, { frame }: FrameResult): { step?: number; tile: number; attempt: number } {
  return { ...(frame.step !== undefined && { step: frame.step }), tile: frame.tile.id, attempt }
}

/** A tile that makes nothing of its probes has no range. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

function outOfBounds({ coded: { frame, inputs } }: FrameJob, error: number): BenchError {
  const [tile, firstRow] = [frame.tile.id, inputs.firstRow]
  return new BenchError(
    'QUALITY_OUT_OF_BOUNDS',
    `tile ${tile} at row ${firstRow} is off by ${(100 * error).toFixed(1)} % of its probes, twice; at most ${100 * PROBE_LIMIT} % is allowed: calibrate again`,
    { context: { tile, firstRow, probeError: error, limit: PROBE_LIMIT } },
  )
}

function tooBright({ coded: { frame, inputs, gain } }: FrameJob, overRange: Error): BenchError {
  const [tile, firstRow] = [frame.tile.id, inputs.firstRow]
  const where = `tile ${tile} at row ${firstRow}`
  return new BenchError(
    'RANGE_EXCEEDED',
    `${where} is too bright for the meters even with ${gain} of the light on its inputs (${overRange.message}): choose a higher detection.rangeDbm or less laser power`,
    { cause: overRange, context: { tile, firstRow, gain } },
  )
}

/** Throws: SHAPE_MISMATCH; RANGE_EXCEEDED. */
function requireFactors(a: RealMatrix, b: RealMatrix): void {
  if (a.columns !== b.rows) {
    throw new BenchError(
      'SHAPE_MISMATCH',
      `A is ${a.rows}×${a.columns} and B is ${b.rows}×${b.columns}: A needs as many columns as B has rows`,
    )
  }
  const largest = (['A', 'B'] as const).map((name) => {
    const { data, columns } = name === 'A' ? a : b
    let most = 0
    for (const [i, value] of data.entries()) {
      if (Number.isFinite(value)) most = Math.max(most, Math.abs(value))
      else throw notFinite(`${name}[${Math.floor(i / columns)}, ${i % columns}]`, value)
    }
    return most
  })
  if (Number.isFinite(largest[0]! * largest[1]! * a.columns)) return
  throw new BenchError('RANGE_EXCEEDED', 'A times B may exceed what float64 holds: scale one of them', {
    context: { inner: a.columns, largestA: largest[0]!, largestB: largest[1]! },
  })
}

function notFinite(element: string, value: number): BenchError {
  return new BenchError('RANGE_EXCEEDED', `${element} is ${value}: only finite numbers can be multiplied`, {
    context: { element, value: String(value) },
  })
}

function wantedElements({ columns, data }: RealMatrix, isWanted: WantedColumns | undefined): Float64Array {
  return isWanted === undefined ? data : data.filter((_, i) => isWanted(i % columns))
}

/** The product in float64, to compare with. */
export function exactProduct(a: RealMatrix, b: RealMatrix): RealMatrix {
  const { data: right, columns } = b
  const data = new Float64Array(a.rows * columns)
  for (let row = 0; row < a.rows; row++) {
    const to = row * columns
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[row * a.columns + k]!
      const from = k * columns
      for (let column = 0; column < columns; column++) data[to + column]! += factor * right[from + column]!
    }
  }
  return { rows: a.rows, columns, data }
}
