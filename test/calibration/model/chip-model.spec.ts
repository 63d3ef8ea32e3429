import { describe, expect, test } from 'vitest'
import { ChipModel } from '../../../calibration/model/chip-model.ts'
import { elementCount, parameterBlocks } from '../../../calibration/model/chip-parameters.ts'
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
        const imperfections = defaultImperfections({ mziLossSpreadDb: 0, splitterSigmaRad: 0.05 })
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
    'knows how %i ports answer to every phase, splitter and loss: analytic derivatives equal differences',
    (size) => {
      const { model, parameters, phases } = somewhere(size, size)
      const { blocks, layout } = model
      model.transfer(parameters, phases)
      const analytic = model.newDerivatives()
      model.derivatives(analytic)
      const width = 2 * size * size
      const step = 1e-5
      const difference = (change: (by: number, p: Float64Array, ph: Float64Array) => void): Float64Array => {
        const [plus, minus] = [step, -step].map((by) => {
          const [p, ph] = [parameters.slice(), phases.slice()]
          change(by, p, ph)
          return model.transfer(p, ph)
        }) as [ReturnType<ChipModel['transfer']>, ReturnType<ChipModel['transfer']>]
        return Float64Array.from({ length: width }, (_, i) => {
          const part = i % 2 === 0 ? 're' : 'im'
          return (plus[part][i >> 1]! - minus[part][i >> 1]!) / (2 * step)
        })
      }
      const compare = (
        rows: Float64Array,
        at: number,
        change: (by: number, p: Float64Array, ph: Float64Array) => void,
      ): void => {
        const numeric = difference(change)
        for (let i = 0; i < width; i++) expect(rows[at * width + i]).toBeCloseTo(numeric[i]!, 7)
      }
      for (const heater of layout.heaters.keys()) compare(analytic.phase, heater, (by, _, ph) => (ph[heater]! += by))
      for (let e = 0; e < elementCount(layout); e++) {
        compare(analytic.alpha, e, (by, p) => (p[blocks.alpha + e]! += by))
        compare(analytic.beta, e, (by, p) => (p[blocks.beta + e]! += by))
      }
      compare(analytic.logMziField, 0, (by, p) => (p[blocks.logMziField]! += by))
    },
  )

  test('derivatives of phases alone are the same as with all others', () => {
    const { model, parameters, phases } = somewhere(4, 9)
    model.transfer(parameters, phases)
    const [all, phasesOnly] = [model.newDerivatives(), model.newDerivatives()]
    model.derivatives(all)
    model.derivatives(phasesOnly, true)
    expect(phasesOnly.phase).toEqual(all.phase)
  })

  test('its crosstalk falls with distance by the two parameters of the law, and ends at 12 pitches', () => {
    const layout = svdCoreLayout(8, 1)
    const model = new ChipModel(layout)
    const parameters = new Float64Array(model.blocks.count)
    parameters[model.blocks.logNeighbour] = Math.log(0.02)
    parameters[model.blocks.logDecay] = Math.log(3)
    const crosstalk = model.crosstalk(parameters)
    const count = layout.heaters.length
    for (const [victim, { x, y }] of layout.heaters.entries()) {
      for (const [from, place] of layout.heaters.entries()) {
        const distancePitch = Math.hypot(x - place.x, y - place.y)
        const law = distancePitch === 0 ? 1 : distancePitch > 12 ? 0 : 0.02 * Math.exp(-(distancePitch - 1) / 3)
        expect(crosstalk[victim * count + from]).toBeCloseTo(law, 15)
      }
    }
  })
})

describe('the parameters of a chip', () => {
  test('stand side by side without gap or overlap: 461 for 8 ports on 2 lanes', () => {
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
    }
    let next = 0
    for (const [key, length] of Object.entries(lengths)) {
      expect(starts[key as keyof typeof starts], key).toBe(next)
      next += length
    }
    expect(count).toBe(next)
  })
})
