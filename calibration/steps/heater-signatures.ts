import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import type { HeaterSignature } from '../model/heater-signature.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe, ChipReading } from './chip-readings.ts'
import { elementSeries } from './sweep-fringe.ts'

/** Phases that a usual heater is turned to, rad. With the base setting four points show a fringe and its frequency. */
const TURNS_RAD = [0.5 * Math.PI, Math.PI, 1.5 * Math.PI] as const

/**
 * Moves one heater after the other, by itself, and sees what light each turns.
 *
 * Shapes: [heater].
 * Leaves: the last heater warm.
 */
export async function heaterSignatures(
  context: CalibrationContext,
  probe: ChipProbe,
  baseV: Float64Array,
  heaters: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, HeaterSignature>> {
  const { bench } = context
  const base = await probe.read(baseV, signal)
  const found = new Map<number, HeaterSignature>()
  for (const heater of heaters) {
    const readings: ChipReading[] = [base]
    for (const turn of TURNS_RAD) {
      const voltages = baseV.slice()
      const v2 = baseV[heater]! ** 2 + turn / probe.nominalRadPerV2
      voltages[heater] = Math.min(bench.heaterLimitsV.max, Math.sqrt(v2))
      readings.push(await probe.read(voltages, signal))
    }
    found.set(heater, signatureOf(context, probe, heater, readings))
  }
  return found
}

function signatureOf(
  { bench }: CalibrationContext,
  probe: ChipProbe,
  heater: number,
  readings: readonly ChipReading[],
): HeaterSignature {
  const { size } = bench.layout
  const elements = size * size
  const v2 = Float64Array.from(readings, ({ voltagesV }) => voltagesV[heater]! ** 2)
  const channels = bench.lanes.flatMap((_, lane) =>
    Array.from({ length: elements }, (_, element) => elementSeries(readings, lane, element)),
  )
  const fringe = fitSharedFringe(v2, channels, probe.fringeRange)
  const under: ComplexMatrix[] = []
  const swing: number[] = []
  for (const lane of bench.lanes.keys()) {
    const own = fringe.channels.slice(lane * elements, (lane + 1) * elements)
    const re = Float64Array.from(own, ({ cos }) => cos)
    const im = Float64Array.from(own, ({ sin }) => -sin)
    under.push({ size, re, im })
    const light = channels.slice(lane * elements, (lane + 1) * elements)
    const all = light.reduce((sum, series) => sum + series.reduce((s, y) => s + y * y, 0) / series.length, 0)
    const moved = own.reduce((sum, { cos, sin }) => sum + (cos * cos + sin * sin) / 2, 0)
    swing.push(Math.sqrt(moved / all))
  }
  return { radPerV2: fringe.radPerX, under, swing }
}
