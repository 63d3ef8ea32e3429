import { expect, test } from 'vitest'
import { benchFromText, readBenchFile, requireKind } from '../../bench/bench-file.ts'
import type { BenchFile } from '../../bench/bench-file.ts'
import { trueMesh } from '../../bench/true-mesh.ts'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import { parameterBlocks } from '../../calibration/model/chip-parameters.ts'
import type { ParameterBlocks } from '../../calibration/model/chip-parameters.ts'
import { oracleCalibration } from '../../cli/oracle-calibration.ts'
import { DEFAULT_DESIGN } from '../../core/mesh-design.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { openDirectMesh } from '../../perf/direct-mesh.ts'
import { meshBenchText } from '../../perf/mesh-bench-text.ts'
import { runToEnd } from '../support/run-plan.ts'

type MeshFile = Extract<BenchFile, { kind: 'mesh' }>

const CHIPS = [1, 2, 3, 4, 5, 6, 7, 8]

type Wanted = (layout: SvdCoreLayout, blocks: ParameterBlocks) => readonly number[]

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

/** In how many of its standard deviations each of the wanted parameters lies beside the truth. */
async function deviationsOf(file: MeshFile, seed: number, wanted: Wanted): Promise<readonly number[]> {
  await using open = await openDirectMesh(file, seed)
  const { calibration } = await runToEnd(calibrationPlan(open.bench))
  const { chip: truth } = oracleCalibration(open.bench, trueMesh(open.bench, open.world, file.wiring.meters))
  const { layout } = open.bench
  return wanted(layout, parameterBlocks(layout)).map(
    (i) => Math.abs(calibration.chip[i]! - truth[i]!) / calibration.chipSigma![i]!,
  )
}

test('95 % intervals hold what a twin hides 90 to 99 % of the time: coefficients, splitters, crosstalk', async () => {
  const file = requireKind(benchFromText(meshBenchText(4, DEFAULT_DESIGN), 'mesh-4.yaml'), 'mesh')
  // What means the same in all gauges.
  const wanted: Wanted = (layout, blocks) => [
    ...range(blocks.radPerV2, layout.heaters.length),
    ...range(blocks.alpha, blocks.logNeighbour - blocks.alpha),
    blocks.logNeighbour,
    blocks.logDecay,
  ]
  const deviations: number[] = []
  for (const seed of CHIPS) deviations.push(...(await deviationsOf(file, seed, wanted)))
  const inside = deviations.filter((deviation) => deviation < 1.96).length
  expect(deviations.length).toBeGreaterThan(500)
  expect(inside / deviations.length).toBeGreaterThan(0.9)
  expect(inside / deviations.length).toBeLessThan(0.99)
}, 240_000)

test('trimmers and local oscillators of a further lane lie within deviations of their own', async () => {
  const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
  const wanted: Wanted = ({ input, lo }, { radPerV2 }) => [...input[1]!, ...lo[1]!].map((heater) => radPerV2 + heater)
  const deviations = await deviationsOf(file, 1, wanted)
  expect(deviations).toHaveLength(16)
  expect(Math.max(...deviations)).toBeLessThan(4)
  expect(Math.hypot(...deviations) / 4).toBeGreaterThan(0.4)
}, 240_000)
