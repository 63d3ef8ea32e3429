import { test } from 'vitest'
import { calibrationPlan } from '../calibration/calibrate.ts'
import { DEFAULT_DESIGN } from '../core/mesh-design.ts'
import { RandomStream } from '../core/random.ts'
import { MeshCore } from '../calibration/mesh-core.ts'
import { randomOrthogonal } from '../calibration/steps/verification.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { defaultImperfections, openDirectBench } from './support/direct-bench.ts'
import { neverAborted, runToEnd } from './support/run-plan.ts'
const N = Number(process.env['N']), S = Number(process.env['S']), K = 32
test('x', async () => {
  const t = performance.now()
  const { bench } = openDirectBench({ size: N, lanes: 1, seed: Number(process.env['SEED'] ?? 1), design: { ...DEFAULT_DESIGN, form: (process.env['FORM'] ?? 'unitary') as 'unitary' }, imperfections: defaultImperfections({ splitterSigmaRad: S, ...JSON.parse(process.env['X'] ?? '{}') }) } as never)
  try {
  const { calibration, vectors } = await runToEnd(calibrationPlan(bench))
  console.log(N, S, JSON.stringify(calibration.fit), JSON.stringify(calibration.verification), vectors, vectors / N / N, ((performance.now() - t) / 1e3).toFixed(0), 's')
  const frames = new FrameRunner(bench); await frames.prepare(neverAborted)
  const core = new MeshCore(bench, calibration, frames, new HeaterSetter(bench))
  const random = new RandomStream(99, 'targets')
  const t2 = performance.now()
  for (let m = 0; m < 3; m++) {
    const weights = randomOrthogonal(N, random)
    const inputs = new Float64Array(2 * N * N)
    for (let p = 0; p < N; p++) { inputs[2 * p * N + p] = 1; inputs[(2 * p + 1) * N + p] = -1 }
    const sum = new Float64Array(N * N)
    let k = 0; const Es: string[] = []
    const list = Array.from({ length: K }, () => ({ tile: { id: m, weights }, lanes: [inputs] }))
    async function* it() { yield* list }
    for await (const { lanes } of core.stream(it(), neverAborted)) {
      for (let e = 0; e < N * N; e++) { const o = Math.floor(e / N), i = e % N; sum[e]! += (lanes[0]![2 * i * N + o]! - lanes[0]![(2 * i + 1) * N + o]!) / 2 }
      k++
      if ([1, 4, 32].includes(k)) { let d = 0, mm = 0, mt = 0; sum.forEach((v, e) => { mm += (v / k) ** 2; mt += v / k * weights[e]!; d += (v / k - weights[e]!) ** 2 }); Es.push(`${k}: ${Math.sqrt(d / N).toFixed(5)} (scaled ${Math.sqrt((N - mt * mt / mm) / N).toFixed(5)})`) }
    }
    console.log('E by repeats', Es.join(' '), ((performance.now() - t2) / 1e3).toFixed(1))
  }
  } catch (e) { console.log(e) }
}, 1e7)
