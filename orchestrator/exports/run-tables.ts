import type { JournalReader, Pages } from '../journal/reader.ts'
import { BOUNDARIES } from '../ledger/boundaries.ts'
import { ACCOUNT_COLUMNS, accountRows } from './account-rows.ts'
import type { Cell, ColumnKind, ExportColumn, ExportTable } from './export-content.ts'
import { unitOfName } from './unit-of-name.ts'

export const TABLE_NAMES = ['steps', 'frames', 'samples', 'energy', 'wire'] as const
export type TableName = (typeof TABLE_NAMES)[number]

type Column = Pick<ExportColumn, 'name' | 'unit' | 'kind' | 'says'>

interface Source {
  readonly says: string
  readonly columns: readonly Column[]
  readonly pages: () => AsyncIterable<readonly (readonly Cell[])[]>
}

/**
 * One table of a run as the journal has it. Reads it once to learn how long it is and how wide its texts are; `pages`
 * reads it again, so that no table is held in memory.
 */
export async function runTable(journal: JournalReader, run: string, name: TableName): Promise<ExportTable> {
  const { says, columns, pages } = await SOURCES[name](journal, run)
  const widths = columns.map(() => ({ characters: 0, utf8Bytes: 0 }))
  let [rows, bytes] = [0, 0]
  for await (const page of pages()) {
    rows += page.length
    for (const row of page) {
      for (const [column, cell] of row.entries()) {
        if (cell instanceof Uint8Array) bytes += cell.length
        if (typeof cell !== 'string') continue
        const width = widths[column]!
        width.characters = Math.max(width.characters, Array.from(cell).length)
        width.utf8Bytes = Math.max(width.utf8Bytes, Buffer.byteLength(cell))
      }
    }
  }
  const measured = columns.map((column, index) => ({ ...column, ...widths[index]! }))
  return { name, says, columns: measured, rows, bytes, pages }
}

const SOURCES: Record<TableName, (journal: JournalReader, run: string) => Source | Promise<Source>> = {
  steps: (journal, run) => ({
    says: 'steps of the plan, each before its work began',
    columns: [
      whole('step', 'number of the step'),
      whole('parent', 'the step around it; 0 at the top'),
      { ...whole('time_ns', SINCE_START), unit: 'ns' },
      text('name', 'what it does'),
      text('detail', 'JSON; empty where there is none'),
    ],
    pages: () =>
      rowsOf(journal.stepPages(run), ({ step, parent, timeNs, name, detail }) => [
        ...[step, parent, timeNs, name],
        detail === null ? null : JSON.stringify(detail),
      ]),
  }),
  frames: async (journal, run) => {
    const fields = await fieldsOf(journal.framePages(run))
    return {
      says: 'quality of each frame',
      columns: [
        whole('seq', 'number of the frame in its run'),
        whole('step', 'the step that it belongs to'),
        { ...whole('time_ns', SINCE_START), unit: 'ns' },
        ...fields.map(({ name, kind }) => ({ name, kind, unit: unitOfName(name), says: 'as the job noted it' })),
      ],
      pages: () =>
        rowsOf(journal.framePages(run), ({ seq, step, timeNs, data }) => [
          ...[seq, step, timeNs],
          ...fields.map(({ key, kind }) => cellOf(fieldIn(data, key), kind)),
        ]),
    }
  },
  samples: (journal, run) => ({
    says: 'readings of slow quantities: power, temperature',
    columns: [
      { ...whole('time_ns', SINCE_START), unit: 'ns' },
      text('quantity', 'what was read'),
      { name: 'value', unit: null, kind: 'float', says: 'in the unit of its row' },
      text('unit', 'of the value'),
      text('source', 'instrument that measured it, or model that computed it'),
    ],
    pages: () =>
      rowsOf(journal.samplePages(run), ({ timeNs, quantity, value, unit, source }) => [
        ...[timeNs, quantity, value, unit, source],
      ]),
  }),
  energy: async (journal, run) => {
    const { header, result } = await journal.readRun(run)
    const { layer } = (header.arguments ?? {}) as { readonly layer?: string }
    const joules = (name: string, says: string): Column => ({ name, unit: 'J', kind: 'float', says })
    return {
      says: 'the account of the run: its product, and what that is made of',
      columns: [
        text('entry', ACCOUNT_COLUMNS.entry),
        text('name', ACCOUNT_COLUMNS.name),
        { name: 'macs', unit: null, kind: 'float', says: ACCOUNT_COLUMNS.macs },
        { name: 'seconds', unit: 's', kind: 'float', says: ACCOUNT_COLUMNS.seconds },
        ...BOUNDARIES.map((boundary) => boundary.replace('-', '_')).flatMap((boundary) => [
          joules(`${boundary}_J`, 'energy within this boundary'),
          joules(`${boundary}_uncertainty_J`, 'how far that may be off'),
        ]),
      ],
      pages: async function* () {
        yield await Promise.resolve(accountRows(result, layer))
      },
    }
  },
  wire: async (journal, run) => {
    const recording = await journal.readWires(run)
    return {
      says: 'bytes on the wires, both ways, with the step that caused them',
      columns: [
        text('wire', 'instrument at its end'),
        whole('seq', 'number of the record on its wire'),
        { ...whole('time_ns', SINCE_START), unit: 'ns' },
        text('direction', 'tx, rx, ctl or err'),
        whole('step', 'the step that caused it'),
        { name: 'bytes', unit: null, kind: 'bytes', says: 'what passed' },
        whole('crc', 'checksum, chained along the wire, of the bytes as the journal keeps them'),
      ],
      pages: async function* () {
        for await (const page of recording.pages()) {
          yield page.map(({ wire, seq, timeNs, direction, step, bytes, crc }) => {
            return [wire, seq, timeNs, direction, step, bytes, crc]
          })
        }
      },
    }
  },
}

const SINCE_START = 'since the start of the run, on the bench’s clock'

function whole(name: string, says: string): Column {
  return { name, unit: null, kind: 'whole', says }
}

function text(name: string, says: string): Column {
  return { name, unit: null, kind: 'text', says }
}

async function* rowsOf<T>(
  pages: Pages<T>,
  rowOf: (record: T) => readonly Cell[],
): AsyncIterable<readonly (readonly Cell[])[]> {
  for await (const { records } of pages) yield records.map(rowOf)
}

interface Field {
  readonly key: string
  readonly name: string
  readonly kind: ColumnKind
}

/** Of frames the journal holds what their job noted: all names that occur, in the order in which they first do. */
async function fieldsOf(pages: ReturnType<JournalReader['framePages']>): Promise<readonly Field[]> {
  const kinds = new Map<string, 'float' | 'text' | undefined>()
  for await (const { records } of pages) {
    for (const { data } of records) {
      for (const [key, value] of Object.entries(data ?? {})) {
        const known = kinds.get(key)
        if (value === null) kinds.set(key, known)
        else kinds.set(key, known === 'text' || !isNumeric(value) ? 'text' : 'float')
      }
    }
  }
  // The frame's own step is named in the column before.
  kinds.delete('step')
  return [...kinds].map(([key, kind = 'float']) => ({ key, name: columnName(key), kind }))
}

/** Letters, digits and underscores: what every format and every language takes for a name. */
function columnName(key: string): string {
  const plain = key.replaceAll(/[^A-Za-z0-9_]/g, '_')
  return ['seq', 'time_ns', ''].includes(plain) ? `noted_${plain}` : plain
}

const isNumeric = (value: unknown): boolean => typeof value === 'number' || typeof value === 'boolean'

const fieldIn = (data: unknown, key: string): unknown => (data as Readonly<Record<string, unknown>> | null)?.[key]

function cellOf(value: unknown, kind: ColumnKind): Cell {
  if (value === null || value === undefined) return null
  if (kind === 'float') return Number(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
