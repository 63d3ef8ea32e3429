import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { readBenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import { elementCount } from '../orchestrator/arrays/dense-array.ts'
import { FLOAT32_LIMIT, freeBytes, npyBytes } from '../orchestrator/arrays/npy-writer.ts'
import { openFactor } from '../orchestrator/arrays/open-factor.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { arrayProducts, noSink, productShape } from '../orchestrator/jobs/array-products.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import { calibrateJob, findCalibration } from './calibrate-job.ts'
import { calibrationReport } from './calibration-report.ts'
import type { CommandContext } from './command-context.ts'
import { requireCalibratableCore, requireWeights } from './core-limits.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { chipOf } from './far-side.ts'
import { keptBytesOf, matmulJob } from './matmul-job.ts'
import { matmulReport } from './matmul-report.ts'
import { chosenTwin } from './options.ts'
import type { JournalFlag, JsonFlag, TwinFlags } from './options.ts'
import { writtenType } from './product-target.ts'
import type { NumberType } from './product-target.ts'

export interface MatmulFlags extends TwinFlags, JournalFlag, JsonFlag {
  readonly output: string
  readonly calibration?: string
  readonly maxAge?: number
  readonly watch?: number
  readonly dtype: NumberType
  /** In bytes. */
  readonly memory?: number
}

/** `fringe matmul`: C = A·B on the bench, calibrating first where that was never done. */
export async function matmul(
  context: CommandContext,
  [benchPath, aPath, bPath]: readonly [string, string, string],
  flags: MatmulFlags,
): Promise<ExitCode> {
  const { output, signal } = context
  const { dtype, memory: memoryBytes = PANEL_MEMORY_BYTES, output: cPath } = flags
  requireOneStandardInput(aPath, bPath)
  if (cPath === '-') {
    if (flags.json === true) {
      throw new BenchError('CALL_INVALID', '-o - and --json both want standard output: give -o a file')
    }
    output.keepStandardOutputFree()
  }
  const twin = chosenTwin(flags)
  const file = await readBenchFile(benchPath)
  const factorOptions = { keptBytes: keptBytesOf(memoryBytes), signal, standardInput: process.stdin }
  await using a = await openFactor(aPath, factorOptions)
  await using b = await openFactor(bPath, factorOptions)
  requireFactors(a, b, dtype)
  requireCalibratableCore(file)
  await requireWeights(file, bPath, arrayProducts(a.array, b.array, noSink), signal)
  if (cPath !== '-') await requireWritable(cPath)
  await requireRoom(a, b, flags, memoryBytes)

  const choice = { file, twin, journal: flags.journal }
  const { calibration: id, maxAge: maxAgeS } = flags
  let calibration = await findCalibration(choice, { ...(id && { id }), ...(maxAgeS !== undefined && { maxAgeS }) })
  if (calibration === undefined) {
    output.note(`no calibration of ${file.name} (${chipOf(twin)}) in ${flags.journal} yet: calibrating first`)
    const done = await calibrateJob(context, choice)
    calibration = done
    output.note(calibrationReport(done.document).join('\n'))
  }
  const request = { a, b, output: cPath, dtype, memoryBytes, watchS: flags.watch }
  const { document } = await matmulJob(context, choice, request, calibration)
  const place = cPath === '-' ? 'on standard output' : `in ${cPath}`
  output.say(...matmulReport(document), `C is ${place}, the run in ${flags.journal}`)
  output.document(document)
  return EXIT.done
}

function requireOneStandardInput(aPath: string, bPath: string): void {
  if (aPath !== '-' || bPath !== '-') return
  throw new BenchError('CALL_INVALID', 'A and B cannot both come from standard input: give one of them a file')
}

function requireFactors(a: OpenedFactor, b: OpenedFactor, dtype: NumberType): void {
  productShape(a.array, b.array)
  const terms = a.array.shape.at(-1)! * (a.array.isComplex && b.array.isComplex ? 2 : 1)
  const largest = terms * a.largest * b.largest
  const names = `${a.array.name} times ${b.array.name}`
  if (!Number.isFinite(largest)) {
    throw new BenchError('ARRAY_FILE_INVALID', `${names} may exceed what float64 holds: scale one of them`)
  }
  if (dtype === 'float64' || largest < FLOAT32_LIMIT) return
  const right = 'scale one of them, or leave out --dtype float32'
  throw new BenchError('ARRAY_FILE_INVALID', `${names} may exceed what float32 holds: ${right}`)
}

/** Before anything is switched on: C, and what the journal keeps, must fit on their disks. */
async function requireRoom(
  a: OpenedFactor,
  b: OpenedFactor,
  { output, journal, dtype }: MatmulFlags,
  memoryBytes: number,
): Promise<void> {
  const isComplex = a.array.isComplex || b.array.isComplex
  const shape = productShape(a.array, b.array)
  const asDouble = elementCount(shape) * (isComplex ? 16 : 8)
  const kept = [a.blob?.length ?? 0, b.blob?.length ?? 0, asDouble <= keptBytesOf(memoryBytes) ? asDouble : 0]
  const needed = [
    {
      what: output,
      folder: output === '-' ? tmpdir() : dirname(output),
      bytes: npyBytes(shape, writtenType(dtype, isComplex)),
    },
    { what: journal, folder: dirname(journal), bytes: kept.reduce((sum, bytes) => sum + bytes, 0) },
  ]
  const disks = await Promise.all(
    needed.map(({ folder }) =>
      stat(folder).then(
        ({ dev }) => dev,
        () => undefined,
      ),
    ),
  )
  for (const [index, { what, folder }] of needed.entries()) {
    // A folder that is not there has its own error.
    if (disks[index] === undefined) continue
    const sameDisk = needed.filter((_, other) => disks[other] === disks[index])
    const bytes = sameDisk.reduce((sum, each) => sum + each.bytes, 0)
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

const sizeOnDisk = (bytes: number): string => `${(bytes / 1e9).toPrecision(3)} GB`

/** Before anything is switched on: the result must have a place. */
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
