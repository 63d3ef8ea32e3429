import type { MeshBenchFile } from '../../bench/bench-file.ts'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import type { CalibrationResult } from '../../calibration/calibrate.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import { BenchError } from '../../core/errors.ts'
import { RandomStream } from '../../core/random.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import type { TwinDefects } from '../../sim/optics/defects.ts'
import { openDirectMesh } from '../direct-mesh.ts'
import { productBits, randomMatrix, runToEnd } from '../product-bits.ts'

export type Outcome =
  | { readonly kind: 'refused'; readonly error: BenchError }
  | ({ readonly kind: 'accepted'; readonly bits: number } & CalibrationResult)

/** Calibrates the twin of a bench with these defects from cold, and multiplies with what was accepted. */
export async function calibrateWith(file: MeshBenchFile, seed: number, defects: TwinDefects): Promise<Outcome> {
  await using open = await openDirectMesh({ ...file, defects }, seed)
  const { signal } = open
  let result: CalibrationResult
  try {
    result = await runToEnd(calibrationPlan(open.bench), signal)
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    return { kind: 'refused', error }
  }
  const frames = new FrameRunner(open.bench)
  await frames.prepare(signal)
  const core = new MeshCore(open.bench, result.calibration, frames, new HeaterSetter(open.bench))
  const random = new RandomStream(seed, 'products/normal')
  const bits = await productBits(core, randomMatrix('normal', random), randomMatrix('normal', random), signal)
  return { kind: 'accepted', bits, ...result }
}
