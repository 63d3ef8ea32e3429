/** A measured number as people read it: four digits, no more zeros than needed. */
export function measured(value: number | null, digits = 4): string {
  if (value === null) return '–'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : String(value)
  const size = Math.abs(value)
  const isPlain = value === 0 || (size >= 1e-3 && size < 1e6)
  return isPlain ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 1)
}

/** A whole number with its thousands apart. */
export const counted = (value: number): string => Math.round(value).toLocaleString('en-US')

export function seconds(value: number): string {
  return value < 100 ? `${value.toFixed(1)} s` : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`
}

/** UTC, to the second. */
export const moment = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
