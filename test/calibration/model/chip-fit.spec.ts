import { describe, expect, test } from 'vitest'
import { fitChip, predictReading, priorsAround, relativeResidual } from '../../../calibration/model/chip-fit.ts'
import { RandomStream } from '../../../core/random.ts'
import { hiddenChip, looksAt, peeledChip } from '../../support/hidden-chip.ts'
import type { HiddenChip } from '../../support/hidden-chip.ts'

const OPTIONS = { maxIterations: 40, tolerance: 1e-4, maxProducts: 200, gradientLeft: 1e-3 }

const rmsOf = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0) / values.length)

/** Everything but the phase reference: the input offsets of lane 0. */
function freeOf({ layout, model }: HiddenChip): number[] {
  const reference = new Set(layout.input[0]!.map((heater) => model.blocks.offset + heater))
  return [...Array(model.blocks.count).keys()].filter((index) => !reference.has(index))
}

function fit(chip: HiddenChip, relativeNoise: number, settings = 40): { parameters: Float64Array; iterations: number } {
  const { layout } = chip
  const readings = chip.readAnywhere(settings, 1)
  const rms = rmsOf(readings.flatMap(({ lanes }) => [...lanes[0]!]))
  const noise = new RandomStream(1, 'reading noise')
  const noisy = readings.map(({ voltagesV, lanes }) => ({
    voltagesV,
    lanes: lanes.map((values) => values.map((value) => value + noise.normal(0, relativeNoise * rms))),
  }))
  const guess = peeledChip(chip, looksAt(chip)).parameters
  const priors = priorsAround(layout, guess)
  const input = { layout, readings: noisy, lane: 0, free: freeOf(chip), priors, noise: relativeNoise * rms }
  return fitChip(input, guess, OPTIONS)
}

describe('the fit of a whole chip', () => {
  const chip = hiddenChip({ size: 4, ownFieldSigma: 0.001 })
  const { blocks } = chip.model
  const held = chip.readAnywhere(10, 99)

  test('from the first guess finds the chip that we hid: it predicts settings that it has not seen', () => {
    const { parameters, iterations } = fit(chip, 1e-4)
    expect(relativeResidual(chip.layout, parameters, held, 0)).toBeLessThan(1e-3)
    expect(iterations).toBeLessThan(OPTIONS.maxIterations)
  })

  test('recovers the crosstalk, every heater’s coefficient and the losses', () => {
    const { parameters } = fit(chip, 1e-4)
    expect(Math.exp(parameters[blocks.logNeighbour]!)).toBeCloseTo(0.01, 4)
    expect(Math.exp(parameters[blocks.logDecay]!)).toBeCloseTo(1, 2)
    for (const heater of chip.layout.heaters.keys()) {
      const at = blocks.radPerV2 + heater
      expect(parameters[at]! / chip.parameters[at]!).toBeCloseTo(1, 3)
    }
    expect(parameters[blocks.logMziField]).toBeCloseTo(-0.0115, 2)
  })

  test('knows the splitters better than the design does', () => {
    const { parameters } = fit(chip, 1e-4)
    const range = Array.from({ length: blocks.logNeighbour - blocks.alpha }, (_, i) => blocks.alpha + i)
    const [off, hidden] = [
      rmsOf(range.map((i) => parameters[i]! - chip.parameters[i]!)),
      rmsOf(range.map((i) => chip.parameters[i]!)),
    ]
    expect(off).toBeLessThan(hidden / 2)
  })

  test('tells apart what interferometers lose: as one loss for all of them they would leave 0.3 % of a reading', () => {
    const { parameters } = fit(chip, 1e-4)
    const alike = parameters.slice().fill(0, blocks.logOwnField)
    const [left, leftAlike] = [parameters, alike].map((p) => relativeResidual(chip.layout, p, held, 0))
    expect(left).toBeLessThan(2e-4)
    expect(leftAlike).toBeGreaterThan(10 * left!)
  })

  test('through noise of 0.4 % leaves no more than the noise', () => {
    const { parameters } = fit(chip, 0.004)
    expect(relativeResidual(chip.layout, parameters, held, 0)).toBeLessThan(0.004)
  })

  test('leaves what it must not move where it was', () => {
    const guess = peeledChip(chip, looksAt(chip)).parameters
    const priors = priorsAround(chip.layout, guess)
    const free = [blocks.logNeighbour]
    const input = { layout: chip.layout, readings: chip.readAnywhere(4, 1), lane: 0, free, priors, noise: 0.01 }
    const { parameters } = fitChip(input, guess, OPTIONS)
    for (const [index, value] of parameters.entries()) {
      if (index === blocks.logNeighbour) expect(value).not.toBe(guess[index])
      else expect(value).toBe(guess[index])
    }
  })

  test('readings that fit exactly leave nothing', () => {
    expect(relativeResidual(chip.layout, chip.parameters, held, 0)).toBe(0)
  })

  test('a reading turns sign with the local oscillator by half a turn', () => {
    const voltages = new Float64Array(chip.layout.heaters.length)
    const crosstalk = chip.model.crosstalk(chip.parameters)
    const turned = chip.parameters.slice()
    turned[blocks.offset + chip.layout.lo[0]![2]!]! += Math.PI
    const [before, after] = [chip.parameters, turned].map((p) =>
      predictReading(chip.model, p, crosstalk, voltages, 0),
    ) as [Float64Array, Float64Array]
    for (const [element, value] of after.entries()) {
      expect(value).toBeCloseTo(Math.floor(element / 4) === 2 ? -before[element]! : before[element]!, 12)
    }
  })
})
