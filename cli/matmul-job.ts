import type { CoreUpkeep } from '../calibration/mesh-core.ts'
import type { Refined } from '../calibration/tile-refiner.ts'
import type { WatchOptions } from '../calibration/drift-watch.ts'
import type { Bench } from '../core/bench.ts'
import type { OpticalCore } from '../core/optical-core.ts'
import { matrixShape } from '../orchestrator/arrays/dense-array.ts'
import type { Block, DenseArray } from '../orchestrator/arrays/dense-array.ts'
import type { OpenedFactor } from '../orchestrator/arrays/open-factor.ts'
import type { ConvolutionOptions } from '../orchestrator/jobs/convolution.ts'
import { productJob } from '../orchestrator/jobs/product-job.ts'
import { matmulPlan } from '../orchestrator/jobs/matmul-plan.ts'
import type { MatmulOutcome, MatmulPlanOptions } from '../orchestrator/jobs/matmul-plan.ts'
import type { PowerLedger } from '../orchestrator/ledger/power-ledger.ts'
import type { BlockScaling } from '../orchestrator/tiles/block-scaling.ts'
import type { Remedy } from '../orchestrator/numerics/remedy.ts'
import { DEFAULT_SCALING } from '../orchestrator/numerics/choose-numerics.ts'
import type { NumericsOptions, Scaling } from '../orchestrator/numerics/choose-numerics.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import { calibrationKey } from './calibrate-job.ts'
import type { BenchChoice, StoredCalibration } from './calibrate-job.ts'
import type { JobContext } from './command-context.ts'
import { coreOf } from './core-kind.ts'
import type { Calibration } from './core-kind.ts'
import { chipOf } from './far-side.ts'
import { openTarget } from './product-target.ts'
import type { NumberType } from './product-target.ts'
import { RefinementSum } from './refinement-note.ts'
import type { RefinementNote } from './refinement-note.ts'
import { runJob, sha256 } from './run-job.ts'

/** One matrix of a job, or matrices side by side: where it came from, and what was in it. */
export interface MatrixNote {
  readonly path: string
  /** Dimensions before the last two; left out for one matrix. */
  readonly leading?: readonly number[]
  readonly rows: number
  readonly columns: number
  /** Left out for real numbers. */
  readonly complex?: true
  /** Of the blob that holds it, as float64 or complex128 in C order; of the file where that is not kept. */
  readonly sha256: string
  /** Who has what is not among the journal's blobs: the file itself, or nobody. */
  readonly kept?: 'file' | 'nowhere'
}

/** The header's `arguments` of a matmul run. */
export interface MatmulArguments {
  readonly command: 'matmul' | 'convolve'
  readonly a: MatrixNote
  readonly b: MatrixNote
  readonly output: string | null
  readonly calibrationSha256: string
  /** Between two looks at the chip, s; null when nobody watched it. */
  readonly watchS: number | null
  /** Corrections by measurement that each tile could get; left out for none. */
  readonly refine?: number
  /** Left out for products: A is then an image, and B its kernels. */
  readonly convolution?: ConvolutionOptions
  /** Of C what this run computed; left out for all of it. Others are runs of other cores. */
  readonly part?: Block
  /** The run that holds the whole; left out with `part`. */
  readonly partOf?: string
  /** Numbers in C's file. */
  readonly dtype: NumberType
  /** What panels could take; left out by versions that multiplied all at once. */
  readonly memoryBytes?: number
  /** Effective bits that were asked for; null when nobody did. */
  readonly bits: number | null
  readonly scaling: Scaling
  /** Of a model; left out where nobody named one, and in the parts of a product that several cores share. */
  readonly layer?: string
}

/** What the record of a finished matmul run says, besides what all runs say. */
export interface MatmulRecord {
  readonly product: Omit<MatrixNote, 'path'>
  /** Null for a product that is exact. */
  readonly effectiveBits: number | null
  readonly nrmse: number | null
  /** What was expected before the first frame; null when the core does not know its errors, or none are expected. */
  readonly predictedBits: number | null
  readonly predictedBitsSigma: number | null
  readonly numerics: NumericsNote
  readonly frames: number
  readonly repeatedFrames: number
  /** Of the repeated ones, those that were too bright for a meter. */
  readonly dimmedFrames: number
  readonly probeError: number
  /** Parts of C that were computed one after another. */
  readonly panels: number
  /** How often a watched chip was looked at; null when nobody watched it. */
  readonly looks: number | null
  /** Null when no tile was measured and corrected. */
  readonly refinement: RefinementNote | null
  readonly energy: EnergyDocument
}

/** How a product was computed. */
export interface NumericsNote extends Remedy {
  readonly scaling: BlockScaling
  /** Settling of heaters and symbols of frames; 0 when the core does not know its errors. */
  readonly predictedSeconds: number
}

export type EnergyDocument = MatmulOutcome['energy'] & {
  /** The headline of the optical-cloud-computing paper, beside ours and never claimed as ours. */
  readonly reference: typeof PAPER
}

export const PAPER = {
  milliwattPerTops: 118.6,
  claimed: false,
  source: 'optical-cloud-computing paper; its component table is not known to us',
} as const

/** What `fringe matmul --json` says. Documented by docs/schemas/matmul.schema.json. */
export interface MatmulDocument extends MatmulRecord {
  readonly run: string
  readonly seconds: number
  readonly calibration: string
  /** The one that a watched job leaves to those that come. */
  readonly followedBy: string | null
  /** Of a model; null where nobody named one. */
  readonly layer: string | null
  readonly output: string | null
}

export interface MatmulRequest extends NumericsOptions {
  readonly a: OpenedFactor
  readonly b: OpenedFactor
  /** Where C goes, "-" for standard output; undefined: only into memory and the journal. */
  readonly output: string | undefined
  readonly dtype: NumberType
  readonly memoryBytes: number
  /** Given: A is an image, and B its kernels. */
  readonly convolution?: ConvolutionOptions | undefined
  /** Of C what is computed; undefined: all of it. */
  readonly part?: Block | undefined
  /** The run that holds the whole. */
  readonly partOf?: string | undefined
  /** Longest time between two looks at the chip while it multiplies, s; undefined: it is not watched. */
  readonly watchS?: number | undefined
  /** Corrections by measurement that each tile gets at most; 0 when left out. */
  readonly refine?: number | undefined
  /** Of a model: energy is summed by it. */
  readonly layer?: string | undefined
}

/** Of the memory of a job, so much is held of each array, and kept in the journal. */
export const keptBytesOf = (memoryBytes: number): number => memoryBytes / 4

/** Multiplies on a calibrated bench, and gives C its name once the bench is safe. */
export async function matmulJob(
  { output, signal }: JobContext,
  { file, twin, journal }: BenchChoice,
  request: MatmulRequest,
  { id, calibration }: StoredCalibration,
): Promise<{ readonly document: MatmulDocument; readonly product: DenseArray | undefined }> {
  const { a, b, output: cPath, dtype, memoryBytes, convolution, part, partOf, layer } = request
  const { watchS, refine = 0, bits, scaling = DEFAULT_SCALING } = request
  output.progress.begin(convolution === undefined ? 'multiplying' : 'convolving')
  const job = productJob(a.array, b.array, convolution, part)
  const { shape, isComplex } = job
  const keptBytes = keptBytesOf(memoryBytes)
  await using target = await openTarget({ shape, isComplex, path: cPath, numbers: dtype, keptBytes })
  const asked: MatmulArguments = {
    command: convolution === undefined ? 'matmul' : 'convolve',
    ...(convolution && { convolution }),
    ...(part && { part }),
    ...(partOf !== undefined && { partOf }),
    ...{ a: factorNote(a), b: factorNote(b), output: cPath ?? null },
    ...{ calibrationSha256: recordSha256(calibration), watchS: watchS ?? null, bits: bits ?? null, scaling },
    ...{ dtype, memoryBytes, ...(refine > 0 && { refine }), ...(layer !== undefined && { layer }) },
  }
  let followedBy: string | null = null
  const products = job.products(target.sink)
  const { run, kept, seconds } = await runJob<ProductOutcome>({
    ...{ kind: 'matmul', file, twin, journal, signal },
    calibrations: [id],
    arguments: { ...asked },
    inputs: [a, b].flatMap(({ blob }) => blob ?? []),
    plan: (bench, log) =>
      productPlan(bench, { products, memoryBytes, calibration, log, watchS, refine, bits, scaling }),
    keep: async (outcome, run) => {
      if (outcome.followed !== undefined) {
        const record = { benchHash: calibrationKey(file, twin), chip: chipOf(twin), record: outcome.followed }
        followedBy = await run.calibration(record)
      }
      for (const factor of [a, b]) await factor.requireUnchanged()
      return { ...matmulRecord(outcome, { ...shapeNote(shape, isComplex), ...(await target.keep(run)) }) }
    },
    onEvent: (event) => output.progress.onEvent(event),
  })
  const record = kept as unknown as MatmulRecord
  const document = {
    ...{ run, ...record, seconds, calibration: id, followedBy },
    ...{ layer: layer ?? null, output: cPath ?? null },
  }
  return { document, product: target.product }
}

/** What a product came to, and what a watched chip has become meanwhile. */
export interface ProductOutcome extends MatmulOutcome {
  readonly looks: number | null
  readonly refinement: RefinementNote | null
  /** Undefined when the calibration is as it was. */
  readonly followed: Calibration | undefined
}

/** The plan of a product, live and in a replay. */
export async function* productPlan(
  bench: Bench,
  { products, memoryBytes, calibration, log, watchS, refine, bits, scaling }: ProductPlanOptions,
): Plan<ProductOutcome> {
  let looks = 0
  // The energy of looks at the chip is the calibration's, not the product's.
  const watchOf = (ledger: PowerLedger): WatchOptions | undefined =>
    watchS === undefined
      ? undefined
      : {
          everyS: watchS,
          onFollow: () => ledger.interruptJob('calibration'),
          onFollowed: (look) => {
            looks++
            log.step('chip followed', look)
            ledger.resumeJob()
          },
        }
  const refined = new RefinementSum()
  const refineBy = {
    rounds: refine,
    onRefine: (tile: number) => log.step('refine tile', { tile }),
    onRefined: (told: Refined) => {
      log.step('tile refined', told)
      refined.add(told)
    },
  }
  const upkeepOf = (ledger: PowerLedger): CoreUpkeep => ({
    watch: watchOf(ledger),
    ...(refine > 0 && { refine: refineBy }),
  })
  let used: OpticalCore<Calibration> | undefined
  const outcome = yield* matmulPlan(bench, {
    ...{ products, memoryBytes, log, bits, scaling },
    core: (bench, frames, heaters, ledger) => (used = coreOf(bench, calibration, frames, heaters, upkeepOf(ledger))),
  })
  return {
    ...outcome,
    looks: watchS === undefined ? null : looks,
    refinement: refine === 0 ? null : refined.noteOf(refine),
    followed: used?.followed,
  }
}

export interface ProductPlanOptions extends Omit<MatmulPlanOptions<Bench>, 'core'> {
  readonly calibration: Calibration
  /** Longest time between two looks at the chip, s; undefined: it is not watched. */
  readonly watchS: number | undefined
  /** Corrections by measurement that each tile gets at most. */
  readonly refine: number
}

export function matmulRecord(outcome: ProductOutcome, product: MatmulRecord['product']): MatmulRecord {
  const { effectiveBits, nrmse, frames, repeatedFrames, dimmedFrames, probeError, panels, energy } = outcome
  const { scaling, remedy, predicted } = outcome.numerics
  return jsonOf({
    product,
    effectiveBits,
    nrmse,
    predictedBits: predicted.effectiveBits,
    predictedBitsSigma: predicted.bitsSigma,
    numerics: { scaling, ...remedy, predictedSeconds: predicted.benchSeconds },
    frames,
    repeatedFrames,
    dimmedFrames,
    probeError,
    panels,
    looks: outcome.looks,
    refinement: outcome.refinement,
    energy: { ...energy, reference: PAPER },
  })
}

/** As JSON has it: infinite where there was nothing to divide by is null. */
export const jsonOf = <Record extends object>(record: Record): Record => JSON.parse(JSON.stringify(record)) as Record

export const recordSha256 = (calibration: Calibration): string => sha256(Buffer.from(JSON.stringify(calibration)))

export const factorNote = ({ path, array, sha256, kept }: OpenedFactor): MatrixNote => ({
  ...{ path, ...shapeNote(array.shape, array.isComplex), sha256 },
  ...(kept !== 'journal' && { kept }),
})

export function shapeNote(shape: readonly number[], isComplex: boolean): Omit<MatrixNote, 'path' | 'sha256' | 'kept'> {
  const { rows, columns } = matrixShape(shape)
  const leading = shape.slice(0, -2)
  return { ...(leading.length > 0 && { leading }), rows, columns, ...(isComplex && { complex: true }) }
}

/** Sizes for people: 20×6×4, and complex where it is. */
export const sizeText = ({ leading = [], rows, columns, complex }: Omit<MatrixNote, 'path' | 'sha256'>): string =>
  `${[...leading, rows, columns].join('×')}${complex === true ? ' complex' : ''}`
