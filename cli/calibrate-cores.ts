import { join } from 'node:path'
import type { BenchFile } from '../bench/bench-file.ts'
import type { BenchChoice, CalibrateDocument, StoredCalibration } from './calibrate-job.ts'
import { requireVerificationAlone, storedToVerify, watchTimes } from './calibrate-wish.ts'
import type { WatchTimes } from './calibrate-wish.ts'
import { calibrationWishes } from './calibration-wishes.ts'
import { calibrationReport, verificationReport, watchReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { requireCalibratableCore } from './core-limits.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { makeCalibration, prepareCalibration, reportOf } from './make-calibration.ts'
import type { PreparedCalibration } from './make-calibration.ts'
import { chosenTwin } from './options.ts'
import type { CalibrateFlags } from './options.ts'
import type { WrittenReport } from './report.ts'
import { sideBySide } from './side-by-side.ts'
import { verifyJob } from './verify-job.ts'
import { watchJob } from './watch-job.ts'
import type { WatchDocument } from './watch-job.ts'

/** What `fringe calibrate --json` says of several cores. Documented by docs/schemas/calibrate-cores.schema.json. */
export interface CalibrateCoresDocument {
  readonly cores: readonly ((CalibrateDocument | WatchDocument) & {
    readonly core: string
    readonly report: WrittenReport | null
  })[]
}

/**
 * `fringe calibrate` of a bench file with several cores: one after another, a run each; reports in a folder a core.
 * Those that are watched are then watched side by side.
 *
 * Throws: CALL_INVALID, before anything is opened, for what is asked of one core at a time.
 */
export async function calibrateCores(
  context: CommandContext,
  files: readonly BenchFile[],
  flags: CalibrateFlags,
): Promise<ExitCode> {
  const { verifyOnly, report, journal } = flags
  const twin = chosenTwin(flags)
  if (verifyOnly === true) return verifyCores(context, files, flags)
  const prepared: PreparedCalibration[] = []
  let watched: WatchTimes | undefined
  for (const file of files) {
    const own = typeof report === 'string' ? { report: join(report, file.core!) } : {}
    watched = watchTimes({ file, twin }, flags)
    prepared.push(await prepareCalibration({ file, twin, journal }, { ...flags, ...own }))
  }
  const { output } = context
  const made: (MadeCalibration & Pick<CalibrateCoresDocument['cores'][number], 'core' | 'report'>)[] = []
  for (const one of prepared) {
    const core = one.choice.file.core!
    output.note(`core ${core}`)
    const calibration = await makeCalibration(context, one)
    output.say(`core ${core}: ${calibrationReport(calibration.document).join('\n')}`)
    const report = await reportOf(context, calibration.document, one.flags)
    made.push({ ...calibration, choice: one.choice, core, report })
  }
  const documents = watched === undefined ? made.map(({ document }) => document) : await watch(context, made, watched)
  output.say(`journal: ${journal}`)
  const cores = made.map(({ core, report }, index) => ({ core, ...documents[index]!, report }))
  output.document({ cores } satisfies CalibrateCoresDocument)
  return EXIT.done
}

interface MadeCalibration extends StoredCalibration {
  readonly choice: BenchChoice
  readonly document: CalibrateDocument
}

/** Each core on its own wires and clock, and none waits for another. */
async function watch(
  context: CommandContext,
  made: readonly MadeCalibration[],
  times: WatchTimes,
): Promise<readonly WatchDocument[]> {
  const documents = await sideBySide(made, context.signal, ({ choice, ...calibration }, signal) =>
    watchJob({ output: context.output, signal }, choice, calibration, times),
  )
  for (const [index, document] of documents.entries()) {
    context.output.say(`core ${made[index]!.choice.file.core!}: ${watchReport(document).join('\n')}`)
  }
  return documents
}

/**
 * Throws, before anything is opened: CALL_INVALID unless a calibration is named for each core or for none;
 * CALIBRATION_MISSING, naming the core that has none; CALIBRATION_UNFIT as `findCalibration` does.
 */
async function verifyCores(
  context: CommandContext,
  files: readonly BenchFile[],
  flags: CalibrateFlags,
): Promise<ExitCode> {
  const { output } = context
  const { journal } = flags
  const twin = chosenTwin(flags)
  requireVerificationAlone(flags)
  const wishes = calibrationWishes(files, flags.calibration, undefined)
  const known: { choice: BenchChoice; stored: StoredCalibration }[] = []
  for (const [index, file] of files.entries()) {
    requireCalibratableCore(file)
    const choice = { file, twin, journal }
    known.push({ choice, stored: await storedToVerify(choice, wishes[index]!) })
  }
  const cores: CalibrateCoresDocument['cores'][number][] = []
  for (const { choice, stored } of known) {
    const core = choice.file.core!
    output.note(`core ${core}`)
    const document = await verifyJob(context, choice, stored)
    output.say(`core ${core}: ${verificationReport(document, stored.calibration.verification).join('\n')}`)
    cores.push({ core, ...document, report: null })
  }
  output.say(`journal: ${journal}`)
  output.document({ cores } satisfies CalibrateCoresDocument)
  return EXIT.done
}
