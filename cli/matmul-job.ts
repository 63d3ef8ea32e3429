import type { Followed } from '../calibration/drift-watch.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import type { Bench } from '../core/bench.ts'
import { BenchError } from '../core/errors.ts'
import type { OpticalCore } from '../core/optical-core.ts'
import { encodeNpy, writeNpy } from '../orchestrator/arrays/npy.ts'
import type { NpyArray } from '../orchestrator/arrays/npy.ts'
import { matmulPlan } from '../orchestrator/jobs/matmul-plan.ts'
import type { MatmulOutcome, MatmulPlanOptions } from '../orchestrator/jobs/matmul-plan.ts'
import type { BlockScaling } from '../orchestrator/tiles/block-scaling.ts'
import type { Remedy } from '../orchestrator/numerics/error-sums.ts'
import { DEFAULT_SCALING } from '../orchestrator/numerics/choose-numerics.ts'
import type { NumericsOptions, Scaling } from '../orchestrator/numerics/choose-numerics.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import type { RealMatrix } from '../orchestrator/tiles/tile-product.ts'
import { calibrationKey } from './calibrate-job.ts'
import type { BenchChoice, StoredCalibration } from './calibrate-job.ts'
import type { CommandContext } from './command-context.ts'
import { coreOf } from './core-kind.ts'
import type { Calibration } from './core-kind.ts'
import { chipOf } from './far-side.ts'
import { runJob, sha256 } from './run-job.ts'

/** One matrix of a job: where it came from, and what was in it. */
export interface MatrixNote {
  readonly path: string
  readonly rows: number
  readonly columns: number
  /** Of the blob that holds it, as float64 in C order. */
  readonly sha256: string
}

/** The header's `arguments` of a matmul run. */
export interface MatmulArguments {
  readonly command: 'matmul'
  readonly a: MatrixNote
  readonly b: MatrixNote
  readonly output: string | null
  readonly calibrationSha256: string
  /** Between two looks at the chip, s; null when nobody watched it. */
  readonly watchS: number | null
  /** Effective bits that were asked for; null when nobody did. */
  readonly bits: number | null
  readonly scaling: Scaling
}

/** What the record of a finished matmul run says, besides what all runs say. */
export interface MatmulRecord {
  readonly product: Omit<MatrixNote, 'path'>
  /** Null for a product that is exact. */
  readonly effectiveBits: number | null
  readonly nrmse: number | null
  /** What was expected before the first frame; null when the core does not know its errors, or none are expected. */
  readonly predictedBits: number | null
  readonly numerics: NumericsNote
  readonly frames: number
  readonly repeatedFrames: number
  /** Of the repeated ones, those that were too bright for a meter. */
  readonly dimmedFrames: number
  readonly probeError: number
  /** How often a watched chip was looked at; null when nobody watched it. */
  readonly looks: number | null
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
  readonly output: string | null
}

export interface Factors extends NumericsOptions {
  readonly a: NpyArray
  readonly b: NpyArray
  readonly aPath: string
  readonly bPath: string
  /** Where C goes; undefined: only into the journal. */
  readonly output: string | undefined
  /** Longest time between two looks at the chip while it multiplies, s; undefined: it is not watched. */
  readonly watchS?: number
}

/** Multiplies on a calibrated bench, and writes C once the bench is safe. */
export async function matmulJob(
  { output, signal }: CommandContext,
  { file, twin, journal }: BenchChoice,
  { a, b, aPath, bPath, output: cPath, watchS, bits, scaling = DEFAULT_SCALING }: Factors,
  { id, calibration }: StoredCalibration,
): Promise<{ readonly document: MatmulDocument; readonly product: RealMatrix }> {
  output.progress.begin('multiplying')
  const [aBytes, bBytes] = [encodeNpy(a), encodeNpy(b)]
  const asked: MatmulArguments = {
    command: 'matmul',
    a: matrixNote(aPath, a, aBytes),
    b: matrixNote(bPath, b, bBytes),
    output: cPath ?? null,
    calibrationSha256: recordSha256(calibration),
    watchS: watchS ?? null,
    bits: bits ?? null,
    scaling,
  }
  let followedBy: string | null = null
  const { run, result, kept, seconds } = await runJob<ProductOutcome>({
    ...{ kind: 'matmul', file, twin, journal, signal },
    calibrations: [id],
    arguments: { ...asked },
    inputs: [aBytes, bBytes],
    plan: (bench, log) =>
      productPlan(bench, { a: matrixOf(a), b: matrixOf(b), calibration, log, watchS, bits, scaling }),
    keep: async (outcome, run) => {
      if (outcome.followed !== undefined) {
        const record = { benchHash: calibrationKey(file, twin), chip: chipOf(twin), record: outcome.followed }
        followedBy = await run.calibration(record)
      }
      const c = npyOf(outcome.product)
      const bytes = encodeNpy(c)
      run.blob(bytes)
      // The journal has the product before anybody else does.
      await run.flush()
      if (cPath !== undefined) await writeNpy(cPath, c)
      return { ...matmulRecord(outcome, sha256(bytes)) }
    },
    onEvent: (event) => output.progress.onEvent(event),
  })
  const record = kept as unknown as MatmulRecord
  const document = { run, ...record, seconds, calibration: id, followedBy, output: cPath ?? null }
  return { document, product: result.product }
}

/** What a product came to, and what a watched chip has become meanwhile. */
export interface ProductOutcome extends MatmulOutcome {
  readonly looks: number | null
  /** Undefined when the calibration is as it was. */
  readonly followed: Calibration | undefined
}

/**
 * The plan of a product, live and in a replay.
 *
 * Throws: CALL_INVALID for a core that cannot be watched.
 */
export async function* productPlan(
  bench: Bench,
  { a, b, calibration, log, watchS, bits, scaling }: ProductPlanOptions,
): Plan<ProductOutcome> {
  if (watchS !== undefined && bench.kind !== 'mesh') {
    throw new BenchError('CALL_INVALID', '--watch follows mesh cores: leave it out on this bench')
  }
  let looks = 0
  const onFollowed = (look: Followed): void => {
    looks++
    log.step('chip followed', look)
  }
  const watch = watchS === undefined ? undefined : { everyS: watchS, onFollowed }
  let used: OpticalCore | undefined
  const outcome = yield* matmulPlan(bench, {
    ...{ a, b, log, bits, scaling },
    core: (bench, frames, heaters) => (used = coreOf(bench, calibration, frames, heaters, watch)),
  })
  const followed = looks > 0 && used instanceof MeshCore ? used.calibration : undefined
  return { ...outcome, looks: watch === undefined ? null : looks, followed }
}

export interface ProductPlanOptions extends Omit<MatmulPlanOptions<Bench>, 'core'> {
  readonly calibration: Calibration
  /** Longest time between two looks at the chip, s; undefined: it is not watched. */
  readonly watchS: number | undefined
}

export function matmulRecord(outcome: ProductOutcome, productSha256: string): MatmulRecord {
  const { product, effectiveBits, nrmse, frames, repeatedFrames, dimmedFrames, probeError, looks, energy } = outcome
  const { scaling, remedy, predicted } = outcome.numerics
  return jsonOf({
    product: { rows: product.rows, columns: product.columns, sha256: productSha256 },
    effectiveBits,
    nrmse,
    predictedBits: predicted.effectiveBits,
    numerics: { scaling, ...remedy, predictedSeconds: predicted.benchSeconds },
    frames,
    repeatedFrames,
    dimmedFrames,
    probeError,
    looks,
    energy: { ...energy, reference: PAPER },
  })
}

/** As JSON has it: infinite where there was nothing to divide by is null. */
const jsonOf = (record: MatmulRecord): MatmulRecord => JSON.parse(JSON.stringify(record)) as MatmulRecord

export const recordSha256 = (calibration: Calibration): string => sha256(Buffer.from(JSON.stringify(calibration)))

export const matrixOf = ({ shape: [rows, columns], data }: NpyArray): RealMatrix => ({ rows, columns, data })

export const npyOf = ({ rows, columns, data }: RealMatrix): NpyArray => ({ shape: [rows, columns], data })

function matrixNote(path: string, { shape: [rows, columns] }: NpyArray, bytes: Uint8Array): MatrixNote {
  return { path, rows, columns, sha256: sha256(bytes) }
}
