import { BenchError } from '../../core/errors.ts'
import type { Cell, ExportArray, ExportColumn, ExportContent, ExportTable, Provenance } from './export-content.ts'
import { writeWhole } from './whole-file.ts'

/** What we use of h5wasm. Its own types name files without suffixes, which NodeNext finds nothing by. */
interface H5Dataset {
  create_attribute(name: string, data: string | number | readonly string[]): void
  resize(shape: readonly number[]): number
  write_slice(ranges: readonly (readonly number[])[], data: unknown): void
}
interface H5Group {
  create_attribute(name: string, data: string | number | readonly string[]): void
  create_group(name: string, trackOrder?: boolean): H5Group
  create_dataset(of: object): H5Dataset
}
interface H5File extends H5Group {
  readonly file_id: bigint
  flush(): void
  close(): number
}
interface H5Wasm {
  readonly ready: Promise<unknown>
  readonly File: new (path: string, mode: 'w', options: object) => H5File
}

/** Rows that are compressed together. */
const CHUNK_ROWS = 4096
const GZIP_LEVEL = 4
/** A number of a matrix has eight bytes: a chunk of about a megabyte. */
const CHUNK_ELEMENTS = 1 << 17

/**
 * A run as HDF5: matrices as datasets of float64 in their shape, complex ones of records `r` and `i`, which h5py takes for
 * complex numbers; each table as a group with a dataset a column, gzip-compressed. Units and meanings are attributes
 * `units` and `long_name` of the datasets, provenance is attributes of the file and of the groups under `instruments`;
 * `provenance` and `bench_file` hold all of it as text.
 *
 * The library writes by itself and says little when it cannot: what it wrote is checked by length at the end.
 */
export async function writeHdf5(path: string, content: ExportContent): Promise<void> {
  const h5 = (await import('h5wasm/node')) as unknown as H5Wasm
  await h5.ready
  await writeWhole(path, async (part) => {
    const file = new h5.File(part, 'w', { track_order: true })
    if (file.file_id < 0n) throw failed(path, 'the HDF5 library could not open it')
    let closed = -1
    try {
      describe(file, content.provenance)
      for (const array of content.arrays) writeMatrix(file, array)
      for (const table of content.tables) await writeTable(file, table)
    } catch (cause) {
      throw failed(path, (cause as Error).message, cause)
    } finally {
      closed = file.close()
    }
    if (closed < 0) throw failed(path, 'the HDF5 library could not write all of it')
  })
}

function failed(path: string, why: string, cause?: unknown): BenchError {
  return new BenchError('EXPORT_FAILED', `${path} cannot be written: ${why}. Make room, or choose another disk`, {
    cause,
    context: { file: path },
  })
}

function describe(file: H5File, provenance: Provenance): void {
  const { format, run, kind, status, startedAt, endedAt, versions, engines, commit, bench, calibrations, seed } =
    provenance
  const flat = {
    ...{ format, run_id: run, kind, status, started_at: startedAt, ended_at: endedAt },
    ...Object.fromEntries(Object.entries(versions).map(([name, version]) => [`version_${name}`, version])),
    ...Object.fromEntries(Object.entries(engines).map(([name, engine]) => [`engine_${name}`, engine])),
    ...{ commit, bench_path: bench.path, bench_sha256: bench.hash, calibrations, seed },
  }
  attribute(file, flat)
  const instruments = file.create_group('instruments', true)
  for (const [index, instrument] of provenance.instruments.entries()) {
    const { name = String(index), ...rest } = instrument as { readonly name?: string }
    attribute(instruments.create_group(name.replaceAll('/', '_')), rest)
  }
  writeText(file, 'bench_file', bench.text, 'the bench file as it was')
  writeText(file, 'provenance', JSON.stringify(provenance), 'all of the provenance, as JSON')
}

/** What is nested becomes JSON; what is unknown is left out. */
function attribute(to: H5Group, values: object): void {
  for (const [key, value] of Object.entries(values) as [string, unknown][]) {
    if (value === null || value === undefined) continue
    const plain = typeof value === 'string' || typeof value === 'number' || isTexts(value)
    to.create_attribute(key, plain ? value : JSON.stringify(value))
  }
}

/** A list of nothing has no type: it becomes JSON. */
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string')

/** As a dataset, because an attribute ends at 64 KiB. */
function writeText(file: H5File, name: string, text: string, says: string): void {
  const width = Math.max(1, Buffer.byteLength(text))
  const written = file.create_dataset({ name, data: [text], shape: [], dtype: `S${width}` })
  written.create_attribute('long_name', says)
}

function writeMatrix(file: H5File, { name, says, unit, shape, isComplex, data }: ExportArray): void {
  const numbers = isComplex ? { data: complexParts(data), dtype: COMPLEX } : { data, dtype: '<d' }
  const chunks = chunksOf(shape, CHUNK_ELEMENTS / (isComplex ? 2 : 1))
  const matrix = file.create_dataset({ name, shape, ...numbers, chunks, compression: GZIP_LEVEL })
  matrix.create_attribute('long_name', says)
  if (unit !== null) matrix.create_attribute('units', unit)
}

/** Source: manual of h5py, "Configuring h5py": `complex_names` are ('r', 'i') by default. */
const COMPLEX = [
  ['r', '<d'],
  ['i', '<d'],
] as const

/** As the library takes records: a column for each of their fields. */
function complexParts(data: Float64Array): ReadonlyMap<string, Float64Array> {
  const length = data.length / 2
  const part = (first: 0 | 1): Float64Array => Float64Array.from({ length }, (_, i) => data[2 * i + first]!)
  return new Map([
    ['r', part(0)],
    ['i', part(1)],
  ])
}

/** As many of the last dimensions as fit into one chunk, a whole row at least. */
function chunksOf(shape: readonly number[], elements: number): readonly number[] {
  let left = elements
  return shape
    .toReversed()
    .map((size, axis) => {
      const chunk = axis === 0 ? size : Math.max(1, Math.min(size, Math.floor(left)))
      left /= chunk
      return chunk
    })
    .toReversed()
}

async function writeTable(file: H5File, table: ExportTable): Promise<void> {
  const group = file.create_group(table.name, true)
  group.create_attribute('long_name', table.says)
  const columns = table.columns.map((column) => openColumn(group, column))
  let rows = 0
  for await (const page of table.pages()) {
    for (const [index, { append }] of columns.entries()) {
      append(
        page.map((row) => row[index]!),
        rows,
      )
    }
    rows += page.length
  }
}

interface OpenColumn {
  readonly append: (cells: readonly Cell[], after: number) => void
}

function openColumn(group: H5Group, column: ExportColumn): OpenColumn {
  if (column.kind === 'bytes') return openBytes(group, column)
  const { name, kind, utf8Bytes } = column
  const dtype = kind === 'whole' ? '<q' : kind === 'float' ? '<d' : `S${Math.max(1, utf8Bytes)}`
  const dataset = emptyDataset(group, name, dtype, CHUNK_ROWS)
  label(dataset, column)
  return {
    append: (cells, after) => {
      dataset.resize([after + cells.length])
      dataset.write_slice([[after, after + cells.length]], packed(kind, cells))
    },
  }
}

/** End to end in one dataset, and beside it where those of each row begin and how many they are. */
function openBytes(group: H5Group, column: ExportColumn): OpenColumn {
  const bytes = emptyDataset(group, column.name, '<B', CHUNK_ELEMENTS)
  const first = emptyDataset(group, 'first_byte', '<q', CHUNK_ROWS)
  const length = emptyDataset(group, 'length', '<q', CHUNK_ROWS)
  label(bytes, { ...column, says: `${column.says}, of all rows end to end` })
  let total = 0
  return {
    append: (cells, after) => {
      const pieces = cells as readonly Uint8Array[]
      const all = Buffer.concat(pieces)
      let at = total
      const firsts = pieces.map((piece) => {
        const begin = at
        at += piece.length
        return begin
      })
      if (all.length > 0) {
        bytes.resize([at])
        bytes.write_slice([[total, at]], new Uint8Array(all))
      }
      total = at
      for (const [dataset, values] of [
        [first, firsts],
        [length, pieces.map((piece) => piece.length)],
      ] as const) {
        dataset.resize([after + values.length])
        dataset.write_slice([[after, after + values.length]], packed('whole', values))
      }
    },
  }
}

function emptyDataset(group: H5Group, name: string, dtype: string, chunk: number): H5Dataset {
  const data = dtype.startsWith('S')
    ? []
    : dtype === '<q'
      ? new BigInt64Array(0)
      : dtype === '<B'
        ? new Uint8Array(0)
        : new Float64Array(0)
  return group.create_dataset({
    ...{ name, data, dtype, shape: [0], maxshape: [null], chunks: [chunk] },
    compression: GZIP_LEVEL,
  })
}

function label(dataset: H5Dataset, { unit, says }: Pick<ExportColumn, 'unit' | 'says'>): void {
  dataset.create_attribute('long_name', says)
  if (unit !== null) dataset.create_attribute('units', unit)
}

function packed(kind: ExportColumn['kind'], cells: readonly Cell[]): unknown {
  switch (kind) {
    case 'whole':
      return BigInt64Array.from(cells as readonly number[], BigInt)
    case 'float':
      return Float64Array.from(cells as readonly (number | null)[], (cell) => cell ?? NaN)
    default:
      return cells.map((cell) => cell ?? '')
  }
}
