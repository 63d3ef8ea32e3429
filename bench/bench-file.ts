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
import { explainIssues, shown, valueAt } from './explain-issue.ts'
import { readInstruments } from './instrument-list.ts'
import type { BenchInstrument, Drivers } from './instrument-list.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import { unknownKey } from './unknown-key.ts'
import { YamlSource } from './yaml-source.ts'
import type { Problem, YamlPath } from './yaml-source.ts'

interface FileOf<Kind extends CoreKind, Wiring, Imperfections> {
  readonly kind: Kind
  /** Path, or whatever else names the text in messages. */
  readonly path: string
  readonly text: string
  /** SHA-256 of what the text means: comments, layout and the order of keys do not count. */
  readonly hash: string
  readonly name: string
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
 * Reads and checks a bench file.
 *
 * Throws: BENCH_FILE_INVALID with every fault of the file at once, each `file:line:column path - what, and what
 * would be right`.
 */
export async function readBenchFile(path: string): Promise<BenchFile> {
  return benchFromText(await readText(path), path)
}

/** The same from a text that is already here, as the journal keeps it. `name` stands for the path in messages. */
export function benchFromText(text: string, name: string, drivers: Drivers = DRIVERS): BenchFile {
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
  const list = readInstruments(source, drivers)
  if (!missing('instruments')) problems.push(...list.problems)
  const report = (path: YamlPath, message: string): void => void problems.push(source.problem(path, message))
  const found: Found = { source, problems, missing, instruments: list.instruments, drivers, report }
  const core = kind === 'mesh' ? meshOf(found) : awgrOf(found)
  if (problems.length > 0 || core === undefined) throw benchFileInvalid(name, problems)
  return {
    path: name,
    text,
    hash: source.meaningHash(),
    ...core,
    instruments: list.instruments as ReadonlyMap<string, BenchInstrument>,
    problemAt: (path, message) => source.problem(path, message),
  }
}

const belongsTo = (owner: CoreKind, kind: CoreKind): string =>
  `belongs to a core of kind "${owner}", and this one is "${kind}"; remove it`

/** A file on its way to being understood. */
interface Found {
  readonly source: YamlSource
  readonly problems: Problem[]
  /** A section that is there under a misspelt name. */
  readonly missing: (section: string) => boolean
  readonly instruments: ReadonlyMap<string, BenchInstrument | undefined>
  readonly drivers: Drivers
  readonly report: (path: YamlPath, message: string) => void
}

type CorePart<File extends BenchFile> = Pick<File, 'kind' | 'name' | 'wiring' | 'twin' | 'defects'>

/** Undefined when something is missing or wrong; each fault has been reported. */
function meshOf(found: Found): CorePart<MeshBenchFile> | undefined {
  const sections: Partial<Sections> = readSections(SECTIONS, found)
  const { instruments, drivers, report } = found
  const twin = valuesOf(MESH_PARAMETERS, withoutPresets(sections.twin))
  checkMeshLinks(sections.lanes, twin, sections.twin, report)
  const wiring = instruments.size > 0 ? checkWiring(sections, instruments, drivers, report) : undefined
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
  const { instruments, drivers, report } = found
  const twin = valuesOf(AWGR_PARAMETERS, withoutPresets(sections.twin))
  if (sections.core !== undefined) checkAwgrChip(sections.core, twin, sections.twin, report)
  checkSource(sections.wavelengths, 'wavelengths', twin, report)
  const wiring = instruments.size > 0 ? checkAwgrWiring(sections, instruments, drivers, report) : undefined
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
