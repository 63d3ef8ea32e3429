import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { calibrateJob, resultsForCalibration } from './calibrate-job.ts'
import type { CalibrateDocument } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import { estimateFor, planText } from './calibration-plan-text.ts'
import type { CommandContext } from './command-context.ts'
import { requireCalibratableCore } from './core-limits.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { chosenTwin } from './options.ts'
import type { CalibrateFlags } from './options.ts'

/** What `fringe calibrate --json` says of several cores. Documented by docs/schemas/calibrate-cores.schema.json. */
export interface CalibrateCoresDocument {
  readonly cores: readonly (CalibrateDocument & { readonly core: string })[]
}

/**
 * `fringe calibrate` of a bench file with several cores: one after another, a run each.
 *
 * Throws: CALL_INVALID, before anything is opened, for what is asked of one core at a time.
 */
export async function calibrateCores(
  context: CommandContext,
  files: readonly BenchFile[],
  flags: CalibrateFlags,
): Promise<ExitCode> {
  const { verifyOnly, watch, for: forS, calibration, steps, report } = flags
  const single = { 'verify-only': verifyOnly, watch, for: forS, calibration, steps, report }
  const given = Object.entries(single).find(([, value]) => value !== undefined)
  if (given !== undefined) throw forOneCore(`--${given[0]}`, files)
  for (const file of files) requireCalibratableCore(file)
  const { output } = context
  const { budget, journal } = flags
  const twin = chosenTwin(flags)
  const cores: (CalibrateDocument & { core: string })[] = []
  for (const file of files) {
    const choice = { file, twin, journal }
    const taken = flags.again === true ? [] : await resultsForCalibration(choice, { freshS: flags.fresh })
    for (const line of [`core ${file.core!}`, ...planText(file, estimateFor(file, budget), taken)]) output.note(line)
    const { document } = await calibrateJob(context, choice, { taken, ...(budget && { budget }) })
    output.say(`core ${file.core!}: ${calibrationReport(document).join('\n')}`)
    cores.push({ core: file.core!, ...document })
  }
  output.say(`journal: ${journal}`)
  output.document({ cores } satisfies CalibrateCoresDocument)
  return EXIT.done
}

/** What is asked of one core at a time. */
export function forOneCore(what: string, files: readonly BenchFile[]): BenchError {
  const names = files.map(({ core }) => core!)
  const message = `${what} is for one core, and ${files[0]!.path} has ${names.join(', ')}: add --core ${names[0]!}, or another`
  return new BenchError('CALL_INVALID', message, { context: { cores: names } })
}
