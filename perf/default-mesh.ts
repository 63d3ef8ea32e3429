import { setMaxListeners } from 'node:events'
import { readBenchFile, requireKind } from '../bench/bench-file.ts'
import type { MeshBenchFile } from '../bench/bench-file.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openMeshBench } from '../bench/open-bench.ts'
import type { OpenBench } from '../bench/open-bench.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { VirtualClock } from '../core/clock.ts'
import type { MeshBench } from '../core/mesh-bench.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { runToEnd } from './product-bits.ts'

export interface CalibratedMesh extends Pick<OpenBench, typeof Symbol.asyncDispose> {
  readonly bench: MeshBench
  readonly clock: VirtualClock
  readonly calibration: MeshCalibration
  readonly frames: FrameRunner
  readonly signal: AbortSignal
}

/** The default bench with the chip of one seed, without wires: calibrated, and its frames prepared. */
export async function defaultMesh(seed: number): Promise<CalibratedMesh> {
  return calibratedMesh(requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh'), seed)
}

/** The same of any bench with a mesh. */
export async function calibratedMesh(file: MeshBenchFile, seed: number): Promise<CalibratedMesh> {
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  // Every instrument of the bench listens to it.
  setMaxListeners(0, signal)
  const { direct } = startDirectTwin(file, { seed, clock })
  const open = await openMeshBench(file, { direct, clock, signal })
  const { bench } = open
  const { calibration } = await runToEnd(calibrationPlan(bench), signal)
  const frames = new FrameRunner(bench)
  await frames.prepare(signal)
  return { bench, clock, calibration, frames, signal, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() }
}
