import type { Progress } from '../../orchestrator/plans/plan.ts'
import { fringeRatio } from '../fit/fringe-ratio.ts'
import type { ChipProbe } from './chip-readings.ts'
import { coldHeaters } from './calibration-context.ts'
import type { CalibrationContext } from './calibration-context.ts'
import { elementSeries, sweepFringe, sweepHeaters } from './sweep-fringe.ts'

export interface OpenAttenuators {
  /** [waveguide] phase of each attenuator's MZI at 0 V. */
  readonly offsetRad: Float64Array
  /** [waveguide] its phase per volt squared. */
  readonly radPerV2: Float64Array
  /** [waveguide] voltage at which it passes most. */
  readonly openV: Float64Array
  /** [heater]: everything cold but the attenuators, which are open. */
  readonly baseV: Float64Array
}

/**
 * Finds where the attenuators between the meshes are open, all other heaters cold.
 *
 * Under its φ heater passes all light of a waveguide, ½(1 + e^{iθ}) of it, under its θ heater ½·e^{iθ} of it: the
 * ratio of the two fringes is 1 + e^{−iθ}, which tells θ and its sign even where the attenuator happens to be shut.
 *
 * Throws: CALIBRATION_FAILED as `sweepFringe`.
 */
export async function openAttenuators(
  context: CalibrationContext,
  probe: ChipProbe,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<OpenAttenuators> {
  const { layout, heaterLimitsV } = context.bench
  const cold = coldHeaters(context.bench)
  const offsetRad = new Float64Array(layout.size)
  const radPerV2 = new Float64Array(layout.size)
  const openV = new Float64Array(layout.size)
  const baseV = cold.slice()
  for (const [waveguide, theta] of layout.sigma.theta.entries()) {
    const inside = await sweepFringe(context, probe, theta, cold, signal)
    const behind = await sweepHeaters(context, probe, [layout.sigma.phi[waveguide]!], cold, signal)
    const channels = Array.from(inside.under.re, (_, element) => elementSeries(behind.readings, 0, element))
    const ratio = fringeRatio(behind.voltagesSquared, channels, inside.under, probe.fringeRange)
    const offset = -Math.atan2(ratio.im, ratio.re - 1)
    offsetRad[waveguide] = offset - 2 * Math.PI * Math.floor(offset / (2 * Math.PI))
    const missing = 2 * Math.PI - offsetRad[waveguide]
    openV[waveguide] = Math.min(heaterLimitsV.max, Math.sqrt(missing / inside.radPerV2))
    baseV[theta] = openV[waveguide]
    radPerV2[waveguide] = inside.radPerV2
    onProgress(waveguide + 1, layout.size)
  }
  return { offsetRad, radPerV2, openV, baseV }
}
