import type { BenchFile } from '../bench/bench-file.ts'
import type { CalibrationBudget } from '../calibration/estimate-mesh.ts'
import { BenchError } from '../core/errors.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { CalibrationRecord } from '../orchestrator/journal/records.ts'
import { withEnergy } from '../orchestrator/ledger/accounted-plan.ts'
import type { Accounted } from '../orchestrator/ledger/accounted-plan.ts'
import type { RunEnergy } from '../orchestrator/ledger/energy.ts'
import { readResults, StepJournal } from '../orchestrator/journal/step-journal.ts'
import type { KnownResult } from '../orchestrator/journal/step-journal.ts'
import { SystemClock } from '../core/clock.ts'
import type { JobContext } from './command-context.ts'
import { calibrationPlanOf, knownCalibration } from './core-kind.ts'
import type { AnyCalibrationResult, AnyVerification, Calibration } from './core-kind.ts'
import { freshResults } from './earlier-results.ts'
import type { AgedResult, ReuseWish } from './earlier-results.ts'
import { requireCalibratableCore } from './core-limits.ts'
import { chipOf } from './far-side.ts'
import type { TwinChoice } from './far-side.ts'
import { ageText } from './options.ts'
import { placeOfCore } from './place-of-core.ts'
import { runJob } from './run-job.ts'

/** A calibration as jobs find it in the journal. */
export interface StoredCalibration {
  readonly id: string
  readonly calibration: Calibration
}

/** What `fringe calibrate --json` says. Documented by docs/schemas/calibrate.schema.json. */
export interface CalibrateDocument {
  readonly run: string
  readonly calibration: string
  readonly vectors: number
  readonly seconds: number
  readonly verification: AnyVerification
  readonly fit: Calibration['fit']
  /** Of the whole run, by what its time was for. */
  readonly energy: RunEnergy
}

/** What a calibration is to do beyond the usual. */
export interface CalibrationOrder {
  readonly budget?: CalibrationBudget
  /** Results of earlier runs that are taken over. */
  readonly taken?: readonly KnownResult[]
  /** The run that this one goes on with. */
  readonly resumes?: string
}

/** What a run's header says of a calibration, for a replay. */
export interface CalibrateArguments {
  readonly command: 'calibrate'
  readonly budget: CalibrationBudget | null
  readonly resumes: string | null
}

export interface BenchChoice {
  readonly file: BenchFile
  readonly twin: TwinChoice | undefined
  readonly journal: string
}

/**
 * Calibrates as a run of its own, and keeps the calibration for the jobs that come.
 *
 * Throws: CALL_INVALID, before anything is opened, for a core that cannot be calibrated.
 */
export async function calibrateJob(
  { output, signal }: JobContext,
  { file, twin, journal }: BenchChoice,
  { budget, taken = [], resumes }: CalibrationOrder = {},
): Promise<StoredCalibration & { readonly document: CalibrateDocument }> {
  requireCalibratableCore(file)
  const earlier = await readTaken(journal, taken)
  const asked: CalibrateArguments = { command: 'calibrate', budget: budget ?? null, resumes: resumes ?? null }
  output.progress.begin('calibrating')
  const { run, result, kept, seconds } = await runJob<AnyCalibrationResult & Accounted>({
    ...{ kind: 'calibrate', file, twin, journal, signal },
    calibrations: [],
    arguments: { ...asked },
    inputs: [],
    plan: (bench, run) =>
      withEnergy(
        bench,
        run,
        calibrationPlanOf(bench, { ...(budget && { budget }), results: new StepJournal(run, earlier) }),
      ),
    keep: async ({ calibration, vectors, energy }, run) => {
      requireFinite('calibration', calibration)
      const record = { benchHash: calibrationKey(file, twin), chip: chipOf(twin), record: calibration }
      const { fit, verification } = calibration
      return { calibration: await run.calibration(record), vectors, fit, verification, energy }
    },
    onEvent: (event) => output.progress.onEvent(event),
  })
  const { calibration, vectors, energy } = result
  const id = String(kept['calibration'])
  const { fit, verification } = calibration
  return { id, calibration, document: { run, calibration: id, vectors, seconds, verification, fit, energy } }
}

/** Which calibration a job takes: the newest of its bench and chip, unless `id` names one; not older than `maxAgeS`. */
export interface CalibrationWish {
  readonly id?: string
  readonly maxAgeS?: number
}

/**
 * The calibration that a job asks for; undefined when none was named and there is none that this version reads.
 *
 * Throws: CALIBRATION_MISSING for an id that the journal does not hold; CALIBRATION_UNFIT, with the reason, for one of
 * another chip, core or bench file, and for any that is too old.
 */
export async function findCalibration(
  { file, twin, journal }: BenchChoice,
  { id, maxAgeS = Infinity }: CalibrationWish = {},
): Promise<StoredCalibration | undefined> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'write' })
  const key = calibrationKey(file, twin)
  const found = id === undefined ? await opened.latestCalibration(key) : await opened.readCalibration(id)
  if (found === undefined) return undefined
  const calibration = knownCalibration(found.record)
  if (id !== undefined) await requireFit(opened, found, calibration, { file, twin })
  if (calibration === undefined) return undefined
  const ageS = await ageOf(opened, found, twin)
  if (ageS > maxAgeS) {
    const what = file.core === undefined ? found.id : `${found.id} of core ${file.core}`
    const why = `${what} is ${ageText(ageS)} old, and --max-age allows ${ageText(maxAgeS)}`
    throw unfit(`${why}: calibrate again`, found)
  }
  return { id: found.id, calibration }
}

/** What earlier runs have found of this bench and chip, and a calibration need not measure. */
export async function resultsForCalibration(
  { file, twin, journal }: BenchChoice,
  wish: ReuseWish,
): Promise<readonly AgedResult[]> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'write' })
  return await freshResults(opened, { file, twin }, wish)
}

async function readTaken(
  journal: string,
  taken: readonly KnownResult[],
): Promise<Awaited<ReturnType<typeof readResults>>> {
  if (taken.length === 0) return new Map()
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  return await readResults(opened, taken)
}

async function requireFit(
  journal: Journal,
  found: CalibrationRecord,
  calibration: Calibration | undefined,
  { file, twin }: Pick<BenchChoice, 'file' | 'twin'>,
): Promise<void> {
  const other = 'calibrate this one, or name another calibration'
  if (found.chip !== chipOf(twin)) {
    throw unfit(`${found.id} was made on ${found.chip}, and this job runs on ${chipOf(twin)}: ${other}`, found)
  }
  if (found.benchHash !== calibrationKey(file, twin)) {
    const { header } = await journal.readRun(found.run)
    const why =
      header.bench.core === file.core
        ? `was made for another bench file, or before ${placeOfCore(file)} was changed`
        : `was made for ${placeOfCore(header.bench)}, and this job has it for ${placeOfCore(file)}`
    throw unfit(`${found.id} ${why}: ${other}`, found)
  }
  if (calibration === undefined) throw unfit(`${found.id} was made by another version of Fringe: ${other}`, found)
}

/** Hardware ages with the computer's clock, a twin as the runs were told. */
async function ageOf(
  journal: Journal,
  { run, createdMs }: CalibrationRecord,
  twin: TwinChoice | undefined,
): Promise<number> {
  if (twin === undefined) return (Date.now() - createdMs) / 1e3
  const { header } = await journal.readRun(run)
  const { ageS } = header.arguments as { readonly ageS: number | null }
  return Math.abs(twin.ageS - (ageS ?? 0))
}

const unfit = (message: string, { id }: CalibrationRecord): BenchError =>
  new BenchError('CALIBRATION_UNFIT', message, { context: { id } })

/** A bench file says what is wired, but not which chip lies there. */
export function calibrationKey(file: BenchFile, twin: TwinChoice | undefined): string {
  return `${file.hash}/${chipOf(twin)}`
}

/** A fit that went astray must not become the calibration of all jobs to come. */
function requireFinite(path: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new BenchError('CALIBRATION_FAILED', `${path} came out as ${value}: look at the light, then calibrate again`)
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) requireFinite(`${path}.${key}`, item)
}
