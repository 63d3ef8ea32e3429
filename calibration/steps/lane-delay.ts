import { BenchError } from '../../core/errors.ts'
import type { LightBench } from '../../core/light-bench.ts'
import { innerMeans } from '../../orchestrator/frames/frame-runner.ts'
import type { FrameCodes, FrameRunner } from '../../orchestrator/frames/frame-runner.ts'
import { findArrival, neighboursIn } from '../fit/delay.ts'
import { PROBE_CODE } from './probe-codes.ts'

/** Shape of each array: [lane]. */
export interface LaneDelays {
  /** By how much of a symbol light arrives behind its meters' trigger; NaN where no light follows the pattern. */
  readonly symbols: Float64Array
  /** Share of the symbols beside it in the reading of each symbol. */
  readonly neighbourShare: Float64Array
  /** A meter point: what a delay is known by. */
  readonly resolutionSymbols: number
}

/** A symbol of silence, and one period of a maximum-length sequence. */
export const DELAY_SYMBOLS = 32
/**
 * A lane whose readings hold more of the symbols before or after is refused: 0.3 % cost products of a twin 0.3 bits,
 * 0.9 % more than a whole one.
 */
const MAX_NEIGHBOUR_SHARE = 0.005
/** Little light says nothing of a delay. */
const SURE_SIGMAS = 5

/**
 * Plays a pseudo-random pattern of light and silence on all inputs of all lanes and finds by how much later the meters
 * see it.
 *
 * Throws: CALIBRATION_FAILED naming the lane whose symbols are read as parts of others.
 */
export async function measureLaneDelay(
  { bench, frames }: { readonly bench: LightBench; readonly frames: FrameRunner },
  signal: AbortSignal,
): Promise<LaneDelays> {
  const { pointsPerSymbol, maxSymbolsPerFrame } = bench.timing
  const levels = lightPattern(Math.min(DELAY_SYMBOLS, maxSymbolsPerFrame))
  const codes = levels.map((level) => level * PROBE_CODE)
  const played: FrameCodes = bench.lanes.map(({ modulators }) => modulators.map(() => codes))
  const { plusMw, minusMw } = await frames.runPoints(played, signal)
  const looked = bench.lanes.map((_, lane) => {
    const records = [...plusMw[lane]!, ...minusMw[lane]!]
    const symbols = findArrival(records, levels, pointsPerSymbol).points / pointsPerSymbol
    const readings = records.map((record) => innerMeans(record, levels.length, pointsPerSymbol))
    const { late, early, sigma } = neighboursIn(readings, levels)
    // A whole symbol away nothing of a symbol is left in its reading.
    const isAway = Math.abs(symbols) >= 1
    return { symbols, share: isAway ? 1 : Math.abs(late) + Math.abs(early), sigma: isAway ? 0 : sigma }
  })
  const found: LaneDelays = {
    symbols: Float64Array.from(looked, ({ symbols }) => symbols),
    neighbourShare: Float64Array.from(looked, ({ share }) => share),
    resolutionSymbols: 1 / pointsPerSymbol,
  }
  for (const [lane, { share, sigma }] of looked.entries()) {
    if (share - SURE_SIGMAS * sigma > MAX_NEIGHBOUR_SHARE) throw lateLane(bench, lane, found)
  }
  return found
}

/**
 * Silence, then a maximum-length sequence: alike to itself only where it lies on itself.
 *
 * Source: x⁵ + x² + 1, Golomb, Shift Register Sequences (1967).
 */
export function lightPattern(symbols: number): Int8Array {
  const levels = new Int8Array(symbols)
  for (let at = 1; at < symbols; at++) levels[at] = at < 6 ? 1 : levels[at - 5]! ^ levels[at - 3]!
  return levels
}

function lateLane({ timing }: LightBench, lane: number, found: LaneDelays): BenchError {
  const symbols = found.symbols[lane]!
  const [delayUs, share] = [1e6 * symbols * timing.symbolPeriodS, found.neighbourShare[lane]!]
  const when = `${Math.abs(symbols).toFixed(2)} symbols (${Math.abs(delayUs).toPrecision(3)} µs) ${symbols > 0 ? 'late' : 'early'}`
  return new BenchError(
    'CALIBRATION_FAILED',
    `lane ${lane}: its light arrives ${when} at the meters, so that ${Number((100 * share).toPrecision(2))} % of each reading is of other symbols; delay the trigger of its meters or generators by as much, check its fibres, or play longer symbols`,
    { context: { lane, delaySymbols: symbols, delayUs, neighbourShare: share, limit: MAX_NEIGHBOUR_SHARE } },
  )
}
