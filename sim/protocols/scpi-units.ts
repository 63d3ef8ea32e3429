/** Source: IEEE 488.2 suffix multipliers as listed in Keysight "B2900 SCPI Command Reference" ch. 1. */
const MULTIPLIERS: Readonly<Record<string, number>> = {
  EX: 1e18,
  PE: 1e15,
  T: 1e12,
  G: 1e9,
  MA: 1e6,
  K: 1e3,
  M: 1e-3,
  U: 1e-6,
  N: 1e-9,
  P: 1e-12,
  F: 1e-15,
  A: 1e-18,
}
/** By old habit M stands for mega here. */
const MEGA_BY_M: readonly string[] = ['HZ', 'OHM']

/** Everything that may follow a number in this unit: `scpiUnits('V')` knows V, MV, UV, KV and so on. */
export function scpiUnits(unit: 'V' | 'A' | 'W' | 'S' | 'HZ' | 'OHM' | 'M'): Readonly<Record<string, number>> {
  const units: Record<string, number> = {}
  for (const [multiplier, factor] of Object.entries(MULTIPLIERS)) units[multiplier + unit] = factor
  if (MEGA_BY_M.includes(unit)) units[`M${unit}`] = 1e6
  // Last: a bare A is an ampere and M a metre, whatever else they might abbreviate.
  units[unit] = 1
  return units
}
