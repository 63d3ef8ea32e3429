import { DenseArray, elementCount, shapeText } from './dense-array.ts'
import { decodeElements, partsOf } from './npy-elements.ts'
import { badElement, invalid, NpyFile, requireFinite, requireShape, requireSize, rowMajorOf } from './npy-file.ts'
import { encodeNpyHeader, readNpyHeader } from './npy-header.ts'
import type { NpyHeader, WrittenType } from './npy-header.ts'
import { encodeNumbers, NpyWriter } from './npy-writer.ts'

/** A real matrix from or for a file: row-major, whatever the file's own order and type. */
export interface NpyArray {
  /** [rows, columns] */
  readonly shape: readonly [number, number]
  readonly data: Float64Array
}

/**
 * Reads a real matrix that NumPy wrote: float16 to 64, signed and unsigned integers, bool, either byte order, C or
 * Fortran order.
 *
 * Throws: ARRAY_FILE_INVALID saying what would be right.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  await using file = await NpyFile.open(path)
  const shape = realMatrixShape(file.header, path)
  return { shape, data: (await file.load(new AbortController().signal)).data }
}

/** The same from bytes. `name` stands for the path in messages. */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const header = headerOf(bytes, name)
  const shape = realMatrixShape(header, name)
  return { shape, data: decodeAll(bytes, header, name).data }
}

/** An array of any number of dimensions from two on, real or complex, from the bytes of a file. */
export function decodeArray(bytes: Uint8Array, name: string): DenseArray {
  return decodeAll(bytes, headerOf(bytes, name), name)
}

function headerOf(bytes: Uint8Array, name: string): NpyHeader {
  const header = readNpyHeader(bytes)
  if (typeof header === 'string') throw invalid(name, header)
  return header
}

function realMatrixShape({ element, shape }: NpyHeader, name: string): readonly [number, number] {
  if (element.kind === 'c') throw invalid(name, 'holds complex numbers; save real and imaginary parts as two arrays')
  requireShape(name, shape)
  const [rows, columns] = shape as readonly [number, number]
  if (shape.length === 2) return [rows, columns]
  throw invalid(name, `has shape ${shapeText(shape)}; a matrix has two dimensions`)
}

function decodeAll(bytes: Uint8Array, header: NpyHeader, name: string): DenseArray {
  const { element, shape, fortranOrder, dataOffset } = header
  requireShape(name, shape)
  requireSize(name, header, bytes.length - dataOffset)
  const data = decodeElements(bytes.subarray(dataOffset), element)
  const parts = partsOf(element)
  requireFinite(data, (at) => {
    throw badElement(name, header, Math.floor(at / parts), data[at]!)
  })
  return new DenseArray(name, shape, parts === 2, fortranOrder ? rowMajorOf(data, shape, parts) : data)
}

/** A version 1.0 `.npy` file of little-endian float64 in C order. */
export function encodeNpy({ shape, data }: NpyArray): Uint8Array {
  return encodeArray(new DenseArray('matrix', shape, false, data))
}

/** The same of any array, as wide as its numbers are in memory unless a type is given that fits it. */
export function encodeArray(
  { name, shape, isComplex, data }: DenseArray,
  type: WrittenType = isComplex ? 'complex128' : 'float64',
): Uint8Array {
  const header = encodeNpyHeader(shape, type)
  const numbers = encodeNumbers(data, type, (at) => `${name}, number ${at} of it,`)
  const bytes = new Uint8Array(header.length + numbers.length)
  bytes.set(header)
  bytes.set(numbers, header.length)
  return bytes
}

/**
 * Writes a matrix for NumPy to read. Whoever looks sees the file that was there before, or the whole new one.
 *
 * Throws: ARRAY_FILE_INVALID when it cannot be written; the old file is then untouched.
 */
export async function writeNpy(path: string, { shape, data }: NpyArray): Promise<void> {
  await writeArray(path, new DenseArray(path, shape, false, data), 'float64')
}

/** The same for any array, in a type that fits it. */
export async function writeArray(path: string, { shape, data }: DenseArray, type: WrittenType): Promise<void> {
  await using writer = await NpyWriter.create(path, shape, type)
  const [columns = 1] = shape.slice(-1)
  // All matrices below each other are one.
  await writer.writeBlock(0, { firstRow: 0, rows: elementCount(shape) / columns, firstColumn: 0, columns }, data)
  await writer.finish()
}
