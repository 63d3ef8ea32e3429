import { fitSharedFringe } from '../fit/fringe.ts'
import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fringeRange } from './calibration-context.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe } from './chip-readings.ts'
import { elementSeries, requireFringe, sweepFringe, sweepHeaters } from './sweep-fringe.ts'

export interface PhaseShifterFringes {
  /** [heater] rad/V², and its standard error. */
  readonly radPerV2: Float64Array
  readonly sigma: Float64Array
  /** [heater] the part of lane 0's matrix that passes under it; empty for trimmers and local oscillators. */
  readonly under: readonly ComplexMatrix[]
}

/** Ports this far apart hardly warm each other and are swept together. */
const STRIDE = 4

/**
 * A fringe per phase shifter: how far a volt squared turns its phase.
 *
 * Trimmers and local oscillators touch one port of one lane each, so distant ones are swept together. Neighbours that
 * warm up with a shifter bias its result by their crosstalk; the chip fit mends it.
 *
 * Throws: CALIBRATION_FAILED naming the heater and its channel when nothing moves: a dead or unplugged shifter.
 * Leaves: the last swept heater warm; the next setting overwrites it.
 */
export async function measurePhaseShifters(
  context: CalibrationContext,
  probe: ChipProbe,
  baseV: Float64Array,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<PhaseShifterFringes> {
  const { bench } = context
  const { layout } = bench
  const { size } = layout
  const radPerV2 = new Float64Array(layout.heaters.length)
  const sigma = new Float64Array(layout.heaters.length)
  const under = layout.heaters.map(() => complexZeros(size))
  const ports = Array.from({ length: size }, (_, port) => port)

  for (const lane of bench.lanes.keys()) {
    for (let first = 0; first < Math.min(STRIDE, size); first++) {
      const swept = ports.filter((port) => port % STRIDE === first)
      for (const kind of ['input', 'lo'] as const) {
        const heaters = swept.map((port) => layout[kind][lane]![port]!)
        const { voltagesSquared, readings } = await sweepHeaters(context, probe, heaters, baseV, signal)
        for (const port of swept) {
          const elements = ports.map((other) => (kind === 'lo' ? port * size + other : other * size + port))
          const channels = elements.map((element) => elementSeries(readings, lane, element))
          const fringe = fitSharedFringe(voltagesSquared, channels, fringeRange(bench))
          const heater = layout[kind][lane]![port]!
          requireFringe(context, heater, fringe)
          radPerV2[heater] = fringe.radPerX
          sigma[heater] = fringe.radPerXSigma
        }
      }
    }
  }
  const core = [layout.first, layout.sigma, layout.second].flatMap(({ phi, theta }) => [...phi, ...theta])
  for (const [done, heater] of core.entries()) {
    const fringe = await sweepFringe(context, probe, heater, baseV, {}, signal)
    radPerV2[heater] = fringe.radPerV2
    sigma[heater] = fringe.sigma
    under[heater] = fringe.under
    onProgress(done + 1, core.length)
  }
  return { radPerV2, sigma, under }
}
