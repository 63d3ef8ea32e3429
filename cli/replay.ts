import { SystemClock } from '../core/clock.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { seconds } from './numbers.ts'
import type { JournalFlag } from './options.ts'
import { packageVersion } from './package-info.ts'
import { isByKernels, replayKernels } from './replay-kernels.ts'
import { replayRun } from './replay-run.ts'
import type { ReplayOptions, ReplayVerdict } from './replay-run.ts'
import { replaySplit } from './replay-split.ts'
import { isSplit } from './split-job.ts'

/** What `fringe replay --json` says. Documented by docs/schemas/replay.schema.json. */
export interface ReplayDocument {
  readonly run: string
  /** Of the three kinds of replay, the one that ran. */
  readonly replay: 'wire' | 'computed'
  readonly matched: boolean
  readonly divergence: {
    readonly step: number | null
    readonly stepName: string | null
    readonly wire: string | null
    readonly record: number | null
    readonly expected: string
    readonly actual: string
    readonly message: string
  } | null
  readonly steps: number
  readonly wires: number
  readonly wireRecords: number
  readonly seconds: number
}

/** `fringe replay`: a run again, against its own recorded bytes. */
export async function replay(context: CommandContext, name: string, { journal }: JournalFlag): Promise<ExitCode> {
  const { document, lines } = await replayFromJournal(context, name, journal)
  context.output.say(...lines)
  context.output.document(document)
  return document.matched ? EXIT.done : EXIT.replayDiverged
}

export async function replayFromJournal(
  { output, signal }: CommandContext,
  name: string,
  file: string,
): Promise<{ readonly document: ReplayDocument; readonly lines: readonly string[] }> {
  const startedMs = performance.now()
  await using journal = await Journal.open(file, { clock: new SystemClock(), mode: 'read' })
  output.progress.begin('replaying')
  const options: ReplayOptions = { signal, onEvent: (event) => output.progress.onEvent(event) }
  // What cannot even be read is for the wire replay to tell.
  const record = await journal.readRun(name).catch(() => undefined)
  const byKernels = record !== undefined && isByKernels(record)
  const isOfCores = record !== undefined && isSplit(record)
  const verdict = byKernels
    ? await replayKernels(journal, record, options)
    : isOfCores
      ? await replaySplit(journal, record, options)
      : await replayRun(journal, name, options)
  const document = documentOf(verdict, (performance.now() - startedMs) / 1e3)
  return { document, lines: verdictText(verdict, document) }
}

function documentOf(
  { run, record, divergence, steps, wires, wireRecords }: ReplayVerdict,
  took: number,
): ReplayDocument {
  const matched = divergence === undefined
  return {
    run,
    replay: record !== undefined && isByKernels(record) ? 'computed' : 'wire',
    matched,
    divergence: matched ? null : divergenceOf(divergence.message, divergence.context),
    steps,
    wires,
    wireRecords,
    seconds: took,
  }
}

function divergenceOf(
  message: string,
  context: Readonly<Record<string, unknown>>,
): NonNullable<ReplayDocument['divergence']> {
  const number = (key: string): number | null => (typeof context[key] === 'number' ? context[key] : null)
  const text = (key: string): string | null => (typeof context[key] === 'string' ? context[key] : null)
  return {
    step: number('step'),
    stepName: text('stepName'),
    wire: text('wire'),
    record: number('record'),
    expected: text('expected') ?? '',
    actual: text('actual') ?? '',
    message,
  }
}

function verdictText({ run, record, divergence }: ReplayVerdict, document: ReplayDocument): readonly string[] {
  const { steps, wires, wireRecords } = document
  if (divergence === undefined && document.replay === 'computed') {
    return [
      `${run} was computed again: ${steps} steps are the same, C is the same bit for bit (${seconds(document.seconds)})`,
    ]
  }
  if (divergence === undefined) {
    const same =
      record?.status === 'failed' ? 'it failed in the same way' : (SAME[record?.kind ?? ''] ?? 'it ended the same')
    return [
      `wire replay of ${run} matched: ${wireRecords} records on ${wires} wires and ${steps} steps are the same, ${same} (${seconds(document.seconds)})`,
    ]
  }
  const version = record?.header.versions['fringe']
  const other =
    version === undefined || version === packageVersion()
      ? []
      : [`the run was made by Fringe ${version}, this is ${packageVersion()}`]
  return [
    `${document.replay === 'wire' ? 'wire replay' : 'repetition'} of ${run}: DIVERGED`,
    divergence.message,
    ...other,
  ]
}

const SAME: Readonly<Record<string, string>> = {
  matmul: 'C is the same bit for bit',
  calibrate: 'the calibration is the same to the last digit',
}
