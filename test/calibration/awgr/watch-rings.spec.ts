import { setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { readBenchFile, requireKind } from '../../../bench/bench-file.ts'
import { startDirectTwin } from '../../../bench/direct-twin.ts'
import { openBench } from '../../../bench/open-bench.ts'
import { AwgrCore } from '../../../calibration/awgr/awgr-core.ts'
import { awgrCalibrationPlan } from '../../../calibration/awgr/calibrate-awgr.ts'
import type { Followed } from '../../../calibration/drift-watch.ts'
import { VirtualClock } from '../../../core/clock.ts'
import { RandomStream } from '../../../core/random.ts'
import { FrameRunner } from '../../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../../orchestrator/frames/heater-setter.ts'
import { multiply } from '../../../orchestrator/jobs/matmul.ts'
import { bringLight } from '../../../orchestrator/plans/light.ts'
import { SMALL_AWGR_BENCH } from '../../cli/fringe-process.ts'
import { quietLog, runToEnd } from '../../support/run-plan.ts'

const HOUR_S = 3600

test('rings that are watched are followed while jobs run, and lose less in half a day', async () => {
  const { signal } = new AbortController()
  // Every instrument of the bench listens to it.
  setMaxListeners(0, signal)
  const clock = new VirtualClock()
  const file = requireKind(await readBenchFile(SMALL_AWGR_BENCH), 'awgr')
  const { direct } = startDirectTwin(file, { seed: 1, clock })
  await using open = await openBench(file, { direct, clock, signal })
  const { bench } = open
  const { calibration } = await runToEnd(awgrCalibrationPlan(bench))
  const frames = new FrameRunner(bench)
  await frames.prepare(signal)
  await bringLight(bench, signal)
  const heaters = new HeaterSetter(bench)
  const looks: Followed[] = []
  const watch = { everyS: HOUR_S, onFollowed: (look: Followed) => void looks.push(look) }
  const watched = new AwgrCore(bench, calibration, frames, heaters, { watch })
  const plain = new AwgrCore(bench, calibration, frames, heaters)
  const { size } = bench.layout
  const bitsOf = async (core: AwgrCore): Promise<number> => {
    const random = new RandomStream(3, 'factors')
    const matrix = () => ({
      rows: 40,
      columns: size,
      data: Float64Array.from({ length: 40 * size }, () => random.normal()),
    })
    const b = { rows: size, columns: size, data: matrix().data.slice(0, size * size) }
    return (await multiply(core, matrix(), b, { log: quietLog, signal })).effectiveBits
  }
  await bitsOf(watched)
  expect(looks.map(({ because }) => because)).toEqual(['time'])
  await bitsOf(watched)
  expect(looks).toHaveLength(1)
  let [worst, worstPlain] = [Infinity, Infinity]
  for (let hour = 0; hour < 12; hour++) {
    await clock.sleep(HOUR_S * 1e3, signal)
    worst = Math.min(worst, await bitsOf(watched))
    worstPlain = Math.min(worstPlain, await bitsOf(plain))
  }
  expect(looks).toHaveLength(13)
  for (const { before, heldOut } of looks.slice(1)) expect(heldOut).toBeLessThan(before)
  // Of 9.6 bits in the morning 8.9 and 7.9.
  expect(worst).toBeGreaterThan(worstPlain + 0.5)
}, 120_000)
