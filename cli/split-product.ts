import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import { elementCount } from '../orchestrator/arrays/dense-array.ts'
import type { DenseArray } from '../orchestrator/arrays/dense-array.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import { noSink, productJob } from '../orchestrator/jobs/product-job.ts'
import { productParts } from '../orchestrator/jobs/product-parts.ts'
import { shareProduct } from '../orchestrator/jobs/share-product.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import { findCalibration } from './calibrate-job.ts'
import type { BenchChoice, CalibrationWish, StoredCalibration } from './calibrate-job.ts'
import type { JobContext } from './command-context.ts'
import { convolutionOn } from './convolution-on.ts'
import { requireRefinement } from './core-limits.ts'
import { convolvingShare, measuredSpeeds } from './core-speed.ts'
import { keptBytesOf } from './matmul-job.ts'
import { requireProduct } from './product-limits.ts'
import { splitJob } from './split-job.ts'
import type { CorePart, SplitDocument, SplitRequest } from './split-job.ts'

/** A core that is asked for its part, and which calibration it takes. */
export interface AskedCore {
  readonly choice: BenchChoice
  readonly wish: CalibrationWish
}

/**
 * A product on all cores of a bench file at once, those calibrated first that never were.
 *
 * Throws, before anything is opened: CALL_INVALID for arrays that are not held in memory, and for what one of the cores
 * cannot do; CALIBRATION_MISSING and CALIBRATION_UNFIT as `findCalibration` does.
 */
export async function splitProduct(
  context: JobContext,
  asked: readonly AskedCore[],
  request: SplitRequest,
  calibrate: (choice: BenchChoice) => Promise<StoredCalibration>,
): Promise<{ readonly document: SplitDocument; readonly product: DenseArray }> {
  const { a, b, output, dtype, memoryBytes, strides, refine = 0 } = request
  const choices = asked.map(({ choice }) => choice)
  const { journal } = choices[0]!
  const jobs = choices.map(({ file }) => productJob(a.array, b.array, strides && convolutionOn(file, strides)))
  requireInMemory(a, b, jobs[0]!, memoryBytes)
  for (const [index, { file }] of choices.entries()) {
    requireRefinement(file, refine)
    await requireProduct(file, a, b, jobs[index]!, { output, journal, dtype, memoryBytes }, context.signal)
  }
  // A calibration that one core cannot take is refused before another core is calibrated.
  const known: (Pick<CorePart, 'choice'> & { stored: StoredCalibration | undefined })[] = []
  for (const { choice, wish } of asked) known.push({ choice, stored: await findCalibration(choice, wish) })
  const cores: Omit<CorePart, 'part'>[] = []
  for (const { choice, stored } of known) cores.push({ choice, stored: stored ?? (await calibrate(choice)) })
  return await splitJob(context, await shareOut(jobs, cores, journal, strides !== undefined), request)
}

async function shareOut(
  jobs: readonly ReturnType<typeof productJob>[],
  cores: readonly Omit<CorePart, 'part'>[],
  path: string,
  isConvolution: boolean,
): Promise<readonly CorePart[]> {
  const { size } = productParts(jobs[0]!.shape, isConvolution)
  await using journal = await Journal.open(path, { clock: new SystemClock(), mode: 'read' })
  const known = cores.map(({ choice: { file }, stored }) => ({ file, calibration: stored.id }))
  const speeds = await measuredSpeeds(journal, known)
  const shares = isConvolution
    ? speeds.map((speed, c) => convolvingShare(speed, jobs[c]!.products(noSink)[0]!, size.rows))
    : speeds
  const parts = shareProduct(size, shares)
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
