import { open } from 'node:fs/promises'
import { descrOf, encodeNpyHeader } from '../arrays/npy-header.ts'
import type { Cell, ExportArray, ExportColumn, ExportContent, ExportTable, Provenance } from './export-content.ts'
import { writeWhole } from './whole-file.ts'
import { ZipWriter } from './zip-writer.ts'

/**
 * A run as numpy.load opens it, without pickles: matrices under their names, each table as one array of records, bytes
 * of its wires end to end in `wire_bytes`, and `provenance` as JSON text.
 *
 * Times and counts are int64, other numbers float64, matrices complex128 where they are complex (NaN where the journal says nothing), text is as wide as its longest.
 */
export async function writeNpz(path: string, { arrays, tables, provenance }: ExportContent): Promise<void> {
  await writeWhole(path, async (part) => {
    const file = await open(part, 'r+')
    try {
      const zip = new ZipWriter(file)
      for (const array of arrays) await zip.add(`${array.name}.npy`, matrixFile(array))
      for (const table of tables) {
        await zip.add(`${table.name}.npy`, recordsFile(table))
        if (hasBytes(table)) await zip.add(`${table.name}_bytes.npy`, bytesFile(table))
      }
      await zip.add('provenance.npy', textFile(provenance))
      await zip.finish()
    } finally {
      await file.close()
    }
  })
}

const hasBytes = ({ columns }: ExportTable): boolean => columns.some(({ kind }) => kind === 'bytes')

/** Numbers leave in pieces: one Buffer must not hold a whole matrix a second time. */
const PIECE_ELEMENTS = 1 << 16

function* matrixFile({ shape, isComplex, data }: ExportArray): Iterable<Uint8Array> {
  yield encodeNpyHeader(shape, descrOf(isComplex ? 'complex128' : 'float64'))
  for (let start = 0; start < data.length; start += PIECE_ELEMENTS) {
    const some = data.subarray(start, start + PIECE_ELEMENTS)
    const piece = Buffer.alloc(8 * some.length)
    for (let i = 0; i < some.length; i++) piece.writeDoubleLE(some[i]!, 8 * i)
    yield piece
  }
}

interface FieldLayout {
  readonly descr: string
  readonly bytes: number
  readonly put: (to: Buffer, at: number, cell: Cell) => void
}

async function* recordsFile({ columns, rows, pages }: ExportTable): AsyncIterable<Uint8Array> {
  const fields = columns.map(layoutOf)
  const recordBytes = fields.reduce((sum, { bytes }) => sum + bytes, 0)
  yield encodeNpyHeader([rows], `[${fields.map(({ descr }) => descr).join(', ')}]`)
  // Bytes of all rows so far: each record says where its own begin.
  const first = { at: 0 }
  for await (const page of pages()) {
    const piece = Buffer.alloc(recordBytes * page.length)
    let at = 0
    for (const row of page) {
      for (const [column, { bytes, put }] of fields.entries()) {
        const cell = row[column]!
        put(piece, at, cell instanceof Uint8Array ? first.at : cell)
        if (cell instanceof Uint8Array) {
          piece.writeBigInt64LE(BigInt(cell.length), at + 8)
          first.at += cell.length
        }
        at += bytes
      }
    }
    yield piece
  }
}

function layoutOf({ name, kind, characters }: ExportColumn): FieldLayout {
  switch (kind) {
    case 'whole':
      return {
        descr: `('${name}', '<i8')`,
        bytes: 8,
        put: (to, at, cell) => void to.writeBigInt64LE(BigInt(cell as number), at),
      }
    case 'float':
      return {
        descr: `('${name}', '<f8')`,
        bytes: 8,
        put: (to, at, cell) => void to.writeDoubleLE((cell as number | null) ?? NaN, at),
      }
    case 'text': {
      // NumPy has text of one character at least.
      const width = Math.max(1, characters)
      return {
        descr: `('${name}', '<U${width}')`,
        bytes: 4 * width,
        put: (to, at, cell) => putText(to, at, (cell as string | null) ?? ''),
      }
    }
    case 'bytes':
      return {
        descr: `('first_byte', '<i8'), ('length', '<i8')`,
        bytes: 16,
        put: (to, at, cell) => void to.writeBigInt64LE(BigInt(cell as number), at),
      }
  }
}

/** UTF-32, as NumPy keeps text; zeros follow it. */
function putText(to: Buffer, at: number, text: string): void {
  let place = at
  for (const letter of text) place = to.writeUInt32LE(letter.codePointAt(0)!, place)
}

async function* bytesFile({ bytes, pages }: ExportTable): AsyncIterable<Uint8Array> {
  yield encodeNpyHeader([bytes], "'|u1'")
  for await (const page of pages()) {
    yield Buffer.concat(page.flatMap((row) => row.filter((cell) => cell instanceof Uint8Array)))
  }
}

function* textFile(provenance: Provenance): Iterable<Uint8Array> {
  const text = JSON.stringify(provenance)
  const width = Array.from(text).length
  yield encodeNpyHeader([], `'<U${width}'`)
  const piece = Buffer.alloc(4 * width)
  putText(piece, 0, text)
  yield piece
}
