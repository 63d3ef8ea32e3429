import { BenchError } from '../../core/errors.ts'
import type { FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import type { FringeChannel } from '../fit/fringe.ts'
import { coldHeaters, evenPhaseVoltagesV, fringeRange, portTable } from './calibration-context.ts'
import type { CalibrationContext, PortTable } from './calibration-context.ts'
import type { DarkReadings } from './dark.ts'
import { requireLitDetectors } from './detector-faults.ts'
import { probeCodes, PROBE_CODE } from './probe-codes.ts'

export interface LocalOscillators {
  /** Phase per volt squared of each local-oscillator heater when all of them move together; the usual one where there is no fringe. */
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
  /** Of the curves: the port's own, whatever the calibration then takes. */
  readonly radPerV2: number
  /** [point] */
  readonly plusMw: readonly number[]
  readonly minusMw: readonly number[]
  readonly plusFit: FringeChannel
  readonly minusFit: FringeChannel
}

/** Phases at which all local oscillators are looked at. */
export const LO_POINTS = 9
/** Amplitude of a fringe over what its fit leaves. */
const MIN_FRINGE = 1.5
/** Heaters of one chip differ by some percent. What looks farther off is another heater's fringe, or none. */
const ALIKE = 0.3

/**
 * Turns all local oscillators through a fringe: it shows how far a volt turns them, and, since the beat averages out
 * over the fringe, how the two detectors of each pair compare on equal light.
 *
 * An output without a fringe of its own passes for a usual one: its heater is looked at later, by itself.
 *
 * Throws: CALIBRATION_FAILED naming the lane, or lane, output and meter port that see no light.
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
      const swing = ({ cos, sin }: FringeChannel): number => Math.hypot(cos, sin)
      const most = plus.reduce((best, _, s) => (swing(fit.channels[s]!) > swing(fit.channels[best]!) ? s : best), 0)
      const seen: SeenFringe = {
        radPerV2: fit.radPerX,
        plusMw: Array.from(plus[most]!),
        minusMw: Array.from(minus[most]!),
        plusFit: fit.channels[most]!,
        minusFit: fit.channels[symbols + most]!,
      }
      if (!(fit.rmsAmplitude > MIN_FRINGE * fit.rmsResidual)) {
        return { radPerV2: NaN, meanPlus: meanOfAll(plus), meanMinus: meanOfAll(minus), seen }
      }
      const meanOf = (from: number): number =>
        fit.channels.slice(from, from + symbols).reduce((sum, { mean }) => sum + mean, 0) / symbols
      return { radPerV2: fit.radPerX, meanPlus: meanOf(0), meanMinus: meanOf(symbols), seen }
    }),
  )
  requireLitDetectors(bench, fits)
  const usual = usualRadPerV2(fits.flat().map(({ radPerV2 }) => radPerV2))
  const table = (value: (fit: (typeof fits)[number][number]) => number): number[][] =>
    portTable(bench, (lane, port) => value(fits[lane]![port]!))
  return {
    radPerV2: table(({ radPerV2 }) => (isAlike(radPerV2, usual) ? radPerV2 : usual)),
    balancePlus: table(({ meanPlus, meanMinus }) => Math.sqrt(meanMinus / meanPlus)),
    balanceMinus: table(({ meanPlus, meanMinus }) => Math.sqrt(meanPlus / meanMinus)),
    meanMw: table(({ meanPlus, meanMinus }) => Math.sqrt(meanPlus * meanMinus)),
    seen: { voltagesV2: Array.from(x), fringes: fits.map((lane) => lane.map(({ seen }) => seen)) },
  }
}

const meanOfAll = (channels: readonly Float64Array[]): number =>
  channels.reduce((sum, channel) => sum + channel.reduce((s, value) => s + value, 0) / channel.length, 0) /
  channels.length

/** In the middle of those that show a fringe. */
function usualRadPerV2(found: readonly number[]): number {
  const sorted = found.filter((k) => !Number.isNaN(k)).toSorted((a, b) => a - b)
  if (sorted.length > 0) return sorted[sorted.length >> 1]!
  throw new BenchError(
    'CALIBRATION_FAILED',
    'no output shows a fringe when the local oscillators are turned; check the heater bank, its supply and its cables',
  )
}

const isAlike = (radPerV2: number, usual: number): boolean => Math.abs(radPerV2 / usual - 1) <= ALIKE
