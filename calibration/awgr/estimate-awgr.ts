import type { AwgrLayout } from '../../core/awgr-layout.ts'
import { estimateOf } from '../estimate.ts'
import type { CalibrationEstimate, EstimatedBench, PlayedFrames } from '../estimate.ts'
import { DELAY_SYMBOLS } from '../steps/lane-delay.ts'
import { sweepLevels } from '../steps/modulators.ts'
import { probePatterns } from '../steps/probe-patterns.ts'
import { verificationFrames } from '../steps/verification.ts'
import { PROBE_SYMBOLS } from './steps/ring-probe.ts'
import { MOST_LINE_FRAMES, RING_FRAMES } from './steps/sweep-rings.ts'
import { QUALITY_FRAMES } from './steps/weights.ts'

/** Settings of random weights in each round of refinement. */
export const REFINEMENT_SETTINGS = 24
export const REFINEMENT_ROUNDS = 2

/** A bench with an AWGR core, as far as its file tells. */
export interface EstimatedAwgr extends EstimatedBench {
  readonly layout: Pick<AwgrLayout, 'size' | 'form'>
}

/**
 * What the calibration of an AWGR core will play at most: lines are looked for octave by octave until all are seen, and
 * an input vector of its verification is two symbols, of either sign.
 */
export function estimateAwgr(bench: EstimatedAwgr): CalibrationEstimate {
  const { size, form } = bench.layout
  const { maxSymbolsPerFrame } = bench.timing
  const probes = (name: string, frames: number, symbols: number): PlayedFrames => ({
    name,
    frames,
    symbols: probePatterns(size, Math.min(symbols, maxSymbolsPerFrame))[0]!.length,
  })
  const rounds = Array.from({ length: REFINEMENT_ROUNDS }, (_, round) =>
    probes(`weights, round ${round + 1}`, REFINEMENT_SETTINGS, PROBE_SYMBOLS.learn),
  )
  const { frames, inputs } = verificationFrames(size, form === 'per-port' ? 'any' : 'given')
  // Shared rings are played with both signs of their weights.
  const signs = form === 'shared' ? 2 : 1
  return estimateOf(bench, 1, [
    { name: 'lane delay', frames: 1, symbols: Math.min(DELAY_SYMBOLS, maxSymbolsPerFrame) },
    { name: 'modulators', frames: 1, symbols: size * sweepLevels(maxSymbolsPerFrame, size).length },
    probes('lines', MOST_LINE_FRAMES, PROBE_SYMBOLS.look),
    probes('rings', RING_FRAMES, PROBE_SYMBOLS.learn),
    ...rounds,
    probes('quality of weights', signs * QUALITY_FRAMES, PROBE_SYMBOLS.judge),
    { name: 'verification', frames: signs * frames, symbols: 2 * inputs },
  ])
}
