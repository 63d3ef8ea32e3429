import { BenchError } from '../../core/errors.ts'
import type { FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import type { FringeChannel } from '../fit/fringe.ts'
import { coldHeaters, evenPhaseVoltagesV, fringeRange, portTable } from './calibration-context.ts'
import type { CalibrationContext, PortTable } from './calibration-context.ts'
import type { DarkReadings } from './dark.ts'
import { probeCodes, PROBE_CODE } from './probe-codes.ts'

export interface LocalOscillators {
  /** Phase per volt squared of each local-oscillator heater when all of them move together. */
  readonly radPerV2: PortTable
  readonly balancePlus: PortTable
  readonly balanceMinus: PortTable
  /** Mean of the two detectors: half the power of local oscillator and signal together. */
  readonly meanMw: PortTable
  /** What was seen, to be looked at by people. */
  readonly seen: {
    /** [point] */
    readonly voltagesV2: readonly number[]
    /** [lane][port] */
    readonly fringes: readonly (readonly SeenFringe[])[]
  }
}

/** Both detectors of one pair in the symbol in which their light moves most, above dark, and the fringes fitted. */
export interface SeenFringe {
  /** [point] */
  readonly plusMw: readonly number[]
  readonly minusMw: readonly number[]
  readonly plusFit: FringeChannel
  readonly minusFit: FringeChannel
}

/** Phases at which all local oscillators are looked at. */
export const LO_POINTS = 9

/**
 * Turns all local oscillators through a fringe: it shows how far a volt turns them, and, since the beat averages out
 * over the fringe, how the two detectors of each pair compare on equal light.
 *
 * Throws: CALIBRATION_FAILED naming lane and port where there is no light or no fringe.
 * Leaves: the heaters at the last point of the sweep.
 */
export async function measureLocalOscillators(
  { bench, frames, heaters }: CalibrationContext,
  dark: DarkReadings,
  signal: AbortSignal,
): Promise<LocalOscillators> {
  const { layout } = bench
  const codes = probeCodes(bench, () => PROBE_CODE)
  const sweepV = evenPhaseVoltagesV(bench, LO_POINTS)
  const readings: FrameReading[] = []
  for (const voltage of sweepV) {
    const voltages = coldHeaters(bench)
    for (const heater of layout.lo.flat()) voltages[heater] = voltage
    await heaters.set(voltages, signal)
    readings.push(await frames.run(codes, signal))
  }
  const x = sweepV.map((v) => v * v)
  const symbols = codes[0]![0]!.length
  const fits = bench.lanes.map((_, lane) =>
    Array.from({ length: layout.size }, (_, port) => {
      const channels = (which: 'plusMw' | 'minusMw', darkMw: number): Float64Array[] =>
        Array.from({ length: symbols }, (_, symbol) =>
          Float64Array.from(readings, (reading) => reading[which][lane]![port]![symbol]! - darkMw),
        )
      const plus = channels('plusMw', dark.darkPlusMw[lane]![port]!)
      const minus = channels('minusMw', dark.darkMinusMw[lane]![port]!)
      const fit = fitSharedFringe(x, [...plus, ...minus], fringeRange(bench))
      const meanOf = (from: number): number =>
        fit.channels.slice(from, from + symbols).reduce((sum, { mean }) => sum + mean, 0) / symbols
      const [meanPlus, meanMinus] = [meanOf(0), meanOf(symbols)]
      if (!(fit.rmsAmplitude > 1.5 * fit.rmsResidual) || !(meanPlus > 0) || !(meanMinus > 0)) {
        throw new BenchError(
          'CALIBRATION_FAILED',
          `lane ${lane}, output ${port}: the local oscillator shows no fringe; check its fibre, its heater and both detectors`,
          {
            context: {
              lane,
              port,
              meanPlusMw: meanPlus,
              meanMinusMw: meanMinus,
              rmsAmplitude: fit.rmsAmplitude,
              rmsResidual: fit.rmsResidual,
            },
          },
        )
      }
      const swing = ({ cos, sin }: FringeChannel): number => Math.hypot(cos, sin)
      const most = plus.reduce((best, _, s) => (swing(fit.channels[s]!) > swing(fit.channels[best]!) ? s : best), 0)
      const seen: SeenFringe = {
        plusMw: Array.from(plus[most]!),
        minusMw: Array.from(minus[most]!),
        plusFit: fit.channels[most]!,
        minusFit: fit.channels[symbols + most]!,
      }
      return { radPerV2: fit.radPerX, meanPlus, meanMinus, seen }
    }),
  )
  const table = (value: (fit: (typeof fits)[number][number]) => number): number[][] =>
    portTable(bench, (lane, port) => value(fits[lane]![port]!))
  return {
    radPerV2: table(({ radPerV2 }) => radPerV2),
    balancePlus: table(({ meanPlus, meanMinus }) => Math.sqrt(meanMinus / meanPlus)),
    balanceMinus: table(({ meanPlus, meanMinus }) => Math.sqrt(meanPlus / meanMinus)),
    meanMw: table(({ meanPlus, meanMinus }) => Math.sqrt(meanPlus * meanMinus)),
    seen: { voltagesV2: Array.from(x), fringes: fits.map((lane) => lane.map(({ seen }) => seen)) },
  }
}
