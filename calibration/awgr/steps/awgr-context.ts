import type { AwgrBench } from '../../../core/awgr-bench.ts'
import type { FrameRunner } from '../../../orchestrator/frames/frame-runner.ts'
import type { HeaterSetter } from '../../../orchestrator/frames/heater-setter.ts'

/** What every step works with. */
export interface AwgrContext {
  readonly bench: AwgrBench
  readonly frames: FrameRunner
  readonly heaters: HeaterSetter
}
