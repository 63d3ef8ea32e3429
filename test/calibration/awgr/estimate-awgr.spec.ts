import { expect, test } from 'vitest'
import { awgrCalibrationPlan } from '../../../calibration/awgr/calibrate-awgr.ts'
import { estimateAwgr } from '../../../calibration/awgr/estimate-awgr.ts'
import { openDirectAwgrBench } from '../../support/direct-awgr-bench.ts'
import { runToEnd } from '../../support/run-plan.ts'

test('is what is played, but for the octaves in which no line has to be looked for', async () => {
  const { bench } = openDirectAwgrBench()
  const { vectors } = await runToEnd(awgrCalibrationPlan(bench))
  const { steps, vectors: most } = estimateAwgr(bench)
  const lines = steps.find(({ name }) => name === 'lines')!
  const anOctave = 16 * (lines.vectors / lines.frames)
  expect(most).toBeGreaterThanOrEqual(vectors)
  expect((most - vectors) % anOctave).toBe(0)
  expect(most - vectors).toBeLessThan(lines.vectors)
})
