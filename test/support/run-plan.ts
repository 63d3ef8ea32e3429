import type { MeshBench } from '../../core/mesh-bench.ts'
import type { CalibrationContext } from '../../calibration/steps/calibration-context.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import type { MatmulLog } from '../../orchestrator/jobs/matmul.ts'
import { bringLight } from '../../orchestrator/plans/light.ts'
import type { Plan } from '../../orchestrator/plans/plan.ts'
import { trueMesh } from '../../bench/true-mesh.ts'
import { oracleCalibration } from '../../cli/oracle-calibration.ts'
import type { OracleCalibration } from '../../cli/oracle-calibration.ts'
import type { MeshWorld } from '../../sim/optics/mesh-world.ts'

/** What an oracle knows, its chip as the model takes it. */
export type Oracle = Omit<OracleCalibration, 'chip'> & { readonly chip: Float64Array }

/** A signal that nobody aborts. */
export const neverAborted: AbortSignal = new AbortController().signal

/** Runs a plan without an engine; `onStep` sees the names of the steps. */
export async function runToEnd<Result>(
  plan: Plan<Result>,
  onStep: (name: string) => void = () => undefined,
): Promise<Result> {
  for (;;) {
    const next = await plan.next()
    if (next.done === true) return next.value
    onStep(next.value.name)
    await next.value.work(neverAborted, () => undefined)
  }
}

/** A log that keeps nothing. */
export const quietLog: MatmulLog = { step: () => 0, ready: () => Promise.resolve(), frame: () => undefined }

/** What calibration steps work with, frames prepared, on a bench that is dark. */
export async function calibrationContext(bench: MeshBench): Promise<CalibrationContext> {
  const frames = new FrameRunner(bench)
  await frames.prepare(neverAborted)
  return { bench, frames, heaters: new HeaterSetter(bench) }
}

/** The same with light, and what an oracle would have calibrated. */
export async function litContext(
  bench: MeshBench,
  world: MeshWorld,
): Promise<{ context: CalibrationContext; oracle: Oracle }> {
  const context = await calibrationContext(bench)
  await bringLight(bench, neverAborted)
  return { context, oracle: oracleOf(bench, world) }
}

/** The oracle's calibration of a direct bench. */
export function oracleOf(bench: MeshBench, world: MeshWorld): Oracle {
  const meterNames = bench.meters.map((_, meter) => `meter-${meter}`)
  const known = oracleCalibration(bench, trueMesh(bench, world, meterNames))
  return { ...known, chip: Float64Array.from(known.chip) }
}
