import { closestName, didYouMean } from './closest-name.ts'

/** What to say of a key that a section does not know. */
export interface UnknownKey {
  /** The key of the section that it stands for: a key that is there after all, and not missing as well. */
  readonly meant: string | undefined
  /** Second half of a sentence: what is wrong, and what would be right. */
  readonly message: string
}

/** Not of the bench, but of one call. */
const OF_THE_CALL: Readonly<Record<string, string>> = {
  seed: 'give it as --seed N, a whole number',
  age: 'give it as --age TIME, like 12h',
}

const QUANTITIES = {
  power: ['W', 'Mw', 'Uw', 'Nw', 'Dbm', 'Dbw'],
  frequency: ['Thz', 'Ghz', 'Mhz', 'Khz', 'Hz'],
  length: ['Km', 'M', 'Cm', 'Mm', 'Um', 'Nm', 'Pm'],
  time: ['H', 'Min', 'S', 'Ms', 'Us', 'Ns', 'Ps', 'Fs'],
  voltage: ['Kv', 'V', 'Mv', 'Uv'],
  current: ['A', 'Ma', 'Ua', 'Na'],
  resistance: ['Mohm', 'Kohm', 'Ohm'],
  angle: ['Rad', 'Mrad', 'Deg'],
  temperature: ['C', 'K', 'F'],
} as const satisfies Readonly<Record<string, readonly string[]>>

const UNITS: ReadonlyMap<string, string> = new Map(
  Object.entries(QUANTITIES).flatMap(([quantity, units]) => units.map((unit) => [unit, quantity] as const)),
)
const NAME_AND_UNIT = new RegExp(`^(.*[a-z0-9])(${[...UNITS.keys()].join('|')})$`)

/**
 * `known`: keys of the section; `written`: those that stand in the file beside it.
 *
 * The same quantity in another unit is told from a slip of the finger: who renames `powerMw: 20` to `powerDbm: 20` asks
 * for a hundred milliwatts.
 */
export function unknownKey(key: string, known: readonly string[], written: readonly string[]): UnknownKey {
  const right = Object.hasOwn(OF_THE_CALL, key) ? OF_THE_CALL[key] : undefined
  if (right !== undefined) return { meant: undefined, message: `belongs to a call, not to the bench; ${right}` }
  const sameQuantity = known.find((other) => quantityOf(other) !== undefined && quantityOf(other) === quantityOf(key))
  if (sameQuantity !== undefined) {
    const message = written.includes(sameQuantity)
      ? `says in another unit what "${sameQuantity}" says; keep "${sameQuantity}" alone`
      : `has another unit than this file is written in; convert it and write "${sameQuantity}"`
    return { meant: sameQuantity, message }
  }
  const near = known.length === 0 ? 'remove it' : didYouMean(key, known)
  return { meant: closestName(key, known), message: `is not known here; ${near}` }
}

/** `power of laser` for `laserMw` and `laserDbm` alike; undefined where a name ends in no unit. */
function quantityOf(key: string): string | undefined {
  const [, name, unit = ''] = NAME_AND_UNIT.exec(key) ?? []
  return name === undefined ? undefined : `${UNITS.get(unit)} of ${name}`
}
