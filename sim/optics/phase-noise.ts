import { LIGHT_NM_THZ } from '../../core/quantities.ts'
import type { SourceValues } from './parameters/source-parameters.ts'
import type { SpanValues } from './parameters/span-parameters.ts'

const LIGHT_M_PER_S = LIGHT_NM_THZ * 1e3

/** What the phase noise of a laser does to its beat with itself, later. */
export interface BeatNoise {
  /** Of the phase between both, averaged over a meter point. */
  readonly sigmaRad: number
  /** Beat that is left on top of it, for 1 without phase noise: what moves faster than the average. */
  readonly visibility: number
}

/** By how much a signal's path is longer in time than its local oscillator's. */
export const mismatchS = ({ loMismatchM, fibreGroupIndex }: SourceValues & SpanValues): number =>
  (Math.abs(loMismatchM) * fibreGroupIndex) / LIGHT_M_PER_S

/**
 * White frequency noise of a Lorentzian line Δν: phase differences over τ are normal with variance σ² = 2πΔν·τ and a
 * triangular correlation of width τ. Their mean over T varies by V = σ²·(τ/T)(1 − τ/3T), for T < τ by σ²·(1 − T/3τ).
 *
 * The beat keeps e^(−σ²/2) on average in any case. For τ ≪ T this is the conversion to intensity noise at low frequencies,
 * S = 4πΔν·τ², in B = 1/(2T). Source: Moslehi, J. Lightwave Technol. 4, 1704 (1986); random walk as in OptiCommPy.
 */
export function beatNoise(linewidthHz: number, delayS: number, averagingS: number): BeatNoise {
  const variance = 2 * Math.PI * linewidthHz * delayS
  const ratio = delayS / averagingS
  const averaged = ratio <= 1 ? variance * ratio * (1 - ratio / 3) : variance * (1 - 1 / (3 * ratio))
  return { sigmaRad: Math.sqrt(averaged), visibility: Math.exp(-(variance - averaged) / 2) }
}
