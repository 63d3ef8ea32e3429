import { ScpiFault } from './scpi-fault.ts'
import type { ScpiParameter } from './scpi-parser.ts'

export interface ScpiNumberRule {
  readonly min: number
  readonly max: number
  /** What `DEF` stands for. */
  readonly default?: number
  /** Factor of each unit that may follow the number, in capitals: `{ NM: 1e-9, M: 1 }`. */
  readonly units?: Readonly<Record<string, number>>
}

const DECIMAL = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?)[ \t]*([A-Z/]*)$/i
const NON_DECIMAL = /^#([BQH])([0-9A-F]+)$/i
const RADIX: Readonly<Record<string, number>> = { B: 2, Q: 8, H: 16 }
const NO_UNITS: Readonly<Record<string, number>> = {}

/**
 * One command or question as its handler sees it: numeric suffixes of the header, and parameters read one by one.
 *
 * Throws: ScpiFault -104, -109, -120, -131, -138, -141, -222.
 */
export class ScpiCall {
  /** Of each suffixed node of the row, in order; 1 where none was written. */
  readonly suffixes: readonly number[]
  /** Aborted when nobody waits for the answer any more. */
  readonly exchange: { readonly signal: AbortSignal }
  readonly #parameters: readonly ScpiParameter[]
  #read = 0

  constructor(
    suffixes: readonly number[],
    parameters: readonly ScpiParameter[],
    exchange: { readonly signal: AbortSignal },
  ) {
    this.suffixes = suffixes
    this.#parameters = parameters
    this.exchange = exchange
  }

  /** Suffix of the header's only suffixed node, or of the one at `index`. */
  suffix(index = 0): number {
    return this.suffixes[index] ?? 1
  }

  /** Parameters not yet read. */
  get left(): number {
    return this.#parameters.length - this.#read
  }

  /** The next parameter as text, left where it is; empty when there is none. */
  peek(): string {
    const parameter = this.#parameters[this.#read]
    return typeof parameter === 'string' ? parameter : ''
  }

  number(rule: ScpiNumberRule): number {
    const text = this.#text()
    const value = limitWord(text, rule) ?? parseNumber(text, rule.units ?? NO_UNITS)
    if (value >= rule.min && value <= rule.max) return value
    throw new ScpiFault(-222)
  }

  /** Rounds, as SCPI instruments do. */
  integer(min: number, max: number): number {
    return Math.round(this.number({ min, max }))
  }

  boolean(): boolean {
    const text = this.#text().toUpperCase()
    if (text === '1' || text === 'ON') return true
    if (text === '0' || text === 'OFF') return false
    if (DECIMAL.test(text)) return Math.round(parseNumber(text, NO_UNITS)) !== 0
    throw new ScpiFault(-104)
  }

  /** One of these words, written long or short; answers with the short form. */
  word(...words: readonly string[]): string {
    const text = this.#text().toUpperCase()
    for (const word of words) {
      const short = word.replace(/[a-z]+$/, '')
      if (text === short || text === word.toUpperCase()) return short
    }
    throw new ScpiFault(-141)
  }

  block(): Uint8Array {
    const parameter = this.#next()
    if (typeof parameter === 'string') throw new ScpiFault(-104)
    return parameter
  }

  get nextIsBlock(): boolean {
    return typeof this.#parameters[this.#read] === 'object'
  }

  #text(): string {
    const parameter = this.#next()
    if (typeof parameter !== 'string') throw new ScpiFault(-104)
    return parameter
  }

  #next(): ScpiParameter {
    const parameter = this.#parameters[this.#read++]
    if (parameter === undefined) throw new ScpiFault(-109)
    return parameter
  }
}

function limitWord(text: string, rule: ScpiNumberRule): number | undefined {
  switch (text.toUpperCase()) {
    case 'MIN':
    case 'MINIMUM':
      return rule.min
    case 'MAX':
    case 'MAXIMUM':
      return rule.max
    case 'DEF':
    case 'DEFAULT':
      return rule.default
    default:
      return undefined
  }
}

function parseNumber(text: string, units: Readonly<Record<string, number>>): number {
  const decimal = DECIMAL.exec(text)
  if (decimal !== null) {
    const unit = decimal[2]!.toUpperCase()
    const factor = unit === '' ? 1 : units[unit]
    if (factor !== undefined) return Number(decimal[1]) * factor
    throw new ScpiFault(units === NO_UNITS ? -138 : -131)
  }
  const other = NON_DECIMAL.exec(text)
  const value = other === null ? NaN : parseInt(other[2]!, RADIX[other[1]!.toUpperCase()])
  if (Number.isNaN(value)) throw new ScpiFault(/^[A-Z"']/i.test(text) ? -104 : -120)
  return value
}

/** NR3 in the manner of Keysight's optical meters: `+1.55000000E-006`. */
export function formatNr3(value: number, decimals = 8, exponentDigits = 3): string {
  const [mantissa, exponent] = Math.abs(value).toExponential(decimals).split('e') as [string, string]
  const sign = value < 0 ? '-' : '+'
  return `${sign}${mantissa}E${exponent[0]!}${exponent.slice(1).padStart(exponentDigits, '0')}`
}
