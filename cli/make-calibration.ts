import type { CalibrationEstimate } from '../calibration/estimate.ts'
import { calibrateJob, resultsForCalibration } from './calibrate-job.ts'
import type { BenchChoice, CalibrateDocument, StoredCalibration } from './calibrate-job.ts'
import { estimateFor, planText, stepNames } from './calibration-plan-text.ts'
import type { CommandContext } from './command-context.ts'
import { requireCalibratableCore } from './core-limits.ts'
import type { CalibrateFlags } from './options.ts'
import type { WrittenReport } from './report.ts'

/** A calibration of one core that may begin: what was asked for makes sense, and its report can be written. */
export interface PreparedCalibration {
  readonly choice: BenchChoice
  readonly flags: CalibrateFlags
  readonly estimate: CalibrationEstimate
  readonly steps: readonly string[] | undefined
}

/** Throws: CALL_INVALID before anything is opened. */
export async function prepareCalibration(choice: BenchChoice, flags: CalibrateFlags): Promise<PreparedCalibration> {
  requireCalibratableCore(choice.file)
  const estimate = estimateFor(choice.file, flags.budget)
  const steps = flags.steps && stepNames(estimate, flags.steps)
  // What writes a report is loaded when somebody wants one.
  if (flags.report !== undefined) await (await import('./report.ts')).prepareReport(flags.report)
  return { choice, flags, estimate, steps }
}

/** Says what it will play, and does. */
export async function makeCalibration(
  context: CommandContext,
  { choice, flags, estimate, steps }: PreparedCalibration,
): Promise<StoredCalibration & { readonly document: CalibrateDocument }> {
  const { budget, fresh: freshS, again } = flags
  const taken = again === true ? [] : await resultsForCalibration(choice, { freshS, ...(steps && { steps }) })
  for (const line of planText(choice.file, estimate, taken)) context.output.note(line)
  return calibrateJob(context, choice, { taken, ...(budget && { budget }) })
}

/** Null where nobody asked for one. */
export async function reportOf(
  { output, signal }: CommandContext,
  document: CalibrateDocument,
  { report, journal }: CalibrateFlags,
): Promise<WrittenReport | null> {
  if (report === undefined) return null
  const { reportCalibration } = await import('./report.ts')
  const written = await reportCalibration(document, journal, report, signal)
  output.say(`report: ${written.file}`)
  return written
}
