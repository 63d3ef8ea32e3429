import type { MeshBench } from '../core/mesh-bench.ts'
import { RandomStream } from '../core/random.ts'
import { FrameRunner } from '../orchestrator/frames/frame-runner.ts'
import { HeaterSetter } from '../orchestrator/frames/heater-setter.ts'
import { bringLight, warmUp } from '../orchestrator/plans/light.ts'
import type { Plan } from '../orchestrator/plans/plan.ts'
import type { MeshCalibration } from './calibration-record.ts'
import { MeshCore } from './mesh-core.ts'
import { step } from './plan-step.ts'
import type { Work } from './plan-step.ts'
import { requireCalibratable } from './supported-designs.ts'
import { parameterBlocks, elementCount } from './model/chip-parameters.ts'
import { openAttenuators } from './steps/attenuators.ts'
import type { CalibrationContext } from './steps/calibration-context.ts'
import { measureColumns } from './steps/columns.ts'
import { chipPlanFor, measureChip } from './steps/chip.ts'
import type { FittedChip } from './steps/chip.ts'
import { ChipProbe } from './steps/chip-readings.ts'
import { measureDark } from './steps/dark.ts'
import { withDiagnosis } from './steps/diagnosis.ts'
import { measureLasers } from './steps/lasers.ts'
import { measureLocalOscillators } from './steps/local-oscillators.ts'
import { measureModulators } from './steps/modulators.ts'
import { measurePortShifters } from './steps/port-shifters.ts'
import { verify } from './steps/verification.ts'

export interface CalibrationResult {
  readonly calibration: MeshCalibration
  /** Input vectors sent through the optics: symbols times lanes. */
  readonly vectors: number
}

/** The plan's own random numbers: chosen settings, not noise. */
const PLAN_SEED = 20260101

/**
 * Calibrates a bench with a mesh core, from cold and dark to a verified record.
 *
 * Order: dark → light → lasers in their channels → local oscillators and detector balance → modulators → attenuators open → a fringe per port's
 * shifter → the meshes column by column → whole-chip fit with crosstalk, splitters and losses → verification on held-out matrices.
 * Throws: CALL_INVALID, before the first step, for a core of another design than `requireCalibratable` names.
 * Leaves: light on and heaters warm; the engine makes the bench safe.
 */
export async function* calibrationPlan(bench: MeshBench): Plan<CalibrationResult> {
  requireCalibratable(bench.layout.design, bench.layout.size)
  const frames = new FrameRunner(bench)
  const heaters = new HeaterSetter(bench)
  const context: CalibrationContext = { bench, frames, heaters, random: new RandomStream(PLAN_SEED, 'settings') }

  yield { name: 'warm up', work: (signal) => warmUp(bench, signal) }
  yield { name: 'prepare frames', work: (signal) => frames.prepare(signal) }
  const dark = yield* step('dark', (signal) => measureDark(context, signal))
  yield { name: 'light', work: (signal) => bringLight(bench, signal) }
  yield* step('lasers', (signal) => measureLasers(context, signal))
  const lo = yield* step('local oscillators', (signal) => measureLocalOscillators(context, dark, signal))
  const detectors = { ...dark, balancePlus: lo.balancePlus, balanceMinus: lo.balanceMinus }
  const modulators = yield* step('modulators', (signal) => measureModulators(context, detectors, lo.radPerV2, signal))
  const probe = new ChipProbe(context, { detectors, modulators }, lo.radPerV2)
  const diagnosed = <T>(work: Work<T>): Work<T> => {
    return (signal, progress) => withDiagnosis(context, probe, () => work(signal, progress), signal)
  }
  const open = yield* step(
    'attenuators',
    diagnosed((signal) => openAttenuators(context, probe, signal)),
  )
  const ports = yield* step(
    'port shifters',
    diagnosed((signal) => measurePortShifters(context, probe, open.baseV, signal)),
  )
  const guess = yield* step(
    'columns',
    diagnosed((signal, progress) => measureColumns(context, probe, open, ports, progress, signal)),
  )
  const chip = yield* step(
    'chip',
    diagnosed((signal) => measureChip(context, probe, open.baseV, guess, chipPlanFor(bench.layout.size), signal)),
  )
  const unverified: MeshCalibration = {
    schema: 'fringe-mesh-calibration-1',
    design: bench.layout.design,
    size: bench.layout.size,
    lanes: bench.layout.lanes,
    detectors,
    modulators,
    chip: Array.from(chip.parameters),
    fit: fitSummary(bench, chip),
    verification: { E: NaN, F: NaN, amplitudeFidelity: NaN, tvd: NaN, effectiveBits: NaN },
  }
  const core = new MeshCore(bench, unverified, frames, heaters)
  const verification = yield* step('verification', (signal) => verify(core, context.random, signal))
  return { calibration: { ...unverified, verification }, vectors: frames.vectors }
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
