import { describe, expect, test } from 'vitest'
import { agreedBase } from '../../../calibration/intensity/agreed-base.ts'
import { fitArm } from '../../../calibration/intensity/arm-fit.ts'
import { basePhases } from '../../../calibration/intensity/base-phases.ts'
import { guessChip } from '../../../calibration/intensity/first-guess.ts'
import { fitChipToIntensities, variationDistance } from '../../../calibration/intensity/fit-chip.ts'
import type { ComplexMatrix } from '../../../calibration/fit/complex-matrix.ts'
import { RandomStream } from '../../../core/random.ts'
import { randomUnitary } from '../../../calibration/intensity/random-unitary.ts'
import { hiddenMesh, HIDDEN_RAD_PER_V2 } from '../../support/hidden-mesh.ts'
import type { HiddenMesh } from '../../support/hidden-mesh.ts'

const FRINGE_RANGE = { min: 0.5 * HIDDEN_RAD_PER_V2, max: 2 * HIDDEN_RAD_PER_V2 }

describe('the arm that a heater turns', () => {
  const size = 5
  const unitary = randomUnitary(size, new RandomStream(2, 'left'))
  const column = (j: number, scale = 1): { re: Float64Array; im: Float64Array } => ({
    re: Float64Array.from({ length: size }, (_, i) => scale * unitary.re[i * size + j]!),
    im: Float64Array.from({ length: size }, (_, i) => scale * unitary.im[i * size + j]!),
  })
  const left = [column(0), column(1)] as const
  const right = [
    { re: Float64Array.of(0.5, 0.1), im: Float64Array.of(-0.2, 0.6) },
    { re: Float64Array.of(0.1, -0.4), im: Float64Array.of(0.3, 0.2) },
  ]
  const arm = { re: Float64Array.of(0.6, 0.48), im: Float64Array.of(0, -0.64) }
  const radPerV2 = 0.103
  // What passes both waveguides, and something beside.
  const base = right.map((light, l) => ({
    re: left[0].re.map(
      (_, i) =>
        left[0].re[i]! * light.re[0]! -
        left[0].im[i]! * light.im[0]! +
        left[1].re[i]! * light.re[1]! -
        left[1].im[i]! * light.im[1]! +
        column(2 + l, 0.4).re[i]!,
    ),
    im: left[0].re.map(
      (_, i) =>
        left[0].re[i]! * light.im[0]! +
        left[0].im[i]! * light.re[0]! +
        left[1].re[i]! * light.im[1]! +
        left[1].im[i]! * light.re[1]! +
        column(2 + l, 0.4).im[i]!,
    ),
  }))
  const voltagesSquared = [16, 32, 48]
  const powers = voltagesSquared.map((v2) => {
    const [c, s] = [Math.cos(radPerV2 * v2) - 1, Math.sin(radPerV2 * v2)]
    return Float64Array.from(
      base.flatMap(({ re, im }, l) => {
        const light = right[l]!
        const wr = arm.re[0]! * light.re[0]! + arm.re[1]! * light.re[1]! + arm.im[1]! * light.im[1]!
        const wi = arm.re[0]! * light.im[0]! + arm.re[1]! * light.im[1]! - arm.im[1]! * light.re[1]!
        return Array.from(re, (_, i) => {
          const lr = left[0].re[i]! * arm.re[0]! + left[1].re[i]! * arm.re[1]! - left[1].im[i]! * arm.im[1]!
          const li = left[0].im[i]! * arm.re[0]! + left[1].im[i]! * arm.re[1]! + left[1].re[i]! * arm.im[1]!
          const [br, bi] = [wr * lr - wi * li, wr * li + wi * lr]
          return (re[i]! + c * br - s * bi) ** 2 + (im[i]! + c * bi + s * br) ** 2
        })
      }),
    )
  })

  test('is found with its frequency from three settings of two inputs', () => {
    const options = { nominalRadPerV2: 0.098, spread: 0.05, halfSigma: undefined, noise: 1e-4 }
    const fit = fitArm({ voltagesSquared, powers, base, left, right }, options)
    const re = fit.state.re[0]! * 0.6 + fit.state.re[1]! * 0.48 - fit.state.im[1]! * 0.64
    const im = fit.state.im[0]! * 0.6 + fit.state.im[1]! * 0.48 + fit.state.re[1]! * 0.64
    expect(re * re + im * im).toBeCloseTo(1, 5)
    expect(fit.radPerV2).toBeCloseTo(radPerV2, 5)
    expect(fit.rivalRms).toBeGreaterThan(10 * fit.rms)
  })
})

describe('phases of a matrix, up to those of its ports', () => {
  const size = 8
  const random = new RandomStream(3, 'base')
  const whole = randomUnitary(size, random)
  const base = whole.re.map((re, at) => re * re + whole.im[at]! ** 2)
  const voltagesSquared = Float64Array.of(0, 16, 32, 48)
  const fringes = Array.from({ length: 6 }, () => {
    // Light under one heater: a unit row of what comes after times a unit row of what comes before, of one matrix.
    const after = randomUnitary(size, random)
    const waveguide = { re: after.re.subarray(0, size), im: after.im.subarray(0, size) }
    // r = l†·M, so that M is a unitary with any phase under the heater.
    const light = Array.from({ length: size }, (_, j) => {
      let [re, im] = [0, 0]
      for (let i = 0; i < size; i++) {
        const [mr, mi] = [whole.re[i * size + j]!, whole.im[i * size + j]!]
        re += waveguide.re[i]! * mr + waveguide.im[i]! * mi
        im += waveguide.re[i]! * mi - waveguide.im[i]! * mr
      }
      return [re, im] as const
    })
    const powers = Array.from(voltagesSquared, (v2) => {
      const [c, s] = [Math.cos(0.1 * v2) - 1, Math.sin(0.1 * v2)]
      return base.map((_, at) => {
        const [i, j] = [Math.floor(at / size), at % size]
        const [lr, li] = [waveguide.re[i]!, waveguide.im[i]!]
        const [rr, ri] = light[j]!
        const [br, bi] = [lr * rr - li * ri, lr * ri + li * rr]
        return (whole.re[at]! + c * br - s * bi) ** 2 + (whole.im[at]! + c * bi + s * br) ** 2
      })
    })
    return { voltagesSquared, powers }
  })
  /** Phases of rows and columns fall out of products around four elements. */
  const offRad = (found: ComplexMatrix): number => {
    let [off, weight] = [0, 0]
    const turn = ({ re, im }: ComplexMatrix, i: number, j: number): number => {
      const arg = (row: number, column: number): number =>
        Math.atan2(im[row * size + column]!, re[row * size + column]!)
      return arg(i, j) - arg(i, 0) - arg(0, j) + arg(0, 0)
    }
    for (let i = 1; i < size; i++) {
      for (let j = 1; j < size; j++) {
        const w = base[i * size + j]! * base[i * size]! * base[j]!
        off += w * (1 - Math.cos(turn(found, i, j) - turn(whole, i, j)))
        weight += w
      }
    }
    return Math.acos(1 - off / weight)
  }

  test('come roughly out of the fringes of some heaters', () => {
    const { fields } = basePhases(size, base, fringes, { min: 0.09, max: 0.11 })
    expect(offRad(fields)).toBeLessThan(0.3)
  })

  test('come out exactly where the heaters agree, and one that does not is left out', () => {
    const heaters = { radPerV2: 0.098, spread: 0.05 }
    expect(offRad(agreedBase(size, base, fringes, heaters).fields)).toBeLessThan(1e-3)
    // Light under the third heater comes out where it does not belong.
    const powers = fringes[2]!.powers.map((seen, s) =>
      s === 0 ? seen : seen.map((_, at) => seen[(at + size) % seen.length]!),
    )
    const spoiled = fringes.map((fringe, h) => (h === 2 ? { voltagesSquared, powers } : fringe))
    expect(offRad(agreedBase(size, base, spoiled, heaters).fields)).toBeLessThan(1e-3)
  })
})

test('from cold, by powers alone: a guess that the fit leads to the chip', async () => {
  const mesh = hiddenMesh({ size: 6, seed: 3 })
  const look = (voltagesV: Float64Array, lit: readonly number[]) => Promise.resolve(mesh.read(voltagesV, lit))
  const guess = await guessChip(mesh.layout, look, FRINGE_RANGE, 9.5)
  expect(mesh.vectors()).toBeLessThan(12 * 36)
  expect(guess.nominalRadPerV2 / HIDDEN_RAD_PER_V2).toBeCloseTo(1, 1)
  const fit = fitChipToIntensities(mesh.layout, mesh.readAnywhere(40, 2), guess.parameters)
  expect(variationDistance(mesh.model, fit.parameters, mesh.readAnywhere(10, 3))).toBeLessThan(1e-3)
})

describe('a base setting that leads astray', () => {
  const seed = 28
  const fourPorts = () => {
    const mesh = hiddenMesh({ size: 4, seed, neighbour: 0.01, splitterMean: 0, stray: 0.056 })
    const look = (voltagesV: Float64Array, lit: readonly number[]) => Promise.resolve(mesh.read(voltagesV, lit))
    return { mesh, look }
  }
  const offAfterFit = (mesh: HiddenMesh, guess: Float64Array): number =>
    variationDistance(
      mesh.model,
      fitChipToIntensities(mesh.layout, mesh.readAnywhere(32, 2), guess).parameters,
      mesh.readAnywhere(8, 3),
    )

  test('is left for the next one', async () => {
    const { mesh, look } = fourPorts()
    const guess = await guessChip(mesh.layout, look, FRINGE_RANGE, 9.5)
    expect(guess.bases).toBeGreaterThan(1)
    expect(offAfterFit(mesh, guess.parameters)).toBeLessThan(2e-3)
  })

  test('ends in a wrong place where there is none to try', async () => {
    const { mesh, look } = fourPorts()
    const guess = await guessChip(mesh.layout, look, FRINGE_RANGE, 9.5, 1)
    expect(guess.bases).toBe(1)
    expect(offAfterFit(mesh, guess.parameters)).toBeGreaterThan(0.01)
  })
})
