import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Cleanup } from '../../core/cleanup.ts'
import { BenchError } from '../../core/errors.ts'
import { elementCount, largestOf } from './dense-array.ts'
import type { ArraySource, DenseArray } from './dense-array.ts'
import { NpyFile } from './npy-file.ts'
import { encodeArray } from './npy.ts'

/** A factor of a product: in memory when it is small, else by pieces from its file. */
export interface OpenedFactor extends AsyncDisposable {
  /** As the user wrote it; absolute where the file must be found again. */
  readonly path: string
  readonly array: ArraySource
  /** The largest modulus of a real or imaginary part. */
  readonly largest: number
  /** Of `blob`, or of the file itself. */
  readonly sha256: string
  /** Who has it when the job is done: the journal, the file alone, or nobody, as it came through a pipe. */
  readonly kept: 'journal' | 'file' | 'nowhere'
  /** For the journal: float64 or complex128 in C order. */
  readonly blob?: Uint8Array
  /** Throws: ARRAY_FILE_INVALID when somebody has written to the file meanwhile. */
  requireUnchanged(): Promise<void>
}

export interface FactorOptions {
  /** Up to so many bytes as float64 an array is held in memory and kept in the journal. */
  readonly keptBytes: number
  readonly signal: AbortSignal
  /** Where "-" reads from. */
  readonly standardInput?: Readable
}

/**
 * Opens a `.npy` file, or takes what comes through a pipe, and reads all of it once.
 *
 * Throws: ARRAY_FILE_INVALID saying which element of which file is wrong, and what would be right.
 * Leaves: until it is disposed of, a copy in the folder for temporary files of what came through a pipe.
 */
export async function openFactor(path: string, options: FactorOptions): Promise<OpenedFactor> {
  const { signal, keptBytes } = options
  await using cleanup = new Cleanup()
  const { file, isPiped } = await openFile(path, options, cleanup)
  cleanup.use(file)
  const bytes = elementCount(file.shape) * (file.isComplex ? 16 : 8)
  if (bytes <= keptBytes) return factorInMemory(path, await file.load(signal))
  file.requireBlocks()
  const scan = await file.scan(signal)
  const owner = cleanup.move()
  return {
    ...scan,
    path: isPiped ? path : resolve(path),
    array: file,
    kept: isPiped ? 'nowhere' : 'file',
    requireUnchanged: () => file.requireUnchanged(),
    [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose](),
  }
}

/** The same of an array that is in memory already; larger ones than `keptBytes` are kept nowhere else. */
export function factorInMemory(path: string, array: DenseArray, keptBytes = Infinity): OpenedFactor {
  const bytes = encodeArray(array)
  const isKept = array.data.byteLength <= keptBytes
  return {
    ...{ path, array, kept: isKept ? 'journal' : 'nowhere', largest: largestOf(array.data) },
    ...(isKept && { blob: bytes }),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    requireUnchanged: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function openFile(
  path: string,
  { signal, standardInput }: FactorOptions,
  cleanup: Cleanup,
): Promise<{ readonly file: NpyFile; readonly isPiped: boolean }> {
  const isInput = path === '-' && standardInput !== undefined
  const found = isInput ? undefined : await stat(path).catch(() => undefined)
  // A pipe with a name, or what a shell makes of <(…).
  const isPipe = found !== undefined && !found.isFile() && !found.isDirectory()
  if (!isInput && !isPipe) return { file: await NpyFile.open(path), isPiped: false }
  const name = isInput ? 'standard input' : path
  const folder = await mkdtemp(join(tmpdir(), 'fringe-'))
  cleanup.defer(() => rm(folder, { recursive: true, force: true }))
  const copy = join(folder, 'piped.npy')
  try {
    await pipeline(isInput ? standardInput : createReadStream(path), createWriteStream(copy), { signal })
  } catch (error) {
    signal.throwIfAborted()
    const why = `cannot be copied to ${folder}, from where it is read: ${(error as Error).message}`
    throw new BenchError('ARRAY_FILE_INVALID', `${name} ${why}`, { cause: error, context: { file: name } })
  }
  return { file: await NpyFile.open(copy, name), isPiped: true }
}
