import { BenchError } from '../../core/errors.ts'
import type { Progress } from '../../orchestrator/plans/plan.ts'
import type { MeshCalibration } from '../calibration-record.ts'
import { parameterBlocks } from '../model/chip-parameters.ts'
import { fitDrift } from '../model/drift-fit.ts'
import type { TrackedChip } from '../model/drift-fit.ts'
import { settingsOf } from '../plan-step.ts'
import { portTable } from './calibration-context.ts'
import type { CalibrationContext } from './calibration-context.ts'
import { MAX_HELD_OUT_RESIDUAL, READING_NOISE, readRandomSettings } from './chip.ts'
import { ChipProbe } from './chip-readings.ts'

/** Random settings that follow a drift, and those kept to check that they do. */
const SETTINGS = 22
const HELD_OUT = 2

/** Frames that one look at the drift takes. */
export const DRIFT_FRAMES = SETTINGS + HELD_OUT

/**
 * Looks at a calibrated chip at a few random settings, other ones each round, and fits what has drifted in the time
 * since it was looked at last; Infinity where nobody knows.
 *
 * Throws: CALIBRATION_FAILED when the chip cannot be followed any more: it needs a calibration.
 * Leaves: heaters at the last random setting.
 */
export async function followDrift(
  context: CalibrationContext,
  calibration: MeshCalibration,
  { round, sinceS }: { readonly round: number; readonly sinceS: number },
  onProgress: Progress,
  signal: AbortSignal,
): Promise<TrackedChip> {
  const { bench } = context
  const { layout } = bench
  const known = Float64Array.from(calibration.chip)
  const { radPerV2 } = parameterBlocks(layout)
  const coefficients = known.subarray(radPerV2, radPerV2 + layout.heaters.length)
  const lo = portTable(bench, (lane, port) => coefficients[layout.lo[lane]![port]!]!)
  const probe = new ChipProbe(context, calibration, lo)
  const random = settingsOf(`drift, round ${round}`)
  const readings = await readRandomSettings(bench, probe, coefficients, DRIFT_FRAMES, random, onProgress, signal)
  const [heldOut, fitted] = [readings.slice(0, HELD_OUT), readings.slice(HELD_OUT)]
  const tracked = fitDrift(layout, known, fitted, heldOut, { noise: READING_NOISE, sinceS })
  if (tracked.heldOut <= MAX_HELD_OUT_RESIDUAL) return tracked
  throw new BenchError(
    'CALIBRATION_FAILED',
    `the chip has drifted too far to be followed: ${(100 * tracked.heldOut).toFixed(0)} % of what was not fitted is unexplained; calibrate again`,
    { context: { heldOut: tracked.heldOut, limit: MAX_HELD_OUT_RESIDUAL } },
  )
}
