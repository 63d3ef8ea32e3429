/** Suffixes of names in this project, and the unit that each stands for. Longer ones first. */
const SUFFIXES: readonly (readonly [string, string])[] = [
  ['Ghz', 'GHz'],
  ['Thz', 'THz'],
  ['Dbm', 'dBm'],
  ['Rad', 'rad'],
  ['Joules', 'J'],
  ['Seconds', 's'],
  ['Bits', 'bit'],
  ['Db', 'dB'],
  ['Mw', 'mW'],
  ['Uw', 'µW'],
  ['Mv', 'mV'],
  ['Ma', 'mA'],
  ['Ua', 'µA'],
  ['Ms', 'ms'],
  ['Us', 'µs'],
  ['Ns', 'ns'],
  ['Nm', 'nm'],
  ['W', 'W'],
  ['V', 'V'],
  ['J', 'J'],
  ['S', 's'],
  ['C', '°C'],
  ['K', 'K'],
]

/** The unit that ends a name like `powerMw`; null where none does. */
export function unitOfName(name: string): string | null {
  // A unit is a word of its own: what stands before it ends in a small letter or a digit.
  const found = SUFFIXES.find(([suffix]) => name.endsWith(suffix) && /[a-z0-9]$/.test(name.slice(0, -suffix.length)))
  return found?.[1] ?? null
}
