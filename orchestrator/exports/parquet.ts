import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { ColumnSource, SchemaElement } from 'hyparquet-writer'
import type { Cell, ColumnKind, ExportTable, Provenance } from './export-content.ts'
import { writeWhole } from './whole-file.ts'

/** Rows of a group: readers skip by groups, and one is held in memory while it is written. */
const GROUP_ROWS = 50_000

/**
 * A table as Parquet, Snappy-compressed; `provenance` and `units` stand as JSON under those keys of its metadata.
 *
 * Source: Apache Parquet format 2.x, by hyparquet-writer.
 */
export async function writeParquet(path: string, table: ExportTable, provenance: Provenance): Promise<void> {
  await writeWhole(path, async (part) => {
    const file = await open(part, 'r+')
    try {
      const writer = new ParquetWriter({
        writer: toFile(file),
        schema: schemaOf(table),
        kvMetadata: [
          { key: 'provenance', value: JSON.stringify(provenance) },
          { key: 'units', value: JSON.stringify(ownUnits(table)) },
        ],
        createdBy: `fringe ${provenance.versions['fringe'] ?? ''}`,
      })
      for await (const rows of groupsOf(table)) {
        await writer.write({ columnData: columnsOf(table, rows), rowGroupSize: GROUP_ROWS })
      }
      await writer.finish()
    } finally {
      await file.close()
    }
  })
}

const ownUnits = ({ columns }: ExportTable): object =>
  Object.fromEntries(columns.flatMap(({ name, unit }) => (unit === null ? [] : [[name, unit]])))

/** What was written leaves the memory after every group of rows. */
function toFile(file: FileHandle): ByteWriter & { flush(): Promise<void> } {
  const writer = new ByteWriter()
  const flush = async (): Promise<void> => {
    // A copy: the writer goes on in the same memory.
    const bytes = writer.getBytes().slice()
    writer.index = 0
    await file.appendFile(bytes)
  }
  return Object.assign(writer, { flush, finish: flush })
}

const TYPES: Record<ColumnKind, Omit<SchemaElement, 'name'>> = {
  whole: { type: 'INT64', repetition_type: 'REQUIRED' },
  float: { type: 'DOUBLE', repetition_type: 'OPTIONAL' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  bytes: { type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' },
}

function schemaOf({ name, columns }: ExportTable): SchemaElement[] {
  return [
    { name, num_children: columns.length },
    ...columns.map((column) => ({ name: column.name, ...TYPES[column.kind] })),
  ]
}

async function* groupsOf({ pages }: ExportTable): AsyncIterable<readonly (readonly Cell[])[]> {
  let rows: (readonly Cell[])[] = []
  for await (const page of pages()) {
    rows.push(...page)
    if (rows.length < GROUP_ROWS) continue
    yield rows
    rows = []
  }
  if (rows.length > 0) yield rows
}

function columnsOf({ columns }: ExportTable, rows: readonly (readonly Cell[])[]): ColumnSource[] {
  return columns.map(({ name, kind }, column) => ({
    name,
    data: rows.map((row) => (kind === 'whole' ? BigInt(row[column] as number) : row[column])),
  }))
}
