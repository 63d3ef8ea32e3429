import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChipModel } from '../../../calibration/model/chip-model.ts'
import type { Crosstalk } from '../../../calibration/model/crosstalk.ts'
import { programWeights, voltagesFor } from '../../../calibration/model/programming.ts'
import type { ProgrammedTile } from '../../../calibration/model/programming.ts'
import { randomOrthogonal } from '../../../calibration/steps/verification.ts'
import { BenchError } from '../../../core/errors.ts'
import { RandomStream } from '../../../core/random.ts'
import { DEFAULT_DESIGN } from '../../../core/mesh-design.ts'
import type { MeshImperfections } from '../../../sim/optics/parameters/mesh-parameters.ts'
import { angleBetween } from '../../support/complex.ts'
import { defaultImperfections, openDirectBench } from '../../support/direct-bench.ts'
import { oracleOf } from '../../support/run-plan.ts'

const MAX_V = 9.5

interface Chip {
  readonly model: ChipModel
  readonly parameters: Float64Array
  readonly crosstalk: Crosstalk
}

function trueChip(size: number, changes: Partial<MeshImperfections> = {}, seed = 1, design = DEFAULT_DESIGN): Chip {
  const imperfections = defaultImperfections(changes)
  const { bench, world } = openDirectBench({ size, lanes: 1, seed, imperfections, design })
  const model = new ChipModel(bench.layout)
  const { chip } = oracleOf(bench, world)
  return { model, parameters: chip, crosstalk: model.crosstalk(chip) }
}

const program = ({ model, parameters, crosstalk }: Chip, weights: Float64Array): ProgrammedTile =>
  programWeights(model, parameters, crosstalk, weights, MAX_V)

/** What the detectors of the chip would show at these voltages, in units of the weights, without the ports' gains. */
function detected({ model, parameters, crosstalk }: Chip, { voltagesV, fieldPerWeight }: ProgrammedTile): Float64Array {
  const { layout } = model
  const phases = model.phases(parameters, crosstalk, voltagesV)
  const { size, re, im } = model.transfer(parameters, phases)
  return Float64Array.from(re, (_, element) => {
    const [output, input] = [Math.floor(element / size), element % size]
    const turn = phases[layout.input[0]![input]!]! - phases[layout.lo[0]![output]!]!
    return (Math.cos(turn) * re[element]! - Math.sin(turn) * im[element]!) / fieldPerWeight[output]!
  })
}

/** ‖got − wanted‖ / ‖wanted‖ */
function relativeError(got: Float64Array, wanted: Float64Array): number {
  return Math.hypot(...got.map((value, i) => value - wanted[i]!)) / Math.hypot(...wanted)
}

const matrix = (size: number, value: (row: number, column: number) => number): Float64Array =>
  Float64Array.from({ length: size * size }, (_, i) => value(Math.floor(i / size), i % size))

const random = new RandomStream(5, 'weights')
const normals = (size: number): number[] => Array.from({ length: size }, () => random.normal())

describe('voltages for weights', () => {
  const chip = trueChip(4)
  const [left, right] = [normals(4), normals(4)]

  // Orthogonal weights use all of every waveguide, permutations want perfect crosses: nothing is left for corrections.
  test.each([
    ['normal', 0.5, matrix(4, () => random.normal())],
    ['positive', 0.5, matrix(4, () => random.uniform())],
    ['orthogonal', 2, randomOrthogonal(4, random)],
    ['the identity', 0.5, matrix(4, (row, column) => Number(row === column))],
    ['a permutation', 2, matrix(4, (row, column) => Number((row + 1) % 4 === column))],
    ['of rank one', 0.5, matrix(4, (row, column) => left[row]! * right[column]!)],
    ['in one row only', 0.5, matrix(4, (row) => (row === 2 ? random.normal() : 0))],
    ['huge', 0.5, matrix(4, () => 1e30 * random.normal())],
    ['tiny', 0.5, matrix(4, () => 1e-30 * random.normal())],
  ])('make the fitted chip multiply by weights that are %s, to %f %%', (_, percent, weights) => {
    const programmed = program(chip, weights)
    expect(programmed.modelError).toBeLessThan(percent / 100)
    expect(relativeError(detected(chip, programmed), weights)).toBeLessThan(percent / 100)
    for (const voltage of programmed.voltagesV) {
      expect(voltage).toBeGreaterThanOrEqual(0)
      expect(voltage).toBeLessThanOrEqual(MAX_V)
    }
  })

  test('that are all zero let next to no light through', () => {
    const programmed = program(chip, new Float64Array(16))
    expect(programmed.modelError).toBe(0)
    expect(Math.max(...detected(chip, programmed).map(Math.abs))).toBeLessThan(0.01)
  })

  test('say truly how far off they are', () => {
    // Splitters so far off that not every matrix can be made.
    const bad = trueChip(4, { splitterSigmaRad: 0.25 }, 3)
    const weights = matrix(4, (row, column) => Number((row + 2) % 4 === column))
    const programmed = program(bad, weights)
    expect(relativeError(detected(bad, programmed), weights)).toBeCloseTo(programmed.modelError, 9)
  })

  test('make up for splitters that err by 0.05 rad: what remains is two percent at most', () => {
    const worse = trueChip(4, { splitterSigmaRad: 0.05 }, 2)
    for (let i = 0; i < 5; i++) {
      const weights = randomOrthogonal(4, random)
      expect(relativeError(detected(worse, program(worse, weights)), weights)).toBeLessThan(0.02)
    }
  })

  test.each([2, 3, 5])('are found for %i ports too', (size) => {
    const other = trueChip(size)
    const weights = matrix(size, () => random.normal())
    expect(relativeError(detected(other, program(other, weights)), weights)).toBeLessThan(0.005)
  })

  test('of 8 ports, normal and orthogonal', () => {
    const large = trueChip(8)
    const [normal, orthogonal] = [matrix(8, () => random.normal()), randomOrthogonal(8, random)]
    expect(relativeError(detected(large, program(large, normal)), normal)).toBeLessThan(0.005)
    expect(relativeError(detected(large, program(large, orthogonal)), orthogonal)).toBeLessThan(0.02)
  })

  test('of a single mesh are read at each output in a gain of its own: unequal losses spoil less', () => {
    const size = 12
    const lossy = trueChip(size, { mziLossDb: 0.3, mziLossSpreadDb: 0 }, 1, { ...DEFAULT_DESIGN, form: 'unitary' })
    const weights = randomOrthogonal(size, random)
    const programmed = program(lossy, weights)
    const error = relativeError(detected(lossy, programmed), weights)
    expect(error).toBeCloseTo(programmed.modelError, 9)
    const { fieldPerWeight } = programmed
    const mean = fieldPerWeight.reduce((sum, field) => sum + field, 0) / size
    const alike = { ...programmed, fieldPerWeight: fieldPerWeight.map(() => mean) }
    expect(error).toBeLessThan(0.9 * relativeError(detected(lossy, alike), weights))
  })

  test('beyond the heaters’ limit are refused, naming the heater and the voltage', () => {
    const { model, parameters, crosstalk } = chip
    const weights = randomOrthogonal(4, random)
    let thrown: unknown
    try {
      programWeights(model, parameters, crosstalk, weights, 2)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(BenchError)
    expect(thrown).toMatchObject({ code: 'RANGE_EXCEEDED', context: { maxVoltageV: 2 } })
    expect((thrown as BenchError).message).toMatch(/^heater \d+ would need \d+\.\d\d V; the limit is 2 V$/)
  })
})

describe('voltages for phases', () => {
  const chips = [0, 0.01, 0.03].map((crosstalkNeighbour) => trueChip(4, { crosstalkNeighbour }))

  test('undo the crosstalk: every heater ends at its phase, whole turns aside', () => {
    fc.assert(
      fc.property(fc.nat({ max: chips.length - 1 }), fc.nat(), (which, seed) => {
        const { model, parameters, crosstalk } = chips[which]!
        const wanted = new RandomStream(seed, 'phases')
        const phases = Float64Array.from(model.layout.heaters, () => wanted.uniform(-20, 20))
        const voltages = voltagesFor(model, parameters, crosstalk, phases, 12)
        for (const [heater, phase] of model.phases(parameters, crosstalk, voltages).entries()) {
          expect(Math.abs(angleBetween(phase, phases[heater]!))).toBeLessThan(1e-6)
        }
      }),
    )
  })

  test('heat no more than they must: less than a turn above what the neighbours leave', () => {
    const { model, parameters, crosstalk } = chips[1]!
    const wanted = new RandomStream(1, 'phases')
    const phases = Float64Array.from(model.layout.heaters, () => wanted.uniform(-20, 20))
    const voltages = voltagesFor(model, parameters, crosstalk, phases, 12)
    for (const [heater, voltage] of voltages.entries()) {
      const own = parameters[model.blocks.radPerV2 + heater]! * voltage * voltage
      expect(own).toBeLessThan(2 * Math.PI + 1e-6)
    }
  })

  test('where nothing is wanted, nothing is heated', () => {
    const { model, parameters, crosstalk } = chips[1]!
    const offsets = parameters.slice(model.blocks.offset, model.blocks.offset + model.layout.heaters.length)
    expect(Math.max(...voltagesFor(model, parameters, crosstalk, offsets, 12))).toBe(0)
  })
})
