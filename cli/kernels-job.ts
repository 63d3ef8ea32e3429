import { tap as tapEvents, lastValueFrom } from 'rxjs'
import type { BenchFile } from '../bench/bench-file.ts'
import { fastestEngine, openProductTwin } from '../bench/product-twin.ts'
import type { ProductTwinOptions } from '../bench/product-twin.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { DenseMatrix } from '../core/product-core.ts'
import { encodeNpy, writeNpy } from '../orchestrator/arrays/npy.ts'
import type { NpyArray } from '../orchestrator/arrays/npy.ts'
import type { RowSource } from '../orchestrator/jobs/multiply-rows.ts'
import { rowsPlan } from '../orchestrator/jobs/rows-plan.ts'
import type { RowsOutcome } from '../orchestrator/jobs/rows-plan.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunHeader } from '../orchestrator/journal/records.ts'
import type { RunWriter } from '../orchestrator/journal/run-writer.ts'
import { runPlan } from '../orchestrator/plans/engine.ts'
import type { PlanEvent } from '../orchestrator/plans/engine.ts'
import type { CommandContext } from './command-context.ts'
import { explainError, JobFailure } from './explain-error.ts'
import { JournalClock } from './journal-clock.ts'
import { matrixOf, npyOf, PAPER } from './matmul-job.ts'
import type { EnergyDocument, Factors, MatrixNote } from './matmul-job.ts'
import { firstHeader, sealOf, sha256 } from './run-job.ts'
import type { RunOutcome } from './run-job.ts'

/** The header's `arguments` of a matmul run that kernels computed. */
export interface KernelsArguments {
  readonly command: 'matmul'
  readonly sim: 'kernels'
  readonly engine: NonNullable<ProductTwinOptions['engine']>
  readonly a: MatrixNote
  readonly b: MatrixNote
  readonly output: string | null
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
  readonly output: string | null
}

export interface KernelsChoice extends ProductTwinOptions {
  readonly file: BenchFile
  readonly journal: string
}

/**
 * Multiplies with the kernels in the place of a bench, and writes C when the journal has it.
 *
 * Throws: CALL_INVALID for a bench that kernels cannot stand in for; JobFailure once the run has begun.
 */
export async function kernelsJob(
  { output, signal }: CommandContext,
  { file, journal: path, engine = fastestEngine(), ...options }: KernelsChoice,
  { a, b, aPath, bPath, output: cPath }: Omit<Factors, 'watchS'>,
): Promise<KernelsDocument> {
  const startedMs = performance.now()
  await using core = openProductTwin(file, { ...options, engine })
  const [aBytes, bBytes] = [encodeNpy(a), encodeNpy(b)]
  const asked: KernelsArguments = {
    ...{ command: 'matmul', sim: 'kernels', engine },
    a: noteOf(aPath, a, aBytes),
    b: noteOf(bPath, b, bBytes),
    output: cPath ?? null,
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
  const finish = (status: 'done' | 'failed' | 'interrupted', outcome: Omit<RunOutcome, 'seal'>): Promise<void> =>
    run.finish(status, { ...outcome, seal: sealOf(header, outcome) })
  try {
    output.progress.begin('multiplying')
    for (const bytes of [aBytes, bBytes]) keepBlob(run, bytes)
    const { outcome, product } = await kernelsProduct(core, a, b, run, signal, (event) =>
      output.progress.onEvent(event),
    )
    stage = 'keep'
    const bytes = encodeNpy(product)
    const record = kernelsRecord(outcome, product, keepBlob(run, bytes))
    // The journal has the product before anybody else does.
    await run.flush()
    if (cPath !== undefined) await writeNpy(cPath, product)
    await finish('done', { ...record, safe: true, stage: 'done', seconds: seconds() })
    return { run: run.id, ...record, seconds: seconds(), calibration: null, output: cPath ?? null }
  } catch (error) {
    const why = signal.aborted ? stopped(signal) : error
    const { code, messages } = explainError(why)
    const said = { code, message: messages.join('\n') }
    const status = signal.aborted ? 'interrupted' : 'failed'
    // A journal that could not be written is told already: it is why the job failed.
    await finish(status, { safe: true, stage, seconds: seconds(), error: said }).catch(() => undefined)
    throw new JobFailure(run.id, stage, why)
  }
}

/** The plan of such a product, live and in a replay. */
export async function kernelsProduct(
  core: Parameters<typeof rowsPlan>[0],
  a: NpyArray,
  b: NpyArray,
  log: Parameters<typeof rowsPlan>[1]['log'],
  signal: AbortSignal,
  onEvent: (event: PlanEvent<RowsOutcome>) => void,
): Promise<{ readonly outcome: RowsOutcome; readonly product: NpyArray }> {
  const { rows } = matrixOf(a)
  const { columns } = matrixOf(b)
  const data = new Float64Array(rows * columns)
  const sink = (first: number, _: number, values: Float64Array): void => data.set(values, first * columns)
  const plan = rowsPlan(core, { a: rowsOf(matrixOf(a)), b: matrixOf(b), sink, log })
  const last = await lastValueFrom(runPlan(plan, log, signal).pipe(tapEvents(onEvent)))
  // A plan that completes has ended with its result.
  const outcome = (last as Extract<typeof last, { kind: 'result' }>).result
  return { outcome, product: npyOf({ rows, columns, data }) }
}

/** Rows of a matrix in memory. */
export const rowsOf = ({ rows, columns, data }: DenseMatrix): RowSource => ({
  rows,
  columns,
  read: (first, count) => Promise.resolve(data.subarray(first * columns, (first + count) * columns)),
})

export function kernelsRecord(
  { product: _, energy, macs: __, ...outcome }: RowsOutcome & { readonly product?: unknown },
  { shape: [rows, columns] }: NpyArray,
  productSha256: string,
): KernelsRecord {
  const record = {
    ...outcome,
    product: { rows, columns, sha256: productSha256 },
    energy: { ...energy, reference: PAPER },
  }
  // As JSON has it: infinite where there was nothing to divide by is null.
  return JSON.parse(JSON.stringify(record)) as KernelsRecord
}

/** Larger matrices the journal knows by their SHA-256 alone. */
const KEPT_BYTES = 64 * 2 ** 20

function keepBlob(run: RunWriter, bytes: Uint8Array): string {
  return bytes.length <= KEPT_BYTES ? run.blob(bytes) : sha256(bytes)
}

const noteOf = (path: string, { shape: [rows, columns] }: NpyArray, bytes: Uint8Array): MatrixNote => ({
  ...{ path, rows, columns },
  sha256: sha256(bytes),
})

function stopped({ reason }: AbortSignal): unknown {
  if (!(reason instanceof BenchError)) return reason
  return new BenchError('TRANSPORT_ABORTED', `${reason.message}; nothing was lit`, { context: reason.context })
}
