import { expect, test } from 'vitest'
import { fitChipToIntensities } from '../../../calibration/intensity/fit-chip.ts'
import { intensityPriors } from '../../../calibration/intensity/intensity-priors.ts'
import { hiddenMesh, roughly } from '../../support/hidden-mesh.ts'

/** What the readings know better than the priors by this much is held to its interval. */
const KNOWN = 0.3
const CHIPS = [1, 2, 3, 4, 5, 6]

test('95 % intervals of all that the readings know hold the truth between 90 % and 99 % of the time', () => {
  let [inside, all] = [0, 0]
  for (const seed of CHIPS) {
    const mesh = hiddenMesh({ size: 5, seed, noise: 1e-3 })
    const { guess } = roughly(mesh, 0.1, seed)
    const priors = intensityPriors(mesh.layout, guess)
    const fit = fitChipToIntensities(mesh.layout, mesh.readAnywhere(40, 10 + seed), guess)
    const { strayRe } = mesh.model.blocks
    for (let i = 0; i < strayRe; i++) {
      if (!(priors.sigma[i]! > 0) || fit.sigmas[i]! > KNOWN * priors.sigma[i]!) continue
      all++
      if (Math.abs(fit.parameters[i]! - mesh.parameters[i]!) < 1.96 * fit.sigmas[i]!) inside++
    }
  }
  expect(all).toBeGreaterThan(50 * CHIPS.length)
  expect(inside / all).toBeGreaterThan(0.9)
  expect(inside / all).toBeLessThan(0.99)
})
