import { describe, expect, test } from 'vitest'
import { ChipModel } from '../../../calibration/model/chip-model.ts'
import type { ChipChange } from '../../../calibration/model/chip-model.ts'
import { Crosstalk, HeaterGrid } from '../../../calibration/model/crosstalk.ts'
import { parameterBlocks } from '../../../calibration/model/chip-parameters.ts'
import { svdCoreLayout } from '../../../core/mesh-layout.ts'
import { RandomStream } from '../../../core/random.ts'
import { chipTransfer } from '../../../sim/optics/transfer.ts'
import { distance } from '../../support/complex.ts'
import { defaultImperfections, openDirectBench } from '../../support/direct-bench.ts'
import { oracleOf } from '../../support/run-plan.ts'

/** Parameters with everything that can be wrong, and phases anywhere. */
function somewhere(size: number, seed: number): { model: ChipModel; parameters: Float64Array; phases: Float64Array } {
  const model = new ChipModel(svdCoreLayout(size, 1))
  const random = new RandomStream(seed, 'somewhere')
  const { blocks, layout } = model
  const parameters = new Float64Array(blocks.count)
  for (let i = blocks.alpha; i < blocks.logNeighbour; i++) parameters[i] = random.normal(0, 0.1)
  parameters[blocks.logMziField] = -0.02
  return { model, parameters, phases: Float64Array.from(layout.heaters, () => random.uniform(0, 7)) }
}

describe('the fitted chip', () => {
  test.each([2, 3, 4, 8])(
    'of %i ports, given the true parameters, makes the twin’s transfer matrix to the last digits',
    (size) => {
      for (const seed of [1, 2]) {
        const imperfections = defaultImperfections({ mziLossSpreadDb: 0.03, splitterSigmaRad: 0.05 })
        const { bench, world } = openDirectBench({ size, lanes: 1, seed, imperfections })
        const { chip: truth } = world.truth
        const { chip } = oracleOf(bench, world)
        const random = new RandomStream(seed, 'phases')
        const phases = Float64Array.from(bench.layout.heaters, () => random.uniform(0, 7))
        const model = new ChipModel(bench.layout).transfer(chip, phases)
        const { through } = chipTransfer(truth, phases)
        // The taps' share of the light is one of the oracle's output gains.
        const untapped = {
          ...through,
          re: through.re.map((v) => v / truth.tapFieldRatio),
          im: through.im.map((v) => v / truth.tapFieldRatio),
        }
        expect(distance(model, untapped)).toBeLessThan(1e-13)
      }
    },
  )

  test('given the true parameters, turns voltages into the twin’s phases', async () => {
    const { bench, world } = openDirectBench({
      size: 4,
      lanes: 2,
      imperfections: defaultImperfections({ crosstalkNeighbour: 0.03 }),
    })
    const { chip } = oracleOf(bench, world)
    const model = new ChipModel(bench.layout)
    const random = new RandomStream(1, 'voltages')
    const voltages = Float64Array.from(bench.layout.heaters, () => random.uniform(0, 9))
    for (const [heater, voltage] of voltages.entries()) world.core.heaters.setVoltageV(heater, voltage)
    await bench.clock.sleep(1000, new AbortController().signal)
    const phases = model.phases(chip, model.crosstalk(chip), voltages)
    const { lo, input } = bench.layout
    for (const [heater, phase] of world.core.heaters.phasesRad().entries()) {
      // Phases of the paths outside the chip count as the trimmers' and the local oscillators' own.
      if (lo.flat().includes(heater) || input.flat().includes(heater)) continue
      // Beyond 12 pitches the model has no crosstalk: some hundred heaters of 8 rad, each less than 3 % · e⁻¹¹.
      expect(Math.abs(phases[heater]! - phase)).toBeLessThan(1e-4)
    }
  })

  test.each([2, 3, 5])(
    'knows how %i ports answer to any small change of the chip: tangents equal differences',
    (size) => {
      const { model, parameters, phases } = somewhere(size, size)
      const change = randomChange(model, 7)
      const step = 1e-5
      const [plus, minus] = [step, -step].map((by) => {
        const p = parameters.slice()
        const { alpha, beta, logOwnField } = model.blocks
        for (const [e, value] of change.alpha.entries()) p[alpha + e]! += by * value
        for (const [e, value] of change.beta.entries()) p[beta + e]! += by * value
        for (const [e, value] of change.logMziField.entries()) p[logOwnField + e]! += by * value
        return model.transfer(
          p,
          phases.map((phase, h) => phase + by * change.phase[h]!),
        )
      }) as [ReturnType<ChipModel['transfer']>, ReturnType<ChipModel['transfer']>]
      model.transfer(parameters, phases)
      const { re, im } = model.tangent(change)
      for (let i = 0; i < size * size; i++) {
        expect(re[i]).toBeCloseTo((plus.re[i]! - minus.re[i]!) / (2 * step), 7)
        expect(im[i]).toBeCloseTo((plus.im[i]! - minus.im[i]!) / (2 * step), 7)
      }
    },
  )

  test.each([2, 3, 6])(
    'carries weights back through %i ports as it carries changes forward: one inner product',
    (size) => {
      const { model, parameters, phases } = somewhere(size, size)
      const change = randomChange(model, 8)
      const random = new RandomStream(9, 'weights')
      const draw = (): Float64Array => Float64Array.from({ length: size * size }, () => random.normal())
      const weights = { size, re: draw(), im: draw() }
      model.transfer(parameters, phases)
      const forth = model.tangent(change)
      const expected = dot(weights.re, forth.re) + dot(weights.im, forth.im)
      const back = model.newChange()
      model.adjoint({ size, re: weights.re.slice(), im: weights.im.slice() }, back)
      const got =
        dot(back.phase, change.phase) +
        dot(back.alpha, change.alpha) +
        dot(back.beta, change.beta) +
        dot(back.logMziField, change.logMziField)
      expect(got).toBeCloseTo(expected, 10)
    },
  )

  test('its crosstalk falls with distance by the two parameters of the law, and ends at 12 pitches', () => {
    const layout = svdCoreLayout(8, 1)
    const model = new ChipModel(layout)
    const parameters = new Float64Array(model.blocks.count)
    parameters[model.blocks.logNeighbour] = Math.log(0.02)
    parameters[model.blocks.logDecay] = Math.log(3)
    const crosstalk = model.crosstalk(parameters)
    for (const from of [0, 17, layout.heaters.length - 1]) {
      const self = new Float64Array(layout.heaters.length)
      self[from] = 1
      const given = crosstalk.given(self)
      for (const [victim, { x, y }] of layout.heaters.entries()) {
        const distancePitch = Math.hypot(x - layout.heaters[from]!.x, y - layout.heaters[from]!.y)
        const law = 0.02 * Math.exp(-(distancePitch - 1) / 3)
        expect(given[victim]).toBeCloseTo(victim === from || distancePitch > 12 ? 0 : law, 15)
      }
    }
  })

  test('what the law gives changes with its decay as the difference of two laws says', () => {
    const grid = new HeaterGrid(svdCoreLayout(5, 1))
    const self = Float64Array.from({ length: grid.heaters }, (_, h) => h % 7)
    const step = 1e-5
    const [longer, shorter] = [step, -step].map((by) => new Crosstalk(grid, 0.01, 2 * Math.exp(by)).given(self)) as [
      Float64Array,
      Float64Array,
    ]
    for (const [h, slope] of new Crosstalk(grid, 0.01, 2).givenByLogDecay(self).entries()) {
      expect(slope).toBeCloseTo((longer[h]! - shorter[h]!) / (2 * step), 7)
    }
  })
})

const dot = (left: Float64Array, right: Float64Array): number => left.reduce((sum, v, i) => sum + v * right[i]!, 0)

function randomChange(model: ChipModel, seed: number): ChipChange {
  const random = new RandomStream(seed, 'change')
  const change = model.newChange()
  for (const part of [change.phase, change.alpha, change.beta, change.logMziField]) {
    for (const i of part.keys()) part[i] = random.normal()
  }
  return change
}

describe('the parameters of a chip', () => {
  test('stand side by side without gap or overlap: 525 for 8 ports on 2 lanes', () => {
    const layout = svdCoreLayout(8, 2)
    const { count, ...starts } = parameterBlocks(layout)
    const lengths = {
      offset: 160,
      radPerV2: 160,
      alpha: 64,
      beta: 64,
      logNeighbour: 1,
      logDecay: 1,
      logMziField: 1,
      logIn: 16,
      logOut: 16,
      logOwnField: 64,
    }
    let next = 0
    for (const [key, length] of Object.entries(lengths)) {
      expect(starts[key as keyof typeof starts], key).toBe(next)
      next += length
    }
    expect(count).toBe(next)
  })
})
