import { BenchError } from '../../core/errors.ts'

/** Where a run of noise numbers begins: samples count up from here within one upper word. */
export interface NoiseCounter {
  readonly low: number
  readonly high: number
}

/**
 * Splits a sample number for the kernels.
 *
 * Throws: RANGE_EXCEEDED when it is no multiple of eight, or `rows` samples from it would reach the next 2^32.
 */
export function noiseCounter(first: number, rows: number): NoiseCounter {
  const high = Math.floor(first / 2 ** 32)
  const low = first - high * 2 ** 32
  if (!Number.isSafeInteger(first) || first < 0 || first % 8 !== 0 || low + rows > 2 ** 32) {
    throw new BenchError(
      'RANGE_EXCEEDED',
      `noise of ${rows} samples cannot begin at number ${first}: it begins at a multiple of 8 and stays below the next 2^32`,
      { context: { first, rows } },
    )
  }
  return { low: low | 0, high: high | 0 }
}

/** Number of the first sample of one of many passes of as many rows, none of which reaches the next 2^32. */
export function passCounter(base: number, pass: number, rows: number): number {
  return base + pass * 2 ** Math.max(3, Math.ceil(Math.log2(rows)))
}
