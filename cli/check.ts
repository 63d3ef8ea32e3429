import { coreOfFile, readCores } from '../bench/bench-file.ts'
import type { BenchFile } from '../bench/bench-file.ts'
import { checkBench } from '../bench/check-bench.ts'
import type { InstrumentCheck } from '../bench/check-bench.ts'
import { SystemClock, VirtualClock } from '../core/clock.ts'
import type { BenchError } from '../core/errors.ts'
import type { Identity } from '../core/instruments.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { openFarSide } from './far-side.ts'
import type { TwinChoice } from './far-side.ts'
import { hashOfCores } from './hash-of-cores.ts'
import { identityText } from './identity-text.ts'
import { chosenTwin } from './options.ts'
import type { CoreFlag, TwinFlags } from './options.ts'
import { textTable } from './text-table.ts'

/** What `fringe check --json` says. Documented by docs/schemas/check.schema.json. */
export interface CheckDocument {
  readonly ok: boolean
  readonly bench: { readonly path: string; readonly name: string; readonly hash: string }
  /** Of a file that describes several: each with the hash that its calibrations go by. */
  readonly cores?: readonly { readonly core: string; readonly hash: string }[]
  readonly instruments: readonly {
    readonly name: string
    readonly driver: string
    readonly resource: string
    readonly identity: Identity | null
    readonly error: { readonly code: string; readonly message: string } | null
  }[]
  /** What the file asks for and the instruments do not have. */
  readonly error: { readonly code: string; readonly message: string } | null
}

/** `fringe check`: is the bench file right, does every instrument answer, and is it the right one? */
export async function check(
  context: CommandContext,
  benchPath: string,
  flags: TwinFlags & CoreFlag,
): Promise<ExitCode> {
  const { output } = context
  const twin = chosenTwin(flags)
  const cores = await readCores(benchPath)
  const files = flags.core === undefined ? cores : [coreOfFile(cores, flags.core)]
  const documents: CheckDocument[] = []
  for (const file of files) documents.push(await checkWires(context, file, twin))
  const document = together(documents)
  output.say(...checkReport(document))
  output.document(document)
  if (document.instruments.some(({ error }) => error !== null)) return EXIT.notSafeOrNotReachable
  return document.error === null ? EXIT.done : EXIT.callWrong
}

/** What is wrong with any core is wrong with the bench. */
function together(documents: readonly CheckDocument[]): CheckDocument {
  const [first] = documents
  if (documents.length === 1) return first!
  const names = documents.map(({ bench }) => bench.name).join(' and ')
  return {
    ok: documents.every(({ ok }) => ok),
    bench: { ...first!.bench, name: names, hash: hashOfCores(documents.map(({ bench }) => bench)) },
    cores: documents.flatMap(({ cores = [] }) => cores),
    instruments: documents.flatMap(({ instruments }) => instruments),
    error: documents.map(({ error }) => error).find((error) => error !== null) ?? null,
  }
}

/** Opens every wire, asks who is there, and leaves everything safe. */
export async function checkWires(
  { signal }: CommandContext,
  file: BenchFile,
  twin: TwinChoice | undefined,
): Promise<CheckDocument> {
  const clock = twin === undefined ? new SystemClock() : new VirtualClock()
  await using farSide = await openFarSide(file, twin, clock)
  const { ok, instruments, error } = await checkBench(file, { ...farSide.plug, clock, signal })
  const { path, name, hash } = file
  return {
    ok,
    bench: { path, name, hash },
    ...(file.core !== undefined && { cores: [{ core: file.core, hash }] }),
    instruments: instruments.map(({ name, driver, resource, identity, error }: InstrumentCheck) => ({
      name,
      driver,
      resource: farSide.resourceOf(name) ?? resource,
      identity: identity ?? null,
      error: errorNote(error),
    })),
    error: errorNote(error),
  }
}

export function checkReport({ ok, bench, cores = [], instruments, error }: CheckDocument): string[] {
  const rows = instruments.map(({ name, driver, resource, identity, error }) => [
    error === null ? 'ok' : 'FAULT',
    name,
    driver,
    resource,
    identityText(identity),
  ])
  const titles = ['', 'instrument', 'driver', 'resource', 'answers as'].map((title) => ({ title }))
  const faults = [...instruments.map(({ error }) => error), error].filter((fault) => fault !== null)
  const verdict = ok
    ? `${bench.name}: all ${instruments.length} instruments answer by the right names, and are safe`
    : `${bench.name}: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}`
  const hashes = cores.map(({ core, hash }) => `core ${core}: ${hash.slice(0, 12)}`)
  return [...textTable(titles, rows), ...hashes, ...faults.map(({ message }) => `error: ${message}`), verdict]
}

const errorNote = (error: BenchError | undefined): { code: string; message: string } | null =>
  error === undefined ? null : { code: error.code, message: error.message }
