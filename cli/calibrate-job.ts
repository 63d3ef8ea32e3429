import type { BenchFile } from '../bench/bench-file.ts'
import type { Verification } from '../calibration/calibration-record.ts'
import { BenchError } from '../core/errors.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import { SystemClock } from '../core/clock.ts'
import type { CommandContext } from './command-context.ts'
import { calibrationPlanOf, knownCalibration } from './core-kind.ts'
import type { AnyCalibrationResult, Calibration } from './core-kind.ts'
import { requireCalibratableCore } from './core-limits.ts'
import { chipOf } from './far-side.ts'
import type { TwinChoice } from './far-side.ts'
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
  readonly verification: Verification
  readonly fit: Calibration['fit']
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
  { output, signal }: CommandContext,
  { file, twin, journal }: BenchChoice,
): Promise<StoredCalibration & { readonly document: CalibrateDocument }> {
  requireCalibratableCore(file)
  output.progress.begin('calibrating')
  const { run, result, kept, seconds } = await runJob<AnyCalibrationResult>({
    ...{ kind: 'calibrate', file, twin, journal, signal },
    calibrations: [],
    arguments: { command: 'calibrate' },
    inputs: [],
    plan: (bench) => calibrationPlanOf(bench),
    keep: async ({ calibration, vectors }, run) => {
      requireFinite('calibration', calibration)
      const record = { benchHash: calibrationKey(file, twin), chip: chipOf(twin), record: calibration }
      const { fit, verification } = calibration
      return { calibration: await run.calibration(record), vectors, fit, verification }
    },
    onEvent: (event) => output.progress.onEvent(event),
  })
  const { calibration, vectors } = result
  const id = String(kept['calibration'])
  const { fit, verification } = calibration
  return { id, calibration, document: { run, calibration: id, vectors, seconds, verification, fit } }
}

/** The newest calibration of this bench file and this chip; undefined when there is none that this version reads. */
export async function findCalibration({ file, twin, journal }: BenchChoice): Promise<StoredCalibration | undefined> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'write' })
  const found = await opened.latestCalibration(calibrationKey(file, twin))
  if (found === undefined) return undefined
  const calibration = knownCalibration(found.record)
  return calibration === undefined ? undefined : { id: found.id, calibration }
}

/** A bench file says what is wired, but not which chip lies there. */
function calibrationKey(file: BenchFile, twin: TwinChoice | undefined): string {
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
