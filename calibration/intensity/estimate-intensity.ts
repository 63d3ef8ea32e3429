import { BenchError } from '../../core/errors.ts'
import { estimateOf, sumOf } from '../estimate.ts'
import type { CalibrationEstimate, StepEstimate } from '../estimate.ts'
import type { CalibrationBudget, EstimatedMesh } from '../estimate-mesh.ts'
import { DARK_SYMBOLS } from '../steps/dark.ts'
import { laserFrames } from '../steps/lasers.ts'
import { guessFrames, MAX_BASES } from './first-guess.ts'
import { loneSymbols } from './intensity-probe.ts'
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
  /** Base settings that the columns may try. */
  readonly maxBases: number
  /** How many random settings there is room for after the columns. */
  readonly settingsAfter: (columns: PlayedColumns) => number
}

/** What the columns took in the end. */
export interface PlayedColumns {
  readonly vectors: number
  readonly bases: number
}

/**
 * How the calibration of a mesh read by photodiodes will spend what it may.
 *
 * The columns look at an arm that stays in doubt once more, with another input lit, and start again around another base
 * where the first one leads astray. Without a budget, what that takes is missing from the random settings, so that the sum
 * is what was said as long as the fewest settings are left. With one, there is room for all doubts, and other bases are
 * tried as far as it goes.
 *
 * Throws: CALL_INVALID for a budget that the smallest calibration exceeds.
 */
export function planIntensity(bench: EstimatedMesh, budget?: CalibrationBudget): IntensityPlanned {
  const { size } = bench.layout
  const estimated = (columns: 'sure' | 'in doubt', settings: number, bases = 1): CalibrationEstimate => {
    const columnFrames = guessFrames(bench.layout, columns, bases)
    const of = (name: string, frames: number, symbols: number): StepEstimate =>
      estimateOf(bench, 1, [{ name, frames, symbols }]).steps[0]!
    const lasers = laserFrames(size, 'one by one')
    const steps = [
      of('dark', 1, DARK_SYMBOLS),
      of('lasers', lasers.frames, lasers.symbols),
      { name: 'columns', ...sumOf(columnFrames.map(({ frames, symbols }) => of('columns', frames, symbols))) },
      of('settings', settings, size),
      of('chip', 0, 0),
      of('verification', VERIFIED_TARGETS, loneSymbols(size)),
    ]
    return { steps, ...sumOf(steps) }
  }
  const vectorsOf = ({ steps }: CalibrationEstimate, name: string): number =>
    steps.find((step) => step.name === name)!.vectors
  if (budget === undefined) {
    const none = estimated('sure', 0)
    const others = none.vectors - vectorsOf(none, 'columns')
    const after = (vectors: number): number =>
      Math.max(FEWEST_SETTINGS, Math.floor((VECTORS_PER_ELEMENT * size ** 2 - others - vectors) / size))
    const usual = estimated('sure', after(vectorsOf(none, 'columns')))
    const most = estimated('in doubt', FEWEST_SETTINGS, MAX_BASES).vectors
    const estimate = most > usual.vectors ? { ...usual, mostVectors: most } : usual
    return { maxBases: MAX_BASES, settingsAfter: ({ vectors }) => after(vectors), estimate }
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
  const leastAround = (bases: number): number => costOf(estimated('in doubt', FEWEST_SETTINGS, bases))
  let maxBases = 1
  while (maxBases < MAX_BASES && leastAround(maxBases + 1) <= wanted) maxBases++
  // Columns taken over from a run without a budget may have tried more bases, and cost nothing now.
  const settingsAfter = (bases: number): number => {
    const more = Math.floor((wanted - leastAround(Math.min(bases, maxBases))) / perSetting)
    return Math.min(MOST_SETTINGS, FEWEST_SETTINGS + more)
  }
  return {
    maxBases,
    settingsAfter: ({ bases }) => settingsAfter(bases),
    estimate: estimated('in doubt', settingsAfter(1)),
  }
}
