import { describe, expect, test } from 'vitest'
import { awgrCalibrationPlan } from '../../../calibration/awgr/calibrate-awgr.ts'
import { AwgrCore } from '../../../calibration/awgr/awgr-core.ts'
import { estimateAwgr } from '../../../calibration/awgr/estimate-awgr.ts'
import { RandomStream } from '../../../core/random.ts'
import { DenseArray } from '../../../orchestrator/arrays/dense-array.ts'
import { FrameRunner } from '../../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../../orchestrator/frames/heater-setter.ts'
import { multiply, PROBE_LIMIT } from '../../../orchestrator/jobs/matmul.ts'
import { multiplyPanels } from '../../../orchestrator/jobs/multiply-panels.ts'
import { exactResult, productJob } from '../../../orchestrator/jobs/product-job.ts'
import { missOf } from '../../../perf/foretold-convolutions.ts'
import { openDirectAwgrBench } from '../../support/direct-awgr-bench.ts'
import { neverAborted, quietLog, runToEnd } from '../../support/run-plan.ts'

/** A disc and a bar on a slope: edges of all directions, and places without any. */
function picture(height: number, width: number): DenseArray {
  const data = Float64Array.from({ length: height * width }, (_, at) => {
    const [y, x] = [Math.floor(at / width), at % width]
    if ((x - 14) ** 2 + (y - 9) ** 2 < 36) return 0.9
    return x > 26 && x < 32 ? 0.1 : 0.3 + 0.01 * y
  })
  return new DenseArray('picture', [1, height, width], false, data)
}

/** Smoothed, its upright edges, and itself: three taps, two and one of sixteen. */
const KERNELS = new DenseArray(
  'kernels',
  [3, 1, 2, 3],
  false,
  Float64Array.from([[1, 2, 1, 1, 2, 1].map((w) => w / 8), [-1, 0, 1, -1, 0, 1], [0, 0, 0, 0, 1, 0]].flat()),
)

async function calibratedRings() {
  const { bench } = openDirectAwgrBench({ size: 16, form: 'shared' })
  const { calibration, vectors } = await runToEnd(awgrCalibrationPlan(bench))
  const frames = new FrameRunner(bench)
  await frames.prepare(neverAborted)
  return { bench, calibration, vectors, core: new AwgrCore(bench, calibration, frames, new HeaterSetter(bench)) }
}

let calibrated: ReturnType<typeof calibratedRings> | undefined

describe('sixteen shared rings', { timeout: 600_000 }, () => {
  test('foretell the bits of random convolutions to 0.2, edges of smooth pictures among them', async () => {
    const { core } = await (calibrated ??= calibratedRings())
    const random = new RandomStream(2, 'random convolutions')
    const misses: number[] = []
    for (let job = 0; job < 8; job++) misses.push(Math.abs(await missOf(core, random, neverAborted)))
    expect(Math.max(...misses)).toBeLessThan(0.2)
    // A reading that is thought to be twice as noisy as it is would show in all of them.
    expect(misses.toSorted((a, b) => a - b)[3]).toBeLessThan(0.05)
  })

  test('convolve a picture with kernels of one to three taps, every output within 2 % of its range', async () => {
    const { bench, calibration, vectors, core } = await (calibrated ??= calibratedRings())
    // With one sign of the weights and paths as they are E is 0.2, and such kernels are further off than probes may be.
    expect(calibration.verification.E).toBeLessThan(0.08)
    expect(estimateAwgr(bench).vectors).toBeGreaterThanOrEqual(vectors)

    const job = productJob(picture(20, 40), KERNELS, { stride: 1, padding: 0, circulant: 16 })
    const out = new DenseArray('out', job.shape, false)
    const { repeatedFrames, probeError } = await multiplyPanels(
      job.products(out),
      (a, b, signal) => multiply(core, a, b, { log: quietLog, signal }),
      { memoryBytes: 2 ** 24, log: quietLog, signal: neverAborted },
    )
    expect(repeatedFrames).toBe(0)
    expect(probeError).toBeLessThan(PROBE_LIMIT / 2)
    const exact = (await exactResult(job)).data
    const pixels = exact.length / 3
    for (let kernel = 0; kernel < 3; kernel++) {
      const [want, got] = [exact, out.data].map((all) => all.subarray(kernel * pixels, (kernel + 1) * pixels))
      const off = want!.map((value, i) => got![i]! - value)
      const rms = Math.sqrt(off.reduce((sum, value) => sum + value * value, 0) / pixels)
      expect(rms / (Math.max(...want!) - Math.min(...want!))).toBeLessThan(0.02)
    }
  })
})
