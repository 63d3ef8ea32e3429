import { BenchError } from '../../../core/errors.ts'
import { settingsOf } from '../../plan-step.ts'
import type { AwgrContext } from './awgr-context.ts'
import { noLeaks, withoutLeaks } from '../leaks.ts'
import type { OutputReading, RingProbe, RingReading } from './ring-probe.ts'

/** Octaves of V² below the heaters' limit that are looked through for the first line, and steps in each. */
const OCTAVES = 10
const STEPS_PER_OCTAVE = 16
/** The lines are passed once the dropped light has fallen to this share of its maximum. */
const PASSED = 0.4
/** Light dropped on a line, relative to what its path let through cold: less is no line. */
const MIN_DROP = 0.1
/** Light of a path relative to the median path: less is dark. */
const MIN_LIGHT = 0.02
/** How far beyond the last line of any ring the staircases go, so that neighbours' lines are seen coming. */
const BEYOND = 1.5
const STAIRS = 40
/** With every second ring on the floor plan standing still. */
const HALF_STAIRS = 12
const STILL = 0.25
const RANDOM = 24
/** Frames that look for lines, where the last octave has to be looked at; and those of all staircases. */
export const MOST_LINE_FRAMES = 1 + OCTAVES * STEPS_PER_OCTAVE
export const RING_FRAMES = STAIRS + 2 * HALF_STAIRS + RANDOM

/** Where a ring's line crosses its own laser when all rings are heated alike, and how wide it is. In V². */
export interface SeenLine {
  readonly centreV2: number
  readonly widthV2: number
}

/**
 * Heats all rings alike, octave by octave of power, until every ring's line has crossed its laser.
 *
 * Throws: CALIBRATION_FAILED naming the laser that brings no light, or the ring with its channel whose line is not seen.
 * Leaves: heaters at the last step.
 */
export async function findLines(
  context: AwgrContext,
  probe: RingProbe,
  signal: AbortSignal,
): Promise<readonly SeenLine[]> {
  const { layout, heaterLimitsV } = context.bench
  const none = noLeaks(layout.size)
  const read = async (voltagesV: Float64Array): Promise<RingReading> =>
    withoutLeaks([await probe.read(voltagesV, signal)], none)[0]!
  const readings = [await read(new Float64Array(layout.heaters.length))]
  requireLight(context, readings[0]!)
  const total = ({ dropMw }: RingReading): number => dropMw.reduce((sum, mw) => sum + mw, 0)
  let [most, last] = [0, 0]
  search: for (let octave = -OCTAVES; octave < 0; octave++) {
    for (let step = 1; step <= STEPS_PER_OCTAVE; step++) {
      const powerV2 = heaterLimitsV.max ** 2 * 2 ** (octave + step / STEPS_PER_OCTAVE)
      const reading = await read(new Float64Array(layout.heaters.length).fill(Math.sqrt(powerV2)))
      readings.push(reading)
      last = total(reading)
      most = Math.max(most, last)
    }
    // A whole octave more than where the drop was largest, and the light is back on the through bus.
    if (last < PASSED * most) break search
  }
  return layout.heaters.map((_, heater) => lineOf(context, readings, heater))
}

/**
 * Readings along staircases of heater power around the lines: all rings together, then either half of the chessboard
 * while the other half stands still, then random ones, so that what a ring's own heater does is told from what its
 * neighbours do.
 *
 * Leaves: heaters at the last random setting.
 */
export async function sweepRings(
  { bench }: AwgrContext,
  probe: RingProbe,
  lines: readonly SeenLine[],
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<readonly OutputReading[]> {
  const { heaters } = bench.layout
  const random = settingsOf('rings')
  const most = Math.min(bench.heaterLimitsV.max ** 2, BEYOND * Math.max(...lines.map(({ centreV2 }) => centreV2)))
  const stair = (count: number, power: (level: number, heater: number) => number): Float64Array[] =>
    Array.from({ length: count }, (_, step) =>
      Float64Array.from(heaters, (_, heater) => Math.sqrt(most * power(step / (count - 1), heater))),
    )
  const isOdd = (heater: number): boolean => (heaters[heater]!.x + heaters[heater]!.y) % 2 === 1
  const settings = [
    ...stair(STAIRS, (level) => level),
    ...stair(HALF_STAIRS, (level, heater) => (isOdd(heater) ? level : STILL)),
    ...stair(HALF_STAIRS, (level, heater) => (isOdd(heater) ? STILL : level)),
    ...stair(RANDOM, () => random.uniform()),
  ]
  const readings: OutputReading[] = []
  for (const setting of settings) {
    readings.push(await probe.read(setting, signal))
    onProgress(readings.length, settings.length)
  }
  return readings
}

/** All paths that a ring weights: [port × size + wavelength]. */
export function pathsOf({ bench: { layout } }: AwgrContext, heater: number): readonly number[] {
  return layout.rings.flatMap((row, port) =>
    row.flatMap((ring, wavelength) => (ring === heater ? [port * layout.size + wavelength] : [])),
  )
}

function lineOf(context: AwgrContext, readings: readonly RingReading[], heater: number): SeenLine {
  const paths = pathsOf(context, heater)
  const drop = readings.map(({ dropMw }) => paths.reduce((sum, path) => sum + dropMw[path]!, 0))
  const cold = paths.reduce((sum, path) => sum + readings[0]!.throughMw[path]!, 0)
  const powerV2 = readings.map(({ squaredV }) => squaredV[heater]!)
  const largest = Math.max(...drop)
  if (!(largest > MIN_DROP * (cold + drop[0]!))) throw deadRing(context, heater, largest / cold)
  // The ring's own line comes first; those of its neighbours follow a channel spacing later.
  let peak = drop.findIndex((mw) => mw > largest / 2)
  while (drop[peak + 1]! > drop[peak]!) peak++
  const half = drop[peak]! / 2
  let [left, right] = [peak, peak]
  while (left > 0 && drop[left]! > half) left--
  while (right < drop.length - 1 && drop[right]! > half) right++
  const crossing = (from: number, to: number): number =>
    powerV2[from]! + ((half - drop[from]!) / (drop[to]! - drop[from]!)) * (powerV2[to]! - powerV2[from]!)
  const low = drop[left]! <= half ? crossing(left, left + 1) : -Infinity
  const high = drop[right]! <= half ? crossing(right - 1, right) : Infinity
  const centreV2 = powerV2[peak]!
  const widthV2 = 2 * Math.min(centreV2 - low, high - centreV2)
  if (!Number.isFinite(widthV2) || peak === drop.length - 1) throw deadRing(context, heater, largest / cold)
  return { centreV2, widthV2 }
}

function requireLight({ bench: { layout } }: AwgrContext, { dropMw, throughMw }: RingReading): void {
  const { size } = layout
  const light = Array.from({ length: size }, (_, wavelength) =>
    layout.rings.reduce(
      (sum, _, port) => sum + dropMw[port * size + wavelength]! + throughMw[port * size + wavelength]!,
      0,
    ),
  )
  const median = light.toSorted((a, b) => a - b)[Math.floor(size / 2)]!
  for (const [wavelength, mw] of light.entries()) {
    if (mw > MIN_LIGHT * median) continue
    throw new BenchError(
      'CALIBRATION_FAILED',
      `laser ${wavelength} brings no light to any output: ${mw.toExponential(1)} mW, the others ${median.toExponential(1)} mW; check its fibre`,
      { context: { laser: wavelength, mw, median } },
    )
  }
}

function deadRing({ bench }: AwgrContext, heater: number, dropped: number): BenchError {
  const { port, wavelength } = bench.layout.heaters[heater]!
  const channel = bench.heaterChannels[heater]!
  const where = port === undefined ? `wavelength ${wavelength}` : `port ${port}, wavelength ${wavelength}`
  return new BenchError(
    'CALIBRATION_FAILED',
    `the ring of ${where} (heater ${heater}, channel ${channel} of the bank) never drops its light; check its wire`,
    { context: { heater, port, wavelength, channel, dropped } },
  )
}
