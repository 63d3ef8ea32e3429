import { lastValueFrom } from 'rxjs'
import type { BenchFile } from '../bench/bench-file.ts'
import { fastestEngine, openProductTwin } from '../bench/product-twin.ts'
import type { ProductTwinOptions } from '../bench/product-twin.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { ProductCore } from '../core/product-core.ts'
import type { ArraySink } from '../orchestrator/arrays/dense-array.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { productJob } from '../orchestrator/jobs/product-job.ts'
import { rowsPlan } from '../orchestrator/jobs/rows-plan.ts'
import type { RowsOutcome, RowsPlanOptions } from '../orchestrator/jobs/rows-plan.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunHeader } from '../orchestrator/journal/records.ts'
import { planResult } from '../orchestrator/operators/plan-result.ts'
import { runPlan } from '../orchestrator/plans/engine.ts'
import type { PlanEvent } from '../orchestrator/plans/engine.ts'
import type { JobContext } from './command-context.ts'
import type { JobFailure } from './explain-error.ts'
import { JournalClock } from './journal-clock.ts'
import { factorNote, keptBytesOf, PAPER, shapeNote } from './matmul-job.ts'
import type { EnergyDocument, MatmulRequest, MatrixNote } from './matmul-job.ts'
import { openTarget } from './product-target.ts'
import type { NumberType } from './product-target.ts'
import { failRun, finisherOf, firstHeader } from './run-job.ts'

/** The header's `arguments` of a matmul run that kernels computed. */
export interface KernelsArguments {
  readonly command: 'matmul'
  readonly sim: 'kernels'
  readonly engine: NonNullable<ProductTwinOptions['engine']>
  readonly a: MatrixNote
  readonly b: MatrixNote
  readonly output: string | null
  /** Numbers in C's file. */
  readonly dtype: NumberType
  /** Of a model; left out where nobody named one. */
  readonly layer?: string
}

/** What the record of such a run says, besides what all runs say. */
export interface KernelsRecord {
  readonly product: Omit<MatrixNote, 'path'>
  /** Null for a product that is exact. */
  readonly effectiveBits: number | null
  readonly nrmse: number | null
  readonly checked: number
  readonly elements: number
  readonly bitsUncertainty: number
  readonly blocks: number
  readonly tiles: number
  readonly overRange: number
  readonly engine: string
  readonly idealised: readonly string[]
  readonly energy: EnergyDocument
}

/** What `fringe matmul --sim=kernels --json` says. */
export interface KernelsDocument extends KernelsRecord {
  readonly run: string
  readonly seconds: number
  readonly calibration: null
  readonly layer: string | null
  readonly output: string | null
}

export interface KernelsChoice extends ProductTwinOptions {
  readonly file: BenchFile
  readonly journal: string
}

/**
 * Multiplies with the kernels in the place of a bench, rows of A from their file and rows of C to theirs, and gives C its name
 * when the journal has all the rest.
 *
 * Throws: CALL_INVALID for a bench that kernels cannot stand in for, or for several products; JobFailure once the run has
 * begun.
 */
export async function kernelsJob(
  { output, signal }: JobContext,
  { file, journal: path, engine = fastestEngine(), ...options }: KernelsChoice,
  { a, b, output: cPath, dtype, memoryBytes, layer }: Omit<MatmulRequest, 'watchS' | 'convolution'>,
): Promise<KernelsDocument> {
  const startedMs = performance.now()
  const { shape, isComplex } = productJob(a.array, b.array)
  requireOneProduct(a, b)
  await using core = openProductTwin(file, { ...options, engine })
  await using target = await openTarget({
    ...{ shape, isComplex, path: cPath, numbers: dtype },
    keptBytes: keptBytesOf(memoryBytes),
  })
  const asked: KernelsArguments = {
    ...{ command: 'matmul', sim: 'kernels', engine, dtype },
    ...{ a: factorNote(a), b: factorNote(b), output: cPath ?? null, ...(layer !== undefined && { layer }) },
  }
  await using journal = await Journal.open(path, { clock: new JournalClock(new SystemClock()), mode: 'write' })
  const header: RunHeader = {
    ...(await firstHeader({ file, twin: undefined, calibrations: [], arguments: {} })),
    engines: { twin: core.engine },
    seed: options.seed,
    instruments: [],
    arguments: asked,
  }
  const run = await journal.startRun({ kind: 'matmul', header })
  let stage: JobFailure['stage'] = 'work'
  const seconds = (): number => (performance.now() - startedMs) / 1e3
  const finish = finisherOf(run, () => header)
  try {
    output.progress.begin('multiplying')
    for (const { blob } of [a, b]) if (blob !== undefined) run.blob(blob)
    const outcome = await kernelsProduct(core, a, b, target.sink, run, signal, (event) =>
      output.progress.onEvent(event),
    )
    stage = 'keep'
    for (const factor of [a, b]) await factor.requireUnchanged()
    const record = kernelsRecord(outcome, { ...shapeNote(shape, isComplex), ...(await target.keep(run)) })
    await finish('done', { ...record, safe: true, stage: 'done', seconds: seconds() })
    return {
      run: run.id,
      ...record,
      seconds: seconds(),
      calibration: null,
      layer: layer ?? null,
      output: cPath ?? null,
    }
  } catch (error) {
    const why = signal.aborted ? stopped(signal) : error
    return await failRun(run.id, finish, {
      ...{ why, isInterrupted: signal.aborted, safe: true },
      ...{ stage, seconds: seconds() },
    })
  }
}

/** The plan of such a product, live and in a replay. */
export async function kernelsProduct(
  core: ProductCore,
  a: OpenedFactor,
  b: OpenedFactor,
  to: ArraySink,
  log: RowsPlanOptions['log'],
  signal: AbortSignal,
  onEvent: (event: PlanEvent<RowsOutcome>) => void,
): Promise<RowsOutcome> {
  const product = productJob(a.array, b.array).products(to)[0]!
  const { rows, columns, inner } = product
  const plan = rowsPlan(core, {
    a: {
      ...{ rows, columns: inner },
      read: async (first, count, signal) => (await product.readA(first, count, signal)).data,
    },
    b: await product.readB(0, columns, signal),
    sink: (firstRow, rows, data) => product.write({ firstRow, rows, firstColumn: 0, columns }, { rows, columns, data }),
    log,
  })
  return await lastValueFrom(runPlan(plan, log, signal).pipe(planResult(onEvent)))
}

/** As JSON has it: infinite where there was nothing to divide by is null. */
export function kernelsRecord(
  { energy, macs: _, ...outcome }: RowsOutcome,
  product: KernelsRecord['product'],
): KernelsRecord {
  const record = { ...outcome, product, energy: { ...energy, reference: PAPER } }
  return JSON.parse(JSON.stringify(record)) as KernelsRecord
}

/** Complex numbers and matrices of B side by side are several products, or parts of them. */
function requireOneProduct({ array: a }: OpenedFactor, { array: b }: OpenedFactor): void {
  const matrices = b.shape.slice(0, -2).reduce((product, size) => product * size, 1)
  if (!a.isComplex && !b.isComplex && matrices === 1) return
  const what = matrices === 1 ? 'complex numbers' : `${matrices} matrices`
  throw new BenchError(
    'CALL_INVALID',
    `--sim=kernels multiplies by one real B, and these factors have ${what}: use --sim=direct, or give them one by one`,
  )
}

function stopped({ reason }: AbortSignal): unknown {
  if (!(reason instanceof BenchError)) return reason
  return new BenchError('TRANSPORT_ABORTED', `${reason.message}; nothing was lit`, { context: reason.context })
}
