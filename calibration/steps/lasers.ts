import { BenchError } from '../../core/errors.ts'
import type { MeshBench } from '../../core/mesh-bench.ts'
import type { FrameCodes, FrameReading } from '../../orchestrator/frames/frame-runner.ts'
import { bringLasers, bringLight } from '../../orchestrator/plans/light.ts'
import { passbandCentre } from '../fit/passband-centre.ts'
import type { PassedAt } from '../fit/passband-centre.ts'
import type { CalibrationContext } from './calibration-context.ts'
import { PROBE_CODE } from './probe-codes.ts'
import { probePatterns } from './probe-patterns.ts'

/** Farthest that lasers are tuned aside: on a grid of 100 GHz still nearer to their own channel than to the next. */
const FARTHEST_GHZ = 30
/** A narrower passband than one that is dark this near is none of a multiplexer. */
const NEAREST_GHZ = 3
/** Share of the light that must be left at the outer points, or they show noise and leaks. */
const LEFT_SHARE = 0.08
/** A laser beside its channel by more than this is refused; channels themselves are placed to 1 or 2 GHz. Assumption. */
const LIMIT_GHZ = 5
/** At the end of a frame that shows what light there is. */
const SILENT_SYMBOLS = 4

/**
 * Who is lit while lasers are tuned: all inputs, by both signs alike, so that beats with the local oscillators fall out;
 * or one after the other, because all together are more than photodiodes that look at one may bear.
 */
export type Lighting = 'together' | 'one by one'

/** Frames of an ordinary bench, and symbols of each; where light is lost on the way aside, there are more. */
export const laserFrames = (
  size: number,
  lighting: Lighting,
): { readonly frames: number; readonly symbols: number } => ({
  frames: 5,
  symbols: (lighting === 'together' ? probePatterns(size)[0]!.length : size) + SILENT_SYMBOLS,
})

/**
 * Finds where each lane's laser is in the passband of its channel: tunes all lasers to both sides and watches the light.
 *
 * Shapes: the result is [lane], GHz above the middle of the channel; NaN where there is no passband to see.
 * Throws: CALIBRATION_FAILED naming lane, laser and offset of the first that is too far off.
 * Leaves: light as `bringLight`.
 */
export async function measureLasers(
  context: CalibrationContext,
  signal: AbortSignal,
  lighting: Lighting = 'together',
): Promise<Float64Array> {
  const { bench, frames } = context
  const codes = lightAndSilence(bench, lighting)
  const passed: PassedAt[][] = bench.lasers.map(() => [])
  const look = async (detuning: number): Promise<number[]> => {
    await tuneAside(bench, detuning, signal)
    const powers = signalPowersMw(await frames.run(codes, signal))
    for (const [lane, power] of powers.entries()) passed[lane]!.push({ detuning, power })
    return powers
  }
  const centre = await look(0)
  let outerGhz = reachGhz(bench)
  if (!(outerGhz >= NEAREST_GHZ)) return new Float64Array(bench.lasers.length).fill(NaN)
  for (; ; outerGhz /= 2) {
    const sides = [await look(-outerGhz), await look(outerGhz)]
    const enough = centre.every((power, lane) => sides.some((side) => side[lane]! > LEFT_SHARE * power))
    if (enough || outerGhz < 2 * NEAREST_GHZ) break
  }
  for (const side of [-1, 1]) await look((side * 2 * outerGhz) / 3)
  await bringLight(bench, signal)
  const offsetsGhz = Float64Array.from(passed, (points, lane) => -(centreOf(points, centre[lane]!, outerGhz) ?? NaN))
  for (const [lane, offGhz] of offsetsGhz.entries())
    if (Math.abs(offGhz) > LIMIT_GHZ) throw besideItsChannel(bench, lane, offGhz)
  return offsetsGhz
}

/** Where the light is lost in noise it says nothing but that. */
function centreOf(points: readonly PassedAt[], centrePower: number, outerGhz: number): number | undefined {
  const seen = points.filter(({ power, detuning }) => power > 0.01 * centrePower && Math.abs(detuning) <= outerGhz)
  return seen.length < 4 ? undefined : passbandCentre(seen, outerGhz)
}

function besideItsChannel({ lasers }: MeshBench, lane: number, offGhz: number): BenchError {
  const { name = `the laser of lane ${lane}`, frequencyThz } = lasers[lane]!
  const by = `${Math.abs(offGhz).toFixed(1)} GHz ${offGhz > 0 ? 'above' : 'below'}`
  const right = `check its wavelength with a meter, its calibration, and the temperature of the multiplexers`
  return new BenchError(
    'CALIBRATION_FAILED',
    `lane ${lane}: ${name}, set to ${frequencyThz} THz, lies ${by} the middle of its channel; ${right}`,
    { context: { lane, laser: name, offsetGhz: offGhz, limitGhz: LIMIT_GHZ, frequencyThz } },
  )
}

/** As far as all lasers can be tuned to both sides. */
function reachGhz({ lasers }: MeshBench): number {
  const reaches = lasers.map(({ laser: { frequencyRangeThz }, frequencyThz }) =>
    Math.min(frequencyThz - frequencyRangeThz.min, frequencyRangeThz.max - frequencyThz),
  )
  return Math.min(FARTHEST_GHZ, 1e3 * Math.min(...reaches))
}

async function tuneAside(bench: MeshBench, detuningGhz: number, signal: AbortSignal): Promise<void> {
  const lasers = bench.lasers.map((one) => ({ ...one, frequencyThz: one.frequencyThz + detuningGhz / 1e3 }))
  await bringLasers({ ...bench, lasers }, signal)
}

/** Codes that light all inputs of all lanes, and then none. */
export function lightAndSilence({ layout, lanes, timing }: MeshBench, lighting: Lighting): FrameCodes {
  const alone = (port: number): Int8Array => Int8Array.from({ length: layout.size }, (_, lit) => (lit === port ? 1 : 0))
  const patterns =
    lighting === 'together' ? probePatterns(layout.size) : Array.from({ length: layout.size }, (_, port) => alone(port))
  const lit = Math.max(1, Math.min(patterns[0]!.length, timing.maxSymbolsPerFrame - SILENT_SYMBOLS))
  return lanes.map(() =>
    Array.from({ length: layout.size }, (_, port) => {
      const codes = new Int8Array(lit + SILENT_SYMBOLS)
      for (let symbol = 0; symbol < lit; symbol++) codes[symbol] = patterns[port]![symbol]! * PROBE_CODE
      return codes
    }),
  )
}

/** [lane]: light of the signals at all outputs, without that of the local oscillators; of a reading of `lightAndSilence`. */
export function signalPowersMw({ plusMw, minusMw }: FrameReading): number[] {
  return plusMw.map((outputs, lane) =>
    [...outputs, ...minusMw[lane]!].reduce((sum, series) => {
      const lit = series.length - SILENT_SYMBOLS
      const mean = (values: Float64Array): number => values.reduce((s, value) => s + value, 0) / values.length
      return sum + mean(series.subarray(0, lit)) - mean(series.subarray(lit))
    }, 0),
  )
}
