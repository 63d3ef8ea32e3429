import { BenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { designText } from '../../core/mesh-design.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../../orchestrator/plans/light.ts'
import type { Plan } from '../../orchestrator/plans/plan.ts'
import { noResults } from '../../orchestrator/plans/step-results.ts'
import type { StepResults } from '../../orchestrator/plans/step-results.ts'
import { settingsOf, step } from '../plan-step.ts'
import { fringeRange } from '../steps/calibration-context.ts'
import type { CalibrationContext } from '../steps/calibration-context.ts'
import { measureDark } from '../steps/dark.ts'
import { guessChip } from './first-guess.ts'
import type { FirstGuess } from './first-guess.ts'
import { fitChipToIntensities, variationDistance } from './fit-chip.ts'
import type { FittedIntensities } from './fit-chip.ts'
import { IntensityModel } from './intensity-model.ts'
import type { IntensityReading } from './intensity-model.ts'
import { everyPort, IntensityProbe } from './intensity-probe.ts'
import { invisibleHeaters } from './intensity-programming.ts'

export interface IntensityCalibration {
  readonly fit: FittedIntensities
  /** Total variation distance on settings that the fit has not seen, mean over their vectors. */
  readonly heldOutTvd: number
  readonly darkMw: readonly number[]
  /** Input vectors of the whole calibration, dark ones and those held out included. */
  readonly vectors: number
}

/** Intensity vectors over N², all in all: 3,888 for 12 ports. */
const VECTORS_PER_ELEMENT = 27
/** Settings kept out of the fit. */
const HELD_OUT = 8

/** A good fit leaves a tenth of a percent; one that ended in a wrong place tens of percent. */
const MAX_HELD_OUT_TVD = 0.05
const DESIGN: MeshDesign = { arrangement: 'clements', mzi: 'plain', form: 'unitary', detection: 'intensity' }
/** One interferometer alone has no phase that a power shows. */
const MIN_SIZE = 3

/**
 * Calibrates a single mesh whose outputs are photodiodes, from cold and dark, with one input lit at a time.
 *
 * Throws: CALL_INVALID, before the first step, for a core of another design; CALIBRATION_FAILED when the fit does not
 * foretell settings that it has not seen.
 * Leaves: light on and heaters warm.
 */
export async function* intensityCalibrationPlan(
  bench: MeshBench,
  results: StepResults = noResults,
): Plan<IntensityCalibration> {
  const { layout, heaterLimitsV } = bench
  if (designText(layout.design) !== designText(DESIGN) || layout.size < MIN_SIZE) {
    const what = `${designText(layout.design)}, size ${layout.size}`
    throw new BenchError('CALL_INVALID', `a mesh core of ${what} is not calibrated by intensities`, {
      context: { design: layout.design, size: layout.size, supported: designText(DESIGN) },
    })
  }
  const frames = new FrameRunner(bench)
  const heaters = new HeaterSetter(bench)
  const context: CalibrationContext = { bench, frames, heaters }
  const around = { results, shareOf: () => undefined }
  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  const { darkPlusMw } = yield* step(around, 'dark', (signal) => measureDark(context, signal))
  const darkMw = darkPlusMw[0]!
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  const probe = new IntensityProbe(context, darkMw)
  const guess = yield* step(around, 'columns', (signal, progress) =>
    guessChip(layout, (v, lit) => probe.read(v, lit, signal), fringeRange(bench), heaterLimitsV.max, progress),
  )
  const settings = Math.floor((VECTORS_PER_ELEMENT * layout.size ** 2 - frames.vectors) / layout.size)
  const random = yield* step(around, 'settings', (signal, progress) =>
    readAnywhere(context, probe, guess, settings, progress, signal),
  )
  const [heldOut, fitted] = [random.slice(0, HELD_OUT), random.slice(HELD_OUT)]
  const fit = yield* step(around, 'chip', () => Promise.resolve(fitChipToIntensities(layout, fitted, guess.parameters)))
  const heldOutTvd = variationDistance(new IntensityModel(layout), fit.parameters, heldOut)
  if (!(heldOutTvd <= MAX_HELD_OUT_TVD)) {
    const percent = (100 * heldOutTvd).toFixed(1)
    throw new BenchError(
      'CALIBRATION_FAILED',
      `the fitted chip is ${percent} % (TVD) off settings that it has not seen; calibrate again, or check heaters and their wires`,
      { context: { heldOutTvd, residual: fit.residual } },
    )
  }
  return { fit, heldOutTvd, darkMw, vectors: frames.vectors }
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
