import type { AwgrBench } from '../../core/awgr-bench.ts'
import { BenchError } from '../../core/errors.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../../orchestrator/plans/light.ts'
import type { Plan, PlanStep } from '../../orchestrator/plans/plan.ts'
import { noResults } from '../../orchestrator/plans/step-results.ts'
import type { StepResults } from '../../orchestrator/plans/step-results.ts'
import { sharesOf } from '../estimate.ts'
import { settingsOf, step } from '../plan-step.ts'
import { measureLaneDelay } from '../steps/lane-delay.ts'
import { verificationStep } from '../verification-plan.ts'
import { AwgrCore } from './awgr-core.ts'
import type { AwgrCalibration, PathLeaks } from './awgr-record.ts'
import { estimateAwgr, REFINEMENT_ROUNDS, REFINEMENT_SETTINGS } from './estimate-awgr.ts'
import { fitLeaks } from './fit-leaks.ts'
import { fitRings, guessRings, medianOf, residualOf } from './fit-rings.ts'
import type { FittedRings, RingScene } from './fit-rings.ts'
import { IntensityCodes } from './intensity-codes.ts'
import { laserFrequenciesGhz } from './laser-frequencies.ts'
import { noLeaks, withoutLeaks } from './leaks.ts'
import { WeightProgrammer } from './programming.ts'
import type { AwgrContext } from './steps/awgr-context.ts'
import { measureIntensityModulators } from './steps/modulators.ts'
import { randomWeights, verificationMatrices } from './steps/random-weights.ts'
import { PROBE_SYMBOLS, RingProbe } from './steps/ring-probe.ts'
import type { OutputReading } from './steps/ring-probe.ts'
import { findLines, sweepRings } from './steps/sweep-rings.ts'
import { measureWeightQuality } from './steps/weights.ts'
import { ThermalMap } from './thermal.ts'

export interface AwgrCalibrationResult {
  readonly calibration: AwgrCalibration
  /** Input vectors sent through the optics. */
  readonly vectors: number
}

/** Settings of each round of refinement that are kept out of the fit. */
const HELD_OUT = 8
/** Rounds over all banks when a fit goes on from the one before. */
const ROUNDS_AGAIN = 1
/** Leaks and rings are fitted in turn until what is left shrinks by less than this share, or so often. */
const SETTLED = 0.02
const MOST_TURNS = 6
/** A fit that leaves more than this of the light on settings that it had not seen is no fit. */
const MAX_HELD_OUT = 0.05

/**
 * Calibrates a bench with an AWGR core, from cold and dark to a verified record.
 *
 * Order: light → delay of the light → modulators → where each ring's line is → ring curves along staircases of heater power → rings and the
 * leaks of the routers again in the range where weights are made → quality of weights → verification.
 * Throws: CALIBRATION_FAILED naming the dead input, laser or ring, or when the rings are not what the model says.
 * Leaves: light on and heaters warm; the engine makes the bench safe.
 */
export async function* awgrCalibrationPlan(
  bench: AwgrBench,
  results: StepResults = noResults,
): Plan<AwgrCalibrationResult> {
  const shares = sharesOf(estimateAwgr(bench), (name) => results.recall(name) !== undefined)
  const shareOf = (name: string): PlanStep['share'] => shares.get(name)
  const around = { results, shareOf }
  // What says how good the calibration is, is never taken from an earlier run.
  const anew = { results: noResults, shareOf }
  const { layout, heaterLimitsV } = bench
  const frames = new FrameRunner(bench)
  const heaters = new HeaterSetter(bench)
  const context: AwgrContext = { bench, frames, heaters }
  const frequenciesGhz = laserFrequenciesGhz(bench)
  const scene = { layout, frequenciesGhz, map: new ThermalMap(layout) }

  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  yield* step(around, 'lane delay', (signal) => measureLaneDelay(context, signal))
  const modulators = yield* step(around, 'modulators', (signal) => measureIntensityModulators(context, signal))
  const codes = new IntensityCodes(modulators)
  const look = new RingProbe(context, codes, PROBE_SYMBOLS.look)
  const probe = new RingProbe(context, codes)
  const lines = yield* step(around, 'lines', (signal) => findLines(context, look, signal))
  const sweep = yield* step(around, 'rings', (signal, progress) => sweepRings(context, probe, lines, progress, signal))
  const untouched = withoutLeaks(sweep, noLeaks(layout.size))
  let { fitted, leaks } = settle(scene, sweep, fitRings(scene, untouched, guessRings(scene, untouched, lines)))
  const programmer = (): WeightProgrammer =>
    new WeightProgrammer(layout, frequenciesGhz, { ...fitted, leaks }, heaterLimitsV.max)

  const readings = [...sweep]
  let heldOutResidual = NaN
  for (let round = 1; round <= REFINEMENT_ROUNDS; round++) {
    const name = `weights, round ${round}`
    const weighted = yield* step(around, name, async (signal, progress) => {
      const found: OutputReading[] = []
      const weights = programmer()
      const random = settingsOf(name)
      for (let setting = 0; setting < REFINEMENT_SETTINGS; setting++) {
        const { voltagesV } = weights.program(randomWeights(layout, random))
        found.push(await probe.read(voltagesV, signal))
        progress(setting + 1, REFINEMENT_SETTINGS)
      }
      return found
    })
    readings.push(...weighted.slice(HELD_OUT))
    ;({ fitted, leaks } = settle(scene, readings, fitted))
    heldOutResidual = residualOf(scene, withoutLeaks(weighted.slice(0, HELD_OUT), leaks), fitted)
  }
  requireFit(fitted, heldOutResidual)
  const unverified = {
    schema: 'fringe-awgr-calibration-1' as const,
    size: layout.size,
    form: layout.form,
    modulators,
    rings: fitted.rings,
    thermal: fitted.thermal,
    gains: fitted.gains,
    leaks,
  }
  const quality = yield* step(anew, 'quality of weights', (signal) =>
    measureWeightQuality(context, codes, programmer(), signal),
  )
  const core = new AwgrCore(bench, unverified, frames, heaters)
  const verification = yield* verificationStep(core, shareOf('verification'), verificationMatrices(layout.form))
  const fit: AwgrCalibration['fit'] = {
    relativeResidual: fitted.relativeResidual,
    heldOutResidual,
    settings: readings.length,
    weightAccuracyBits: quality.accuracyBits,
    weightPrecisionBits: quality.precisionBits,
    crosstalkNeighbour: fitted.thermal.neighbourShare,
    crosstalkDecayPitch: fitted.thermal.decayPitch,
    fwhmMedianGhz: medianOf(fitted.rings, 'fwhmGhz'),
  }
  return { calibration: { ...unverified, fit, verification }, vectors: frames.vectors }
}

/** Rings and leaks explain the same light, each with what the other is known to be. */
function settle(
  scene: RingScene,
  readings: readonly OutputReading[],
  start: FittedRings,
): { readonly fitted: FittedRings; readonly leaks: PathLeaks } {
  let fitted = start
  let leaks = noLeaks(scene.layout.size)
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const before = fitted.relativeResidual
    leaks = fitLeaks(scene, readings, fitted)
    fitted = fitRings(scene, withoutLeaks(readings, leaks), fitted, ROUNDS_AGAIN)
    if (turn > 0 && fitted.relativeResidual > (1 - SETTLED) * before) break
  }
  return { fitted, leaks }
}

function requireFit({ relativeResidual }: FittedRings, heldOutResidual: number): void {
  if (heldOutResidual <= MAX_HELD_OUT) return
  throw new BenchError(
    'CALIBRATION_FAILED',
    `the rings are not what was fitted: ${(100 * heldOutResidual).toFixed(1)} % of the light is unexplained on settings kept out of the fit, at most ${100 * MAX_HELD_OUT} % is allowed`,
    { context: { relativeResidual, heldOutResidual } },
  )
}
