import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import { encodeNpyHeader, readNpyHeader } from './npy-header.ts'
import type { NpyElement, NpyHeader } from './npy-header.ts'

/** A matrix from or for a file: row-major, whatever the file's own order and type. */
export interface NpyArray {
  /** [rows, columns] */
  readonly shape: readonly [number, number]
  readonly data: Float64Array
}

/** Beyond, whole numbers fall between doubles. */
const MAX_EXACT = 2n ** 53n

/**
 * Reads a matrix that NumPy wrote: float16 to 64, signed and unsigned integers, bool, either byte order, C or
 * Fortran order.
 *
 * Throws: ARRAY_FILE_INVALID saying what would be right.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const why = UNREADABLE[code] ?? `cannot be read: ${message}`
    throw new BenchError('ARRAY_FILE_INVALID', `${path} ${why}`, { cause: error, context: { file: path } })
  }
  return decodeNpy(bytes, path)
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; give the path of a .npy file',
  EISDIR: 'is a folder; give the path of a .npy file',
  EACCES: 'may not be read by this user; check its permissions',
  ERR_FS_FILE_TOO_LARGE: 'is larger than 2 GiB; cut the matrix into pieces',
}

/** The same from bytes. `name` stands for the path in messages. */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const header = readNpyHeader(bytes)
  if (typeof header === 'string') throw invalid(name, header)
  const shape = matrixShape(header.shape, name)
  const [rows, columns] = shape
  const count = rows * columns
  const expected = count * header.element.bytes
  const present = bytes.length - header.dataOffset
  if (present < expected) {
    throw invalid(name, `is cut short: ${rows} × ${columns} elements need ${expected} bytes, ${present} are there`)
  }
  if (present > expected) {
    throw invalid(name, `has ${present - expected} bytes after its last element; save each array to its own file`)
  }
  return { shape, data: decodeElements(bytes, header, shape, name) }
}

function matrixShape(shape: readonly number[], name: string): readonly [number, number] {
  const [rows, columns] = shape
  if (rows === undefined || columns === undefined || shape.length !== 2) {
    const right =
      shape.length === 1
        ? `a matrix has two dimensions: save it as A.reshape(1, ${rows ?? 0}) for one row or A.reshape(${rows ?? 0}, 1) for one column`
        : 'a matrix has two dimensions'
    throw invalid(name, `has shape ${shapeText(shape)}; ${right}`)
  }
  if (rows === 0 || columns === 0) {
    throw invalid(name, `has shape ${shapeText(shape)} and so no elements; every dimension must be at least 1`)
  }
  // 2^31 doubles are 16 GiB: no bench multiplies that in one go, and a damaged header easily claims it.
  if (rows * columns > 2 ** 31) throw invalid(name, `claims shape ${shapeText(shape)}, too large to be read at once`)
  return [rows, columns]
}

const shapeText = (shape: readonly number[]): string => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`

function decodeElements(
  bytes: Uint8Array,
  { element, fortranOrder, dataOffset }: NpyHeader,
  [rows, columns]: readonly [number, number],
  name: string,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataOffset, rows * columns * element.bytes)
  const read = elementReader(view, element)
  const data = new Float64Array(rows * columns)
  const [rowStep, columnStep] = fortranOrder ? [1, rows] : [columns, 1]
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, to++) {
      const value = read((row * rowStep + column * columnStep) * element.bytes)
      if (!Number.isFinite(value)) {
        // A reader gives NaN for a whole number that it cannot hold; no integer is NaN by itself.
        const [what, right] =
          element.kind === 'f'
            ? [String(value), 'every element must be finite']
            : ['beyond ±2^53', 'float64 cannot hold it exactly: scale the matrix']
        throw new BenchError('ARRAY_FILE_INVALID', `${name} element [${row}, ${column}] is ${what}; ${right}`, {
          context: { file: name, row, column },
        })
      }
      data[to] = value
    }
  }
  return data
}

/** Value at a byte offset. */
function elementReader(view: DataView, { kind, bytes, littleEndian }: NpyElement): (offset: number) => number {
  switch (`${kind}${bytes}`) {
    case 'f2':
      return (offset) => halfToNumber(view.getUint16(offset, littleEndian))
    case 'f4':
      return (offset) => view.getFloat32(offset, littleEndian)
    case 'f8':
      return (offset) => view.getFloat64(offset, littleEndian)
    case 'i1':
      return (offset) => view.getInt8(offset)
    case 'i2':
      return (offset) => view.getInt16(offset, littleEndian)
    case 'i4':
      return (offset) => view.getInt32(offset, littleEndian)
    case 'i8':
      return (offset) => exactNumber(view.getBigInt64(offset, littleEndian))
    case 'u1':
      return (offset) => view.getUint8(offset)
    case 'u2':
      return (offset) => view.getUint16(offset, littleEndian)
    case 'u4':
      return (offset) => view.getUint32(offset, littleEndian)
    case 'u8':
      return (offset) => exactNumber(view.getBigUint64(offset, littleEndian))
    default:
      // bool: NumPy writes 0 and 1 and reads anything else as true.
      return (offset) => (view.getUint8(offset) === 0 ? 0 : 1)
  }
}

/** NaN where a double cannot hold the number exactly. */
function exactNumber(value: bigint): number {
  return value > MAX_EXACT || value < -MAX_EXACT ? Number.NaN : Number(value)
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. Node 20 has no Float16Array. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** A version 1.0 `.npy` file of little-endian float64 in C order. */
export function encodeNpy({ shape, data }: NpyArray): Uint8Array {
  if (data.length !== shape[0] * shape[1]) {
    throw new BenchError('SHAPE_MISMATCH', `${data.length} elements are not ${shape[0]} × ${shape[1]}`)
  }
  const header = encodeNpyHeader(shape)
  const bytes = new Uint8Array(header.length + data.length * 8)
  bytes.set(header)
  const view = new DataView(bytes.buffer, header.length)
  for (let index = 0; index < data.length; index++) view.setFloat64(index * 8, data[index]!, true)
  return bytes
}

/**
 * Writes a matrix for NumPy to read. Whoever looks sees the file that was there before, or the whole new one.
 *
 * Throws: ARRAY_FILE_INVALID when it cannot be written; the old file is then untouched.
 */
export async function writeNpy(path: string, array: NpyArray): Promise<void> {
  const bytes = encodeNpy(array)
  // In the same folder, because a rename does not cross file systems.
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(bytes)
      // A rename that outlives a power cut must not show an empty file.
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    const { code = '', message } = error as NodeJS.ErrnoException
    const why = UNWRITABLE[code] ?? `cannot be written: ${message}`
    throw new BenchError('ARRAY_FILE_INVALID', `${path} ${why}`, { cause: error, context: { file: path } })
  }
}

const UNWRITABLE: Readonly<Record<string, string>> = {
  ENOENT: 'cannot be written: its folder does not exist; create it first',
  ENOTDIR: 'cannot be written: its folder is a file; give another path',
  EISDIR: 'is a folder; give the path of a file, for example C.npy',
  EACCES: 'cannot be written: this user may not write there; choose another folder',
  EROFS: 'cannot be written: the disk is read-only; choose another folder',
  ENOSPC: 'cannot be written: the disk is full; make room or choose another folder',
}

function invalid(name: string, why: string): BenchError {
  return new BenchError('ARRAY_FILE_INVALID', `${name} ${why}`, { context: { file: name } })
}
