import type { ErrorSums, KnownCore } from './error-sums.ts'
import { probesOf } from './remedy.ts'
import type { Remedy } from './remedy.ts'

/** What the squared error of a product is expected to be, relative to the squared range, and by how much it may differ. */
export interface PredictedError {
  readonly square: number
  /** Standard deviation of `square` over jobs of which as much is known. */
  readonly deviation: number
}

/**
 * How well verification knows the mean square of readings, and of weights and even light on tiles that it has not seen.
 * Assumptions, near what four chips of the default bench showed.
 */
const READINGS_KNOWN = 0.25
const REST_KNOWN = 0.5

/** Mean square over the elements of C, with what is done about it. */
export function predictedError(sums: ErrorSums, remedy: Remedy, core: KnownCore, inputs: number): PredictedError {
  const { repeats } = remedy
  const { knownByReadings, knownByWeights, readings: fourths, silences, weights: free, sampled } = sums.spread
  const { known, readings, silence, even, weights } = partsOf(sums, remedy, core, inputs)
  const shown = sums.codes + sums.model + 2 * sums.codesByModel
  // Of what is known as much is left, so as much of how it may differ.
  const left = shown > 0 ? known / shown : 0
  const unknown = readings + silence + even + weights
  const variance =
    // What is known meets what is not.
    (sums.readings > 0 ? (4 * left * knownByReadings * (unknown - weights)) / sums.readings : 0) +
    (sums.unknown > 0 ? (left * knownByWeights * weights) / sums.unknown : 0) +
    2 * (fourths / repeats ** 2) +
    sampled * left ** 2 +
    2 * (silence ** 2 / Math.max(1, silences)) +
    2 * (weights ** 2 / Math.max(1, free)) +
    (READINGS_KNOWN * (readings + silence)) ** 2 +
    (REST_KNOWN * weights) ** 2 +
    (REST_KNOWN * even) ** 2
  return { square: known + unknown, deviation: Math.sqrt(variance) }
}

/** Of all that is wrong with a product. */
interface ErrorShares {
  readonly known: number
  readonly readings: number
  readonly silence: number
  readonly even: number
  readonly weights: number
}

function partsOf(
  { codes, model, codesByModel, readings, even, unknown, mended }: ErrorSums,
  { repeats, slices, isMended }: Remedy,
  { knowledge }: KnownCore,
  inputs: number,
): ErrorShares {
  // What does not change its sign with the inputs falls out of as many repeats of either sign.
  const kept = repeats % 2 === 0 ? 0 : 1 / repeats ** 2
  // Rounding by codes falls with the number of repeats; a slice makes up for all of it.
  const rounded = slices === 2 ? 0 : 1 / repeats
  const modelled = isMended ? 0 : 1
  return {
    known: codes * rounded ** 2 + (model + 2 * codesByModel * rounded) * modelled,
    readings: readings / repeats,
    silence: knowledge.readsSilence ? (kept * readings) / probesOf(isMended, inputs) : 0,
    even: kept * even,
    weights: isMended ? mended : unknown,
  }
}

/** As `accuracyOf` counts them; `square`: mean square of errors relative to the squared range. */
export function bitsFor(square: number, range: number): number {
  if (square === 0) return Infinity
  return range > 0 ? -Math.log2(square) / 2 : 0
}

/** Bits are half the logarithm of the squared error. */
export const bitsSigmaFor = ({ square, deviation }: PredictedError): number =>
  square > 0 ? deviation / square / 2 / Math.LN2 : 0
