import type { EarlierResult, ResultOrigin, StepResults } from '../plans/step-results.ts'
import { encodeResult, decodeResult } from './result-text.ts'
import type { JournalReader } from './reader.ts'
import type { StepRecord } from './records.ts'

/** Where results are written: a run, or a replay that compares. */
export interface ResultLog {
  step(name: string, detail?: unknown): number
  /** Keeps bytes under their SHA-256, and returns it. */
  blob(bytes: Uint8Array): string
}

/** Name of the inner step that says what the step around it found. */
const RESULT = 'result'

/** What the journal says of one result. */
interface ResultNote {
  readonly of: string
  readonly sha256: string
  /** Absent when the run itself found it. */
  readonly takenFrom?: ResultOrigin
}

/** A result in the journal, not yet read. */
export interface KnownResult extends ResultNote {
  /** The step that found it, of this run or of an earlier one. */
  readonly origin: ResultOrigin
}

/** Results of a plan's steps, kept in the journal of its run. */
export class StepJournal implements StepResults {
  readonly #log: ResultLog
  readonly #earlier: ReadonlyMap<string, EarlierResult>

  constructor(log: ResultLog, earlier: ReadonlyMap<string, EarlierResult>) {
    this.#log = log
    this.#earlier = earlier
  }

  recall(name: string): EarlierResult | undefined {
    return this.#earlier.get(name)
  }

  keep(name: string, value: unknown, origin?: ResultOrigin): void {
    const note: ResultNote = {
      of: name,
      sha256: this.#log.blob(encodeResult(value)),
      ...(origin && { takenFrom: origin }),
    }
    this.#log.step(RESULT, note)
  }
}

/** All results that a run kept, in the order of its plan. */
export function resultsOf(run: string, steps: readonly StepRecord[]): readonly KnownResult[] {
  return steps.flatMap(({ name, parent, detail }) => {
    if (name !== RESULT) return []
    const note = detail as ResultNote
    return [{ ...note, origin: note.takenFrom ?? { run, step: parent } }]
  })
}

/** Throws: JOURNAL_UNREADABLE for a blob that is gone or was changed. */
export async function readResults(
  journal: Pick<JournalReader, 'readBlob'>,
  known: readonly KnownResult[],
): Promise<ReadonlyMap<string, EarlierResult>> {
  const read = known.map(async ({ of, sha256, origin }): Promise<[string, EarlierResult]> => {
    return [of, { value: decodeResult(await journal.readBlob(sha256)), origin }]
  })
  return new Map(await Promise.all(read))
}
