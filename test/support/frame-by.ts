import type { BenchFile } from '../../bench/bench-file.ts'
import { startTwin } from '../../bench/connect-twin.ts'
import { startDirectTwin } from '../../bench/direct-twin.ts'
import { openBench } from '../../bench/open-bench.ts'
import { VirtualClock } from '../../core/clock.ts'
import { RandomStream } from '../../core/random.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import type { FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { bringLight } from '../../orchestrator/plans/light.ts'
import { neverAborted } from './run-plan.ts'

/** The ways to a twin: pipes in this process, real sockets and pseudo-terminals, no wires at all. */
export const WAYS = ['pipe', 'wire', 'direct'] as const

const SYMBOLS = 6
/** Long after the slowest heater that a file may describe (1 s) has forgotten, to the last bit, when it was switched. */
const SETTLED_MS = 100_000

/** One frame of random codes on a lit bench with warm heaters, by one of the ways to its twin. */
export async function frameBy(way: (typeof WAYS)[number], file: BenchFile, seed = 3): Promise<FrameReading> {
  const clock = new VirtualClock()
  const made = { seed, clock }
  await using twin = way === 'direct' ? undefined : await startTwin(file, { ...made, mode: way })
  const plug = twin === undefined ? { direct: startDirectTwin(file, made).direct } : { connect: twin.connect }
  await using open = await openBench(file, { ...plug, clock, signal: neverAborted })
  const { bench } = open
  await bringLight(bench, neverAborted)
  await bench.heaters.setVoltagesV(
    0,
    Float64Array.from(bench.heaterChannels, (channel) => 1 + (channel % 5) / 4),
    neverAborted,
  )
  await clock.sleep(SETTLED_MS, neverAborted)
  const frames = new FrameRunner(bench)
  await frames.prepare(neverAborted)
  const random = new RandomStream(seed, 'codes')
  const codes = bench.lanes.map(({ modulators }) =>
    modulators.map(() => Int8Array.from({ length: SYMBOLS }, () => Math.round(random.uniform(-127, 127)))),
  )
  return await frames.run(codes, neverAborted)
}
