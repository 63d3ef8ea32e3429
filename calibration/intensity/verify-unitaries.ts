import { BenchError } from '../../core/errors.ts'
import { designText } from '../../core/mesh-design.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../../orchestrator/plans/light.ts'
import type { Plan, PlanStep, Progress } from '../../orchestrator/plans/plan.ts'
import { noResults } from '../../orchestrator/plans/step-results.ts'
import { settingsOf, step } from '../plan-step.ts'
import type { CalibrationContext } from '../steps/calibration-context.ts'
import { IntensityModel } from './intensity-model.ts'
import { IntensityProbe } from './intensity-probe.ts'
import type { IntensityCalibration, IntensityVerification } from './intensity-record.ts'
import { randomUnitary } from './random-unitary.ts'
import { readUnitary } from './read-unitary.ts'
import type { KnownChip } from './read-unitary.ts'

/** Haar unitaries that a verification programs; each shows all inputs, by both signs. */
export const VERIFIED_TARGETS = 8

/**
 * How far a chip may be from what the fit foretells. Good fits are off by tenths of a percent; on twins, those off by some
 * percent had ended in a wrong place, too.
 */
export const MAX_UNFORETOLD_TVD = 0.01

export interface IntensityVerificationResult {
  readonly verification: IntensityVerification
  /** Input vectors sent through the optics. */
  readonly vectors: number
}

/** What a record says of its chip, on a bench that can look at it. */
export function knownChip(context: CalibrationContext, { chip, darkMw }: KnownRecord): KnownChip {
  const { layout, heaterLimitsV } = context.bench
  const model = new IntensityModel(layout)
  const parameters = Float64Array.from(chip)
  const made = model.made(parameters)
  return { model, parameters, made, probe: new IntensityProbe(context, darkMw), maxVoltageV: heaterLimitsV.max }
}

type KnownRecord = Pick<IntensityCalibration, 'chip' | 'darkMw'>

/** Unitaries that no fit has seen, programmed and read; never taken from an earlier run. */
export function unitariesStep(chip: KnownChip, share?: PlanStep['share']): Plan<IntensityVerification> {
  const anew = { results: noResults, shareOf: () => share }
  return step(anew, 'verification', (signal, progress) => verifyUnitaries(chip, signal, progress))
}

/**
 * Measures what a calibration is worth now: warm up, light, random unitaries.
 *
 * Throws: SHAPE_MISMATCH, before the first step, for a record of another core.
 * Leaves: light on and heaters warm; the engine makes the bench safe.
 */
export async function* unitariesPlan(
  bench: MeshBench,
  calibration: IntensityCalibration,
): Plan<IntensityVerificationResult> {
  requireSameCore(bench, calibration)
  const frames = new FrameRunner(bench)
  const chip = knownChip({ bench, frames, heaters: new HeaterSetter(bench) }, calibration)
  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  const verification = yield* unitariesStep(chip)
  return { verification, vectors: frames.vectors }
}

/** Throws: SHAPE_MISMATCH for a calibration of another core than the bench has. */
export function requireSameCore({ layout }: MeshBench, { design, size, lanes }: IntensityCalibration): void {
  const text = (core: typeof design, size: number, lanes: number): string =>
    `${designText(core)}, size ${size}, lanes ${lanes}`
  const [of, has] = [text(design, size, lanes), text(layout.design, layout.size, layout.lanes)]
  if (of === has) return
  throw new BenchError(
    'SHAPE_MISMATCH',
    `the calibration is for a core of ${of}, the bench has one of ${has}: calibrate this bench`,
  )
}

async function verifyUnitaries(
  chip: KnownChip,
  signal: AbortSignal,
  progress: Progress,
): Promise<IntensityVerification> {
  const random = settingsOf('verification')
  let [amplitudeFidelity, tvd, modelTvd] = [0, 0, 0]
  for (let target = 0; target < VERIFIED_TARGETS; target++) {
    const read = await readUnitary(chip, randomUnitary(chip.model.layout.size, random), signal)
    amplitudeFidelity += read.amplitudeFidelity / VERIFIED_TARGETS
    tvd += read.tvd / VERIFIED_TARGETS
    modelTvd += read.modelTvd / VERIFIED_TARGETS
    progress(target + 1, VERIFIED_TARGETS)
  }
  // NaN is no match either.
  const verdict = modelTvd <= MAX_UNFORETOLD_TVD ? 'accepted' : 'refused'
  return { targets: VERIFIED_TARGETS, amplitudeFidelity, tvd, modelTvd, verdict }
}
