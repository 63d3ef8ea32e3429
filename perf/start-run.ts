import type { Journal } from '../orchestrator/journal/journal.ts'
import type { RunWriter } from '../orchestrator/journal/run-writer.ts'

/** A run without a bench, for what measures the journal itself. */
export function startBareRun(journal: Journal): Promise<RunWriter> {
  const bench = { path: '', text: '', hash: '' }
  const header = {
    versions: {},
    engines: {},
    commit: null,
    bench,
    calibrations: [],
    seed: null,
    instruments: [],
    arguments: null,
  }
  return journal.startRun({ kind: 'perf', header })
}
