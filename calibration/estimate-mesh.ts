import { BenchError } from '../core/errors.ts'
import type { SvdCoreLayout } from '../core/mesh-layout.ts'
import { estimateOf } from './estimate.ts'
import type { CalibrationEstimate, EstimatedBench, PlayedFrames } from './estimate.ts'
import { STAGE_SETTINGS } from './model/peeling-settings.ts'
import { peelingStages } from './model/peeling-stages.ts'
import { chipPlanFor } from './steps/chip.ts'
import type { ChipPlan } from './steps/chip.ts'
import { DARK_SYMBOLS } from './steps/dark.ts'
import { DETECTOR_FRAMES, DETECTOR_SYMBOLS } from './steps/detectors.ts'
import { isolationFrames } from './steps/isolation.ts'
import { DELAY_SYMBOLS } from './steps/lane-delay.ts'
import { laserFrames } from './steps/lasers.ts'
import { LO_POINTS } from './steps/local-oscillators.ts'
import { sweepLevels } from './steps/modulators.ts'
import { STRIDE } from './steps/port-shifters.ts'
import { probePatterns } from './steps/probe-patterns.ts'
import { FRINGE_POINTS } from './steps/sweep-fringe.ts'
import { verificationFrames } from './steps/verification.ts'

/** What a calibration may cost: input vectors, or seconds of the bench as `CalibrationEstimate` counts them. */
export type CalibrationBudget = { readonly vectors: number } | { readonly benchSeconds: number }

export interface MeshPlanned {
  readonly estimate: CalibrationEstimate
  readonly chip: ChipPlan
}

/** A bench with a mesh, as far as its file tells. */
export interface EstimatedMesh extends EstimatedBench {
  readonly layout: SvdCoreLayout
}

/** Random settings that a fit needs at least, and beyond which more gain nothing. */
const FEWEST_SETTINGS = 24
const MOST_SETTINGS = 512

/**
 * How the calibration of a mesh will spend what it may: without a budget as `chipPlanFor` says, else as many random
 * settings for the fit as there is room for. All other steps measure what they need and no more.
 *
 * Throws: CALL_INVALID for a budget that the smallest calibration exceeds.
 */
export function planMesh(bench: EstimatedMesh, budget?: CalibrationBudget): MeshPlanned {
  const usual = chipPlanFor(bench.layout.size)
  const withSettings = (settings: number): MeshPlanned => {
    const chip = { ...usual, settings }
    return { chip, estimate: estimateOf(bench, bench.layout.lanes, framesOf(bench, chip)) }
  }
  if (budget === undefined) return withSettings(usual.settings)
  const [wanted, unit] = 'vectors' in budget ? [budget.vectors, 'vectors'] : [budget.benchSeconds, 's of bench time']
  const costOf = ({ estimate }: MeshPlanned): number => ('vectors' in budget ? estimate.vectors : estimate.benchSeconds)
  const least = withSettings(FEWEST_SETTINGS)
  if (costOf(least) > wanted) {
    const why = `the smallest calibration of this bench takes ${Math.ceil(costOf(least))} ${unit}, more than --budget allows`
    throw new BenchError('CALL_INVALID', `${why}: allow that many, or leave --budget out`, {
      context: { wanted, least: costOf(least) },
    })
  }
  const perSetting = costOf(withSettings(FEWEST_SETTINGS + 1)) - costOf(least)
  const more = Math.floor((wanted - costOf(least)) / perSetting)
  return withSettings(Math.min(MOST_SETTINGS, FEWEST_SETTINGS + more))
}

function framesOf({ layout, timing }: EstimatedMesh, chip: ChipPlan): readonly PlayedFrames[] {
  const { size, lanes, sigma } = layout
  const symbols = probePatterns(size)[0]!.length
  const probes = (name: string, frames: number): PlayedFrames => ({ name, frames, symbols })
  const verification = verificationFrames(size, layout.design.form === 'svd' ? 'any' : 'given')
  const levels = sweepLevels(timing.maxSymbolsPerFrame, size).length
  return [
    { name: 'dark', frames: 1, symbols: DARK_SYMBOLS },
    { name: 'lasers', ...laserFrames(size, 'together') },
    probes('local oscillators', LO_POINTS),
    { name: 'detectors', frames: DETECTOR_FRAMES, symbols: Math.min(DETECTOR_SYMBOLS, timing.maxSymbolsPerFrame) },
    ...(lanes > 1 ? [{ name: 'isolation', ...isolationFrames(size, lanes) }] : []),
    { name: 'lane delay', frames: 1, symbols: Math.min(DELAY_SYMBOLS, timing.maxSymbolsPerFrame) },
    { name: 'modulators', frames: 2, symbols: size * levels },
    probes('attenuators', 2 * sigma.theta.length * FRINGE_POINTS),
    probes('port shifters', 2 * lanes * Math.min(STRIDE, size) * FRINGE_POINTS),
    probes('columns', 2 * (1 + peelingStages(layout).length * STAGE_SETTINGS)),
    probes('settings', chip.settings + chip.heldOut),
    { name: 'chip', frames: 0, symbols: 0 },
    // A silent symbol goes in front.
    { name: 'verification', frames: verification.frames, symbols: verification.inputs + 1 },
  ]
}
