import type { BenchFile } from '../bench/bench-file.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import { elementCount, matrixShape } from '../orchestrator/arrays/dense-array.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import { productJob } from '../orchestrator/jobs/product-job.ts'
import { shareProduct } from '../orchestrator/jobs/share-product.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { StoredCalibration } from './calibrate-job.ts'
import { calibrationFor } from './calibration-for.ts'
import type { CommandContext } from './command-context.ts'
import { measuredSpeeds } from './core-speed.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { keptBytesOf } from './matmul-job.ts'
import type { MatmulFlags } from './matmul-flags.ts'
import { splitReport } from './matmul-report.ts'
import { chosenTwin } from './options.ts'
import { requireProduct } from './product-limits.ts'
import { splitJob } from './split-job.ts'
import type { CorePart } from './split-job.ts'

/**
 * `fringe matmul` on a bench file with several cores: all of them at once, calibrating first those that never were.
 *
 * Throws: CALL_INVALID for arrays that are not held in memory.
 */
export async function splitMatmul(
  context: CommandContext,
  files: readonly BenchFile[],
  a: OpenedFactor,
  b: OpenedFactor,
  flags: MatmulFlags,
): Promise<ExitCode> {
  const { output, signal } = context
  const {
    dtype,
    memory: memoryBytes = PANEL_MEMORY_BYTES,
    output: cPath,
    journal,
    maxAge: maxAgeS,
    bits,
    scaling,
    layer,
  } = flags
  const whole = productJob(a.array, b.array)
  requireInMemory(a, b, whole, memoryBytes)
  const twin = chosenTwin(flags)
  const choices = files.map((file) => ({ file, twin, journal }))
  const places = { output: cPath, journal, dtype, memoryBytes }
  for (const file of files) await requireProduct(file, a, b, whole, places, signal)
  const stored: StoredCalibration[] = []
  for (const choice of choices) {
    stored.push(await calibrationFor(context, choice, maxAgeS === undefined ? {} : { maxAgeS }))
  }
  const cores = choices.map((choice, index) => ({ choice, stored: stored[index]! }))
  const parts = await shareOut(matrixShape(whole.shape), cores, journal)
  const request = { a, b, output: cPath, dtype, memoryBytes, bits, scaling, layer }
  const document = await splitJob(context, parts, request)
  const place = cPath === '-' ? 'on standard output' : `in ${cPath}`
  output.say(...splitReport(document), `C is ${place}, the runs in ${journal}`)
  output.document(document)
  return EXIT.done
}

async function shareOut(
  size: { readonly rows: number; readonly columns: number },
  cores: readonly Omit<CorePart, 'part'>[],
  path: string,
): Promise<readonly CorePart[]> {
  await using journal = await Journal.open(path, { clock: new SystemClock(), mode: 'read' })
  const known = cores.map(({ choice: { file }, stored }) => ({ file, calibration: stored.id }))
  const parts = shareProduct(size, await measuredSpeeds(journal, known))
  const sharing = cores.flatMap((core, index) => (parts[index] === undefined ? [] : [{ ...core, part: parts[index] }]))
  // Of an empty product one core says what there is to say.
  const nothing = { firstRow: 0, ...size, firstColumn: 0 }
  return sharing.length > 0 ? sharing : [{ ...cores[0]!, part: nothing }]
}

/** Panels of one core come one after the other; those of several would have to be put together. */
function requireInMemory(
  a: OpenedFactor,
  b: OpenedFactor,
  { shape, isComplex }: Pick<ReturnType<typeof productJob>, 'shape' | 'isComplex'>,
  memoryBytes: number,
): void {
  const keptBytes = keptBytesOf(memoryBytes)
  const bytesOf = (of: readonly number[], complex: boolean): number => elementCount(of) * (complex ? 16 : 8)
  const large = [
    ...[a, b].map(({ array: { name, shape, isComplex } }) => ({ name, bytes: bytesOf(shape, isComplex) })),
    { name: 'C', bytes: bytesOf(shape, isComplex) },
  ].find(({ bytes }) => bytes > keptBytes)
  if (large === undefined) return
  const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`
  throw new BenchError(
    'CALL_INVALID',
    `${large.name} takes ${mib(large.bytes)}, and a job over several cores holds its matrices in memory, each in a quarter of it: give it --memory ${mib(4 * large.bytes).replace(' ', '')}, or choose one core with --core`,
    { context: { bytes: large.bytes, memoryBytes } },
  )
}
