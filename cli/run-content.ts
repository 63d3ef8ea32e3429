import { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import { decodeArray } from '../orchestrator/arrays/npy.ts'
import { EXPORT_FORMAT, unitsOf } from '../orchestrator/exports/export-content.ts'
import type { ExportArray, ExportContent, ExportTable } from '../orchestrator/exports/export-content.ts'
import { runTable } from '../orchestrator/exports/run-tables.ts'
import type { TableName } from '../orchestrator/exports/run-tables.ts'
import { exactResult, productJob } from '../orchestrator/jobs/product-job.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { RunRecord } from '../orchestrator/journal/records.ts'
import type { MatmulArguments, MatmulRecord } from './matmul-job.ts'

export interface ContentWish {
  readonly tables: readonly TableName[]
  readonly arrays: boolean
}

/** All of a run that leaves the journal, with where it came from. Throws: JOURNAL_UNREADABLE for a matrix that is gone or was changed. */
export async function runContent(journal: JournalReader, record: RunRecord, wish: ContentWish): Promise<ExportContent> {
  const arrays = wish.arrays ? await arraysOf(journal, record) : []
  const tables: ExportTable[] = []
  for (const name of wish.tables) tables.push(await runTable(journal, record.id, name))
  const { id, kind, status, startedMs, endedMs, header, result } = record
  const { versions, engines, commit, bench, calibrations, seed, instruments } = header
  const provenance = {
    ...({ format: EXPORT_FORMAT, run: id, kind, status } as const),
    startedAt: new Date(startedMs).toISOString(),
    endedAt: endedMs === null ? null : new Date(endedMs).toISOString(),
    ...{ versions, engines, commit, bench, calibrations, seed, instruments, arguments: header.arguments, result },
    units: unitsOf(arrays, tables),
  }
  return { provenance, arrays, tables }
}

/** Factors, product and its errors; nothing of a run that multiplied nothing. */
async function arraysOf(journal: JournalReader, { kind, header, result }: RunRecord): Promise<readonly ExportArray[]> {
  if (kind !== 'matmul') return []
  const asked = header.arguments as Partial<MatmulArguments>
  const { product } = (result ?? {}) as Partial<MatmulRecord>
  const read = async (
    name: string,
    says: string,
    note: { readonly sha256?: string | null } | undefined,
  ): Promise<ExportArray[]> => {
    // Others lie in files of their own.
    if (typeof note?.sha256 !== 'string' || 'kept' in note) return []
    const { shape, isComplex, data } = decodeArray(await journal.readBlob(note.sha256), name)
    return [{ name, says, unit: null, shape, isComplex, data }]
  }
  const arrays = [
    ...(await read('A', 'left factor or image, as given', asked.a)),
    ...(await read('B', 'right factor or kernels, as given', asked.b)),
    ...(await read('C', 'product computed on light', product)),
  ]
  const [a, b, c] = arrays
  if (a === undefined || b === undefined || c === undefined) return arrays
  const exact = (await exactResult(productJob(arrayOf(a), arrayOf(b), asked.convolution))).data
  const data = c.data.map((value, i) => value - exact[i]!)
  return [...arrays, { ...c, name: 'errors', says: 'C less the same of A and B in float64', data }]
}

const arrayOf = ({ name, shape, isComplex, data }: ExportArray): DenseArray =>
  new DenseArray(name, shape, isComplex, data)
