import { coreOfFile, readCores } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import type { BenchChoice } from './calibrate-job.ts'
import { calibrationReport, verificationReport, watchReport } from './calibration-report.ts'
import { calibrationWishes } from './calibration-wishes.ts'
import { requireVerificationAlone, storedToVerify, watchTimes } from './calibrate-wish.ts'
import type { CommandContext } from './command-context.ts'
import { requireCalibratableCore } from './core-limits.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
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
  if (flags.calibration !== undefined && flags.verifyOnly !== true) {
    throw callInvalid('--calibration names what --verify-only verifies: add that')
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

async function verifyOnly(context: CommandContext, choice: BenchChoice, flags: CalibrateFlags): Promise<ExitCode> {
  requireVerificationAlone(flags)
  const [wish = {}] = calibrationWishes([choice.file], flags.calibration, undefined)
  const stored = await storedToVerify(choice, wish)
  const document = await verifyJob(context, choice, stored)
  context.output.say(...verificationReport(document, stored.calibration.verification), `journal: ${choice.journal}`)
  context.output.document(document)
  return EXIT.done
}

const callInvalid = (message: string): BenchError => new BenchError('CALL_INVALID', message)
