import { coreOfFile, readCores } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { findCalibration } from './calibrate-job.ts'
import type { BenchChoice } from './calibrate-job.ts'
import { calibrationReport, verificationReport, watchReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { readsIntensity, requireCalibratableCore } from './core-limits.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { chipOf } from './far-side.ts'
import { makeCalibration, prepareCalibration, reportOf } from './make-calibration.ts'
import { chosenTwin } from './options.ts'
import type { CalibrateFlags } from './options.ts'
import { verifyJob } from './verify-job.ts'
import { watchJob } from './watch-job.ts'

/** `fringe calibrate`: from cold and dark, or from what is fresh, to a verified calibration in the journal. */
export async function calibrate(context: CommandContext, benchPath: string, flags: CalibrateFlags): Promise<ExitCode> {
  const twin = chosenTwin(flags)
  if (flags.again === true && flags.steps !== undefined) {
    throw callInvalid('--again makes all steps, --steps some: leave out one of them')
  }
  const cores = await readCores(benchPath)
  if (cores.length > 1 && flags.core === undefined) {
    return (await import('./calibrate-cores.ts')).calibrateCores(context, cores, flags)
  }
  const file = coreOfFile(cores, flags.core ?? cores[0]!.core)
  const choice = { file, twin, journal: flags.journal }
  if (flags.verifyOnly === true) {
    requireCalibratableCore(file)
    return verifyOnly(context, choice, flags)
  }
  if (flags.calibration !== undefined) throw callInvalid('--calibration names what --verify-only verifies: add that')

  const { output } = context
  const watched = watchTimes(choice, flags)
  const calibration = await makeCalibration(context, await prepareCalibration(choice, flags))
  output.say(...calibrationReport(calibration.document), `journal: ${flags.journal}`)
  const report = await reportOf(context, calibration.document, flags)
  if (watched === undefined) output.document({ ...calibration.document, report })
  else {
    const document = await watchJob(context, choice, calibration, watched)
    output.say(...watchReport(document))
    output.document({ ...document, report })
  }
  return EXIT.done
}

/** Throws: CALL_INVALID for times that make no sense together. */
function watchTimes(
  { file, twin }: BenchChoice,
  { watch: everyS, for: forS }: CalibrateFlags,
): { readonly everyS: number; readonly forS: number } | undefined {
  if (everyS === undefined) {
    if (forS === undefined) return undefined
    throw callInvalid('--for says how long to watch: add --watch')
  }
  if (!(everyS > 0)) throw callInvalid('--watch 0s would never do anything else: give a time like 15min')
  if (file.kind !== 'mesh' || readsIntensity(file)) {
    throw callInvalid('--watch follows mesh cores read by balanced homodyne: leave it out on this bench')
  }
  if (forS !== undefined) return { everyS, forS }
  if (twin === undefined) return { everyS, forS: UNTIL_STOPPED_S }
  throw callInvalid('the time of a twin passes at once: say how long to watch, like --for 24h')
}

async function verifyOnly(
  context: CommandContext,
  choice: BenchChoice,
  { calibration: id, steps, budget, again, report }: CalibrateFlags,
): Promise<ExitCode> {
  if (report !== undefined) {
    throw callInvalid('--verify-only makes no calibration, and --report tells of one: use "fringe show RUN --report"')
  }
  if (steps !== undefined || budget !== undefined || again === true) {
    throw callInvalid('--verify-only measures no step but the last: leave out --steps, --budget and --again')
  }
  const stored = await findCalibration(choice, id === undefined ? {} : { id })
  if (stored === undefined) {
    const what = `${choice.journal} holds no calibration of ${choice.file.name} (${chipOf(choice.twin)})`
    throw new BenchError('CALIBRATION_MISSING', `${what}: there is nothing to verify. Leave out --verify-only`)
  }
  const document = await verifyJob(context, choice, stored)
  context.output.say(...verificationReport(document, stored.calibration.verification), `journal: ${choice.journal}`)
  context.output.document(document)
  return EXIT.done
}

/** Longer than any bench stands. */
const UNTIL_STOPPED_S = 1e9

const callInvalid = (message: string): BenchError => new BenchError('CALL_INVALID', message)
