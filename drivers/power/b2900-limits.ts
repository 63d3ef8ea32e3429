import { BenchError } from '../../core/errors.ts'
import type { SourceLevel } from '../../core/instruments.ts'
import { requireInRange } from '../../core/range.ts'

export const VOLTAGE_RANGE_V = { min: -210, max: 210 }
export const CURRENT_RANGE_A = { min: -3.03, max: 3.03 }

/** So many amperes up to so many volts; the share is what one ampere takes of what both channels have together. */
const ENVELOPE = [
  { upToV: 6, maxA: 3.03, share: 1 },
  { upToV: 21, maxA: 1.515, share: 1.6 },
  { upToV: 210, maxA: 0.105, share: 0 },
] as const

/** Both channels together, in amperes up to 6 V. */
const SHARED_A = 4

/** Ranges by name; each goes at least one percent beyond it. */
const RANGES_V = [0.2, 2, 20, 200]
const RANGES_A = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 1.5, 3]
const BEYOND_NAME = 1.01

/** Farthest corner that a level may reach: what is forced, with the limit of the other quantity. */
const corner = (level: SourceLevel): { readonly voltageV: number; readonly currentA: number } =>
  level.force === 'voltage'
    ? { voltageV: Math.abs(level.voltageV), currentA: level.limitA }
    : { voltageV: level.limitV, currentA: Math.abs(level.currentA) }

/**
 * Throws RANGE_EXCEEDED unless the output stage carries this level together with its limit.
 *
 * Source: B2900 reference, "Source Output Ranges", DC: 3.03 A to 6 V, 1.515 A to 21 V, 105 mA to 210 V.
 */
export function requireCarried(level: SourceLevel): void {
  if (level.force === 'voltage') requireInRange('voltageV', level.voltageV, VOLTAGE_RANGE_V)
  else requireInRange('currentA', level.currentA, CURRENT_RANGE_A)
  const { voltageV, currentA } = corner(level)
  const most = ENVELOPE.filter(({ maxA }) => currentA <= maxA).at(-1)?.upToV ?? 0
  const mostA = ENVELOPE.find(({ upToV }) => voltageV <= upToV)?.maxA ?? 0
  const limit = level.force === 'voltage' ? level.limitA : level.limitV
  const name = level.force === 'voltage' ? 'limitA' : 'limitV'
  const max = level.force === 'voltage' ? mostA : most
  if (limit > 0 && limit <= max) return
  const beside = level.force === 'voltage' ? `${level.voltageV} V` : `${level.currentA} A`
  throw new BenchError('RANGE_EXCEEDED', `${name} ${limit} is outside 0 to ${max} beside ${beside}, 0 excluded`, {
    context: { name, value: limit, range: { min: 0, max }, level },
  })
}

/**
 * Throws RANGE_EXCEEDED unless both channels can have what they are set to at the same time.
 *
 * Source: B2961A/B2962A reference, table 2-5, the same power unit: I1 + I2 ≤ 4 A where both stay within 6 V, an ampere
 * counting 1.6 times up to 21 V; nothing is said of more.
 */
export function requireShared(levels: readonly SourceLevel[]): void {
  const taken = levels.map((level) => {
    const { voltageV, currentA } = corner(level)
    return currentA * (ENVELOPE.find(({ upToV }) => voltageV <= upToV)?.share ?? 0)
  })
  const sumA = taken.reduce((sum, currentA) => sum + currentA, 0)
  if (levels.length < 2 || sumA <= SHARED_A * (1 + 1e-12)) return
  throw new BenchError(
    'RANGE_EXCEEDED',
    `both channels together could draw ${sumA.toFixed(3)} A of ${SHARED_A} A (one ampere above 6 V counts 1.6); lower a limit`,
    { context: { name: 'sum of currents', value: sumA, range: { min: 0, max: SHARED_A }, levels } },
  )
}

/** Name of the smallest range that surely holds this value. Throws RANGE_EXCEEDED when none does. */
export function rangeName(quantity: 'voltageV' | 'currentA', value: number): number {
  const ranges = quantity === 'voltageV' ? RANGES_V : RANGES_A
  requireInRange(`range ${quantity}`, value, { min: 0, max: ranges.at(-1)! * BEYOND_NAME })
  return ranges.find((range) => value <= range * BEYOND_NAME)!
}
