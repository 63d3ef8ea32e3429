import { BenchError } from '../core/errors.ts'
import type { BenchFile } from '../bench/bench-file.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import { resultsOf } from '../orchestrator/journal/step-journal.ts'
import type { KnownResult } from '../orchestrator/journal/step-journal.ts'
import type { TwinChoice } from './far-side.ts'
import { ageText } from './options.ts'
import { packageCommit, packageVersion } from './package-info.ts'

/** Which steps of an earlier calibration another one may take over. */
export interface ReuseWish {
  /** Results older than this are measured again, and all that the plan does after them. */
  readonly freshS: number
  /** Names of steps to be made again whatever there is; all others are then taken. Undefined: what is fresh is taken. */
  readonly steps?: readonly string[]
}

/** A result that will be taken over, and how old it is. */
export interface AgedResult extends KnownResult {
  readonly ageS: number
}

interface Subject {
  readonly file: BenchFile
  readonly twin: TwinChoice | undefined
}

/**
 * What the newest calibration of this bench and chip, ended or interrupted, has found and a new one need not.
 *
 * Outcomes: nothing where there was none, or one by another version of Fringe.
 * Throws: CALL_INVALID when named steps are to be made again and another one is missing or too old.
 */
export async function freshResults(
  journal: JournalReader,
  subject: Subject,
  { freshS, steps }: ReuseWish,
): Promise<readonly AgedResult[]> {
  const found = await newestResults(journal, subject)
  if (steps === undefined) {
    const stale = found.findIndex(({ ageS }) => ageS > freshS)
    return stale === -1 ? found : found.slice(0, stale)
  }
  const others = found.filter(({ of }) => !steps.includes(of))
  const old = others.find(({ ageS }) => ageS > freshS)
  if (old === undefined) return others
  throw new BenchError(
    'CALL_INVALID',
    `step "${old.of}" was made ${ageText(old.ageS)} ago, and --fresh allows ${ageText(freshS)}: name it in --steps too, or allow more`,
    { context: { step: old.of, ageS: old.ageS, freshS } },
  )
}

async function newestResults(journal: JournalReader, subject: Subject): Promise<readonly AgedResult[]> {
  for (const { id, kind, status } of await journal.listRuns()) {
    if (kind !== 'calibrate' || (status !== 'done' && status !== 'interrupted')) continue
    const run = await journal.readRun(id)
    if ((await whyNotOf(run, subject)) !== undefined) continue
    const results = await agedResults(journal, run, subject.twin)
    if (results.length > 0) return results
  }
  return []
}

/** Why the results of a run say nothing of this bench; undefined when they do. */
export async function whyNotOf({ id, header }: RunRecord, { file, twin }: Subject): Promise<string | undefined> {
  const seed = twin?.seed ?? null
  if (header.bench.hash !== file.hash) return `${file.path} was changed since run ${id}`
  if (header.seed !== seed) return `run ${id} was made on another chip`
  if (header.versions['fringe'] !== packageVersion() || header.commit !== (await packageCommit())) {
    return `run ${id} was made by another version of Fringe`
  }
  return undefined
}

/** Ages of hardware go by the computer's clock, those of a twin by what the runs were told. */
export async function agedResults(
  journal: JournalReader,
  run: RunRecord,
  twin: TwinChoice | undefined,
): Promise<readonly AgedResult[]> {
  const results = resultsOf(run.id, await journal.readSteps(run.id))
  const origins = new Map<string, Awaited<ReturnType<typeof originOf>>>()
  const aged: AgedResult[] = []
  for (const result of results) {
    const { origin } = result
    const made = origins.get(origin.run) ?? (await originOf(journal, origin.run))
    origins.set(origin.run, made)
    const epochMs = made.startedMs + (made.timeNs.get(origin.step) ?? 0) / 1e6
    aged.push({ ...result, ageS: twin === undefined ? (Date.now() - epochMs) / 1e3 : Math.abs(twin.ageS - made.ageS) })
  }
  return aged
}

async function originOf(
  journal: JournalReader,
  run: string,
): Promise<{ startedMs: number; ageS: number; timeNs: ReadonlyMap<number, number> }> {
  const { startedMs, header } = await journal.readRun(run)
  const { ageS } = header.arguments as { readonly ageS?: number | null }
  const steps = await journal.readSteps(run)
  return { startedMs, ageS: ageS ?? 0, timeNs: new Map(steps.map(({ step, timeNs }) => [step, timeNs])) }
}
