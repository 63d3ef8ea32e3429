import { readBenchFile } from '../bench/bench-file.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { calibrateJob } from './calibrate-job.ts'
import type { CalibrateArguments } from './calibrate-job.ts'
import { estimateFor, planText } from './calibration-plan-text.ts'
import { calibrationReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { agedResults, whyNotOf } from './earlier-results.ts'
import type { AgedResult } from './earlier-results.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import type { TwinChoice } from './far-side.ts'
import type { JournalFlag } from './options.ts'

/**
 * `fringe resume`: goes on with a calibration that did not come to its end, from the last step that did.
 *
 * Throws: CALL_INVALID for a run of another kind, one that is done or still running, and where the bench file, the
 * version or the chip is another one by now.
 */
export async function resume(context: CommandContext, name: string, { journal }: JournalFlag): Promise<ExitCode> {
  const { output } = context
  const { run, taken, twin } = await readRun(name, journal)
  const file = await readBenchFile(run.header.bench.path, run.header.bench.core)
  const why = await whyNotOf(run, { file, twin })
  if (why !== undefined) throw new BenchError('CALL_INVALID', `${why}, so nothing can be taken over: calibrate again`)
  const { budget } = run.header.arguments as CalibrateArguments
  for (const line of planText(file, estimateFor(file, budget ?? undefined), taken)) output.note(line)
  const order = { taken, resumes: run.id, ...(budget && { budget }) }
  const { document } = await calibrateJob(context, { file, twin, journal }, order)
  output.say(...calibrationReport(document), `journal: ${journal}`)
  output.document(document)
  return EXIT.done
}

async function readRun(
  name: string,
  journal: string,
): Promise<{ run: RunRecord; taken: readonly AgedResult[]; twin: TwinChoice | undefined }> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  const run = await opened.readRun(name)
  requireUnfinished(run)
  const twin = twinOf(run)
  return { run, taken: await agedResults(opened, run, twin), twin }
}

function requireUnfinished({ id, kind, status }: RunRecord): void {
  const refused = (message: string): BenchError => new BenchError('CALL_INVALID', message, { context: { run: id } })
  if (kind !== 'calibrate') throw refused(`run ${id} is a ${kind}, and only calibrations are resumed: start it again`)
  if (status === 'done') throw refused(`run ${id} is done: there is nothing to resume`)
  if (status === 'running') throw refused(`run ${id} is still running: stop it first, or wait for its end`)
}

function twinOf({ header: { seed, arguments: asked } }: RunRecord): TwinChoice | undefined {
  const { sim, ageS } = asked as { readonly sim: TwinChoice['mode'] | null; readonly ageS: number | null }
  return sim === null || seed === null ? undefined : { mode: sim, seed, ageS: ageS ?? 0 }
}
