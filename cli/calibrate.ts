import { readBenchFile } from '../bench/bench-file.ts'
import { calibrateJob } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { chosenTwin } from './options.ts'
import type { JournalFlag, TwinFlags } from './options.ts'

/** `fringe calibrate`: from cold and dark to a verified calibration in the journal. */
export async function calibrate(
  context: CommandContext,
  benchPath: string,
  flags: TwinFlags & JournalFlag,
): Promise<ExitCode> {
  const twin = chosenTwin(flags)
  const file = await readBenchFile(benchPath)
  const { document } = await calibrateJob(context, { file, twin, journal: flags.journal })
  context.output.say(...calibrationReport(document), `journal: ${flags.journal}`)
  context.output.document(document)
  return EXIT.done
}
