import { test } from 'vitest'
import { openDirectBench, defaultImperfections } from '../support/direct-bench.ts'
import { calibrationPlan } from '../../calibration/calibrate.ts'
test('x', async () => {
  for (const [size, lanes, seed] of [[4,1,1],[4,2,1],[4,2,2],[3,1,1],[5,1,1],[6,1,1]] as const) {
    try {
    const { bench } = openDirectBench({ size, lanes, seed, imperfections: defaultImperfections() })
    const signal = new AbortController().signal
    const plan = calibrationPlan(bench)
    const t0 = performance.now()
    for (;;) {
      const { done, value } = await plan.next()
      if (done) { console.log(size, lanes, seed, JSON.stringify(value.calibration.verification), JSON.stringify(value.calibration.fit), value.vectors, (performance.now()-t0).toFixed(0)); break }
      await value.work(signal, () => undefined)
    }
    } catch (e) { console.log(size, lanes, seed, e) }
  }
})
