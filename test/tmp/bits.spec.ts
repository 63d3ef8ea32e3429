import { test } from 'vitest'
import { openDirectBench } from '../support/direct-bench.ts'
import { oracleCalibration } from '../../perf/oracle.ts'
import { calibrationPlan } from '../../calibration/calibrate.ts'
import { MeshCore } from '../../calibration/mesh-core.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { multiply } from '../../orchestrator/jobs/matmul.ts'
import { RandomStream } from '../../core/random.ts'
test('bits', async () => {
 for (const seed of (process.env['SEEDS'] ?? '1').split(',').map(Number)) {
  const { bench, world } = openDirectBench({ seed })
  const signal = new AbortController().signal
  const plan = calibrationPlan(bench)
  const t0 = performance.now()
  const times: string[] = []
  try {
  for (;;) {
    const { done, value } = await plan.next()
    if (done) { 
      const v = value.calibration.verification
      const out = [`E ${v.E.toFixed(4)} bits ${v.effectiveBits.toFixed(2)} resid ${value.calibration.fit.relativeResidual.toFixed(4)}/${value.calibration.fit.heldOutResidual.toFixed(4)}`, `it ${value.calibration.fit.iterations}`]
      const r = new RandomStream(seed, 'ab')
      const o = oracleCalibration(bench, world, ['meter-0','meter-1','meter-2','meter-3'])
      for (const kind of ['normal','uniform'] as const) {
       const g = () => ({rows:64, columns:64, data: Float64Array.from({length:4096}, () => kind==='normal' ? r.normal() : r.uniform())})
       const a=g(), b=g()
       for (const cal of [value.calibration, {...value.calibration, ...o, chip: Array.from(o.chip)}]) {
        const frames = new FrameRunner(bench); await frames.prepare(signal)
        const core = new MeshCore(bench, cal, frames, new HeaterSetter(bench))
        const tt=performance.now()
        const res = await multiply(core, a, b, { log: { step: () => 0, ready: async () => undefined, frame: () => undefined }, signal })
        out.push(`${kind} ${res.effectiveBits.toFixed(2)} (probe ${res.probeError.toFixed(4)} rep ${res.repeatedFrames} ${((performance.now()-tt)/1e3).toFixed(1)}s)`)
       }
      }
      console.log('seed', seed, out.join(' | '), ((performance.now()-t0)/1e3).toFixed(1), times.join(' ')); break }
    const t=performance.now()
    await value.work(signal, () => undefined)
    times.push(`${value.name}:${(performance.now()-t).toFixed(0)}`)
  }
  } catch (e) { console.log('seed', seed, 'FAILED', e) }
 }
}, 6000000)
