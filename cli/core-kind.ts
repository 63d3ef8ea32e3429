import { awgrCalibrationPlan } from '../calibration/awgr/calibrate-awgr.ts'
import { AwgrCore } from '../calibration/awgr/awgr-core.ts'
import type { AwgrCalibration } from '../calibration/awgr/awgr-record.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import type { CalibrationOptions } from '../calibration/calibrate.ts'
import type { MeshCalibration, Verification } from '../calibration/calibration-record.ts'
import { intensityCalibrationPlan } from '../calibration/intensity/calibrate-intensity.ts'
import type { IntensityCalibration, IntensityVerification } from '../calibration/intensity/intensity-record.ts'
import { unitariesPlan } from '../calibration/intensity/verify-unitaries.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import type { CoreUpkeep } from '../calibration/mesh-core.ts'
import { verificationMatrices } from '../calibration/awgr/steps/random-weights.ts'
import { verificationPlan } from '../calibration/verification-plan.ts'
import type { Bench } from '../core/bench.ts'
import { BenchError } from '../core/errors.ts'
import type { OpticalCore } from '../core/optical-core.ts'
import type { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import type { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import { measured } from './numbers.ts'

/** What a job knows of a bench, whatever its core. */
export type Calibration = MeshCalibration | AwgrCalibration | IntensityCalibration

/** How good it is: by products, or by powers where there are no others. */
export type AnyVerification = Verification | IntensityVerification

export interface AnyVerificationResult {
  readonly verification: AnyVerification
  /** Input vectors sent through the optics: symbols times lanes. */
  readonly vectors: number
}

export interface AnyCalibrationResult {
  readonly calibration: Calibration
  /** Input vectors sent through the optics: symbols times lanes. */
  readonly vectors: number
}

type Fit<Schema extends Calibration['schema']> = Extract<Calibration, { schema: Schema }>['fit']

/** The one place that tells cores apart: records of this schema, and how a fit reads in a report. */
const KINDS = {
  mesh: {
    schema: 'fringe-mesh-calibration-1',
    says: (fit: Fit<'fringe-mesh-calibration-1'>) =>
      `${residuals('chip', fit)}; splitters ${measured(fit.splitterRmsRad, 2)} rad RMS, ${crosstalk(fit)}`,
  },
  awgr: {
    schema: 'fringe-awgr-calibration-1',
    says: (fit: Fit<'fringe-awgr-calibration-1'>) =>
      `${residuals('rings', fit)}; weights to ${fit.weightAccuracyBits.toFixed(1)} bits, again to ${fit.weightPrecisionBits.toFixed(1)}; lines ${measured(fit.fwhmMedianGhz, 3)} GHz wide, ${crosstalk(fit)}`,
  },
  intensity: {
    schema: 'fringe-intensity-calibration-1',
    says: (fit: Fit<'fringe-intensity-calibration-1'>) =>
      `${residuals('chip', fit)}, TVD ${measured(100 * fit.heldOutTvd, 2)} %; splitters ${measured(fit.splitterMeanRad, 2)} rad off in the mean, ${crosstalk(fit)}`,
  },
} as const

export function calibrationPlanOf(bench: Bench, options: CalibrationOptions = {}): Plan<AnyCalibrationResult> {
  if (bench.kind === 'awgr') return awgrCalibrationPlan(bench, options.results)
  const { detection } = bench.layout.design
  return detection === 'intensity' ? intensityCalibrationPlan(bench, options) : calibrationPlan(bench, options)
}

/** Throws: SHAPE_MISMATCH, before the first step, for a calibration of another core. */
export function verificationPlanOf(bench: Bench, calibration: Calibration): Plan<AnyVerificationResult> {
  if (calibration.schema === KINDS.intensity.schema && bench.kind === 'mesh') return unitariesPlan(bench, calibration)
  const draw = calibration.schema === KINDS.awgr.schema ? verificationMatrices(calibration.form) : undefined
  return verificationPlan(bench, (bench, frames, heaters) => coreOf(bench, calibration, frames, heaters), draw)
}

/** Throws: SHAPE_MISMATCH for a calibration of another kind of core, or of another size. */
export function coreOf(
  bench: Bench,
  calibration: Calibration,
  frames: FrameRunner,
  heaters: HeaterSetter,
  upkeep?: CoreUpkeep,
): OpticalCore<Calibration> {
  if (bench.kind === 'mesh' && calibration.schema === KINDS.mesh.schema) {
    return new MeshCore(bench, calibration, frames, heaters, upkeep)
  }
  if (bench.kind === 'awgr' && calibration.schema === KINDS.awgr.schema) {
    return new AwgrCore(bench, calibration, frames, heaters, upkeep)
  }
  throw new BenchError(
    'SHAPE_MISMATCH',
    `the bench has a core of kind ${bench.kind}, which takes a record ${KINDS[bench.kind].schema}; this one is ${calibration.schema}: calibrate this bench`,
  )
}

/** Undefined for a record that this version does not read. */
export function knownCalibration(record: unknown): Calibration | undefined {
  const { schema } = record as { readonly schema?: unknown }
  const known = Object.values(KINDS).some((kind) => kind.schema === schema)
  return known ? (record as Calibration) : undefined
}

export function fitText(fit: Calibration['fit']): string {
  if ('heldOutTvd' in fit) return KINDS.intensity.says(fit)
  return 'splitterRmsRad' in fit ? KINDS.mesh.says(fit) : KINDS.awgr.says(fit)
}

const residuals = (of: string, fit: Calibration['fit']): string =>
  `  fit of the ${of}: residual ${measured(100 * fit.relativeResidual, 2)} %, held out ${measured(100 * fit.heldOutResidual, 2)} %`

const crosstalk = ({ crosstalkNeighbour }: Calibration['fit']): string =>
  `crosstalk ${measured(100 * crosstalkNeighbour, 2)} % to the neighbour`
