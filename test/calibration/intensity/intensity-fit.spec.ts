import { describe, expect, test } from 'vitest'
import { fitChipToIntensities, variationDistance } from '../../../calibration/intensity/fit-chip.ts'
import { IntensityProblem, scalesAt } from '../../../calibration/intensity/intensity-fit.ts'
import { RandomStream } from '../../../core/random.ts'
import { hiddenMesh, roughly } from '../../support/hidden-mesh.ts'

describe('the fit of a mesh to intensities', () => {
  const mesh = hiddenMesh({ size: 4 })
  const { blocks } = mesh.model
  const { guess, priors } = roughly(mesh, 0.3)
  const input = { layout: mesh.layout, readings: mesh.readAnywhere(3, 1), priors, noise: 0.01 }
  const random = new RandomStream(1, 'directions')
  const direction = (): Float64Array => priors.sigma.map((sigma) => 0.1 * sigma * random.normal())

  test('has the gradient that its sum of squares has, in every kind of parameter', () => {
    const problem = new IntensityProblem(input, guess, undefined)
    const zero = new Float64Array(guess.length)
    const { gradient } = problem.linearise(zero)
    const kinds = [
      blocks.offset,
      blocks.radPerV2,
      blocks.alpha,
      blocks.beta,
      blocks.splitterMean,
      blocks.logNeighbour,
      blocks.logDecay,
      blocks.logMziField,
      blocks.logOwnField,
      blocks.logIn,
      blocks.logOut,
      blocks.strayRe,
      blocks.strayIm,
      blocks.count,
    ]
    const way = direction()
    for (const [kind, from] of kinds.slice(0, -1).entries()) {
      const along = way.map((value, i) => (i >= from && i < kinds[kind + 1]! ? value : 0))
      const step = 1e-4
      const [up, down] = [step, -step].map((s) => problem.sumAt(along.map((value) => s * value)))
      const slope = along.reduce((sum, value, i) => sum + value * gradient[i]!, 0)
      expect(slope).not.toBe(0)
      expect((up! - down!) / (4 * step) / slope).toBeCloseTo(1, 4)
    }
  })

  test('has one curvature, by products and by rows', () => {
    const problem = new IntensityProblem(input, guess, undefined)
    problem.linearise(new Float64Array(guess.length))
    const free = Array.from(guess.keys()).filter((i) => priors.sigma[i]! > 0)
    const rows = problem.curvature(input.readings, free)
    const [left, right] = [direction(), direction()]
    const product = problem.product(right)
    let byRows = 0
    for (const [a, i] of free.entries()) {
      for (const [b, j] of free.entries()) {
        const element = rows[Math.min(a, b) * free.length + Math.max(a, b)]!
        byRows += left[i]! * right[j]! * (element + (i === j ? 1 / priors.sigma[i]! ** 2 : 0))
      }
    }
    expect(left.reduce((sum, value, i) => sum + value * product[i]!, 0) / byRows).toBeCloseTo(1, 9)
  })

  test('finds crosstalk, the mean of the splitters and what it never saw, from phases half a radian off', () => {
    const mesh = hiddenMesh({ size: 5 })
    const { blocks } = mesh.model
    const { guess: rough } = roughly(mesh, 0.5, 3)
    const fit = fitChipToIntensities(mesh.layout, mesh.readAnywhere(40, 2), rough)
    expect(variationDistance(mesh.model, rough, mesh.readAnywhere(10, 3))).toBeGreaterThan(0.1)
    expect(variationDistance(mesh.model, fit.parameters, mesh.readAnywhere(10, 3))).toBeLessThan(5e-4)
    expect(Math.exp(fit.parameters[blocks.logNeighbour]!)).toBeCloseTo(0.015, 3)
    const splitters = mesh.layout.mzis.flatMap((_, e) => [blocks.alpha + e, blocks.beta + e])
    for (const i of splitters) {
      const off = fit.parameters[blocks.splitterMean]! + fit.parameters[i]! - 0.06 - mesh.parameters[i]!
      expect(Math.abs(off)).toBeLessThan(5e-3)
    }
  })

  test('whitens its variables: of all readings the curvature is the identity', () => {
    const scales = scalesAt(input, guess, Infinity)
    const problem = new IntensityProblem(input, guess, scales)
    problem.linearise(new Float64Array(guess.length))
    const way = direction().map((value, i) => (priors.sigma[i]! > 0 ? value / priors.sigma[i]! : 0))
    const product = problem.product(way)
    for (const [i, value] of way.entries()) expect(product[i]).toBeCloseTo(value, 8)
  })
})
