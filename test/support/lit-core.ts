import type { MeshCalibration } from '../../calibration/calibration-record.ts'
import type { WatchOptions } from '../../calibration/drift-watch.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import type { RefineOptions } from '../../calibration/tile-refiner.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { Frame, FrameResult, Tile } from '../../core/optical-core.ts'
import { RandomStream } from '../../core/random.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { bringLight } from '../../orchestrator/plans/light.ts'
import type { MeshImperfections } from '../../sim/optics/parameters/mesh-parameters.ts'
import { openDirectBench } from './direct-bench.ts'
import { neverAborted, oracleOf } from './run-plan.ts'

/** Ports of the small core. */
export const SIZE = 4
const random = new RandomStream(1, 'mesh core')
export const tile = (id: number): Tile => ({
  id,
  weights: Float64Array.from({ length: SIZE * SIZE }, () => random.normal()),
})
const inputs = (symbols: number): Float64Array =>
  Float64Array.from({ length: symbols * SIZE }, () => random.uniform(-1, 1))
export const frame = (of: Tile, symbols: number, lanes = 1): Frame => ({
  tile: of,
  lanes: Array.from({ length: lanes }, () => inputs(symbols)),
})

export async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

/** A lit bench and its core with the oracle's calibration; `wrap` may put something between them. */
export async function litCore(
  options: {
    lanes?: number
    wrap?: (bench: MeshBench) => MeshBench
    calibration?: (known: MeshCalibration) => MeshCalibration
    imperfections?: MeshImperfections
    watch?: WatchOptions
    refine?: RefineOptions
  } = {},
): Promise<{ core: MeshCore; bench: MeshBench }> {
  const { lanes = 1, wrap = (bench: MeshBench) => bench, calibration = (known: MeshCalibration) => known } = options
  const { imperfections, watch, refine } = options
  const { bench: plain, world } = openDirectBench({ size: SIZE, lanes, ...(imperfections && { imperfections }) })
  const bench = wrap(plain)
  await bringLight(bench, neverAborted)
  const frames = new FrameRunner(bench)
  await frames.prepare(neverAborted)
  const truth = oracleOf(plain, world)
  const known: MeshCalibration = {
    schema: 'fringe-mesh-calibration-1',
    size: SIZE,
    lanes,
    ...truth,
    chip: Array.from(truth.chip),
    fit: {
      relativeResidual: 0,
      heldOutResidual: 0,
      tapDisagreement: 0,
      iterations: 0,
      settings: 0,
      crosstalkNeighbour: 0,
      crosstalkDecayPitch: 1,
      splitterRmsRad: 0,
    },
    verification: { E: 0, F: 1, amplitudeFidelity: 1, tvd: 0, effectiveBits: 0 },
  }
  return { core: new MeshCore(bench, calibration(known), frames, new HeaterSetter(bench), { watch, refine }), bench }
}

export async function collect(core: MeshCore, frames: Iterable<Frame>, signal = neverAborted): Promise<FrameResult[]> {
  const results: FrameResult[] = []
  for await (const result of core.stream(asyncOf(frames), signal)) results.push(result)
  return results
}

/** Root mean square of what a result is off by, relative to the exact products. */
export function relativeError({
  frame: {
    tile: { weights },
    lanes: given,
  },
  lanes,
}: FrameResult): number {
  let [off, all] = [0, 0]
  for (const [lane, outputs] of lanes.entries()) {
    for (const [at, value] of outputs.entries()) {
      const [symbol, output] = [Math.floor(at / SIZE), at % SIZE]
      let exact = 0
      for (let i = 0; i < SIZE; i++) exact += weights[output * SIZE + i]! * given[lane]![symbol * SIZE + i]!
      off += (value - exact) ** 2
      all += exact ** 2
    }
  }
  return Math.sqrt(off / all)
}
