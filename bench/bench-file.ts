import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { DRIVERS } from '../drivers/registry.ts'
import { NO_DEFECTS } from '../sim/optics/defects.ts'
import type { TwinDefects } from '../sim/optics/defects.ts'
import { AWGR_PARAMETERS } from '../sim/optics/parameters/awgr-parameters.ts'
import type { AwgrImperfections } from '../sim/optics/parameters/awgr-parameters.ts'
import { MESH_PARAMETERS } from '../sim/optics/parameters/mesh-parameters.ts'
import type { MeshImperfections } from '../sim/optics/parameters/mesh-parameters.ts'
import { valuesOf } from '../sim/optics/parameters/parameter.ts'
import { withoutPresets } from '../sim/optics/parameters/presets.ts'
import type { AwgrWiring } from './awgr-wiring.ts'
import { AWGR_SECTIONS, CORE_KINDS, SECTIONS, TOP_LEVEL_KEYS, defectsOf } from './bench-schema.ts'
import type { AwgrSections, CoreKind, Sections } from './bench-schema.ts'
import { checkAwgrChip } from './check-awgr-chip.ts'
import { checkAwgrWiring } from './check-awgr-wiring.ts'
import { checkDefects } from './check-defects.ts'
import { checkMeshLinks, checkSource } from './check-links.ts'
import { checkWiring } from './check-wiring.ts'
import { coreEntries } from './core-entries.ts'
import { explainIssues, shown, valueAt } from './explain-issue.ts'
import { readInstruments } from './instrument-list.ts'
import type { BenchInstrument, Drivers, InstrumentList } from './instrument-list.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import { unknownKey } from './unknown-key.ts'
import { YamlSource, meaningHash } from './yaml-source.ts'
import type { Placed, Problem, YamlPath } from './yaml-source.ts'

interface FileOf<Kind extends CoreKind, Wiring, Imperfections> {
  readonly kind: Kind
  /** Path, or whatever else names the text in messages. */
  readonly path: string
  readonly text: string
  /** SHA-256 of what the text means: comments, layout and the order of keys do not count. */
  readonly hash: string
  readonly name: string
  /** Which of the cores of its file; absent where the file describes one. */
  readonly core?: string
  readonly instruments: ReadonlyMap<string, BenchInstrument>
  readonly wiring: Wiring
  /** What the twin's chip suffers from. Of no meaning to a real bench. */
  readonly twin: Imperfections
  /** What is broken or plugged in wrong on the twin's bench. */
  readonly defects: TwinDefects
  /** A problem at a place of this file, for what shows only once the instruments are open. */
  problemAt(path: YamlPath, message: string): Problem
}

export type MeshBenchFile = FileOf<'mesh', MeshWiring, MeshImperfections>
export type AwgrBenchFile = FileOf<'awgr', AwgrWiring, AwgrImperfections>

/** A bench file that was read and found sound. */
export type BenchFile = MeshBenchFile | AwgrBenchFile

/** Throws: CALL_INVALID when the bench has another core. */
export function requireKind<Kind extends CoreKind>(file: BenchFile, kind: Kind): Extract<BenchFile, { kind: Kind }> {
  if (file.kind === kind) return file as Extract<BenchFile, { kind: Kind }>
  const why = `${file.path} describes a bench with a core of kind "${file.kind}", and this needs "${kind}"`
  throw new BenchError('CALL_INVALID', why, { context: { file: file.path, kind: file.kind, needed: kind } })
}

/**
 * Reads and checks a bench file: of several cores the one named `core`.
 *
 * Throws: BENCH_FILE_INVALID with every fault of the file at once, each `file:line:column path - what, and what
 * would be right`; CALL_INVALID where several cores leave a choice, or there is no such core.
 */
export async function readBenchFile(path: string, core?: string): Promise<BenchFile> {
  return coreOfFile(await readCores(path), core)
}

/** Every core of a bench file, each as a bench of its own. Throws: BENCH_FILE_INVALID, as `readBenchFile`. */
export async function readCores(path: string): Promise<readonly BenchFile[]> {
  return coresFromText(await readText(path), path)
}

/** As `readBenchFile`, of a text that is already here. `name` stands for the path in messages. */
export function benchFromText(text: string, name: string, drivers: Drivers = DRIVERS): BenchFile {
  return coreOfFile(coresFromText(text, name, drivers), undefined)
}

/** The bench of a run, as the journal keeps it. */
export function benchOfRun({ text, path, core }: { text: string; path: string; core?: string }): BenchFile {
  return coreOfFile(coresFromText(text, path), core)
}

/** One of the cores of a file; `core` is left out where there is one. Throws: CALL_INVALID. */
export function coreOfFile(files: readonly BenchFile[], core: string | undefined): BenchFile {
  const [first] = files
  const { path } = first!
  const refused = (why: string): BenchError => new BenchError('CALL_INVALID', why, { context: { file: path } })
  if (first!.core === undefined) {
    if (core === undefined) return first!
    throw refused(`${path} describes one core without a name: leave out --core ${core}`)
  }
  const names = files.map(({ core: name }) => name!)
  const found = files.find(({ core: name }) => name === core)
  if (found !== undefined) return found
  if (core !== undefined) throw refused(`${path} has no core "${core}": there are ${names.join(', ')}`)
  throw refused(
    `${path} describes the cores ${names.join(', ')}, and this takes one: choose it, like --core ${names[0]!}`,
  )
}

/** The same of a text. */
export function coresFromText(text: string, name: string, drivers: Drivers = DRIVERS): readonly BenchFile[] {
  const source = new YamlSource(text)
  const problems: Problem[] = [...source.problems]
  if (!source.readable) throw benchFileInvalid(name, problems)
  if (text.trim() === '')
    throw benchFileInvalid(name, [source.problem([], 'is empty; begin from examples/mesh-8x8.yaml')])
  const { data } = source
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    const right = `a bench file is a map with the keys ${TOP_LEVEL_KEYS.mesh.join(', ')}`
    throw benchFileInvalid(name, [source.problem([], `is ${data === null ? 'empty' : shown(data)}; ${right}`)])
  }
  const list = readInstruments(source, drivers)
  const isSeveral = Object.hasOwn(data, 'cores')
  const files = isSeveral
    ? severalCores(source, list, { path: name, text, drivers }, problems)
    : [wholeFile(source, list, { path: name, text, drivers }, problems)]
  const sound = files.filter((file) => file !== undefined)
  if (problems.length > 0 || sound.length < files.length) throw benchFileInvalid(name, problems)
  return sound
}

interface FileText {
  readonly path: string
  readonly text: string
  readonly drivers: Drivers
}

/** A file that describes one core. */
function wholeFile(
  source: YamlSource,
  { instruments, problems: faults }: InstrumentList,
  { path, text, drivers }: FileText,
  problems: Problem[],
): BenchFile | undefined {
  const hasInstruments = instruments.size > 0
  const { core, missing } = readCore({ source, instruments, drivers, hasInstruments, problems })
  if (!missing('instruments')) problems.push(...faults)
  return (
    core && {
      ...{ path, text, hash: meaningHash(source.data) },
      ...core,
      instruments: instruments as ReadonlyMap<string, BenchInstrument>,
      problemAt: (path, message) => source.problem(path, message),
    }
  )
}

/** A file with `cores`: each entry is read like a file of its own. */
function severalCores(
  source: YamlSource,
  { instruments, problems: faults }: InstrumentList,
  { path, text, drivers }: FileText,
  problems: Problem[],
): readonly (BenchFile | undefined)[] {
  problems.push(...faults)
  const { name: bench, entries, unnamed } = coreEntries(source, instruments, problems)
  const hasInstruments = instruments.size > 0
  const only = <T>(some: Iterable<[string, T]>, ...sets: readonly ReadonlySet<string>[]): ReadonlyMap<string, T> =>
    new Map([...some].filter(([name]) => sets.some((set) => set.has(name))))
  const read = entries.map((entry) => {
    const found: Problem[] = []
    const mine = only(instruments, entry.own, unnamed)
    const { core } = readCore({ source: entry.placed, instruments: mine, drivers, hasInstruments, problems: found })
    return { ...entry, mine, core, found }
  })
  problems.push(...ofAllCores(read.map(({ found }) => found)))
  return read.map(({ name, own, placed, mine, core }, index): BenchFile | undefined => {
    if (core === undefined) return undefined
    // What stands on the bench beside its cores is opened with the first.
    const opened = only(mine, own, ...(index === 0 ? [unnamed] : []))
    const written = (source.data as { instruments: Record<string, unknown> }).instruments
    const meaning = {
      ...(placed.data as object),
      name: [bench, name],
      instruments: fromEntries(only(Object.entries(written), own)),
    }
    return {
      ...{ path, text, core: name, hash: meaningHash(meaning) },
      ...core,
      name: `${bench}/${name}`,
      instruments: opened as ReadonlyMap<string, BenchInstrument>,
      problemAt: (path, message) => placed.problem(path, message),
    }
  })
}

/**
 * What the cores of a file complain of, each thing once. An instrument is spare only if no core has a use for it, not
 * even under a name that is misspelt.
 */
function ofAllCores(found: readonly (readonly Problem[])[]): readonly Problem[] {
  const texts = found.map((problems) => new Set(problems.map((problem) => JSON.stringify(problem))))
  const unique = new Map(found.flat().map((problem) => [JSON.stringify(problem), problem]))
  return [...unique]
    .filter(([text, { path }]) => !/^instruments\.[^.]+$/.test(path) || texts.every((ofCore) => ofCore.has(text)))
    .map(([, problem]) => problem)
}

const fromEntries = (map: ReadonlyMap<string, unknown>): Record<string, unknown> => Object.fromEntries(map)

/** Undefined when something is missing or wrong; each fault has been reported. */
function readCore({ source, instruments, drivers, hasInstruments, problems }: Omit<Found, 'missing' | 'report'>): {
  readonly core: CorePart<MeshBenchFile> | CorePart<AwgrBenchFile> | undefined
  readonly missing: Found['missing']
} {
  const data = source.data as Readonly<Record<string, unknown>>
  const kind = valueAt(data, ['core', 'kind']) === 'awgr' ? 'awgr' : 'mesh'
  const keys = TOP_LEVEL_KEYS[kind]
  const misspelt = new Set<string>()
  for (const key of Object.keys(data)) {
    if (keys.includes(key)) continue
    const elsewhere = CORE_KINDS.find((other) => TOP_LEVEL_KEYS[other].includes(key))
    const unknown = unknownKey(key, keys, Object.keys(data))
    if (elsewhere === undefined) misspelt.add(unknown.meant ?? '')
    const message = elsewhere === undefined ? unknown.message : belongsTo(elsewhere, kind)
    problems.push(source.keyProblem([key], message))
  }
  // A misspelt key is one fault, not a missing key and an unknown one.
  const missing = (key: string): boolean => !Object.hasOwn(data, key) && misspelt.has(key)
  const report = (path: YamlPath, message: string): void => void problems.push(source.problem(path, message))
  const found: Found = { source, problems, missing, instruments, hasInstruments, drivers, report }
  return { core: kind === 'mesh' ? meshOf(found) : awgrOf(found), missing }
}

const belongsTo = (owner: CoreKind, kind: CoreKind): string =>
  `belongs to a core of kind "${owner}", and this one is "${kind}"; remove it`

/** A file on its way to being understood. */
interface Found {
  readonly source: Placed
  readonly problems: Problem[]
  /** A section that is there under a misspelt name. */
  readonly missing: (section: string) => boolean
  readonly instruments: ReadonlyMap<string, BenchInstrument | undefined>
  /** Whether there are any in the file. */
  readonly hasInstruments: boolean
  readonly drivers: Drivers
  readonly report: (path: YamlPath, message: string) => void
}

type CorePart<File extends BenchFile> = Pick<File, 'kind' | 'name' | 'wiring' | 'twin' | 'defects'>

/** Undefined when something is missing or wrong; each fault has been reported. */
function meshOf(found: Found): CorePart<MeshBenchFile> | undefined {
  const sections: Partial<Sections> = readSections(SECTIONS, found)
  const { instruments, hasInstruments, drivers, report } = found
  const twin = valuesOf(MESH_PARAMETERS, withoutPresets(sections.twin))
  checkMeshLinks(sections.lanes, twin, sections.twin, report)
  const wiring = hasInstruments ? checkWiring(sections, instruments, drivers, report) : undefined
  if (wiring === undefined || sections.name === undefined) return undefined
  return {
    kind: 'mesh',
    name: sections.name,
    wiring,
    twin,
    defects: checkDefects(defectsOf(sections.twin), wiring, report),
  }
}

function awgrOf(found: Found): CorePart<AwgrBenchFile> | undefined {
  const sections: Partial<AwgrSections> = readSections(AWGR_SECTIONS, found)
  const { instruments, hasInstruments, drivers, report } = found
  const twin = valuesOf(AWGR_PARAMETERS, withoutPresets(sections.twin))
  if (sections.core !== undefined) checkAwgrChip(sections.core, twin, sections.twin, report)
  checkSource(sections.wavelengths, 'wavelengths', twin, report)
  const wiring = hasInstruments ? checkAwgrWiring(sections, instruments, drivers, report) : undefined
  if (wiring === undefined || sections.name === undefined) return undefined
  return { kind: 'awgr', name: sections.name, wiring, twin, defects: NO_DEFECTS }
}

/** One error for all faults of a file, in the order of its lines. */
export function benchFileInvalid(file: string, problems: readonly Problem[]): BenchError {
  const sorted = [...problems].sort((left, right) => left.line - right.line || left.column - right.column)
  const lines = sorted.map(({ line, column, path, message }) => `${file}:${line}:${column} ${path} - ${message}`)
  return new BenchError('BENCH_FILE_INVALID', lines.join('\n'), { context: { file, problems: sorted } })
}

/** Each section by itself, so that a fault in one hides none in another. */
function readSections(
  schemas: Readonly<Record<string, z.ZodType>>,
  { source, problems, missing }: Found,
): Record<string, never> {
  const read: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(schemas)) {
    const parsed = schema.safeParse((source.data as Record<string, unknown>)[key])
    if (parsed.success) read[key] = parsed.data
    else if (!missing(key)) problems.push(...explainIssues(parsed.error.issues, schema, [key], source))
  }
  return read as Record<string, never>
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; give the path of a bench file, for example examples/mesh-8x8.yaml',
  EISDIR: 'is a folder; give the path of a bench file, for example examples/mesh-8x8.yaml',
  EACCES: 'may not be read by this user; check its permissions',
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new BenchError('BENCH_FILE_INVALID', `${path} ${UNREADABLE[code] ?? `cannot be read: ${message}`}`, {
      cause: error,
      context: { file: path },
    })
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Falls through to the same answer as a NUL byte: whatever this is, it is no text.
  }
  throw new BenchError('BENCH_FILE_INVALID', `${path} is not a text file; a bench file is YAML in UTF-8`, {
    context: { file: path },
  })
}
