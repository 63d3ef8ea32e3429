import { readFile } from 'node:fs/promises'
import { BenchError } from '../core/errors.ts'
import { DRIVERS } from '../drivers/registry.ts'
import { MESH_PARAMETERS } from '../sim/optics/parameters/mesh-parameters.ts'
import type { MeshImperfections } from '../sim/optics/parameters/mesh-parameters.ts'
import { valuesOf } from '../sim/optics/parameters/parameter.ts'
import { SECTIONS, TOP_LEVEL_KEYS } from './bench-schema.ts'
import type { Sections } from './bench-schema.ts'
import { checkWiring } from './check-wiring.ts'
import { closestName, didYouMean } from './closest-name.ts'
import { explainIssues, shown } from './explain-issue.ts'
import { readInstruments } from './instrument-list.ts'
import type { BenchInstrument, Drivers } from './instrument-list.ts'
import type { MeshWiring } from './mesh-wiring.ts'
import { YamlSource } from './yaml-source.ts'
import type { Problem, YamlPath } from './yaml-source.ts'

/** A bench file that was read and found sound. */
export interface BenchFile {
  /** Path, or whatever else names the text in messages. */
  readonly path: string
  readonly text: string
  /** SHA-256 of what the text means: comments, layout and the order of keys do not count. */
  readonly hash: string
  readonly name: string
  readonly instruments: ReadonlyMap<string, BenchInstrument>
  readonly wiring: MeshWiring
  /** What the twin's chip suffers from. Of no meaning to a real bench. */
  readonly twin: MeshImperfections
  /** A problem at a place of this file, for what shows only once the instruments are open. */
  problemAt(path: YamlPath, message: string): Problem
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
    const right = `a bench file is a map with the keys ${TOP_LEVEL_KEYS.join(', ')}`
    throw benchFileInvalid(name, [source.problem([], `is ${data === null ? 'empty' : shown(data)}; ${right}`)])
  }
  const misspelt = new Set<string>()
  for (const key of Object.keys(data)) {
    if (TOP_LEVEL_KEYS.includes(key)) continue
    misspelt.add(closestName(key, TOP_LEVEL_KEYS) ?? '')
    problems.push(source.keyProblem([key], `is not known here; ${didYouMean(key, TOP_LEVEL_KEYS)}`))
  }
  // A misspelt key is one fault, not a missing key and an unknown one.
  const missing = (key: string): boolean => !Object.hasOwn(data, key) && misspelt.has(key)
  const sections = readSections(source, problems, missing)
  const list = readInstruments(source, drivers)
  if (!missing('instruments')) problems.push(...list.problems)
  const report = (path: YamlPath, message: string): void => void problems.push(source.problem(path, message))
  const wiring = list.instruments.size > 0 ? checkWiring(sections, list.instruments, drivers, report) : undefined
  if (problems.length > 0 || wiring === undefined || sections.name === undefined) {
    throw benchFileInvalid(name, problems)
  }
  return {
    path: name,
    text,
    hash: source.meaningHash(),
    name: sections.name,
    instruments: list.instruments as ReadonlyMap<string, BenchInstrument>,
    wiring,
    twin: valuesOf(MESH_PARAMETERS, sections.twin),
    problemAt: (path, message) => source.problem(path, message),
  }
}

/** One error for all faults of a file, in the order of its lines. */
export function benchFileInvalid(file: string, problems: readonly Problem[]): BenchError {
  const sorted = [...problems].sort((left, right) => left.line - right.line || left.column - right.column)
  const lines = sorted.map(({ line, column, path, message }) => `${file}:${line}:${column} ${path} - ${message}`)
  return new BenchError('BENCH_FILE_INVALID', lines.join('\n'), { context: { file, problems: sorted } })
}

/** Each section by itself, so that a fault in one hides none in another. */
function readSections(source: YamlSource, problems: Problem[], passOver: (key: string) => boolean): Partial<Sections> {
  const read: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(SECTIONS)) {
    const parsed = schema.safeParse((source.data as Record<string, unknown>)[key])
    if (parsed.success) read[key] = parsed.data
    else if (!passOver(key)) problems.push(...explainIssues(parsed.error.issues, schema, [key], source))
  }
  return read
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
