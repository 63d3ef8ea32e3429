import { open } from 'node:fs/promises'
import type { Cell, ExportTable, Provenance } from './export-content.ts'
import { writeWhole } from './whole-file.ts'

/**
 * A table as comma-separated text: a head of lines that begin with #, the last of them `# provenance: {JSON}`; names of
 * columns with their units in brackets; then a row a line.
 *
 * Numbers are the shortest that read back as the same float64. Text is always in quotes, bytes are hexadecimal, what the
 * journal does not say is empty.
 */
export async function writeCsv(path: string, table: ExportTable, provenance: Provenance): Promise<void> {
  await writeWhole(path, async (part) => {
    const file = await open(part, 'r+')
    try {
      await file.appendFile(head(table, provenance))
      for await (const page of table.pages()) {
        await file.appendFile(page.map((row) => `${row.map(cellText).join(',')}\n`).join(''))
      }
    } finally {
      await file.close()
    }
  })
}

function head({ name, says, columns }: ExportTable, provenance: Provenance): string {
  const names = columns.map((column) => quoted(column.unit === null ? column.name : `${column.name} [${column.unit}]`))
  const about = columns.map((column) => `# ${column.name}: ${column.says}`)
  const of = `${provenance.kind} run ${provenance.run}, bench ${provenance.bench.path}, commit ${provenance.commit ?? 'unknown'}`
  return [`# ${name} of ${of}`, `# ${says}`, ...about, `# provenance: ${JSON.stringify(provenance)}`, names.join(',')]
    .map((line) => `${line}\n`)
    .join('')
}

function cellText(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'string') return quoted(cell)
  return typeof cell === 'number' ? String(cell) : Buffer.from(cell).toString('hex')
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
