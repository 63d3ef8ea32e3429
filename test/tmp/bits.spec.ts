import { test } from 'vitest'
import { openDirectBench } from '../support/direct-bench.ts'
import { oracleCalibration } from '../support/oracle.ts'
import { calibrationPlan } from '../../calibration/calibrate.ts'
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
    if (done) { console.log('seed', seed, JSON.stringify(value.calibration.fit), JSON.stringify(value.calibration.verification), value.vectors, ((performance.now()-t0)/1e3).toFixed(1), times.join(' ')); break }
    const t=performance.now()
    await value.work(signal, () => undefined)
    times.push(`${value.name}:${(performance.now()-t).toFixed(0)}`)
  }
  } catch (e) { console.log('seed', seed, 'FAILED', e) }
 }
}, 6000000)
