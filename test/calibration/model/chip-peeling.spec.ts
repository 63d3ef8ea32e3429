import { describe, expect, test } from 'vitest'
import { fitChip, priorsAround, relativeResidual } from '../../../calibration/model/chip-fit.ts'
import { peelChip } from '../../../calibration/model/chip-peeling.ts'
import { angleBetween } from '../../support/complex.ts'
import { hiddenChip, looksAt, openVoltages, peeledChip } from '../../support/hidden-chip.ts'
import type { HiddenChip } from '../../support/hidden-chip.ts'

/** A thousandth of the light: converters of a bench with its probing frames. */
const NOISE = 0.002

const rms = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)

function peeled(chip: HiddenChip, noise = NOISE): Float64Array {
  return peeledChip(chip, looksAt(chip, noise)).parameters
}

describe('a chip peeled column by column', () => {
  test.each([
    [2, 0.01],
    [3, 0.01],
    [4, 0.01],
    [7, 0.02],
    [16, 0.01],
  ])('of %i ports and crosstalk %f is found: inner phases to 0.03 rad, coefficients to 1 %', (size, neighbour) => {
    const chip = hiddenChip({ size, neighbour, seed: 3 })
    const { layout, parameters } = chip
    const { offset, radPerV2, logNeighbour } = chip.model.blocks
    const guess = peeled(chip)
    const thetas = [...layout.first.theta, ...layout.second.theta]
    expect(rms(thetas.map((h) => angleBetween(guess[offset + h]!, parameters[offset + h]!)))).toBeLessThan(0.03)
    const core = [...thetas, ...layout.first.phi, ...layout.second.phi]
    expect(rms(core.map((h) => guess[radPerV2 + h]! / parameters[radPerV2 + h]! - 1))).toBeLessThan(0.01)
    if (size > 3) expect(Math.exp(guess[logNeighbour]!) / neighbour).toBeCloseTo(1, 0)
    const base = [chip.read(openVoltages(chip))]
    expect(relativeResidual(layout, guess, base, 0)).toBeLessThan(0.1)
  })

  test('no error grows on the way: the last column peeled is known as well as the first', () => {
    const chip = hiddenChip({ size: 12, seed: 5 })
    const { layout, parameters, model } = chip
    const guess = peeled(chip)
    const off = (mesh: 'first' | 'second', column: number): number =>
      rms(
        layout.mzis.flatMap((place, k) => {
          const heater = model.blocks.offset + layout[mesh].theta[k]!
          return place.column === column ? [angleBetween(guess[heater]!, parameters[heater]!)] : []
        }),
      )
    expect(off('first', 0)).toBeLessThan(2 * Math.max(off('second', 11), 0.01))
  })

  test('is where the fit of the whole chip ends at the truth: settings it has not seen are predicted to 1 %', () => {
    const chip = hiddenChip({ size: 10, seed: 2 })
    const { layout, model } = chip
    const guess = peeled(chip)
    const readings = chip.readAnywhere(40, 1)
    const power = rms(readings.flatMap(({ lanes }) => [...lanes[0]!]))
    const reference = new Set(layout.input[0]!.map((heater) => model.blocks.offset + heater))
    const free = [...Array(model.blocks.count).keys()].filter((index) => !reference.has(index))
    const input = { layout, readings, lane: 0, free, priors: priorsAround(layout, guess), noise: NOISE * power }
    const options = { maxIterations: 20, tolerance: 0.02, maxProducts: 40, gradientLeft: 0.02 }
    const { parameters } = fitChip(input, guess, options)
    expect(relativeResidual(layout, parameters, chip.readAnywhere(4, 99), 0)).toBeLessThan(0.01)
    expect(Math.exp(parameters[model.blocks.logNeighbour]!)).toBeCloseTo(0.01, 4)
  })

  test('a heater that turns nothing is told from all others', () => {
    const chip = hiddenChip({ size: 6, seed: 4 })
    const { layout, model } = chip
    const dead = layout.first.theta[7]!
    const { turned } = peeledChip(chip, looksAt(chip))
    const core = [layout.first, layout.second].flatMap(({ phi, theta }) => [...phi, ...theta])
    expect(Math.min(...core.map((h) => turned[h]!))).toBeGreaterThan(0.5)
    chip.parameters[model.blocks.radPerV2 + dead] = 1e-9
    const broken = peeledChip(chip, looksAt(chip)).turned
    expect(broken[dead]).toBeLessThan(0.2)
    expect(Math.min(...core.filter((h) => h !== dead).map((h) => broken[h]!))).toBeGreaterThan(0.4)
  })

  test('light that reaches no output cannot be peeled', () => {
    const chip = hiddenChip({ size: 2 })
    const looks = looksAt(chip)
    looks.base.matrix.re.fill(0)
    looks.base.matrix.im.fill(0)
    expect(peelChip(chip.layout, looks)).toEqual({ outcome: 'dark' })
  })

  test('an attenuator that stays shut is named', () => {
    const chip = hiddenChip({ size: 8, seed: 6, neighbour: 1e-4, splitterSigmaRad: 0 })
    const { offset, radPerV2 } = chip.model.blocks
    const baseV = openVoltages(chip)
    const heater = chip.layout.sigma.theta[5]!
    // 0.03 rad from shut half of that passes as a field; splitters that differ would pass more.
    const missing = Math.PI - 0.03 - chip.parameters[offset + heater]!
    baseV[heater] = Math.sqrt((missing + (missing < 0 ? 2 * Math.PI : 0)) / chip.parameters[radPerV2 + heater]!)
    expect(peelChip(chip.layout, looksAt(chip, 0, baseV))).toMatchObject({ outcome: 'shut', waveguide: 5 })
  })

  test('heaters that stand elsewhere lead it astray where they were taken for others', () => {
    const chip = hiddenChip({ size: 6, seed: 6 })
    const looks = looksAt(chip)
    const stages = looks.stages.with(2, looks.stages[9]!)
    expect(peelChip(chip.layout, { ...looks, stages })).toMatchObject({
      outcome: 'astray',
      stage: { mesh: 'second', column: 3 },
    })
  })
})
