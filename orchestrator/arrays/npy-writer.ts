import { createHash, randomBytes } from 'node:crypto'
import { open, rename, rm, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import { elementCount, matrixShape } from './dense-array.ts'
import type { ArraySink, Block } from './dense-array.ts'
import { encodeNpyHeader } from './npy-header.ts'
import type { WrittenType } from './npy-header.ts'

/** Bytes that a number of each type takes; a complex element is two numbers. */
const NUMBER_BYTES = { float32: 4, float64: 8, complex64: 4, complex128: 8 } as const
const PIECE_BYTES = 4 * 2 ** 20
/** Beyond, a double rounds to infinity in float32: half a step above its largest number. */
export const FLOAT32_LIMIT = (2 - 2 ** -24) * 2 ** 127

/** What a file of this shape and type takes on the disk. */
export const npyBytes = (shape: readonly number[], type: WrittenType): number =>
  encodeNpyHeader(shape, type).length + elementCount(shape) * partsOf(type) * NUMBER_BYTES[type]

const partsOf = (type: WrittenType): 1 | 2 => (type.startsWith('complex') ? 2 : 1)

/**
 * A `.npy` file that is written by blocks, in any order, beside its place: whoever looks sees the file that was there
 * before, or the whole new one.
 *
 * Throws: ARRAY_FILE_INVALID when it cannot be written, or a value is beyond float32 where that was asked for.
 * Leaves: nothing, unless `finish` resolved.
 */
export class NpyWriter implements ArraySink, AsyncDisposable {
  readonly path: string
  readonly shape: readonly number[]
  readonly type: WrittenType
  readonly #temporary: string
  readonly #file: FileHandle
  readonly #dataOffset: number
  #open = true
  #finished = false

  private constructor(path: string, shape: readonly number[], type: WrittenType, temporary: string, file: FileHandle) {
    this.path = path
    this.shape = shape
    this.type = type
    this.#temporary = temporary
    this.#file = file
    this.#dataOffset = encodeNpyHeader(shape, type).length
  }

  static async create(path: string, shape: readonly number[], type: WrittenType): Promise<NpyWriter> {
    // In the same folder, because a rename does not cross file systems.
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`)
    return unlessUnwritable(path, async () => {
      // Read, too: what was written is hashed before it gets its name.
      const writer = new NpyWriter(path, shape, type, temporary, await open(temporary, 'wx+'))
      try {
        await writeAll(writer.#file, encodeNpyHeader(shape, type), 0)
        // All of its size at once, so that blocks may come in any order.
        await writer.#file.truncate(npyBytes(shape, type))
        return writer
      } catch (error) {
        await writer[Symbol.asyncDispose]()
        throw error
      }
    })
  }

  async writeBlock(matrix: number, block: Block, values: Float64Array): Promise<void> {
    const { rows, columns } = matrixShape(this.shape)
    const parts = partsOf(this.type)
    const first = ((matrix * rows + block.firstRow) * columns + block.firstColumn) * parts
    const bytes = encodeNumbers(values, this.type, (at) => {
      const [element, width] = [Math.floor(at / parts), block.columns]
      const place = [block.firstRow + Math.floor(element / width), block.firstColumn + (element % width)]
      return `${this.path} element [${place.join(', ')}]`
    })
    const at = this.#dataOffset + first * NUMBER_BYTES[this.type]
    await unlessUnwritable(this.path, async () => {
      if (block.columns === columns) return writeAll(this.#file, bytes, at)
      const [width, stride] = [block.columns, columns].map((count) => count * parts * NUMBER_BYTES[this.type])
      for (let row = 0; row < block.rows; row++) {
        await writeAll(this.#file, bytes.subarray(row * width!, (row + 1) * width!), at + row * stride!)
      }
    })
  }

  /** SHA-256 of the file so far. */
  async sha256(): Promise<string> {
    const hash = createHash('sha256')
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    for (let at = 0; ;) {
      const { bytesRead } = await this.#file.read(piece, 0, piece.length, at)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(piece.subarray(0, bytesRead))
      at += bytesRead
    }
  }

  /** Gives the file its name. */
  async finish(): Promise<void> {
    await unlessUnwritable(this.path, async () => {
      // A rename that outlives a power cut must not show an empty file.
      await this.#file.sync()
      await this.#close()
      await rename(this.#temporary, this.path)
      this.#finished = true
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
    // A name that nobody will look for must not hide why the file was given up.
    if (!this.#finished) await rm(this.#temporary, { force: true }).catch(() => undefined)
  }

  async #close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#file.close()
  }
}

/**
 * Little-endian.
 *
 * Throws: ARRAY_FILE_INVALID for a number that the type cannot hold; `nameOf` says which one it is.
 */
export function encodeNumbers(values: Float64Array, type: WrittenType, nameOf: (at: number) => string): Uint8Array {
  const width = NUMBER_BYTES[type]
  const bytes = new Uint8Array(values.length * width)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (width === 8) view.setFloat64(i * 8, value, true)
    else if (Math.abs(value) < FLOAT32_LIMIT) view.setFloat32(i * 4, value, true)
    else {
      throw new BenchError(
        'ARRAY_FILE_INVALID',
        `${nameOf(i)} is ${value}, beyond what float32 holds: write it as float64`,
        { context: { value } },
      )
    }
  }
  return bytes
}

/** Room on a disk, in bytes; of the folder that will hold the file. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
  }
}

async function unlessUnwritable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof BenchError) throw error
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
