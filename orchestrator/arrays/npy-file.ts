import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { BenchError } from '../../core/errors.ts'
import { DenseArray, elementCount, matrixShape, shapeText } from './dense-array.ts'
import type { ArraySource, Block } from './dense-array.ts'
import { decodeElements, elementProblem, partsOf } from './npy-elements.ts'
import { MAX_HEADER_BYTES, readNpyHeader } from './npy-header.ts'
import type { NpyHeader } from './npy-header.ts'

/** Read at once; whole elements of every width. */
const PIECE_BYTES = 4 * 2 ** 20

/** What one reading of the whole file found. */
export interface FileScan {
  /** Of the file as it lies, header and all. */
  readonly sha256: string
  /** The largest modulus of a real or imaginary part. */
  readonly largest: number
}

/**
 * A `.npy` file that is read by pieces, so that it may be larger than memory.
 *
 * C order: rows lie together and come in one go. Fortran order: columns lie together, and a block of rows is read
 * column by column, which is slower; only a matrix, of two dimensions, can be read so.
 * Throws: ARRAY_FILE_INVALID saying what would be right, also when the file shrinks or changes while it is read.
 */
export class NpyFile implements ArraySource, AsyncDisposable {
  readonly name: string
  readonly header: NpyHeader
  readonly #file: FileHandle
  readonly #before: FileState

  private constructor(name: string, header: NpyHeader, file: FileHandle, before: FileState) {
    this.name = name
    this.header = header
    this.#file = file
    this.#before = before
  }

  /** `name` stands for it in messages. */
  static async open(path: string, name = path): Promise<NpyFile> {
    const file = await open(path, 'r').catch((error: unknown) => {
      throw unreadable(name, error)
    })
    try {
      const before = await stateOf(file)
      if (before.isDirectory) throw invalid(name, UNREADABLE['EISDIR']!)
      const head = Buffer.alloc(Math.min(MAX_HEADER_BYTES + 12, before.size))
      const { bytesRead } = await file.read(head, 0, head.length, 0)
      const header = readNpyHeader(head.subarray(0, bytesRead))
      if (typeof header === 'string') throw invalid(name, header)
      requireShape(name, header.shape)
      requireSize(name, header, before.size - header.dataOffset)
      return new NpyFile(name, header, file, before)
    } catch (error) {
      await file.close()
      throw error instanceof BenchError ? error : unreadable(name, error)
    }
  }

  get shape(): readonly number[] {
    return this.header.shape
  }

  get isComplex(): boolean {
    return this.header.element.kind === 'c'
  }

  /** Throws: ARRAY_FILE_INVALID for an order in which blocks of rows lie nowhere together. */
  requireBlocks(): void {
    if (!this.header.fortranOrder || this.shape.length === 2) return
    throw invalid(
      this.name,
      `is too large to be read at once, and its ${this.shape.length} dimensions are in Fortran order: save it with numpy.ascontiguousarray`,
    )
  }

  /** The whole array, row-major whatever the order of the file. */
  async load(signal: AbortSignal): Promise<DenseArray> {
    const parts = partsOf(this.header.element)
    const data = new Float64Array(elementCount(this.shape) * parts)
    for await (const { values, firstElement } of this.#pieces(signal)) data.set(values, firstElement * parts)
    await this.requireUnchanged()
    const rowMajor = this.header.fortranOrder ? rowMajorOf(data, this.shape, parts) : data
    return new DenseArray(this.name, this.shape, this.isComplex, rowMajor)
  }

  /** Reads all of it once, in the order of the file. */
  async scan(signal: AbortSignal): Promise<FileScan> {
    const hash = createHash('sha256')
    hash.update(await this.#read(0, this.header.dataOffset))
    let largest = 0
    for await (const { bytes, values } of this.#pieces(signal)) {
      hash.update(bytes)
      for (let i = 0; i < values.length; i++) {
        const modulus = Math.abs(values[i]!)
        if (modulus > largest) largest = modulus
      }
    }
    await this.requireUnchanged()
    return { sha256: hash.digest('hex'), largest }
  }

  async readBlock(matrix: number, block: Block, signal: AbortSignal): Promise<Float64Array> {
    signal.throwIfAborted()
    const { rows, columns } = matrixShape(this.shape)
    const parts = partsOf(this.header.element)
    if (this.header.fortranOrder) {
      this.requireBlocks()
      const out = new Float64Array(block.rows * block.columns * parts)
      for (let column = 0; column < block.columns; column++) {
        signal.throwIfAborted()
        const line = await this.#elements((block.firstColumn + column) * rows + block.firstRow, block.rows)
        for (let row = 0; row < block.rows; row++) {
          const [to, from] = [(row * block.columns + column) * parts, row * parts]
          for (let part = 0; part < parts; part++) out[to + part] = line[from + part]!
        }
      }
      return out
    }
    const first = (matrix * rows + block.firstRow) * columns + block.firstColumn
    if (block.columns === columns) return this.#elements(first, block.rows * columns)
    const out = new Float64Array(block.rows * block.columns * parts)
    for (let row = 0; row < block.rows; row++) {
      signal.throwIfAborted()
      out.set(await this.#elements(first + row * columns, block.columns), row * block.columns * parts)
    }
    return out
  }

  /** Throws: ARRAY_FILE_INVALID when somebody has written to the file since it was opened. */
  async requireUnchanged(): Promise<void> {
    const now = await stateOf(this.#file)
    if (now.size === this.#before.size && now.modifiedNs === this.#before.modifiedNs) return
    throw invalid(this.name, 'was changed while it was read; let nobody write to it and start again')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }

  async *#pieces(
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly bytes: Uint8Array; readonly values: Float64Array; readonly firstElement: number }> {
    const { element } = this.header
    const count = elementCount(this.shape)
    const atOnce = PIECE_BYTES / element.bytes
    for (let firstElement = 0; firstElement < count; firstElement += atOnce) {
      signal.throwIfAborted()
      const bytes = await this.#elementBytes(firstElement, Math.min(atOnce, count - firstElement))
      yield { bytes, values: this.#decode(bytes, firstElement), firstElement }
    }
  }

  /** Elements that lie together in the file, as numbers. */
  async #elements(first: number, count: number): Promise<Float64Array> {
    const { element } = this.header
    const atOnce = PIECE_BYTES / element.bytes
    if (count <= atOnce) return this.#decode(await this.#elementBytes(first, count), first)
    const parts = partsOf(element)
    const out = new Float64Array(count * parts)
    for (let done = 0; done < count; done += atOnce) {
      const bytes = await this.#elementBytes(first + done, Math.min(atOnce, count - done))
      out.set(this.#decode(bytes, first + done), done * parts)
    }
    return out
  }

  #elementBytes(first: number, count: number): Promise<Uint8Array> {
    const { element, dataOffset } = this.header
    return this.#read(dataOffset + first * element.bytes, count * element.bytes)
  }

  async #read(position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#file.read(bytes, filled, length - filled, position + filled)
      if (bytesRead === 0) {
        throw invalid(
          this.name,
          `was ${this.#before.size} bytes long and ends now at byte ${position + filled}: it shrank while it was read`,
        )
      }
      filled += bytesRead
    }
    return bytes
  }

  #decode(bytes: Uint8Array, firstElement: number): Float64Array {
    const { element } = this.header
    const values = decodeElements(bytes, element)
    requireFinite(values, (at) => {
      const index = firstElement + Math.floor(at / partsOf(element))
      throw badElement(this.name, this.header, index, values[at]!)
    })
    return values
  }
}

interface FileState {
  readonly size: number
  readonly modifiedNs: bigint
  readonly isDirectory: boolean
}

async function stateOf(file: FileHandle): Promise<FileState> {
  const found = await file.stat({ bigint: true })
  return { size: Number(found.size), modifiedNs: found.mtimeNs, isDirectory: found.isDirectory() }
}

/** Calls `bad` with the place of the first value that is not finite. */
export function requireFinite(values: Float64Array, bad: (at: number) => never): void {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) bad(i)
}

/** `index`: in the order of the file. */
export function badElement(name: string, header: NpyHeader, index: number, value: number): BenchError {
  const place = placeOf(header, index)
  const [row, column] = place.slice(-2)
  return new BenchError(
    'ARRAY_FILE_INVALID',
    `${name} element [${place.join(', ')}] ${elementProblem(header.element, value)}`,
    { context: { file: name, row, column } },
  )
}

/** Index of an element of the file in each dimension. */
function placeOf({ shape, fortranOrder }: NpyHeader, index: number): readonly number[] {
  const place: number[] = []
  let rest = index
  for (const size of fortranOrder ? shape : shape.toReversed()) {
    place.push(rest % size)
    rest = Math.floor(rest / size)
  }
  return fortranOrder ? place : place.toReversed()
}

/** The same numbers with the last index running fastest. */
export function rowMajorOf(data: Float64Array, shape: readonly number[], parts: number): Float64Array {
  const out = new Float64Array(data.length)
  const steps = shape.map((_, axis) => elementCount(shape.slice(0, axis)))
  const place = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < out.length; to += parts) {
    for (let part = 0; part < parts; part++) out[to + part] = data[from * parts + part]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!
      if (++place[axis]! < shape[axis]!) break
      from -= steps[axis]! * shape[axis]!
      place[axis] = 0
    }
  }
  return out
}

/** Throws: ARRAY_FILE_INVALID for what is no matrix, nor matrices side by side, or has no elements. */
export function requireShape(name: string, shape: readonly number[]): void {
  if (shape.length < 2) {
    const [length] = shape
    const right =
      length === undefined
        ? 'a matrix has two dimensions'
        : `a matrix has two dimensions: save it as A.reshape(1, ${length}) for one row or A.reshape(${length}, 1) for one column`
    throw invalid(name, `has shape ${shapeText(shape)}; ${right}`)
  }
  if (shape.includes(0)) {
    throw invalid(name, `has shape ${shapeText(shape)} and so no elements; every dimension must be at least 1`)
  }
}

/** Throws: ARRAY_FILE_INVALID when there are less or more bytes than the header says. */
export function requireSize(name: string, { shape, element }: NpyHeader, present: number): void {
  const expected = elementCount(shape) * element.bytes
  // A damaged header easily claims that.
  if (!Number.isSafeInteger(expected)) throw invalid(name, `claims shape ${shapeText(shape)}, larger than any file`)
  if (present < expected) {
    throw invalid(name, `is cut short: ${shape.join(' × ')} elements need ${expected} bytes, ${present} are there`)
  }
  if (present > expected) {
    throw invalid(name, `has ${present - expected} bytes after its last element; save each array to its own file`)
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; give the path of a .npy file',
  EISDIR: 'is a folder; give the path of a .npy file',
  EACCES: 'may not be read by this user; check its permissions',
}

function unreadable(name: string, error: unknown): BenchError {
  const { code = '', message } = error as NodeJS.ErrnoException
  const why = UNREADABLE[code] ?? `cannot be read: ${message}`
  return new BenchError('ARRAY_FILE_INVALID', `${name} ${why}`, { cause: error, context: { file: name } })
}

export function invalid(name: string, why: string): BenchError {
  return new BenchError('ARRAY_FILE_INVALID', `${name} ${why}`, { context: { file: name } })
}
