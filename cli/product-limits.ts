import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { elementCount } from '../orchestrator/arrays/dense-array.ts'
import { FLOAT32_LIMIT, freeBytes, npyBytes } from '../orchestrator/arrays/npy-writer.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { noSink } from '../orchestrator/jobs/product-job.ts'
import type { ProductJob } from '../orchestrator/jobs/multiply-panels.ts'
import { requireProducts, requireWeights } from './core-limits.ts'
import { keptBytesOf } from './matmul-job.ts'
import type { NumberType } from './product-target.ts'
import { writtenType } from './product-target.ts'

/** Throws: ARRAY_FILE_INVALID for a product that may be beyond its numbers. */
export function requireFactors(a: OpenedFactor, b: OpenedFactor, job: ProductJob, dtype: NumberType): void {
  const terms = job.products(noSink)[0]!.inner * (a.array.isComplex && b.array.isComplex ? 2 : 1)
  const largest = terms * a.largest * b.largest
  const names = `${a.array.name} times ${b.array.name}`
  if (!Number.isFinite(largest)) {
    throw new BenchError('ARRAY_FILE_INVALID', `${names} may exceed what float64 holds: scale one of them`)
  }
  if (dtype === 'float64' || largest < FLOAT32_LIMIT) return
  const right = 'scale one of them, or leave out --dtype float32'
  throw new BenchError('ARRAY_FILE_INVALID', `${names} may exceed what float32 holds: ${right}`)
}

/**
 * All that can be wrong with a product on a bench before the bench is opened.
 *
 * Throws: ARRAY_FILE_INVALID; CALL_INVALID for a core that makes no products, or not with these weights.
 */
export async function requireProduct(
  file: BenchFile,
  a: OpenedFactor,
  b: OpenedFactor,
  job: ProductJob,
  places: JobPlaces,
  signal: AbortSignal,
): Promise<void> {
  requireFactors(a, b, job, places.dtype)
  requireProducts(file)
  await requireWeights(file, b.array.name, job.products(noSink), signal)
  await requirePlaces(a, b, job, places)
}

/** Where a job leaves what it makes. */
export interface JobPlaces {
  /** A file, "-" for standard output, or undefined: only into memory. */
  readonly output: string | undefined
  readonly journal: string
  readonly dtype: NumberType
  readonly memoryBytes: number
}

/** Throws: ARRAY_FILE_INVALID when C cannot be written to its place, or the disk has no room for what the job leaves. */
export async function requirePlaces(
  a: OpenedFactor,
  b: OpenedFactor,
  { shape, isComplex }: ProductJob,
  places: JobPlaces,
): Promise<void> {
  const { output, journal, dtype, memoryBytes } = places
  if (output !== undefined && output !== '-') await requireWritable(output)
  const asDouble = elementCount(shape) * (isComplex ? 16 : 8)
  const kept = [a.blob?.length ?? 0, b.blob?.length ?? 0, asDouble <= keptBytesOf(memoryBytes) ? asDouble : 0]
  const needed = [{ what: journal, folder: dirname(journal), bytes: kept.reduce((sum, bytes) => sum + bytes, 0) }]
  if (output !== undefined) {
    const folder = output === '-' ? tmpdir() : dirname(output)
    needed.unshift({ what: output, folder, bytes: npyBytes(shape, writtenType(dtype, isComplex)) })
  }
  const disks = await Promise.all(needed.map(({ folder }) => diskOf(folder)))
  for (const [index, { what, folder }] of needed.entries()) {
    // A folder that is not there has its own error.
    if (disks[index] === undefined) continue
    const bytes = needed.reduce((sum, each, other) => sum + (disks[other] === disks[index] ? each.bytes : 0), 0)
    const free = await freeBytes(folder)
    if (bytes <= free) continue
    const why = `the job needs ${sizeOnDisk(bytes)} on its disk, and ${sizeOnDisk(free)} are free`
    throw new BenchError(
      'ARRAY_FILE_INVALID',
      `${what} cannot be written: ${why}; make room or choose another folder`,
      {
        context: { file: what, neededBytes: bytes, freeBytes: free },
      },
    )
  }
}

/** Undefined where there is no such folder. */
async function diskOf(folder: string): Promise<number | undefined> {
  try {
    return (await stat(folder)).dev
  } catch {
    return undefined
  }
}

const sizeOnDisk = (bytes: number): string => `${(bytes / 1e9).toPrecision(3)} GB`

async function requireWritable(path: string): Promise<void> {
  const folder = dirname(path)
  const refused = (why: string): BenchError =>
    new BenchError('ARRAY_FILE_INVALID', `${path} cannot be written: ${why}`, { context: { file: path } })
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === true) throw refused('it is a folder; give the path of a file, for example C.npy')
  const parent = await stat(folder).catch(() => undefined)
  if (parent === undefined) throw refused(`there is no folder ${folder}; create it first`)
  if (!parent.isDirectory()) throw refused(`${folder} is a file; give another path`)
  try {
    await access(folder, constants.W_OK)
  } catch {
    throw refused(`this user may not write to ${folder}; choose another folder`)
  }
}
