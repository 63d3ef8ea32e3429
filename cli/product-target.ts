import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Cleanup } from '../core/cleanup.ts'
import { BenchError } from '../core/errors.ts'
import { DenseArray, elementCount } from '../orchestrator/arrays/dense-array.ts'
import type { ArraySink } from '../orchestrator/arrays/dense-array.ts'
import type { WrittenType } from '../orchestrator/arrays/npy-header.ts'
import { encodeArray, writeArray } from '../orchestrator/arrays/npy.ts'
import { NpyWriter } from '../orchestrator/arrays/npy-writer.ts'
import type { RunWriter } from '../orchestrator/journal/run-writer.ts'
import { sha256 } from './run-job.ts'

/** Numbers of a product, as files may hold them. */
export type NumberType = 'float32' | 'float64'

export interface TargetOptions {
  readonly shape: readonly number[]
  readonly isComplex: boolean
  /** A file, "-" for standard output, or undefined: only into memory. */
  readonly path: string | undefined
  readonly numbers: NumberType
  /** Up to so many bytes as float64 a product is held in memory and kept in the journal. */
  readonly keptBytes: number
}

/** Where C goes while it is computed, and afterwards. */
export interface ProductTarget extends AsyncDisposable {
  readonly sink: ArraySink
  /** All of it, where it is held in memory. */
  readonly product: DenseArray | undefined
  /** Brings it to where it belongs; its SHA-256, and who has it. */
  keep(run: RunWriter): Promise<{ readonly sha256: string; readonly kept?: 'file' | 'nowhere' }>
}

/** Throws: ARRAY_FILE_INVALID when there is no place for it. */
export async function openTarget(options: TargetOptions): Promise<ProductTarget> {
  const { shape, isComplex, path, keptBytes } = options
  const isSmall = elementCount(shape) * (isComplex ? 16 : 8) <= keptBytes
  return isSmall || path === undefined ? memoryTarget(options, isSmall) : fileTarget(options, path)
}

export const writtenType = (numbers: NumberType, isComplex: boolean): WrittenType =>
  !isComplex ? numbers : numbers === 'float32' ? 'complex64' : 'complex128'

function memoryTarget({ shape, isComplex, path, numbers }: TargetOptions, isSmall: boolean): ProductTarget {
  const product = new DenseArray('C', shape, isComplex)
  const type = writtenType(numbers, isComplex)
  return {
    sink: product,
    product,
    keep: async (run) => {
      const bytes = encodeArray(product)
      if (isSmall) run.blob(bytes)
      // The journal has the product before anybody else does.
      await run.flush()
      if (path === '-') await toStandardOutput(Readable.from([encodeArray(product, type)]))
      else if (path !== undefined) await writeArray(path, product, type)
      return { sha256: sha256(bytes), ...(!isSmall && { kept: 'nowhere' as const }) }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function fileTarget({ shape, isComplex, numbers }: TargetOptions, path: string): Promise<ProductTarget> {
  await using cleanup = new Cleanup()
  const isPiped = path === '-'
  let place = path
  if (isPiped) {
    const folder = await mkdtemp(join(tmpdir(), 'fringe-'))
    cleanup.defer(() => rm(folder, { recursive: true, force: true }))
    place = join(folder, 'C.npy')
  }
  const writer = cleanup.use(await NpyWriter.create(place, shape, writtenType(numbers, isComplex)))
  const owner = cleanup.move()
  return {
    sink: writer,
    product: undefined,
    keep: async (run) => {
      const sha256 = await writer.sha256()
      await run.flush()
      await writer.finish()
      if (isPiped) await toStandardOutput(createReadStream(place))
      return { sha256, kept: isPiped ? 'nowhere' : 'file' }
    },
    [Symbol.asyncDispose]: () => owner[Symbol.asyncDispose](),
  }
}

async function toStandardOutput(bytes: Readable): Promise<void> {
  try {
    await pipeline(bytes, process.stdout, { end: false })
  } catch (error) {
    const why = `standard output takes no more of C: ${(error as Error).message}; give -o a file`
    throw new BenchError('ARRAY_FILE_INVALID', why, { cause: error })
  }
}
