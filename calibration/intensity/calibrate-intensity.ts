import { setImmediate } from 'node:timers/promises'
import { BenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../../orchestrator/plans/light.ts'
import type { Plan, Progress } from '../../orchestrator/plans/plan.ts'
import { noResults } from '../../orchestrator/plans/step-results.ts'
import type { CalibrationOptions } from '../calibrate.ts'
import { sharesOf } from '../estimate.ts'
import { settingsOf, step } from '../plan-step.ts'
import { fringeRange } from '../steps/calibration-context.ts'
import type { CalibrationContext } from '../steps/calibration-context.ts'
import { measureDark } from '../steps/dark.ts'
import { measureLasers } from '../steps/lasers.ts'
import { requireIntensities } from '../supported-designs.ts'
import { HELD_OUT, planIntensity } from './estimate-intensity.ts'
import { guessChip } from './first-guess.ts'
import type { FirstGuess } from './first-guess.ts'
import { fitInStages, residualOf, variationDistance } from './fit-chip.ts'
import type { FitStage, FittedIntensities } from './fit-chip.ts'
import { IntensityModel } from './intensity-model.ts'
import type { IntensityReading } from './intensity-model.ts'
import { everyPort, IntensityProbe } from './intensity-probe.ts'
import type { IntensityLook } from './intensity-probe.ts'
import { invisibleHeaters } from './intensity-programming.ts'
import type { IntensityCalibration } from './intensity-record.ts'
import { knownChip, MAX_UNFORETOLD_TVD, unitariesStep } from './verify-unitaries.ts'

export interface IntensityCalibrationResult {
  readonly calibration: IntensityCalibration
  /** Input vectors sent through the optics, dark ones and those held out included. */
  readonly vectors: number
}

/**
 * Calibrates a single mesh whose outputs are photodiodes, from cold and dark to a verified record, with one input lit at
 * a time. What modulators leave over when they are dark is part of the fit, so that they need no step of their own.
 *
 * Order: dark → light → lasers in their channels → the mesh column by column → random settings → whole-chip fit →
 * verification on random unitaries.
 * Throws: CALL_INVALID, before the first step, for a core of another design, and for a budget below the least;
 * CALIBRATION_FAILED when the fit does not foretell settings or unitaries that it has not seen.
 * Leaves: light on and heaters warm; the engine makes the bench safe.
 */
export async function* intensityCalibrationPlan(
  bench: MeshBench,
  { budget, results = noResults }: CalibrationOptions = {},
): Plan<IntensityCalibrationResult> {
  const { layout, heaterLimitsV } = bench
  requireIntensities(layout.design, layout.size, layout.lanes)
  const { estimate, maxBases, settingsAfter } = planIntensity(bench, budget)
  const planShares = sharesOf(estimate, (name) => results.recall(name) !== undefined)
  const around = { results, shareOf: (name: string) => planShares.get(name) }
  const frames = new FrameRunner(bench)
  const context: CalibrationContext = { bench, frames, heaters: new HeaterSetter(bench) }
  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  const { darkPlusMw } = yield* step(around, 'dark', (signal) => measureDark(context, signal))
  const darkMw = darkPlusMw[0]!
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  yield* step(around, 'lasers', (signal) => measureLasers(context, signal, 'one by one'))
  const probe = new IntensityProbe(context, darkMw)
  const columns = yield* step(around, 'columns', async (signal, progress) => {
    const before = frames.vectors
    const look: IntensityLook = (voltagesV, lit) => probe.read(voltagesV, lit, signal)
    const guess = await guessChip(layout, look, fringeRange(bench), heaterLimitsV.max, maxBases, progress)
    return { ...guess, vectors: frames.vectors - before }
  })
  const settings = settingsAfter(columns)
  const random = yield* step(around, 'settings', (signal, progress) =>
    readAnywhere(context, probe, columns, settings, progress, signal),
  )
  const [heldOut, fitted] = [random.slice(0, HELD_OUT), random.slice(HELD_OUT)]
  const chip = yield* step(around, 'chip', (signal, progress) =>
    fitWhileHeard(fitInStages(layout, fitted, columns.parameters), progress, signal),
  )
  const fit = fitSummary(layout, chip, fitted, heldOut)
  if (!(fit.heldOutTvd <= MAX_UNFORETOLD_TVD)) throw failed('settings', fit.heldOutTvd, { residual: chip.residual })
  const record = {
    schema: 'fringe-intensity-calibration-1' as const,
    ...{ design: layout.design, size: layout.size, lanes: layout.lanes, darkMw },
    ...{ chip: Array.from(chip.parameters), chipSigma: Array.from(chip.sigmas), fit },
  }
  const verification = yield* unitariesStep(knownChip(context, record), planShares.get('verification'))
  if (verification.verdict === 'refused') throw failed('unitaries', verification.modelTvd, { ...verification })
  return { calibration: { ...record, verification }, vectors: frames.vectors }
}

/** Between the stages others have their turn: whoever stops the run, and the line that shows how far it is. */
async function fitWhileHeard(
  stages: Generator<FitStage, FittedIntensities>,
  progress: Progress,
  signal: AbortSignal,
): Promise<FittedIntensities> {
  for (;;) {
    const next = stages.next()
    if (next.done === true) return next.value
    const { done, total, relativeResidual } = next.value
    progress(done, total, `residual ${(100 * relativeResidual).toPrecision(2)} %`)
    await setImmediate(undefined, { signal })
  }
}

function failed(unseen: string, tvd: number, more: Readonly<Record<string, unknown>>): BenchError {
  const percent = (100 * tvd).toFixed(1)
  return new BenchError(
    'CALIBRATION_FAILED',
    `the fitted chip is ${percent} % (TVD) off ${unseen} that it has not seen; calibrate again, or check heaters and their wires`,
    { context: { ...more, tvd } },
  )
}

function fitSummary(
  layout: SvdCoreLayout,
  { parameters, iterations, residual }: FittedIntensities,
  fitted: readonly IntensityReading[],
  heldOut: readonly IntensityReading[],
): IntensityCalibration['fit'] {
  const model = new IntensityModel(layout)
  const { alpha, splitterMean, logNeighbour, logDecay } = model.blocks
  const splitterMeanRad = parameters[splitterMean]!
  // Both splitters of all interferometers stand in a row.
  const splitters = parameters.subarray(alpha, splitterMean).map((own) => splitterMeanRad + own)
  return {
    relativeResidual: residual / rmsOf(fitted),
    heldOutResidual: residualOf(model, parameters, heldOut) / rmsOf(heldOut),
    heldOutTvd: variationDistance(model, parameters, heldOut),
    iterations,
    settings: fitted.length,
    crosstalkNeighbour: Math.exp(parameters[logNeighbour]!),
    crosstalkDecayPitch: Math.exp(parameters[logDecay]!),
    splitterMeanRad,
    splitterRmsRad: Math.sqrt(splitters.reduce((sum, rad) => sum + rad * rad, 0) / splitters.length),
  }
}

function rmsOf(readings: readonly IntensityReading[]): number {
  let [squares, count] = [0, 0]
  for (const { powers } of readings) {
    for (const power of powers) squares += power * power
    count += powers.length
  }
  return Math.sqrt(squares / count)
}

/** Readings at settings of all visible heaters anywhere within a turn. */
async function readAnywhere(
  { bench }: CalibrationContext,
  probe: IntensityProbe,
  { nominalRadPerV2 }: FirstGuess,
  settings: number,
  progress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<IntensityReading[]> {
  const { layout, heaterLimitsV } = bench
  const idle = invisibleHeaters(layout)
  const limitV2 = Math.min(heaterLimitsV.max ** 2, (2 * Math.PI) / nominalRadPerV2)
  const random = settingsOf('settings')
  const ports = everyPort(layout.size)
  const readings: IntensityReading[] = []
  for (let setting = 0; setting < settings; setting++) {
    const voltages = Float64Array.from(layout.heaters, (_, heater) =>
      idle.has(heater) ? 0 : Math.sqrt(limitV2 * random.uniform()),
    )
    readings.push(await probe.read(voltages, ports, signal))
    progress(setting + 1, settings)
  }
  return readings
}
