import { join } from 'node:path'
import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import type { CalibrateDocument } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { makeCalibration, prepareCalibration, reportOf } from './make-calibration.ts'
import type { PreparedCalibration } from './make-calibration.ts'
import { chosenTwin } from './options.ts'
import type { CalibrateFlags } from './options.ts'
import type { WrittenReport } from './report.ts'

/** What `fringe calibrate --json` says of several cores. Documented by docs/schemas/calibrate-cores.schema.json. */
export interface CalibrateCoresDocument {
  readonly cores: readonly (CalibrateDocument & { readonly core: string; readonly report: WrittenReport | null })[]
}

/**
 * `fringe calibrate` of a bench file with several cores: one after another, a run each; reports in a folder a core.
 *
 * Throws: CALL_INVALID, before anything is opened, for what is asked of one core at a time.
 */
export async function calibrateCores(
  context: CommandContext,
  files: readonly BenchFile[],
  flags: CalibrateFlags,
): Promise<ExitCode> {
  const { verifyOnly, watch, for: forS, calibration, report, journal } = flags
  const given = Object.entries({ 'verify-only': verifyOnly, watch, for: forS, calibration }).find(
    ([, value]) => value !== undefined,
  )
  if (given !== undefined) throw forOneCore(`--${given[0]}`, files)
  const twin = chosenTwin(flags)
  const prepared: PreparedCalibration[] = []
  for (const file of files) {
    const own = typeof report === 'string' ? { report: join(report, file.core!) } : {}
    prepared.push(await prepareCalibration({ file, twin, journal }, { ...flags, ...own }))
  }
  const { output } = context
  const cores: CalibrateCoresDocument['cores'][number][] = []
  for (const one of prepared) {
    const core = one.choice.file.core!
    output.note(`core ${core}`)
    const { document } = await makeCalibration(context, one)
    output.say(`core ${core}: ${calibrationReport(document).join('\n')}`)
    cores.push({ core, ...document, report: await reportOf(context, document, one.flags) })
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
