import { calibrateJob, findCalibration } from './calibrate-job.ts'
import type { BenchChoice, CalibrationWish, StoredCalibration } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { chipOf } from './far-side.ts'

/** The calibration that a job takes, made first where there is none. */
export async function calibrationFor(
  context: CommandContext,
  choice: BenchChoice,
  wish: CalibrationWish,
): Promise<StoredCalibration> {
  const found = await findCalibration(choice, wish)
  if (found !== undefined) return found
  const { file, twin, journal } = choice
  const { output } = context
  output.note(`no calibration of ${file.name} (${chipOf(twin)}) in ${journal} yet: calibrating first`)
  const made = await calibrateJob(context, choice)
  output.note(calibrationReport(made.document).join('\n'))
  return made
}
