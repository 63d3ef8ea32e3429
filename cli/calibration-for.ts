import { calibrateJob, findCalibration } from './calibrate-job.ts'
import type { BenchChoice, CalibrationWish, StoredCalibration } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { chipOf } from './far-side.ts'

/** The calibration that a job takes, made first where there is none. */
export const calibrationFor = async (
  context: CommandContext,
  choice: BenchChoice,
  wish: CalibrationWish,
): Promise<StoredCalibration> => (await findCalibration(choice, wish)) ?? (await calibrateFirst(context, choice))

/** Makes the calibration that a job needs and the journal does not hold, and says so. */
export async function calibrateFirst(context: CommandContext, choice: BenchChoice): Promise<StoredCalibration> {
  const { file, twin, journal } = choice
  const { output } = context
  output.note(`no calibration of ${file.name} (${chipOf(twin)}) in ${journal} yet: calibrating first`)
  const made = await calibrateJob(context, choice)
  output.note(calibrationReport(made.document).join('\n'))
  return made
}
