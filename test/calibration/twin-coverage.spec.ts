import { setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { benchFromText, requireKind } from '../../bench/bench-file.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { openMeshBench } from '../../bench/open-bench.ts'
import { trueMesh } from '../../bench/true-mesh.ts'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import { parameterBlocks } from '../../calibration/model/chip-parameters.ts'
import { oracleCalibration } from '../../cli/oracle-calibration.ts'
import { VirtualClock } from '../../core/clock.ts'
import { DEFAULT_DESIGN } from '../../core/mesh-design.ts'
import { meshBenchText } from '../../perf/mesh-bench-text.ts'
import { runToEnd } from '../support/run-plan.ts'

const CHIPS = [1, 2, 3, 4, 5, 6, 7, 8]

/** In how many of its standard deviations each parameter that means the same in all gauges lies beside the truth. */
async function deviationsOf(seed: number): Promise<number[]> {
  const file = requireKind(benchFromText(meshBenchText(4, DEFAULT_DESIGN), 'mesh-4.yaml'), 'mesh')
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  // Every instrument of the bench listens to it.
  setMaxListeners(0, signal)
  const { direct, world } = startDirectTwin(file, { seed, clock })
  await using open = await openMeshBench(file, { direct, clock, signal })
  const { calibration } = await runToEnd(calibrationPlan(open.bench))
  const { chip: truth } = oracleCalibration(open.bench, trueMesh(open.bench, world, file.wiring.meters))
  const { layout } = open.bench
  const blocks = parameterBlocks(layout)
  const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)
  const compared = [
    ...range(blocks.radPerV2, layout.heaters.length),
    ...range(blocks.alpha, blocks.logNeighbour - blocks.alpha),
    blocks.logNeighbour,
    blocks.logDecay,
  ]
  return compared.map((i) => Math.abs(calibration.chip[i]! - truth[i]!) / calibration.chipSigma![i]!)
}

test('95 % intervals hold what a twin hides 90 to 99 % of the time: coefficients, splitters, crosstalk', async () => {
  const deviations: number[] = []
  for (const seed of CHIPS) deviations.push(...(await deviationsOf(seed)))
  const inside = deviations.filter((deviation) => deviation < 1.96).length
  expect(deviations.length).toBeGreaterThan(500)
  expect(inside / deviations.length).toBeGreaterThan(0.9)
  expect(inside / deviations.length).toBeLessThan(0.99)
}, 240_000)
