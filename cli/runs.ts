import { SystemClock } from '../core/clock.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { RunSummary } from '../orchestrator/journal/records.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { moment, seconds } from './numbers.ts'
import type { JournalFlag } from './options.ts'
import { textTable } from './text-table.ts'

/** `fringe runs`: what the journal holds, newest first. */
export async function runs({ output }: Pick<CommandContext, 'output'>, { journal }: JournalFlag): Promise<ExitCode> {
  await using opened = await Journal.open(journal, { clock: new SystemClock(), mode: 'read' })
  const found = await opened.listRuns()
  const rows = found.map((run) => [
    run.id,
    run.partOf === null ? run.kind : `${run.kind} (part)`,
    run.status,
    moment(run.startedMs),
    durationText(run),
    run.layer ?? '',
  ])
  const titles = [
    ...['run', 'job', 'status', 'started'].map((title) => ({ title })),
    { title: 'took', align: 'right' } as const,
    { title: 'layer' },
  ]
  output.say(...(rows.length === 0 ? [`${journal} holds no runs yet`] : textTable(titles, rows)))
  output.document({
    runs: found.map(({ id, kind, status, startedMs, endedMs, layer, partOf }) => ({
      run: id,
      kind,
      status,
      startedAt: new Date(startedMs).toISOString(),
      endedAt: endedMs === null ? null : new Date(endedMs).toISOString(),
      layer,
      partOf,
    })),
  })
  return EXIT.done
}

const durationText = ({ startedMs, endedMs }: RunSummary): string =>
  endedMs === null ? '' : seconds((endedMs - startedMs) / 1e3)
