import { readBenchFile, requireKind } from '../bench/bench-file.ts'
import type { MeshBenchFile } from '../bench/bench-file.ts'
import { calibrationPlan } from '../calibration/calibrate.ts'
import type { MeshCalibration } from '../calibration/calibration-record.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { openDirectMesh } from './direct-mesh.ts'
import type { DirectMesh } from './direct-mesh.ts'
import { runToEnd } from './product-bits.ts'

export interface CalibratedMesh extends DirectMesh {
  readonly calibration: MeshCalibration
  readonly frames: FrameRunner
}

/** The default bench with the chip of one seed, without wires: calibrated, and its frames prepared. */
export async function defaultMesh(seed: number): Promise<CalibratedMesh> {
  return calibratedMesh(requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh'), seed)
}

/** The same of any bench with a mesh. */
export async function calibratedMesh(file: MeshBenchFile, seed: number): Promise<CalibratedMesh> {
  const mesh = await openDirectMesh(file, seed)
  const { bench, signal } = mesh
  const { calibration } = await runToEnd(calibrationPlan(bench), signal)
  const frames = new FrameRunner(bench)
  await frames.prepare(signal)
  return { ...mesh, calibration, frames }
}
