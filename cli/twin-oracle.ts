import type { BenchFile } from '../bench/bench-file.ts'
import { openKnownTwin } from '../bench/true-mesh.ts'
import type { MeshCalibration, Verification } from '../calibration/calibration-record.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import { settingsOf } from '../calibration/plan-step.ts'
import { verify } from '../calibration/steps/verification.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../orchestrator/plans/light.ts'
import type { TwinChoice } from './far-side.ts'
import { oracleCalibration } from './oracle-calibration.ts'

/**
 * What a twin verifies at when nothing about it is unknown: the same chip, lit a second time, programmed with its true
 * parameters to the matrices that `record` was verified with.
 *
 * For a report, and for nothing that calibrates or multiplies.
 */
export async function oracleVerification(
  file: Extract<BenchFile, { kind: 'mesh' }>,
  twin: Pick<TwinChoice, 'seed' | 'ageS'>,
  record: MeshCalibration,
  signal: AbortSignal,
): Promise<Verification> {
  await using known = await openKnownTwin(file, twin, signal)
  const { bench } = known
  const frames = new FrameRunner(bench)
  await warmUp(bench, signal)
  await frames.prepare(signal)
  await bringLight(bench, signal)
  const oracle: MeshCalibration = { ...record, ...oracleCalibration(bench, known.truth()) }
  const core = new MeshCore(bench, oracle, frames, new HeaterSetter(bench))
  return await verify(core, settingsOf('verification'), signal)
}
