import { BenchError, isBenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { bringLight } from '../../orchestrator/plans/light.ts'
import type { CalibrationContext } from './calibration-context.ts'
import type { FoundDetector } from './detectors.ts'
import { laserFrames, lightAndSilence, signalPowersMw } from './lasers.ts'

export interface LaneIsolation {
  /** [lit][seen]: light of a lane at the detectors of another, as a share of what its own detectors show; 1 for its own. */
  readonly leaks: readonly Float64Array[]
  /** [lit][seen]: less than this share the meters do not see; NaN where what they see is not known. */
  readonly floors: readonly Float64Array[]
}

/** Leaks are looked for in a range so much more sensitive, where a meter has none of the lit lane's detectors. */
const MORE_SENSITIVE_DB = 20
/**
 * A lane at whose detectors this share of another lane's light arrives is refused. Assumption: less than half of the
 * decibels of a data sheet is a fibre in the wrong place, or a multiplexer beside its grid. Products are no reason:
 * balanced pairs take leaks off, and twins with half of the light leaking multiplied no worse.
 */
const MAX_LEAK = 0.1

/** A frame for every lane, lit alone. */
export const isolationFrames = (
  size: number,
  lanes: number,
): { readonly frames: number; readonly symbols: number } => ({
  frames: lanes,
  symbols: laserFrames(size, 'together').symbols,
})

/**
 * Lights the laser of one lane after the other alone and looks at the detectors of all: what the multiplexers let through
 * of another lane.
 *
 * Throws: CALIBRATION_FAILED naming both lanes where one's light arrives at the other's detectors.
 * Leaves: light as `bringLight`, meters in their range.
 */
export async function measureIsolation(
  { bench, frames }: CalibrationContext,
  detectors: readonly FoundDetector[],
  signal: AbortSignal,
): Promise<LaneIsolation> {
  const { meterRangeDbm } = bench
  const codes = lightAndSilence(bench, 'together')
  const leaks: Float64Array[] = []
  const floors: Float64Array[] = []
  for (const lit of bench.lanes.keys()) {
    for (const [lane, { laser }] of bench.lasers.entries()) if (lane !== lit) await laser.setEmission(false, signal)
    await bench.lasers[lit]!.laser.setEmission(true, signal)
    const lookAt = async (rangeDbmOf: (meter: number) => number): Promise<FrameReading> => {
      await frames.setRanges(rangeDbmOf, signal)
      return frames.run(codes, signal)
    }
    let rangeDbmOf = sensitiveRanges(bench, lit)
    const reading = await lookAt(rangeDbmOf).catch((error: unknown) => {
      // So much light of another lane is more than a sensitive range takes.
      if (!isBenchError(error, 'RANGE_EXCEEDED')) throw error
      rangeDbmOf = () => meterRangeDbm
      return lookAt(rangeDbmOf)
    })
    const powersMw = signalPowersMw(reading)
    const ownMw = powersMw[lit]!
    const floorsMw = bench.lanes.map((_, lane) => floorMw(bench, detectors, lane, rangeDbmOf))
    requireIsolation(bench, lit, powersMw, floorsMw)
    leaks.push(Float64Array.from(powersMw, (mw, lane) => (lane === lit ? 1 : shareOf(mw, ownMw))))
    floors.push(Float64Array.from(floorsMw, (mw) => shareOf(mw, ownMw)))
  }
  await frames.setRanges(() => meterRangeDbm, signal)
  await bringLight(bench, signal)
  return { leaks, floors }
}

/** Of light whose own detectors may see none of it. */
const shareOf = (mw: number, ownMw: number): number => Math.max(0, mw) / Math.max(0, ownMw)

/** By meter, while one lane is lit. */
function sensitiveRanges({ lanes, meters, meterRangeDbm }: MeshBench, lit: number): (meter: number) => number {
  const bright = new Set(
    lanes[lit]!.detectors.flatMap(({ plus, minus }) => [plus.meter, ...(minus === undefined ? [] : [minus.meter])]),
  )
  return (meter) => {
    if (bright.has(meter)) return meterRangeDbm
    return Math.max(meterRangeDbm - MORE_SENSITIVE_DB, Math.min(meterRangeDbm, meters[meter]!.rangesDbm.min))
  }
}

/** What all detectors of a lane together may miss; a converter may round the same light the same way again and again. */
function floorMw(
  { lanes, meterRangeDbm }: MeshBench,
  detectors: readonly FoundDetector[],
  lane: number,
  rangeDbmOf: (meter: number) => number,
): number {
  return detectors
    .filter((detector) => detector.lane === lane)
    .reduce((sum, { port, side, linearity }) => {
      const { meter } = lanes[lane]!.detectors[port]![side]!
      return sum + (linearity?.floorMw ?? NaN) * 10 ** ((rangeDbmOf(meter) - meterRangeDbm) / 10)
    }, 0)
}

function requireIsolation(
  { lasers }: MeshBench,
  lit: number,
  powersMw: readonly number[],
  floorsMw: readonly number[],
): void {
  for (const [seen, mw] of powersMw.entries()) {
    const leak = shareOf(mw, powersMw[lit]!)
    if (lit === seen || !(leak > MAX_LEAK) || mw < floorsMw[seen]!) continue
    const { name = `the laser of lane ${lit}`, frequencyThz } = lasers[lit]!
    const amount = leak < 1 ? `${(100 * leak).toPrecision(3)} % of the light` : 'more of the light'
    const than = leak < 1 ? '' : ' than at its own'
    throw new BenchError(
      'CALIBRATION_FAILED',
      `lane ${seen}: ${amount} of lane ${lit} arrives at its detectors${than}; check the demultiplexers, their temperature and their fibres, and whether ${name} is at ${frequencyThz} THz`,
      { context: { lane: seen, from: lit, laser: name, leakedMw: mw, ownMw: powersMw[lit]!, limit: MAX_LEAK } },
    )
  }
}
