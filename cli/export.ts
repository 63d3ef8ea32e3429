import { basename, dirname, extname, join } from 'node:path'
import { stat } from 'node:fs/promises'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { ExportContent } from '../orchestrator/exports/export-content.ts'
import type { TableName } from '../orchestrator/exports/run-tables.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { counted } from './numbers.ts'
import type { ExportFlags, ExportFormat } from './options.ts'
import { runContent } from './run-content.ts'

const EXTENSIONS: Readonly<Record<string, ExportFormat>> = {
  '.npz': 'npz',
  '.h5': 'hdf5',
  '.hdf5': 'hdf5',
  '.parquet': 'parquet',
  '.csv': 'csv',
}

/** What of a run went where. */
interface Written {
  readonly file: string
  readonly arrays: readonly string[]
  readonly tables: readonly { readonly name: string; readonly rows: number }[]
}

/**
 * `fringe export`: a run for other programs, with units and provenance.
 *
 * Throws: CALL_INVALID for a form that nobody can tell, or a place that cannot be written; EXPORT_FAILED.
 */
export async function exportRun(
  { output }: Pick<CommandContext, 'output'>,
  name: string,
  flags: ExportFlags,
): Promise<ExitCode> {
  const format = formatOf(flags)
  const tables = tablesOf(flags)
  await using journal = await Journal.open(flags.journal, { clock: new SystemClock(), mode: 'read' })
  const { run, kind, written } = await journal.snapshot(async () => {
    const record = await journal.readRun(name)
    const file = flags.output ?? `${record.id}${extensionOf(format)}`
    await requirePlace(file)
    const isArchive = format === 'npz' || format === 'hdf5'
    const content = await runContent(journal, record, { tables, arrays: isArchive && flags.table === undefined })
    return {
      run: record.id,
      kind: record.kind,
      written: isArchive ? await writeArchive(file, format, content) : await writeTables(file, format, content, flags),
    }
  })
  output.say(...written.map(fileText), ...leftOut(format, kind, flags))
  output.document({ run, format, files: written })
  return EXIT.done
}

async function writeArchive(file: string, format: 'npz' | 'hdf5', content: ExportContent): Promise<readonly Written[]> {
  // What writes one form is loaded by those who want it.
  if (format === 'npz') await (await import('../orchestrator/exports/npz.ts')).writeNpz(file, content)
  else await (await import('../orchestrator/exports/hdf5.ts')).writeHdf5(file, content)
  return [
    {
      file,
      arrays: content.arrays.map(({ name }) => name),
      tables: content.tables.map(({ name, rows }) => ({ name, rows })),
    },
  ]
}

/** One table goes into the file that was named, several into files beside it. */
async function writeTables(
  file: string,
  format: 'parquet' | 'csv',
  { tables, provenance }: ExportContent,
  { table }: ExportFlags,
): Promise<readonly Written[]> {
  const write =
    format === 'csv'
      ? (await import('../orchestrator/exports/csv.ts')).writeCsv
      : (await import('../orchestrator/exports/parquet.ts')).writeParquet
  const written: Written[] = []
  for (const each of tables) {
    const path = table?.length === 1 ? file : besides(file, each.name, format)
    await write(path, each, provenance)
    written.push({ file: path, arrays: [], tables: [{ name: each.name, rows: each.rows }] })
  }
  return written
}

/** `out.csv` and frames: `out-frames.csv`. */
function besides(file: string, name: string, format: ExportFormat): string {
  const extension = EXTENSIONS[extname(file).toLowerCase()] === format ? extname(file) : ''
  const stem = basename(file, extension)
  return join(dirname(file), `${stem}-${name}${extension === '' ? extensionOf(format) : extension}`)
}

const extensionOf = (format: ExportFormat): string => (format === 'hdf5' ? '.h5' : `.${format}`)

function formatOf({ output, format }: ExportFlags): ExportFormat {
  if (format !== undefined) return format
  if (output === undefined) return 'npz'
  const found = EXTENSIONS[extname(output).toLowerCase()]
  if (found !== undefined) return found
  const known = Object.keys(EXTENSIONS).join(', ')
  throw callInvalid(`${output} does not say its form: end it in one of ${known}, or add --format`)
}

const USUAL_TABLES: readonly TableName[] = ['steps', 'frames', 'samples', 'energy']

function tablesOf({ table, wire }: ExportFlags): readonly TableName[] {
  if (table === undefined) return wire === true ? [...USUAL_TABLES, 'wire'] : USUAL_TABLES
  if (wire === true)
    throw callInvalid('--wire adds the bytes of the wires to all tables, --table names some: write --table wire')
  return [...new Set(table)]
}

/** Before a long run is read: the file must have a place. */
async function requirePlace(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found?.isDirectory() === true)
    throw callInvalid(`${file} is a folder; give the path of a file, for example run.npz`)
  const folder = dirname(file)
  const parent = await stat(folder).catch(() => undefined)
  if (parent === undefined)
    throw callInvalid(`${file} cannot be written: there is no folder ${folder}; create it first`)
  if (!parent.isDirectory()) throw callInvalid(`${file} cannot be written: ${folder} is a file; give another path`)
}

function fileText({ file, arrays, tables }: Written): string {
  const rows = tables.map(({ name, rows }) => `${name} (${counted(rows)})`)
  return `${file}: ${[...arrays, ...rows].join(', ')}`
}

/** Tables hold no matrices: whoever wants them must not look for them in vain. */
function leftOut(format: ExportFormat, kind: string, { table }: ExportFlags): readonly string[] {
  if (format === 'npz' || format === 'hdf5' || kind !== 'matmul' || table !== undefined) return []
  return [`${format} has tables only: take .npz or .h5 for matrices`]
}

const callInvalid = (message: string): BenchError => new BenchError('CALL_INVALID', message)
