import { createHash } from 'node:crypto'
import type { BenchFile } from '../bench/bench-file.ts'
import { TWIN_ENGINE } from '../bench/twin-world.ts'
import { describeKernels } from '../calibration/kernels/kernels.ts'
import { openBench } from '../bench/open-bench.ts'
import type { OpenBench } from '../bench/open-bench.ts'
import { safeStateError } from '../bench/safe-order.ts'
import type { Clock } from '../core/clock.ts'
import { SystemClock, VirtualClock } from '../core/clock.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import type { Bench } from '../core/bench.ts'
import { runOnBench } from '../orchestrator/jobs/run-on-bench.ts'
import type { JobBench } from '../orchestrator/jobs/run-on-bench.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { InstrumentNote, RunHeader } from '../orchestrator/journal/records.ts'
import type { RunWriter } from '../orchestrator/journal/run-writer.ts'
import type { PlanEvent } from '../orchestrator/plans/engine.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import { explainError, JobFailure, leavesOf, saysNotSafe } from './explain-error.ts'
import { openFarSide } from './far-side.ts'
import type { FarSide, TwinChoice } from './far-side.ts'
import { JournalClock } from './journal-clock.ts'
import { packageCommit, packageVersion } from './package-info.ts'

/** A job as the user asked for it, with all that a replay will need. */
export interface JobRequest<Result> {
  readonly kind: 'calibrate' | 'verify' | 'watch' | 'matmul'
  readonly file: BenchFile
  readonly twin: TwinChoice | undefined
  readonly journal: string
  /** Ids of the calibrations that it uses. */
  readonly calibrations: readonly string[]
  /** Plain data; goes into the run's header. */
  readonly arguments: Readonly<Record<string, unknown>>
  /** Kept with the run, by content. */
  readonly inputs: readonly Uint8Array[]
  readonly plan: (bench: Bench, run: RunWriter) => Plan<Result>
  /** Brings the result to where it belongs, bench safe already; returns what the run's record says of it. */
  readonly keep: (result: Result, run: RunWriter) => Promise<Readonly<Record<string, unknown>>>
  readonly signal: AbortSignal
  readonly onEvent: (event: PlanEvent<Result>) => void
}

/** What the record of every ended run says, whatever its job. */
export interface RunOutcome {
  /** True when every instrument's safe state was read back at the end, or nothing had been opened. */
  readonly safe: boolean
  /** How far it came: the bench opened, the plan ended, the result was kept. */
  readonly stage: JobFailure['stage'] | 'done'
  /** Real time, not the twin's. */
  readonly seconds: number
  readonly error?: { readonly code: string; readonly message: string }
  /** Of header and result, so that a replay notices when they were edited. */
  readonly seal: string
}

export interface JobDone<Result> {
  readonly run: string
  readonly result: Result
  readonly kept: Readonly<Record<string, unknown>>
  readonly seconds: number
}

/**
 * Runs one job on its bench, journalled from the first byte to the word that the bench is safe.
 *
 * Throws: JobFailure with the run's id and what went wrong; the run is then marked as failed, or as interrupted.
 * Leaves: the bench safe and read back, or SAFE_STATE_UNVERIFIED among the causes.
 */
export async function runJob<Result>(request: JobRequest<Result>): Promise<JobDone<Result>> {
  const startedMs = performance.now()
  const clock: Clock = request.twin === undefined ? new SystemClock() : new VirtualClock()
  await using journal = await Journal.open(request.journal, { clock: new JournalClock(clock), mode: 'write' })
  let header = await firstHeader(request)
  const run = await journal.startRun({ kind: request.kind, header })
  let stage: JobFailure['stage'] = 'open'
  const seconds = (): number => (performance.now() - startedMs) / 1e3
  const finish = finisherOf(run, () => header)
  try {
    for (const input of request.inputs) run.blob(input)
    await using farSide = await openFarSide(request.file, request.twin, clock, (name) => run.tap(name))
    const open = async (signal: AbortSignal): Promise<JobBench<Bench>> => {
      const opened = await openBench(request.file, { ...farSide.plug, clock, signal })
      stage = 'work'
      header = { ...header, instruments: instrumentNotes(request.file, farSide, opened) }
      await run.amendHeader({ instruments: header.instruments }).catch(closing(opened))
      return { bench: opened.bench, close: async () => safeStateError(await opened.close()) }
    }
    const { plan, signal, onEvent } = request
    const result = await runOnBench({ open, plan: (bench) => plan(bench, run), log: run, signal, onEvent })
    stage = 'keep'
    const kept = await request.keep(result, run)
    await finish('done', { ...kept, safe: true, stage: 'done', seconds: seconds() })
    return { run: run.id, result, kept, seconds: seconds() }
  } catch (error) {
    const why = request.signal.aborted ? whyInterrupted(request.signal, error) : error
    return await failRun(run.id, finish, {
      ...{ why, isInterrupted: request.signal.aborted, safe: !saysNotSafe(error) },
      ...{ stage, seconds: seconds() },
    })
  }
}

type Finish = (status: 'done' | 'failed' | 'interrupted', outcome: Omit<RunOutcome, 'seal'>) => Promise<void>

/** What ends a run, its record sealed together with the header as it is by then. */
export const finisherOf =
  (run: RunWriter, header: () => RunHeader): Finish =>
  (status, outcome) =>
    run.finish(status, { ...outcome, seal: sealOf(header(), outcome) })

/** Marks a run as failed, or as interrupted. Throws: JobFailure, which says why. */
export async function failRun(
  run: string,
  finish: Finish,
  failed: Pick<RunOutcome, 'safe' | 'seconds'> & {
    readonly why: unknown
    readonly isInterrupted: boolean
    readonly stage: JobFailure['stage']
  },
): Promise<never> {
  const { why, isInterrupted, safe, stage, seconds } = failed
  const { code, messages } = explainError(why)
  const error = { code, message: messages.join('\n') }
  // A journal that could not be written is told already: it is why the job failed.
  await finish(isInterrupted ? 'interrupted' : 'failed', { safe, stage, seconds, error }).catch(() => undefined)
  throw new JobFailure(run, stage, why)
}

/** SHA-256 of a run's header and result, as the journal keeps them. */
export function sealOf(header: RunHeader, result: object): string {
  return sha256(Buffer.from(JSON.stringify([header, { ...result, seal: undefined }])))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Instead of every wait that was given up: one word, and what is not safe. */
function whyInterrupted(signal: AbortSignal, error: unknown): unknown {
  const { reason } = signal as { reason: unknown }
  const unsafe = leavesOf(error).filter((leaf) => isBenchError(leaf, 'SAFE_STATE_UNVERIFIED'))
  if (unsafe.length > 0) return new AggregateError([reason, ...unsafe], 'interrupted, and the bench is not safe')
  if (!(reason instanceof BenchError)) return reason
  return new BenchError('TRANSPORT_ABORTED', `${reason.message}; the bench was made safe and read back`, {
    cause: error,
    context: reason.context,
  })
}

/** A bench that was opened for nothing is closed before anybody hears why. */
function closing(opened: OpenBench): (error: unknown) => Promise<never> {
  return async (error) => {
    const unsafe = safeStateError(await opened.close())
    throw unsafe === undefined ? error : new AggregateError([error, unsafe], 'the bench is not safe')
  }
}

/** What is known of a run before its bench is open. */
export async function firstHeader(
  request: Pick<JobRequest<never>, 'file' | 'twin' | 'calibrations' | 'arguments'>,
): Promise<RunHeader> {
  const { file, twin, calibrations } = request
  return {
    versions: { fringe: packageVersion(), node: process.versions.node },
    engines: { calibration: describeKernels(), ...(twin && { twin: TWIN_ENGINE }) },
    commit: await packageCommit(),
    bench: { path: file.path, text: file.text, hash: file.hash, ...(file.core !== undefined && { core: file.core }) },
    calibrations,
    seed: twin?.seed ?? null,
    instruments: instrumentNotes(file, undefined, undefined),
    arguments: { ...request.arguments, sim: twin?.mode ?? null, ageS: twin?.ageS ?? null },
  }
}

function instrumentNotes(
  file: BenchFile,
  farSide: FarSide | undefined,
  opened: OpenBench | undefined,
): readonly InstrumentNote[] {
  return [...file.instruments.values()].map(({ name, driver, resource, settings }) => ({
    name,
    driver,
    resource: farSide?.resourceOf(name) ?? resource.text,
    identity: opened?.instruments.get(name)?.identity ?? null,
    settings,
  }))
}
