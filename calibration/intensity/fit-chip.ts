import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { deviationsAt, fitIntensities } from './intensity-fit.ts'
import type { IntensityFitInput } from './intensity-fit.ts'
import { intensityBlocks } from './intensity-parameters.ts'
import type { Priors } from '../model/chip-fit-input.ts'
import { intensityPriors } from './intensity-priors.ts'
import { IntensityModel } from './intensity-model.ts'
import type { IntensityReading } from './intensity-model.ts'
import { withModulatorsAtRest } from './stray-light.ts'

export interface FittedIntensities {
  /** As in `intensityBlocks`. */
  readonly parameters: Float64Array
  /** Standard deviation of each, from the curvature of the fit and what it leaves; 0 for what is held. */
  readonly sigmas: Float64Array
  /** RMS of what it leaves, in units of the readings. */
  readonly residual: number
  readonly iterations: number
}

/** Stages of the fit, from blunt to sharp: what a reading may be off by, in units of a mean reading, and how many count. */
const STAGES = [
  { noise: 0.4, share: 0.3 },
  { noise: 0.05, share: 0.5 },
] as const
const OPTIONS = { maxIterations: 12, tolerance: 0.01, maxProducts: 60, gradientLeft: 0.05 }
/** At full share, and then until nothing moves by what its own uncertainty is. */
const LAST = { maxIterations: 8, tolerance: 5e-3, maxProducts: 60, gradientLeft: 0.02 }

const END = { maxIterations: 8, tolerance: 1e-5, maxProducts: 80, gradientLeft: 0.01 }
/** From three first interferometers on, stray light has one pattern in all pairs of inputs. */
const MIN_TOLD_APART = 5

/**
 * The whole chip from all readings and a first guess. Far from the truth all readings agree only roughly, so the first
 * stages ask for little; the last one weighs by what the stage before left.
 */
export function fitChipToIntensities(
  layout: SvdCoreLayout,
  readings: readonly IntensityReading[],
  guess: Float64Array,
): FittedIntensities {
  const stages = fitInStages(layout, readings, guess)
  for (;;) {
    const next = stages.next()
    if (next.done === true) return next.value
  }
}

/** A stage of the fit that is done, of so many, and what it leaves relative to a mean reading. */
export interface FitStage {
  readonly done: number
  readonly total: number
  readonly relativeResidual: number
}

/** The same, stage by stage: each computes for seconds, and nobody is heard while it does. */
export function* fitInStages(
  layout: SvdCoreLayout,
  readings: readonly IntensityReading[],
  guess: Float64Array,
): Generator<FitStage, FittedIntensities> {
  const model = new IntensityModel(layout)
  const priors = intensityPriors(layout, guess)
  const meanReading = meanOf(readings)
  const isToldApart = layout.size >= MIN_TOLD_APART
  const total = STAGES.length + (isToldApart ? 2 : 1)
  let done = 0
  const stageDone = (at: Float64Array): FitStage => {
    return { done: ++done, total, relativeResidual: residualOf(model, at, readings) / meanReading }
  }
  let parameters = guess
  let iterations = 0
  for (const { noise, share } of STAGES) {
    const some = readings.filter((_, r) => Math.floor((r + 1) * share) > Math.floor(r * share))
    const fit = fitIntensities({ layout, readings: some, priors, noise: noise * meanReading }, parameters, OPTIONS)
    parameters = fit.parameters
    iterations += fit.iterations
    yield stageDone(parameters)
  }
  let input = { layout, readings, priors, noise: residualOf(model, parameters, readings) }
  let fit = fitIntensities(input, parameters, LAST)
  iterations += fit.iterations
  yield stageDone(fit.parameters)
  if (isToldApart) {
    const noise = residualOf(model, fit.parameters, readings)
    input = { layout, readings, priors: withModulatorsAtRest(layout, fit.parameters, priors), noise }
    fit = fitIntensities(input, fit.parameters, END)
    iterations += fit.iterations
    yield stageDone(fit.parameters)
  }
  const residual = residualOf(model, fit.parameters, readings)
  const sigmas = deviationsOf({ ...input, noise: residual }, fit.parameters, priors)
  return { parameters: fit.parameters, sigmas, residual, iterations }
}

/**
 * Standard deviations of all parameters from the curvature of the fit, scaled by what it leaves, for as many readings as
 * there are more than parameters that they know. Stray light held to a pattern also holds phases that no power shows:
 * offsets, and stray light itself, are as sure as without that.
 */
function deviationsOf(input: IntensityFitInput, parameters: Float64Array, wide: Priors): Float64Array {
  const { layout, readings, priors } = input
  const { radPerV2, strayRe } = intensityBlocks(layout)
  const [held, free] = deviationsAt(input, parameters, [priors, wide]) as [Float64Array, Float64Array]
  const sigmas = held.map((sigma, i) => (i < radPerV2 || i >= strayRe ? free[i]! : sigma))
  const rows = readings.reduce((sum, { powers }) => sum + powers.length, 0)
  const known = held.reduce((sum, sigma, i) => sum + (sigma > 0 ? 1 - (sigma / priors.sigma[i]!) ** 2 : 0), 0)
  const scale = Math.sqrt(rows / Math.max(1, rows - known))
  // What the prior alone knows does not grow with the readings' noise.
  return sigmas.map((sigma, i) => Math.min(sigma * scale, Math.max(sigma, wide.sigma[i]!)))
}

/** RMS of what a chip leaves unexplained of some readings. */
export function residualOf(
  model: IntensityModel,
  parameters: Float64Array,
  readings: readonly IntensityReading[],
): number {
  const made = model.made(parameters)
  let [sum, count] = [0, 0]
  for (const { voltagesV, lit, powers } of readings) {
    const predicted = model.predict(parameters, made, voltagesV, lit)
    for (let row = 0; row < powers.length; row++) sum += (predicted[row]! - powers[row]!) ** 2
    count += powers.length
  }
  return Math.sqrt(sum / count)
}

/**
 * Total variation distance between what a chip should show and what was read, mean over all vectors: half the sum over
 * outputs of |p − p̂|, both as shares of their vector's light.
 */
export function variationDistance(
  model: IntensityModel,
  parameters: Float64Array,
  readings: readonly IntensityReading[],
): number {
  const { size } = model.layout
  const made = model.made(parameters)
  let [sum, vectors] = [0, 0]
  for (const { voltagesV, lit, powers } of readings) {
    const predicted = model.predict(parameters, made, voltagesV, lit)
    for (const l of lit.keys()) {
      const [p, q] = [powers, predicted].map((all) => shares(all.subarray(l * size, (l + 1) * size)))
      sum += p!.reduce((distance, share, i) => distance + Math.abs(share - q![i]!) / 2, 0)
      vectors++
    }
  }
  return sum / vectors
}

export function shares(powers: Float64Array): Float64Array {
  const all = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / all)
}

function meanOf(readings: readonly IntensityReading[]): number {
  let [sum, count] = [0, 0]
  for (const { powers } of readings) {
    for (const power of powers) sum += power
    count += powers.length
  }
  return sum / count
}
