import { ScpiFault } from './scpi-fault.ts'
import type { ScpiParameter } from './scpi-message.ts'

export interface ScpiNumberRule {
  readonly min: number
  readonly max: number
  /** What `DEF` stands for. */
  readonly default?: number
  /** Factor of each unit that may follow the number, in capitals: `{ NM: 1e-9, M: 1 }`. */
  readonly units?: Readonly<Record<string, number>>
}

const DECIMAL = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)?)[ \t]*([A-Z/]*)$/i
const NON_DECIMAL = /^#[BQH]/i
const BINARY = /^#B([01]+)$/i
const OCTAL = /^#Q([0-7]+)$/i
const HEXADECIMAL = /^#H([0-9A-F]+)$/i
const CHANNEL_LIST = /^\(@([\d\s,:]+)\)$/
const NO_UNITS: Readonly<Record<string, number>> = {}

/**
 * One command or question as its handler sees it: numeric suffixes of the header, and parameters read one by one.
 *
 * Throws: ScpiFault -104, -109, -120, -121, -131, -138, -141, -151, -171, -222.
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

  /** In quotes; a quote inside is written twice. */
  string(): string {
    const text = this.#text()
    const quote = text[0]
    if (quote !== '"' && quote !== "'") throw new ScpiFault(-104)
    const parts = text.slice(1, -1).split(quote + quote)
    if (text.length < 2 || !text.endsWith(quote) || parts.some((part) => part.includes(quote)))
      throw new ScpiFault(-151)
    return parts.join(quote)
  }

  /** `(@1,2)` or `(@1:3)`, in the order written, each from 1 to `count`; without a parameter, the first. */
  channels(count: number): readonly number[] {
    if (this.left === 0) return [1]
    const list = CHANNEL_LIST.exec(this.#text())?.[1]
    if (list === undefined) throw new ScpiFault(-171)
    return list.split(',').flatMap((range) => {
      const [first, last = first, ...more] = range.split(':').map((end) => channel(end, count))
      if (first === undefined || last === undefined || more.length > 0) throw new ScpiFault(-171)
      const step = last < first ? -1 : 1
      return Array.from({ length: Math.abs(last - first) + 1 }, (_, index) => first + step * index)
    })
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
  if (NON_DECIMAL.test(text)) return parseNonDecimal(text)
  throw new ScpiFault(/^[A-Z"']/i.test(text) ? -104 : -120)
}

function parseNonDecimal(text: string): number {
  for (const [pattern, radix] of [
    [BINARY, 2],
    [OCTAL, 8],
    [HEXADECIMAL, 16],
  ] as const) {
    const digits = pattern.exec(text)?.[1]
    if (digits !== undefined) return parseInt(digits, radix)
  }
  throw new ScpiFault(-121)
}

function channel(text: string, count: number): number {
  const number = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(number)) throw new ScpiFault(-171)
  if (number < 1 || number > count) throw new ScpiFault(-222)
  return number
}

/** NR3 in the manner of Keysight's optical meters: `+1.55000000E-006`. */
export function formatNr3(value: number, decimals = 8, exponentDigits = 3): string {
  const [mantissa, exponent] = Math.abs(value).toExponential(decimals).split('e') as [string, string]
  const sign = value < 0 ? '-' : '+'
  return `${sign}${mantissa}E${exponent[0]!}${exponent.slice(1).padStart(exponentDigits, '0')}`
}
