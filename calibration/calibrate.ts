import type { MeshBench } from '../core/mesh-bench.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../orchestrator/plans/light.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import { noResults } from '../orchestrator/plans/step-results.ts'
import type { StepResults } from '../orchestrator/plans/step-results.ts'
import type { MeshCalibration } from './calibration-record.ts'
import { sharesOf } from './estimate.ts'
import { planMesh } from './estimate-mesh.ts'
import type { CalibrationBudget } from './estimate-mesh.ts'
import { MeshCore } from './mesh-core.ts'
import { settingsOf, step } from './plan-step.ts'
import type { Work } from './plan-step.ts'
import { requireFields } from './supported-designs.ts'
import { parameterBlocks, elementCount } from './model/chip-parameters.ts'
import { openAttenuators } from './steps/attenuators.ts'
import type { CalibrationContext } from './steps/calibration-context.ts'
import { measureColumns } from './steps/columns.ts'
import { fitWholeChip, measureSettings } from './steps/chip.ts'
import type { FittedChip } from './steps/chip.ts'
import { ChipProbe } from './steps/chip-readings.ts'
import { measureDark } from './steps/dark.ts'
import { measureDetectors, requireLinearProducts } from './steps/detectors.ts'
import { withDiagnosis } from './steps/diagnosis.ts'
import { measureIsolation } from './steps/isolation.ts'
import { measureLaneDelay } from './steps/lane-delay.ts'
import { measureLasers } from './steps/lasers.ts'
import { measureLocalOscillators } from './steps/local-oscillators.ts'
import { measureModulators } from './steps/modulators.ts'
import { measurePortShifters } from './steps/port-shifters.ts'
import { verificationStep } from './verification-plan.ts'

export interface CalibrationResult {
  readonly calibration: MeshCalibration
  /** Input vectors sent through the optics: symbols times lanes. */
  readonly vectors: number
}

/** What somebody wishes of a calibration beyond its steps. */
export interface CalibrationOptions {
  readonly budget?: CalibrationBudget
  /** Where steps are taken from and kept. */
  readonly results?: StepResults
}

/**
 * Calibrates a bench with a mesh core, from cold and dark to a verified record.
 *
 * Order: dark → light → lasers in their channels → local oscillators and detector balance → detectors follow the light →
 * lanes apart → lanes in time → modulators → attenuators open → a fringe per port's shifter → the meshes column by column →
 * random settings → whole-chip fit with crosstalk, splitters and losses → verification on held-out matrices, which is made
 * always.
 * Throws: CALL_INVALID, before the first step, for a core of another design than `requireFields` names, and for a
 * budget below the least.
 * Leaves: light on and heaters warm; the engine makes the bench safe.
 */
export async function* calibrationPlan(
  bench: MeshBench,
  { budget, results = noResults }: CalibrationOptions = {},
): Plan<CalibrationResult> {
  const { layout } = bench
  requireFields(layout.design, layout.size)
  const planned = planMesh(bench, budget)
  const shares = sharesOf(planned.estimate, (name) => results.recall(name) !== undefined)
  const around = { results, shareOf: (name: string) => shares.get(name) }
  const frames = new FrameRunner(bench)
  const heaters = new HeaterSetter(bench)
  const context: CalibrationContext = { bench, frames, heaters }

  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  const dark = yield* step(around, 'dark', (signal) => measureDark(context, signal))
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  yield* step(around, 'lasers', (signal) => measureLasers(context, signal))
  const lo = yield* step(around, 'local oscillators', (signal) => measureLocalOscillators(context, dark, signal))
  const linear = yield* step(around, 'detectors', (signal) =>
    measureDetectors(context, dark, lo, settingsOf('detectors'), signal),
  )
  if (layout.lanes > 1) yield* step(around, 'isolation', (signal) => measureIsolation(context, linear, signal))
  yield* step(around, 'lane delay', (signal) => measureLaneDelay(context, signal))
  const detectors = { ...dark, balancePlus: lo.balancePlus, balanceMinus: lo.balanceMinus }
  const modulators = yield* step(around, 'modulators', (signal) =>
    measureModulators(context, detectors, lo.radPerV2, signal),
  )
  const probe = new ChipProbe(context, { detectors, modulators }, lo.radPerV2)
  const diagnosed = <T>(work: Work<T>): Work<T> => {
    return (signal, progress) => withDiagnosis(context, probe, () => work(signal, progress), signal)
  }
  const open = yield* step(
    around,
    'attenuators',
    diagnosed((signal, progress) => openAttenuators(context, probe, progress, signal)),
  )
  const ports = yield* step(
    around,
    'port shifters',
    diagnosed((signal, progress) => measurePortShifters(context, probe, open.baseV, progress, signal)),
  )
  const guess = yield* step(
    around,
    'columns',
    diagnosed((signal, progress) => measureColumns(context, probe, open, ports, progress, signal)),
  )
  const settings = yield* step(
    around,
    'settings',
    diagnosed((signal, progress) => measureSettings(context, probe, open.baseV, guess, planned.chip, progress, signal)),
  )
  const chip = yield* step(
    around,
    'chip',
    diagnosed((_signal, progress) =>
      // Within the promise: what the fit throws is to be diagnosed.
      Promise.resolve().then(() => fitWholeChip(context, settings, open.baseV, guess, planned.chip, progress)),
    ),
  )
  const unverified: MeshCalibration = {
    schema: 'fringe-mesh-calibration-1',
    design: layout.design,
    size: layout.size,
    lanes: layout.lanes,
    detectors,
    modulators,
    chip: Array.from(chip.parameters),
    ...(chip.sigmas && { chipSigma: Array.from(chip.sigmas) }),
    fit: fitSummary(bench, chip),
    verification: { E: NaN, F: NaN, amplitudeFidelity: NaN, tvd: NaN, effectiveBits: NaN },
  }
  const core = new MeshCore(bench, unverified, frames, heaters)
  const brightest = frames.watchBrightest()
  const verification = yield* verificationStep(core, shares.get('verification'))
  requireLinearProducts(bench, linear, brightest)
  const calibration = { ...unverified, detectors: { ...detectors, brightest }, verification }
  return { calibration, vectors: frames.vectors }
}

function fitSummary({ layout }: MeshBench, chip: FittedChip): MeshCalibration['fit'] {
  const blocks = parameterBlocks(layout)
  const splitters = chip.parameters.subarray(blocks.alpha, blocks.alpha + 2 * elementCount(layout))
  return {
    relativeResidual: chip.relativeResidual,
    heldOutResidual: chip.heldOutResidual,
    tapDisagreement: chip.tapDisagreement,
    iterations: chip.iterations,
    settings: chip.settings,
    crosstalkNeighbour: Math.exp(chip.parameters[blocks.logNeighbour]!),
    crosstalkDecayPitch: Math.exp(chip.parameters[blocks.logDecay]!),
    splitterRmsRad: Math.sqrt(splitters.reduce((sum, angle) => sum + angle * angle, 0) / splitters.length),
  }
}
