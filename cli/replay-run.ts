import { isDeepStrictEqual } from 'node:util'
import { benchOfRun } from '../bench/bench-file.ts'
import type { BenchFile } from '../bench/bench-file.ts'
import { openBench } from '../bench/open-bench.ts'
import { safeStateError } from '../bench/safe-order.ts'
import { Cleanup } from '../core/cleanup.ts'
import { BenchError, isBenchError } from '../core/errors.ts'
import type { WatchResult } from '../calibration/watch-plan.ts'
import type { Bench } from '../core/bench.ts'
import { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { decodeArray } from '../orchestrator/arrays/npy.ts'
import { factorInMemory, openFactor } from '../orchestrator/arrays/open-factor.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { noSink, productJob } from '../orchestrator/jobs/product-job.ts'
import { runOnBench } from '../orchestrator/jobs/run-on-bench.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { withEnergy } from '../orchestrator/ledger/accounted-plan.ts'
import type { Accounted } from '../orchestrator/ledger/accounted-plan.ts'
import type { PlanEvent } from '../orchestrator/plans/engine.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import { readResults, resultsOf, StepJournal } from '../orchestrator/journal/step-journal.ts'
import { Player } from '../orchestrator/replay/player.ts'
import type { CalibrateArguments } from './calibrate-job.ts'
import { calibrationPlanOf, verificationPlanOf } from './core-kind.ts'
import type { AnyCalibrationResult, AnyVerificationResult, Calibration } from './core-kind.ts'
import { explainError } from './explain-error.ts'
import { matmulRecord, productPlan, recordSha256 } from './matmul-job.ts'
import type { MatmulArguments, MatmulRecord, MatrixNote, ProductOutcome } from './matmul-job.ts'
import { watchPlanOf } from './watch-job.ts'
import type { WatchArguments } from './watch-job.ts'
import { differenceOf, json, ReplayLog } from './replay-log.ts'
import { sealOf } from './run-job.ts'
import type { RunOutcome } from './run-job.ts'

export interface ReplayVerdict {
  readonly run: string
  /** Undefined when it could not even be read. */
  readonly record: RunRecord | undefined
  /** REPLAY_DIVERGED; undefined when all was the same. */
  readonly divergence: BenchError | undefined
  readonly steps: number
  readonly wires: number
  readonly wireRecords: number
}

export interface ReplayOptions {
  readonly signal: AbortSignal
  readonly onEvent: (event: PlanEvent<unknown>) => void
}

/** One kind of job, again: its plan, and how its result is compared with the recorded one. */
interface Again<Result> {
  readonly plan: (bench: Bench, log: ReplayLog) => Plan<Result>
  /** Undefined when they are the same. */
  readonly compare: (result: Result) => Promise<BenchError | undefined>
}

/**
 * The wire replay: the plan and the drivers of a run again, from its header alone, against its recorded bytes.
 *
 * Outcomes: a divergence is an answer, whether a byte, a step, the header, an input or the result differs.
 * Throws: CALL_INVALID for a run that has no wires, or no end to be compared with; RUN_UNKNOWN; JOURNAL_UNREADABLE.
 */
export async function replayRun(journal: JournalReader, name: string, options: ReplayOptions): Promise<ReplayVerdict> {
  let record: RunRecord
  try {
    record = await journal.readRun(name)
  } catch (error) {
    if (!isTampering(error)) throw error
    return { run: name, record: undefined, divergence: tampering(name, error), steps: 0, wires: 0, wireRecords: 0 }
  }
  requireEnded(record)
  requireWires(record)
  const recording = await journal.readWires(record.id)
  const wireRecords = [...recording.heads.values()].reduce((sum, head) => sum + head.records, 0)
  const verdict = { run: record.id, record, steps: 0, wires: recording.heads.size, wireRecords }
  const outcome = (record.result ?? {}) as Partial<RunOutcome>
  const seal = sealOf(record.header, outcome)
  if (outcome.seal !== seal) {
    const what = 'the header or the result of the run, which was changed'
    return { ...verdict, divergence: differenceOf(record.id, undefined, what, outcome.seal, seal) }
  }
  if (outcome.stage === 'open') {
    const why = `the bench of run ${record.id} did not open (${outcome.error?.message ?? 'no reason given'})`
    throw new BenchError('CALL_INVALID', `${why}: there is nothing to replay. Repeat the job itself`)
  }
  await using cleanup = new Cleanup()
  await using player = await Player.open(recording)
  const log = await ReplayLog.open(journal, record.id, () => player.divergence !== undefined)
  let divergence: BenchError | undefined
  try {
    const file = benchOfRun(record.header.bench)
    if (record.kind === 'matmul') {
      const again = await matmulAgain(journal, record, options.signal, cleanup)
      divergence = await follow(file, again, { player, log, record, outcome, ...options })
    } else if (record.kind === 'watch') {
      const again = await watchAgain(journal, record)
      divergence = await follow(file, again, { player, log, record, outcome, ...options })
    } else if (record.kind === 'verify') {
      const again = await verificationAgain(journal, record)
      divergence = await follow(file, again, { player, log, record, outcome, ...options })
    } else {
      const again = await calibrationAgain(journal, record)
      divergence = await follow(file, again, { player, log, record, outcome, ...options })
    }
  } catch (error) {
    if (isBenchError(error, 'REPLAY_DIVERGED')) divergence = error
    else if (isTampering(error)) divergence = tampering(record.id, error)
    else throw error
  }
  return { ...verdict, divergence, steps: log.steps }
}

/** What the journal says when something in it was edited, rather than damaged. */
export function isTampering(error: unknown): error is BenchError {
  if (isBenchError(error, 'CALIBRATION_MISSING')) return true
  return isBenchError(error, 'JOURNAL_UNREADABLE') && error.context['sqlite'] === undefined
}

export const tampering = (run: string, { message }: BenchError): BenchError =>
  differenceOf(run, undefined, `what the journal holds (${message})`, 'as it was written', 'changed')

const REPLAYED: ReadonlySet<string> = new Set(['matmul', 'calibrate', 'verify', 'watch'])

export function requireEnded({ id, kind, status }: RunRecord): void {
  if (status === 'running') {
    throw new BenchError('CALL_INVALID', `run ${id} is still running: replay it when it has ended`)
  }
  if (status === 'interrupted') {
    const on = kind === 'calibrate' ? `"fringe resume ${id}" goes on with it` : 'start the job again to get its result'
    const right = `"fringe show ${id}" tells how far it came; ${on}`
    throw new BenchError('CALL_INVALID', `run ${id} was interrupted and has no end to compare with: ${right}`)
  }
  if (REPLAYED.has(kind)) return
  throw new BenchError('CALL_INVALID', `run ${id} is a "${kind}", which this version cannot replay`)
}

/** What was computed without wires can be computed again, which says more than reading it back. */
function requireWires({ id, kind, header: { arguments: asked, seed } }: RunRecord): void {
  const {
    sim,
    ageS,
    command = kind,
  } = asked as {
    readonly sim?: unknown
    readonly ageS?: number | null
    readonly command?: string
  }
  if (sim !== 'direct') return
  const age = (ageS ?? 0) === 0 ? '' : ` --age ${ageS}s`
  const again = `repeat it with "fringe ${command} … --sim=direct --seed ${seed}${age}" and compare`
  throw new BenchError(
    'CALL_INVALID',
    `run ${id} was made with --sim=direct, so there are no bytes on wires to replay: ${again}, or make it with --sim, ` +
      'which gives the same numbers and can be replayed',
    { context: { run: id, sim: 'direct' } },
  )
}

interface Following extends ReplayOptions {
  readonly player: Player
  readonly log: ReplayLog
  readonly record: RunRecord
  readonly outcome: Partial<RunOutcome>
}

/** Undefined when plan, wires and result were the same. */
async function follow<Result>(
  file: BenchFile,
  again: Again<Result>,
  { player, log, record, outcome, signal, onEvent }: Following,
): Promise<BenchError | undefined> {
  const either = AbortSignal.any([signal, player.signal])
  const { clock } = player
  const ended = await outcomeOf(() =>
    runOnBench<Result, Bench>({
      open: async (signal) => {
        const connect = (name: string) => Promise.resolve(player.wire(name))
        const opened = await openBench(file, { connect, clock, signal })
        return { bench: opened.bench, close: async () => safeStateError(await opened.close()) }
      },
      plan: (bench) => again.plan(bench, log),
      log,
      signal: either,
      onEvent,
    }),
  )
  if (signal.aborted) throw signal.reason
  log.finish()
  try {
    await player.finish()
  } catch (error) {
    if (!isBenchError(error, 'REPLAY_DIVERGED')) throw error
    return log.difference ?? error
  }
  if (log.difference !== undefined) return log.difference
  // A run that failed only when its result was stored had come to the end of its plan.
  const cameToItsEnd = outcome.stage !== 'work'
  if ('result' in ended && cameToItsEnd) return again.compare(ended.result)
  if ('error' in ended && !cameToItsEnd && outcome.error?.code === explainError(ended.error).code) return undefined
  const actual = 'error' in ended ? explainError(ended.error).messages.join('; ') : 'done'
  return differenceOf(record.id, undefined, 'how it ended', outcome.error?.message ?? 'done', actual)
}

type Ended<Result> = { readonly result: Result } | { readonly error: unknown }

async function outcomeOf<Result>(work: () => Promise<Result>): Promise<Ended<Result>> {
  try {
    return { result: await work() }
  } catch (error) {
    return { error }
  }
}

async function calibrationAgain(
  journal: JournalReader,
  { id, header, result }: RunRecord,
): Promise<Again<AnyCalibrationResult & Accounted>> {
  const { budget } = header.arguments as CalibrateArguments
  const known = resultsOf(id, await journal.readSteps(id))
  const taken = await readResults(
    journal,
    known.filter(({ takenFrom }) => takenFrom !== undefined),
  )
  const recorded = result as {
    readonly calibration?: string
    readonly vectors?: number
    readonly fit?: unknown
    readonly verification?: unknown
    readonly energy?: unknown
  }
  return {
    plan: (bench, log) =>
      withEnergy(
        bench,
        log,
        calibrationPlanOf(bench, { ...(budget && { budget }), results: new StepJournal(log, taken) }),
      ),
    compare: async ({ calibration, vectors, energy }) => {
      if (recorded.calibration === undefined) return undefined
      const { record } = await journal.readCalibration(recorded.calibration)
      const { fit, verification } = calibration
      // What a run kept went through JSON, which knows no negative zero.
      const { vectors: wasVectors, fit: wasFit, verification: wasVerification, energy: wasEnergy } = recorded
      const said = { vectors: wasVectors, fit: wasFit, verification: wasVerification, energy: wasEnergy }
      return (
        firstDifference(id, 'calibration', record, json(calibration)) ??
        firstDifference(id, 'result', said, json({ vectors, fit, verification, energy }))
      )
    },
  }
}

async function verificationAgain(
  journal: JournalReader,
  { id, header, result }: RunRecord,
): Promise<Again<AnyVerificationResult & Accounted>> {
  const calibration = await usedCalibration(journal, id, header)
  return {
    plan: (bench, log) => withEnergy(bench, log, verificationPlanOf(bench, calibration)),
    compare: ({ verification, vectors, energy }) => {
      const was = result as Partial<AnyVerificationResult & Accounted>
      if (was.verification === undefined) return Promise.resolve(undefined)
      const said = { verification: was.verification, vectors: was.vectors, energy: was.energy }
      return Promise.resolve(firstDifference(id, 'result', said, json({ verification, vectors, energy })))
    },
  }
}

async function watchAgain(
  journal: JournalReader,
  { id, header, result }: RunRecord,
): Promise<Again<WatchResult & Accounted>> {
  const calibration = await usedCalibration(journal, id, header)
  const { everyS, forS } = header.arguments as WatchArguments
  return {
    plan: (bench, log) =>
      withEnergy(
        bench,
        log,
        watchPlanOf(bench, calibration, { everyS, forS }, () => Promise.resolve()),
      ),
    compare: ({ looks, verification, vectors, energy }) => {
      const was = result as Partial<WatchResult & Accounted>
      if (was.verification === undefined) return Promise.resolve(undefined)
      const said = { looks: was.looks, verification: was.verification, vectors: was.vectors, energy: was.energy }
      return Promise.resolve(firstDifference(id, 'result', said, json({ looks, verification, vectors, energy })))
    },
  }
}

/** The calibration that a run used, as it was then. */
async function usedCalibration(
  journal: JournalReader,
  id: string,
  { calibrations: [calibrationId = ''], arguments: asked }: RunRecord['header'],
): Promise<Calibration> {
  const { calibrationSha256 } = asked as { readonly calibrationSha256: string }
  const calibration = (await journal.readCalibration(calibrationId)).record as Calibration
  const seal = recordSha256(calibration)
  if (seal === calibrationSha256) return calibration
  throw differenceOf(id, undefined, `calibration ${calibrationId}, which was changed`, calibrationSha256, seal)
}

async function matmulAgain(
  journal: JournalReader,
  { id, header, result }: RunRecord,
  signal: AbortSignal,
  cleanup: Cleanup,
): Promise<Again<ProductOutcome>> {
  const asked = header.arguments as MatmulArguments
  const a = cleanup.use(await factorAgain(journal, id, asked.a, signal))
  const b = cleanup.use(await factorAgain(journal, id, asked.b, signal))
  const calibration = await usedCalibration(journal, id, header)
  const { product: was, energy, ...recorded } = (result ?? {}) as Partial<MatmulRecord>
  const job = productJob(a.array, b.array, asked.convolution, asked.part)
  // What the journal does not hold is compared panel by panel, by the steps.
  const product =
    was === undefined || was.kept !== undefined ? undefined : new DenseArray('C', job.shape, job.isComplex)
  const products = job.products(product ?? noSink)
  // Versions that multiplied all at once said nothing of memory, nor of panels.
  const { memoryBytes = Infinity } = asked
  return {
    plan: (bench, log) => {
      const [watchS, bits] = [asked.watchS ?? undefined, asked.bits ?? undefined]
      const { refine = 0, scaling } = asked
      return productPlan(bench, { products, memoryBytes, calibration, log, watchS, refine, bits, scaling })
    },
    compare: async (outcome) => {
      if (was === undefined) return undefined
      const { energy: energyNow, product: _, ...now } = matmulRecord(outcome, was)
      if (product !== undefined) {
        const expected = decodeArray(await journal.readBlob(was.sha256), 'C').data
        const at = firstElement(expected, product.data)
        if (at !== undefined) {
          return differenceOf(id, undefined, `C[${placeIn(product, at)}]`, expected[at], product.data[at])
        }
      }
      // Records of versions that multiplied all at once leave out their panels, and older ones what they did not do.
      const said: Readonly<Record<string, unknown>> = { panels: 1, refinement: null, ...recorded }
      const same = Object.fromEntries(Object.keys(now).map((key) => [key, said[key]]))
      return firstDifference(id, 'result', same, now) ?? firstDifference(id, 'result.energy', energy, energyNow)
    },
  }
}

/** A factor as the run had it: from the journal, or from its file when that is still the same. */
export async function factorAgain(
  journal: JournalReader,
  run: string,
  { path, sha256: was, kept }: MatrixNote,
  signal: AbortSignal,
): Promise<OpenedFactor> {
  if (kept === undefined) return factorInMemory(path, decodeArray(await journal.readBlob(was), path))
  if (kept === 'nowhere') {
    const why = `run ${run} took a large matrix from a pipe or a program, and nobody kept it`
    throw new BenchError('CALL_INVALID', `${why}: to replay such runs, let them read it from a file`)
  }
  const factor = await openFactor(path, { keptBytes: 0, signal })
  if (factor.sha256 === was) return factor
  await factor[Symbol.asyncDispose]()
  throw differenceOf(run, undefined, `${path}, which was changed`, was, factor.sha256)
}

/** Indices of a number of an array, by its place in memory. */
export function placeIn({ shape, isComplex }: DenseArray, at: number): string {
  const place: number[] = []
  let rest = Math.floor(at / (isComplex ? 2 : 1))
  for (const size of shape.toReversed()) {
    place.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  return place.join(', ')
}

/** Bit for bit: 0 and −0 are not the same. */
export function firstElement(left: Float64Array, right: Float64Array): number | undefined {
  const at = left.findIndex((value, index) => !Object.is(value, right[index]))
  return at === -1 ? undefined : at
}

/** The first place where two plain values differ, as a divergence. */
export function firstDifference(run: string, path: string, expected: unknown, actual: unknown): BenchError | undefined {
  if (isDeepStrictEqual(expected, actual)) return undefined
  if (isObject(expected) && isObject(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const inner = firstDifference(run, `${path}.${key}`, expected[key], actual[key])
      if (inner !== undefined) return inner
    }
  }
  return differenceOf(run, undefined, path, expected, actual)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
