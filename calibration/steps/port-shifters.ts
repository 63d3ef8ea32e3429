import type { Progress } from '../../orchestrator/plans/plan.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe } from './chip-readings.ts'
import { elementSeries, requireFringe, sweepHeaters } from './sweep-fringe.ts'

/** Ports this far apart hardly warm each other and are swept together. */
export const STRIDE = 4

/**
 * A fringe per trimmer and local-oscillator shifter: how far a volt squared turns its phase. Each touches one port of
 * one lane, so distant ones are swept together.
 *
 * Shapes: [heater] rad/V²; NaN for the heaters of the core.
 * Throws: CALIBRATION_FAILED naming the heater and its channel when nothing moves: a dead or unplugged shifter.
 * Leaves: the last swept heaters warm; the next setting overwrites them.
 */
export async function measurePortShifters(
  context: CalibrationContext,
  probe: ChipProbe,
  baseV: Float64Array,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<Float64Array> {
  const { bench } = context
  const { layout } = bench
  const { size } = layout
  const radPerV2 = new Float64Array(layout.heaters.length).fill(NaN)
  const groups = Math.min(STRIDE, size)
  const ports = Array.from({ length: size }, (_, port) => port)
  for (const lane of bench.lanes.keys()) {
    for (let first = 0; first < groups; first++) {
      const swept = ports.filter((port) => port % STRIDE === first)
      for (const kind of ['input', 'lo'] as const) {
        const heaters = swept.map((port) => layout[kind][lane]![port]!)
        const { voltagesSquared, readings } = await sweepHeaters(context, probe, heaters, baseV, signal)
        for (const port of swept) {
          const elements = ports.map((other) => (kind === 'lo' ? port * size + other : other * size + port))
          const channels = elements.map((element) => elementSeries(readings, lane, element))
          const fringe = fitSharedFringe(voltagesSquared, channels, probe.fringeRange)
          const heater = layout[kind][lane]![port]!
          requireFringe(context, heater, fringe)
          radPerV2[heater] = fringe.radPerX
        }
      }
      onProgress(lane * groups + first + 1, bench.lanes.length * groups)
    }
  }
  return radPerV2
}
