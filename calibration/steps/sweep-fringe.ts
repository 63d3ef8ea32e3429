import { BenchError } from '../../core/errors.ts'
import type { HeaterRole } from '../../core/mesh-layout.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { fitSharedFringe } from '../fit/fringe.ts'
import type { SharedFringe } from '../fit/fringe.ts'
import { evenPhaseVoltagesV } from './calibration-context.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { ChipProbe, ChipReading } from './chip-readings.ts'

export interface HeaterFringe {
  readonly radPerV2: number
  readonly sigma: number
  /** The part of lane 0's matrix that passes under the heater, with its phase at 0 V. */
  readonly under: ComplexMatrix
}

/** Phases of a heater at which its fringe is read. */
export const FRINGE_POINTS = 5

/** Reads the chip at evenly spaced phases of some heaters that move together; all others stay at `baseV`. */
export async function sweepHeaters(
  { bench }: CalibrationContext,
  probe: ChipProbe,
  heaters: readonly number[],
  baseV: Float64Array,
  signal: AbortSignal,
): Promise<{ readonly voltagesSquared: Float64Array; readonly readings: readonly ChipReading[] }> {
  const sweepV = evenPhaseVoltagesV(bench, FRINGE_POINTS)
  const readings: ChipReading[] = []
  for (const voltage of sweepV) {
    const voltages = baseV.slice()
    for (const heater of heaters) voltages[heater] = voltage
    readings.push(await probe.read(voltages, signal))
  }
  return { voltagesSquared: sweepV.map((v) => v * v), readings }
}

/**
 * The fringe of one heater of the chip, seen at all inputs, outputs and lanes at once.
 *
 * Any element of the transfer matrix is a + b·e^{iφ} in any one phase, whatever the others are: one frequency fits
 * all, and one quadrature shows b whole, its real part in the cosine and its imaginary part in the sine.
 *
 * Throws: CALIBRATION_FAILED naming heater and channel when nothing moves.
 */
export async function sweepFringe(
  context: CalibrationContext,
  probe: ChipProbe,
  heater: number,
  baseV: Float64Array,
  signal: AbortSignal,
): Promise<HeaterFringe> {
  const { bench } = context
  const { size } = bench.layout
  const { voltagesSquared, readings } = await sweepHeaters(context, probe, [heater], baseV, signal)
  const channels = bench.lanes.flatMap((_, lane) =>
    Array.from({ length: size * size }, (_, element) => elementSeries(readings, lane, element)),
  )
  const fringe = fitSharedFringe(voltagesSquared, channels, probe.fringeRange)
  requireFringe(context, heater, fringe)
  const ofLane0 = fringe.channels.slice(0, size * size)
  return {
    radPerV2: fringe.radPerX,
    sigma: fringe.radPerXSigma,
    under: {
      size,
      re: Float64Array.from(ofLane0, ({ cos }) => cos),
      im: Float64Array.from(ofLane0, ({ sin }) => -sin),
    },
  }
}

export function elementSeries(readings: readonly ChipReading[], lane: number, element: number): Float64Array {
  return Float64Array.from(readings, ({ lanes }) => lanes[lane]![element]!)
}

/**
 * Share of the light that a live heater moves at least: its waveguide is one of many. What the fit leaves is no
 * measure of it, because neighbours that warm up with a heater leave more than noise does.
 */
const MIN_SWING = 0.03

export function requireFringe({ bench }: CalibrationContext, heater: number, fringe: SharedFringe): void {
  if (fringe.rmsAmplitude > MIN_SWING * fringe.rmsSignal) return
  throw deadHeater({ bench }, heater, { rmsAmplitude: fringe.rmsAmplitude, rmsSignal: fringe.rmsSignal })
}

export function deadHeater(
  { bench }: Pick<CalibrationContext, 'bench'>,
  heater: number,
  context: Readonly<Record<string, number>>,
): BenchError {
  const { role } = bench.layout.heaters[heater]!
  const channel = bench.heaterChannels[heater]!
  return new BenchError('CALIBRATION_FAILED', `${heaterText(bench, heater)} moves no light; check its wire`, {
    context: { heater, role, channel, ...context },
  })
}

/** Which heater, in words: what it is for, and where it is plugged in. */
export function heaterText({ layout, heaterChannels }: CalibrationContext['bench'], heater: number): string {
  return `heater ${heater} (${roleText(layout.heaters[heater]!.role)}; channel ${heaterChannels[heater]!} of the bank)`
}

function roleText(role: HeaterRole): string {
  switch (role.kind) {
    case 'input':
      return `trimmer of lane ${role.lane}, input ${role.port}`
    case 'lo':
      return `local oscillator of lane ${role.lane}, output ${role.port}`
    case 'sigma-phi':
    case 'sigma-theta':
      return `${role.kind === 'sigma-phi' ? 'phi' : 'theta'} of sigma, waveguide ${role.channel}`
    default:
      return `${role.kind} of the ${role.mesh} mesh, interferometer ${role.mzi}`
  }
}
