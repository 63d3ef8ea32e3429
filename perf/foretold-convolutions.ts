import { readBenchFile, requireKind } from '../bench/bench-file.ts'
import { startDirectTwin } from '../bench/direct-twin.ts'
import { openBench } from '../bench/open-bench.ts'
import { AwgrCore } from '../calibration/awgr/awgr-core.ts'
import { awgrCalibrationPlan } from '../calibration/awgr/calibrate-awgr.ts'
import { VirtualClock } from '../core/clock.ts'
import type { OpticalCore } from '../core/optical-core.ts'
import { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { noSink, productJob } from '../orchestrator/jobs/product-job.ts'
import { multiply } from '../orchestrator/jobs/matmul.ts'
import { multiplyPanels, PANEL_MEMORY_BYTES } from '../orchestrator/jobs/multiply-panels.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { runToEnd } from './product-bits.ts'
import { randomConvolution } from './random-convolutions.ts'

const JOBS = 12
const NEAR_BITS = 0.2

/** Measured less predicted bits of random convolutions on a core whose ports share one bank. */
export async function foretoldConvolutions(): Promise<readonly Figure[]> {
  const file = requireKind(await readBenchFile('examples/awgr-16-shared.yaml'), 'awgr')
  const clock = new VirtualClock()
  const { signal } = new AbortController()
  const { direct } = startDirectTwin(file, { seed: 1, clock })
  await using open = await openBench(file, { direct, clock, signal })
  const { bench } = open
  const { calibration } = await runToEnd(awgrCalibrationPlan(bench), signal)
  const frames = new FrameRunner(bench)
  await frames.prepare(signal)
  const core = new AwgrCore(bench, calibration, frames, new HeaterSetter(bench))
  const random = new RandomStream(1, 'random convolutions')
  const misses: number[] = []
  for (let job = 0; job < JOBS; job++) misses.push(Math.abs(await missOf(core, random, signal)))
  const against = `${JOBS} random convolutions on the shared rings of one chip; half of them edges of smooth pictures`
  const bits = { unit: 'bits', better: 'lower', against } as const
  return [
    figure({ name: 'predicted bits of convolutions are off by, median', value: median(misses), ...bits }),
    figure({
      name: 'predicted bits of convolutions are off by, worst',
      value: Math.max(...misses),
      ...bits,
      goal: NEAR_BITS,
    }),
  ]
}

/** Bits that the next random convolution has beyond what was foretold. */
export async function missOf(core: OpticalCore, random: RandomStream, signal: AbortSignal): Promise<number> {
  const log = { step: () => 0, ready: () => Promise.resolve(), frame: () => undefined }
  const { image, kernels, options } = randomConvolution(random)
  const job = productJob(image, kernels, { ...options, circulant: core.shape.inputs })
  const { effectiveBits, numerics } = await multiplyPanels(
    job.products(noSink),
    (a, b, signal, _, isWanted) => multiply(core, a, b, { log, signal, isWanted }),
    { memoryBytes: PANEL_MEMORY_BYTES, log, signal },
  )
  return effectiveBits - numerics.predicted.effectiveBits!
}
