import { expect, test } from 'vitest'
import { chipDeviations, fitChip, priorsAround } from '../../../calibration/model/chip-fit.ts'
import { RandomStream } from '../../../core/random.ts'
import { hiddenChip } from '../../support/hidden-chip.ts'

const NOISE = 2e-3
const OPTIONS = { maxIterations: 40, tolerance: 1e-6, maxProducts: 300, gradientLeft: 1e-4 }
/** What the readings know better than the priors by this much is held to its interval. */
const KNOWN = 0.3

test('95 % intervals of all that the readings know hold the truth between 90 % and 99 % of the time', () => {
  let [inside, all] = [0, 0]
  for (const seed of [1, 2, 3, 4]) {
    const chip = hiddenChip({ size: 3, lanes: 1, seed })
    const { layout, model, parameters: truth } = chip
    const random = new RandomStream(seed, 'coverage')
    const readings = chip.readAnywhere(40, seed).map((reading) => ({
      ...reading,
      lanes: reading.lanes.map((values) => values.map((value) => value + random.normal(0, NOISE))),
    }))
    const reference = new Set(layout.input[0]!.map((heater) => model.blocks.offset + heater))
    const free = [...truth.keys()].filter((index) => !reference.has(index))
    const priors = priorsAround(layout, truth)
    // The design does not know the truth: its means are drawn as its deviations say.
    const mean = truth.map((value, i) => value + (reference.has(i) ? 0 : random.normal(0, 0.3 * priors.sigma[i]!)))
    const input = { layout, lane: 0, readings, free, priors: { ...priors, mean }, noise: NOISE }
    const { parameters } = fitChip(input, mean, OPTIONS)
    const sigmas = chipDeviations(input, parameters)
    for (const index of free) {
      if (sigmas[index]! > KNOWN * priors.sigma[index]!) continue
      all++
      if (Math.abs(parameters[index]! - truth[index]!) < 1.96 * sigmas[index]!) inside++
    }
  }
  expect(all).toBeGreaterThan(200)
  expect(inside / all).toBeGreaterThan(0.9)
  expect(inside / all).toBeLessThan(0.99)
})
