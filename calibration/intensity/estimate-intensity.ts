import { BenchError } from '../../core/errors.ts'
import { estimateOf, sumOf } from '../estimate.ts'
import type { CalibrationEstimate, StepEstimate } from '../estimate.ts'
import type { CalibrationBudget, EstimatedMesh } from '../estimate-mesh.ts'
import { DARK_SYMBOLS } from '../steps/dark.ts'
import { laserFrames } from '../steps/lasers.ts'
import { guessFrames } from './first-guess.ts'
import { VERIFIED_TARGETS } from './verify-unitaries.ts'

/** Intensity vectors over N², all in all: 3,960 for 12 ports. */
const VECTORS_PER_ELEMENT = 27.5
/** Settings kept out of the fit. */
export const HELD_OUT = 8
/** Random settings at least, those held out included, and beyond which more gain nothing. */
const FEWEST_SETTINGS = 40
const MOST_SETTINGS = 512

export interface IntensityPlanned {
  readonly estimate: CalibrationEstimate
  /** How many random settings there is room for after so many vectors of the columns. */
  readonly settingsAfter: (columnVectors: number) => number
}

/**
 * How the calibration of a mesh read by photodiodes will spend what it may.
 *
 * The columns look at an arm that stays in doubt once more, with another input lit: without a budget, what that takes
 * is missing from the random settings, so that the sum is what was said. With one, there is room for all doubts.
 *
 * Throws: CALL_INVALID for a budget that the smallest calibration exceeds.
 */
export function planIntensity(bench: EstimatedMesh, budget?: CalibrationBudget): IntensityPlanned {
  const { size } = bench.layout
  const estimated = (columns: 'sure' | 'in doubt', settings: number): CalibrationEstimate => {
    const columnFrames = guessFrames(bench.layout, columns)
    const of = (name: string, frames: number, symbols: number): StepEstimate =>
      estimateOf(bench, 1, [{ name, frames, symbols }]).steps[0]!
    const lasers = laserFrames(size, 'one by one')
    const steps = [
      of('dark', 1, DARK_SYMBOLS),
      of('lasers', lasers.frames, lasers.symbols),
      { name: 'columns', ...sumOf(columnFrames.map(({ frames, symbols }) => of('columns', frames, symbols))) },
      of('settings', settings, size),
      of('chip', 0, 0),
      of('verification', VERIFIED_TARGETS, size),
    ]
    return { steps, ...sumOf(steps) }
  }
  const vectorsOf = ({ steps }: CalibrationEstimate, name: string): number =>
    steps.find((step) => step.name === name)!.vectors
  if (budget === undefined) {
    const none = estimated('sure', 0)
    const others = none.vectors - vectorsOf(none, 'columns')
    const settingsAfter = (columnVectors: number): number =>
      Math.max(FEWEST_SETTINGS, Math.floor((VECTORS_PER_ELEMENT * size ** 2 - others - columnVectors) / size))
    return { settingsAfter, estimate: estimated('sure', settingsAfter(vectorsOf(none, 'columns'))) }
  }
  const [wanted, unit] = 'vectors' in budget ? [budget.vectors, 'vectors'] : [budget.benchSeconds, 's of bench time']
  const costOf = ({ vectors, benchSeconds }: CalibrationEstimate): number =>
    'vectors' in budget ? vectors : benchSeconds
  const least = costOf(estimated('in doubt', FEWEST_SETTINGS))
  if (least > wanted) {
    const why = `the smallest calibration of this bench takes ${Math.ceil(least)} ${unit}, more than --budget allows`
    throw new BenchError('CALL_INVALID', `${why}: allow that many, or leave --budget out`, {
      context: { wanted, least },
    })
  }
  const perSetting = costOf(estimated('in doubt', FEWEST_SETTINGS + 1)) - least
  const settings = Math.min(MOST_SETTINGS, FEWEST_SETTINGS + Math.floor((wanted - least) / perSetting))
  return { settingsAfter: () => settings, estimate: estimated('in doubt', settings) }
}
