import { BenchError } from '../../core/errors.ts'
import type { BenchLaser, LightBench } from '../../core/light-bench.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import { powerDbm } from '../../core/quantities.ts'
import type { RandomStream } from '../../core/random.ts'
import type { BrightestLight, FrameCodes, FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { bringLasers, bringLight } from '../../orchestrator/plans/light.ts'
import { fitCompression } from '../fit/compression.ts'
import type { Compression, DimmedReadings } from '../fit/compression.ts'
import { coldHeaters } from './calibration-context.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { DarkReadings } from './dark.ts'
import { meterPortName } from './detector-faults.ts'
import type { LocalOscillators } from './local-oscillators.ts'
import { PROBE_CODE } from './probe-codes.ts'

export type DetectorSide = 'plus' | 'minus'

/** What is known of one detector. */
export interface FoundDetector {
  readonly lane: number
  readonly port: number
  readonly side: DetectorSide
  /** What it shows of equal settings beside the middle one of its lane: responsivity times what its path passes. */
  readonly level: number
  /** Least and most that it was seen to show above its dark reading, mW. */
  readonly seenMw: { readonly min: number; readonly max: number }
  /** Absent where no laser can be dimmed, and where light hardly moves. */
  readonly linearity?: Compression
}

/** Frames of the same codes in full and in dimmed light. */
export const DETECTOR_FRAMES = 2
export const DETECTOR_SYMBOLS = 40
/** As far as lasers are dimmed, and the least that tells anything. */
const MOST_DIMMED_DB = 10
const LEAST_DIMMED_DB = 1
/**
 * A detector that shows so much too little, or too much, of the light that it gets is refused: on twins whose detectors
 * all fell short by 4 % at their brightest, products lost 0.2 bits, at 10 % a whole one.
 */
const MAX_DEVIATION = 0.05
/** Light that moves by less than this factor tells nothing but how a converter rounds it. */
const LEAST_SPREAD = 1.5
/** What the measurement may miss is no fault. */
export const SURE_SIGMAS = 4

/**
 * Shows all detectors many mixtures of light, then the same mixtures from dimmed lasers: what is linear dims alike.
 *
 * Random codes on all inputs spread the light of every detector from next to nothing to its brightest. No standard is
 * needed, and no modulator has to be known. A detector's responsivity cannot be told from the loss of its path, only the
 * two of one pair from one another.
 *
 * Throws: CALIBRATION_FAILED naming lane, port, side and meter port of the detector that is least linear.
 * Leaves: light as `bringLight`, heaters cold.
 */
export async function measureDetectors(
  { bench, frames, heaters }: CalibrationContext,
  dark: DarkReadings,
  lo: LocalOscillators,
  random: RandomStream,
  signal: AbortSignal,
): Promise<readonly FoundDetector[]> {
  await heaters.set(coldHeaters(bench), signal)
  const codes = randomCodes(bench, random)
  const bright = await frames.run(codes, signal)
  const lasers = bench.lasers.map(dimmed)
  const isDimmed = lasers.every(
    ({ laserPower }, lane) => bench.lasers[lane]!.laserPower - laserPower >= LEAST_DIMMED_DB,
  )
  await bringLasers(isDimmed ? { ...bench, lasers } : bench, signal)
  const dim = await frames.run(codes, signal)
  await bringLight(bench, signal)
  const found = bench.lanes.flatMap((_, lane) => ofLane({ bright, dim }, dark, lo, lane, isDimmed))
  requireLinear(bench, found, 'as bright as was seen')
  return found
}

/** The laser as dim as it goes, within reason. */
const dimmed = ({ laser, laserPower, ...rest }: BenchLaser): BenchLaser => ({
  ...rest,
  laser,
  laserPower: powerDbm(Math.max(laser.powerRangeDbm.min, laserPower - MOST_DIMMED_DB)),
})

/** Every other symbol in full light. */
function randomCodes({ lanes, layout, timing }: MeshBench, random: RandomStream): FrameCodes {
  const symbols = Math.min(DETECTOR_SYMBOLS, timing.maxSymbolsPerFrame)
  const code = (symbol: number): number => {
    const share = random.uniform(-1, 1)
    return Math.round(PROBE_CODE * (symbol % 2 === 0 ? Math.sign(share) : share))
  }
  return lanes.map(() =>
    Array.from({ length: layout.size }, () => Int8Array.from({ length: symbols }, (_, symbol) => code(symbol))),
  )
}

function ofLane(
  looks: Readonly<Record<'bright' | 'dim', FrameReading>>,
  dark: DarkReadings,
  lo: LocalOscillators,
  lane: number,
  isDimmed: boolean,
): FoundDetector[] {
  const places = lo.meanMw[lane]!.flatMap((meanMw, port) =>
    (['plus', 'minus'] as const).map((side) => {
      const darkMw = (side === 'plus' ? dark.darkPlusMw : dark.darkMinusMw)[lane]![port]!
      const above = (look: FrameReading): Float64Array =>
        (side === 'plus' ? look.plusMw : look.minusMw)[lane]![port]!.map((mw) => mw - darkMw)
      const balance = (side === 'plus' ? lo.balancePlus : lo.balanceMinus)[lane]![port]!
      const readings: DimmedReadings = { bright: above(looks.bright), dim: above(looks.dim) }
      return { port, side, shownMw: meanMw / balance, readings }
    }),
  )
  const usualMw = places.map(({ shownMw }) => shownMw).toSorted((a, b) => a - b)[places.length >> 1]!
  const seen = places.map(({ readings: { bright } }) => ({ min: Math.min(...bright), max: Math.max(...bright) }))
  const telling = places.filter((_, at) => isDimmed && seen[at]!.max > LEAST_SPREAD * seen[at]!.min)
  const fits = fitCompression(telling.map(({ readings }) => readings)).detectors
  return places.map((place, at) => {
    const { port, side, shownMw } = place
    const linearity = fits[telling.indexOf(place)]
    const isKnown = linearity !== undefined && Number.isFinite(linearity.perMw + linearity.sigmaPerMw)
    return { lane, port, side, level: shownMw / usualMw, seenMw: seen[at]!, ...(isKnown && { linearity }) }
  })
}

/** By how much a detector falls short where it shows this, as a share of its light. */
export const deviationAt = ({ linearity }: FoundDetector, shownMw: number): number => (linearity?.perMw ?? 0) * shownMw

/**
 * Refuses a detector that does not follow the light: the balance of its pair would change with the light of its signal.
 *
 * Throws: CALIBRATION_FAILED naming lane, port, side and meter port of the worst.
 */
export function requireLinear(
  bench: LightBench,
  found: readonly FoundDetector[],
  when: string,
  brightestMw = ({ seenMw }: FoundDetector): number => seenMw.max,
): void {
  const sure = (detector: FoundDetector): number => {
    const { linearity } = detector
    if (linearity === undefined) return 0
    return (Math.abs(linearity.perMw) - SURE_SIGMAS * linearity.sigmaPerMw) * brightestMw(detector)
  }
  const worst = found.reduce((most, detector) => (sure(detector) > sure(most) ? detector : most))
  if (!(sure(worst) > MAX_DEVIATION)) return
  const { lane, port, side } = worst
  const meterPort = meterPortName(bench, bench.lanes[lane]!.detectors[port]![side]!)
  const [shownMw, deviation] = [brightestMw(worst), deviationAt(worst, brightestMw(worst))]
  const amount = `${Number((100 * Math.abs(deviation)).toPrecision(2))} % too ${deviation > 0 ? 'little' : 'much'}`
  throw new BenchError(
    'CALIBRATION_FAILED',
    `lane ${lane}, output ${port}: the ${side} detector, ${meterPort}, does not follow the light: ${when}, ${shownMw.toPrecision(3)} mW, it shows ${amount}; lower powerDbm of its laser, or take another port`,
    { context: { lane, port, side, meterPort, shownMw, deviation, limit: MAX_DEVIATION } },
  )
}

/** The same in the light of products, which is brighter than what was seen without a program. */
export function requireLinearProducts(
  bench: LightBench,
  found: readonly FoundDetector[],
  brightest: BrightestLight,
): void {
  requireLinear(bench, found, 'as bright as products make it', ({ lane, port, side }) => {
    return (side === 'plus' ? brightest.plusMw : brightest.minusMw)[lane]![port]!
  })
}
