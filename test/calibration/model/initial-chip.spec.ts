import { describe, expect, test } from 'vitest'
import { relativeResidual } from '../../../calibration/model/chip-fit.ts'
import { guessChip } from '../../../calibration/model/initial-chip.ts'
import { firstLookAt, hiddenChip } from '../../support/hidden-chip.ts'
import type { HiddenChip, HiddenChipOptions } from '../../support/hidden-chip.ts'

/** How badly the guess predicts readings at other settings, with losses and crosstalk told to it. */
function misses(options: HiddenChipOptions): number {
  const chip = hiddenChip(options)
  const { layout, model, parameters } = chip
  const guess = guessChip(layout, firstLookAt(chip))
  for (const known of [model.blocks.logNeighbour, model.blocks.logMziField]) guess[known] = parameters[known]!
  return relativeResidual(layout, guess, chip.readAnywhere(8, 1), 0)
}

const SEEDS = [1, 2, 3]

describe('the first guess from true fringes', () => {
  test.each([2, 3, 4, 5, 8])('finds all phases of an ideal chip of %i ports: it predicts any other setting', (size) => {
    for (const seed of SEEDS) {
      expect(misses({ size, seed, splitterSigmaRad: 0, neighbour: 1e-12, logMziField: 0 })).toBeLessThan(1e-9)
    }
  })

  test.each([3, 4, 8])(
    'of %i ports with splitters off by 0.02 rad, crosstalk and losses comes near enough for the fit',
    (size) => {
      for (const seed of SEEDS) expect(misses({ size, seed })).toBeLessThan(0.5)
    },
  )

  test('takes the attenuators and the heaters’ coefficients as they were measured, and the inputs of lane 0 as the reference', () => {
    const chip: HiddenChip = hiddenChip()
    const { layout, model, parameters } = chip
    const { blocks } = model
    const guess = guessChip(layout, firstLookAt(chip))
    for (const heater of layout.heaters.keys()) {
      expect(guess[blocks.radPerV2 + heater]).toBe(parameters[blocks.radPerV2 + heater])
    }
    for (const heater of layout.sigma.theta)
      expect(guess[blocks.offset + heater]).toBe(parameters[blocks.offset + heater])
    for (const heater of layout.input[0]!) expect(guess[blocks.offset + heater]).toBe(0)
  })
})
