import { expect, test } from 'vitest'
import { benchFromText } from '../../bench/bench-file.ts'
import type { BenchFile } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { openMeshBench } from '../../bench/open-bench.ts'
import { VirtualClock } from '../../core/clock.ts'
import { designText } from '../../core/mesh-design.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { RandomStream } from '../../core/random.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import type { FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { bringLight } from '../../orchestrator/plans/light.ts'
import { ALL_DESIGNS, meshBenchText } from '../../perf/mesh-bench-text.ts'
import { neverAborted } from '../support/run-plan.ts'

const SIZE = 3
const SYMBOLS = 6
const WAYS = ['pipe', 'wire', 'direct'] as const
const DESIGNS = ALL_DESIGNS.filter(({ detection }) => detection === 'intensity')

/** One frame of random codes on a lit bench with warm heaters, by one of the ways to its twin. */
async function frameBy(way: (typeof WAYS)[number], file: BenchFile): Promise<FrameReading> {
  const clock = new VirtualClock()
  const made = { seed: 3, clock }
  await using twin = way === 'direct' ? undefined : await startTwin(file, { ...made, mode: way })
  const plug = twin === undefined ? { direct: startDirectTwin(file, made).direct } : { connect: twin.connect }
  await using open = await openMeshBench(file, { ...plug, clock, signal: neverAborted })
  const { bench } = open
  await bringLight(bench, neverAborted)
  await bench.heaters.setVoltagesV(
    0,
    Float64Array.from(bench.heaterChannels, (channel) => 1 + (channel % 5)),
    neverAborted,
  )
  await clock.sleep(bench.heaterSettleMs, neverAborted)
  const frames = new FrameRunner(bench)
  await frames.prepare(neverAborted)
  const random = new RandomStream(1, 'codes')
  const codes = bench.lanes.map(({ modulators }) =>
    modulators.map(() => Int8Array.from({ length: SYMBOLS }, () => Math.round(random.uniform(-127, 127)))),
  )
  return await frames.run(codes, neverAborted)
}

test.each(DESIGNS.map((design): [string, MeshDesign] => [designText(design), design]))(
  'a bench of %s plays a frame over pipes, over wires and without, to the same bits',
  async (_, design) => {
    const file = benchFromText(meshBenchText(SIZE, design), 'b.yaml')
    const readings: FrameReading[] = []
    for (const way of WAYS) readings.push(await frameBy(way, file))
    const [{ plusMw, minusMw }] = readings as [FrameReading, ...FrameReading[]]
    expect(plusMw[0]).toHaveLength(SIZE)
    expect(minusMw).toEqual([[]])
    // Light, and data on it: an output that stayed the same would be the meter's own.
    for (const output of plusMw[0]!) expect(Math.max(...output) - Math.min(...output)).toBeGreaterThan(1e-3)
    for (const reading of readings) expect(reading).toStrictEqual(readings[0])
  },
)
