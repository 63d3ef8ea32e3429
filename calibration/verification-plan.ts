import type { LightBench } from '../core/light-bench.ts'
import type { OpticalCore } from '../core/optical-core.ts'
import type { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../orchestrator/plans/light.ts'
import type { Plan, PlanStep } from '../orchestrator/plans/plan.ts'
import { noResults } from '../orchestrator/plans/step-results.ts'
import type { Verification } from './calibration-record.ts'
import { settingsOf, step } from './plan-step.ts'
import { randomOrthogonal, verify } from './steps/verification.ts'

export interface VerificationResult {
  readonly verification: Verification
  /** Input vectors sent through the optics: symbols times lanes. */
  readonly vectors: number
}

/**
 * Measures what a calibration is worth now: warm up, light, products with random matrices.
 *
 * Leaves: light on and heaters warm; the engine makes the bench safe.
 */
export async function* verificationPlan<Core extends LightBench>(
  bench: Core,
  coreOn: (bench: Core, frames: FrameRunner, heaters: HeaterSetter) => OpticalCore,
  draw: (size: number, random: RandomStream) => Float64Array = randomOrthogonal,
): Plan<VerificationResult> {
  const frames = new FrameRunner(bench)
  const core = coreOn(bench, frames, new HeaterSetter(bench))
  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  const verification = yield* verificationStep(core, undefined, draw)
  return { verification, vectors: frames.vectors }
}

/** Products with matrices that no fit has seen; never taken from an earlier run. */
export function verificationStep(
  core: OpticalCore,
  share?: PlanStep['share'],
  draw: (size: number, random: RandomStream) => Float64Array = randomOrthogonal,
): Plan<Verification> {
  const anew = { results: noResults, shareOf: () => share }
  return step(anew, 'verification', (signal) => verify(core, settingsOf('verification'), signal, draw))
}
