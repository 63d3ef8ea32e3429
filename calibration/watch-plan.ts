import type { MeshBench } from '../core/mesh-bench.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../orchestrator/plans/light.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import type { MeshCalibration, Verification } from './calibration-record.ts'
import { DriftWatch } from './drift-watch.ts'
import type { Followed } from './drift-watch.ts'
import { MeshCore } from './mesh-core.ts'
import { verificationStep } from './verification-plan.ts'

export interface WatchResult {
  readonly calibration: MeshCalibration
  readonly looks: readonly Followed[]
  readonly verification: Verification
  /** Input vectors sent through the optics: symbols times lanes. */
  readonly vectors: number
}

export interface WatchPlanOptions {
  /** Between two looks, s. */
  readonly everyS: number
  /** How long in all, s; the last look is at its end. */
  readonly forS: number
  /** Called inside the step of each look with the chip as it is now. */
  readonly onLook: (calibration: MeshCalibration, look: Followed) => Promise<void>
}

/**
 * Holds a bench warm and lit, and keeps its calibration true by looks at the chip.
 *
 * Throws: CALIBRATION_FAILED when the chip has gone too far to be followed.
 * Leaves: light on and heaters warm; the engine makes the bench safe.
 */
export async function* watchPlan(
  bench: MeshBench,
  calibration: MeshCalibration,
  { everyS, forS, onLook }: WatchPlanOptions,
): Plan<WatchResult> {
  const { clock } = bench
  const frames = new FrameRunner(bench)
  const heaters = new HeaterSetter(bench)
  const looks: Followed[] = []
  const watch = new DriftWatch(bench, calibration, frames, heaters, { everyS, onFollowed: (look) => looks.push(look) })
  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  const rounds = 1 + Math.floor(forS / everyS)
  for (let round = 1; round <= rounds; round++) {
    if (round > 1) yield { name: 'wait', work: (signal) => clock.sleep(1e3 * everyS, signal) }
    yield {
      name: `look ${round}`,
      share: { from: (round - 1) / rounds, to: round / rounds },
      work: async (signal) => {
        await watch.follow('time', signal)
        await onLook(watch.calibration, looks.at(-1)!)
      },
    }
  }
  const tracked = watch.calibration
  const verification = yield* verificationStep(new MeshCore(bench, tracked, frames, heaters))
  return { calibration: { ...tracked, verification }, looks, verification, vectors: frames.vectors }
}
