/** What a value of a column is: a whole number below 2^53, a float64, text or bytes. */
export type ColumnKind = 'whole' | 'float' | 'text' | 'bytes'

export interface ExportColumn {
  /** Ends in its unit, where it has one of its own. */
  readonly name: string
  /** As written by SI; null where there is none, or where another column names it. */
  readonly unit: string | null
  readonly kind: ColumnKind
  /** What it is, in a few words. */
  readonly says: string
  /** Of the longest text, in code points and in bytes of UTF-8; 0 for numbers. */
  readonly characters: number
  readonly utf8Bytes: number
}

/** One value of a row. Null where the journal says nothing. */
export type Cell = number | string | Uint8Array | null

/** A table of a run, read by pieces as often as one likes. */
export interface ExportTable {
  readonly name: string
  readonly says: string
  readonly columns: readonly ExportColumn[]
  readonly rows: number
  /** Of all cells of bytes together. */
  readonly bytes: number
  /** [row][column], some thousands at a time. */
  readonly pages: () => AsyncIterable<readonly (readonly Cell[])[]>
}

/** A matrix of a run, or matrices side by side, row-major. */
export interface ExportArray {
  readonly name: string
  readonly says: string
  readonly unit: string | null
  /** [...leading, rows, columns] */
  readonly shape: readonly number[]
  /** An element is then two numbers of the data, real part first. */
  readonly isComplex: boolean
  readonly data: Float64Array
}

/** Who measured what with what: all that is needed to judge the numbers, as JSON has it. */
export interface Provenance {
  readonly format: typeof EXPORT_FORMAT
  readonly run: string
  readonly kind: string
  readonly status: string
  readonly startedAt: string
  readonly endedAt: string | null
  readonly versions: Readonly<Record<string, string>>
  readonly engines: Readonly<Record<string, string>>
  readonly commit: string | null
  readonly bench: { readonly path: string; readonly hash: string; readonly text: string }
  readonly calibrations: readonly string[]
  /** Of the twin; null on hardware. */
  readonly seed: number | null
  readonly instruments: readonly object[]
  readonly arguments: unknown
  readonly result: unknown
  /** Unit by `table.column` or array; what has none is left out. */
  readonly units: Readonly<Record<string, string>>
}

export const EXPORT_FORMAT = 'fringe-export-1'

export interface ExportContent {
  readonly provenance: Provenance
  readonly arrays: readonly ExportArray[]
  readonly tables: readonly ExportTable[]
}

export function unitsOf(
  arrays: readonly Pick<ExportArray, 'name' | 'unit'>[],
  tables: readonly Pick<ExportTable, 'name' | 'columns'>[],
): Readonly<Record<string, string>> {
  const columns = tables.flatMap(({ name, columns }) =>
    columns.map((column) => ({ name: `${name}.${column.name}`, unit: column.unit })),
  )
  return Object.fromEntries([...arrays, ...columns].flatMap(({ name, unit }) => (unit === null ? [] : [[name, unit]])))
}
