import { expect, test } from 'vitest'
import { intensityCalibrationPlan } from '../../../calibration/intensity/calibrate-intensity.ts'
import { intensityBlocks } from '../../../calibration/intensity/intensity-parameters.ts'
import { runToEnd } from '../../../perf/product-bits.ts'
import { defaultImperfections, openDirectBench } from '../../support/direct-bench.ts'

const SIZE = 6

test('a mesh read by photodiodes is known to half a percent from cold, its leaking modulators and converters included', async () => {
  const imperfections = defaultImperfections({
    crosstalkNeighbour: 0.015,
    splitterMeanRad: 0.06,
    receiverFullScaleMw: 1,
  })
  const { bench, world } = openDirectBench({
    size: SIZE,
    lanes: 1,
    seed: 2,
    imperfections,
    design: { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' },
  })
  const { fit, heldOutTvd, vectors } = await runToEnd(intensityCalibrationPlan(bench), new AbortController().signal)
  expect(heldOutTvd).toBeLessThan(0.005)
  expect(vectors).toBeLessThanOrEqual(27 * SIZE ** 2)
  const blocks = intensityBlocks(bench.layout)
  expect(Math.exp(fit.parameters[blocks.logNeighbour]!)).toBeCloseTo(0.015, 3)
  // Also in the first column, where stray light looks like an error of the splitter.
  for (const [e, { alphaRad }] of world.core.truth.chip.first.entries()) {
    const found = fit.parameters[blocks.splitterMean]! + fit.parameters[blocks.alpha + e]!
    expect(Math.abs(found - alphaRad)).toBeLessThan(0.01)
  }
})
