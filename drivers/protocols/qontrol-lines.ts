import { BenchError } from '../../core/errors.ts'
import type { Framer } from './framer.ts'

/**
 * The ASCII side of Qontrol's modules: one command a line, replies one line a value, `OK` for a setting, and error
 * lines `E<code>:<detail>` at any moment.
 *
 * Source: takeqontrol/api, qontrol.py 1.1.20, and the traffic recorded from Q8iv modules in its progs/ folder.
 */

export const CHANNELS_PER_MODULE = 8

/** 12 V in 16 bits are 0.18 mV a step; five decimals say which step. */
const VOLT_DECIMALS = 5
const MILLIAMP_DECIMALS = 4

const encoder = new TextEncoder()
const command = (text: string): Uint8Array => encoder.encode(`${text}\n`)

export const query = (name: string): Uint8Array => command(`${name}?`)
/** Counts the modules of the chain anew. */
export const restartEnumeration = (): Uint8Array => command('nup=0')
export const setVoltage = (channel: number, voltageV: number): Uint8Array =>
  command(`v${channel}=${decimal(voltageV, VOLT_DECIMALS)}`)
export const setCurrentLimit = (channel: number, limitMa: number): Uint8Array =>
  command(`imax${channel}=${decimal(limitMa, MILLIAMP_DECIMALS)}`)

/**
 * Sets one whole module at once. `first` is the module's first channel, counted along the chain.
 *
 * The line is at most 80 bytes long; one of 86 bytes was seen to overflow a Q8iv's buffer (E14).
 */
export const setModule = (first: number, voltagesV: Float64Array): Uint8Array =>
  command(`vVEC${first}=${Array.from(voltagesV, (voltageV) => decimal(voltageV, VOLT_DECIMALS)).join(',')}`)

/** Without the zeros at the end, which only fill the instrument's buffer. */
function decimal(value: number, decimals: number): string {
  return value.toFixed(decimals).replace(/\.?0+$/, '')
}

/** What a module says went wrong. `detail` is a channel counted within its module, or a number that refines the code. */
export interface QontrolError {
  readonly code: number
  readonly detail: number
  readonly meaning: string
}

const MEANINGS: Readonly<Record<number, string>> = {
  0: 'unknown error',
  1: 'over-voltage',
  2: 'over-current',
  3: 'power error',
  4: 'calibration error',
  5: 'output error',
  10: 'unrecognised command',
  11: 'unrecognised parameter',
  12: 'unrecognised channel',
  13: 'operation forbidden',
  14: 'instruction overflow',
  15: 'serial communication error',
  16: 'timed out or internal software error',
  17: 'SPI error',
  18: 'ADC error',
  19: 'I2C error',
  30: 'too many errors, some were suppressed',
  31: 'firmware trap',
  90: 'powered up',
}

export const SERIAL_ERROR = 15
export const UNKNOWN_COMMAND = 10
export const POWERED_UP = 90

/** The module did not understand or could not do what it was told: no other reply follows. */
export const endsExchange = (error: QontrolError): boolean =>
  error.code === 0 || (error.code >= 10 && error.code < 20) || error.code === POWERED_UP
/** Says something of the outputs, whatever was asked. */
export const concernsOutputs = (error: QontrolError): boolean =>
  [1, 2, 3, 4, 5, 30, 31, POWERED_UP].includes(error.code)
/** Its detail is a channel. */
const namesChannel = (error: QontrolError): boolean => [1, 2, 5, 12].includes(error.code)

export function describeError(error: QontrolError): string {
  const line = `E${String(error.code).padStart(2, '0')}:${String(error.detail).padStart(2, '0')}`
  return `${line}, ${error.meaning}${namesChannel(error) ? ` on channel ${error.detail} of a module` : ''}`
}

export function parseErrorLine(line: string): QontrolError | undefined {
  const found = /^[A-Za-z]{1,3}(\d+):(\d+)$/.exec(line)
  if (found === null) return undefined
  const code = Number(found[1])
  return { code, detail: Number(found[2]), meaning: MEANINGS[code] ?? 'an error code that no manual lists' }
}

const LF = 0x0a
/** Longest line that any known reply has, several times over; more without an end is not this instrument. */
const LINE_LIMIT = 512

/** The first complete line at or after `from`, and where the next one begins. */
function lineAt(bytes: Uint8Array, from: number): { readonly line: string; readonly next: number } | undefined {
  const end = bytes.indexOf(LF, from)
  if (end >= 0) return { line: cleaned(bytes.subarray(from, end)), next: end + 1 }
  if (bytes.length - from > LINE_LIMIT)
    throw unexpected(cleaned(bytes.subarray(from, from + 64)), 'lines that end, as a Qontrol module sends them')
  return undefined
}

/** NUL and ACK in front of a line are noise that modules were seen to send. */
const cleaned = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .replace(/^[\0\u0006]+|\r$/g, '')

/** The complete lines in `bytes`, and how many bytes they took. */
export function takeLines(bytes: Uint8Array): { readonly lines: readonly string[]; readonly used: number } {
  const lines: string[] = []
  let used = 0
  for (let at = lineAt(bytes, 0); at !== undefined; at = lineAt(bytes, used)) {
    lines.push(at.line)
    used = at.next
  }
  return { lines, used }
}

export interface ReplyOptions<T> {
  /** Lines that make the reply, error lines not counted. */
  readonly count: number
  /** Undefined for a line that belongs to something else; throws on one that belongs nowhere. */
  readonly parse: (line: string) => T | undefined
  /** What to throw when the instrument answers with an error instead. */
  readonly refusal: (error: QontrolError) => BenchError
}

/** Reads the reply to one command. `errors` are the error lines that came with it so far. */
export function linesReply<T>(options: ReplyOptions<T>): {
  readonly framer: Framer<readonly T[]>
  readonly errors: readonly QontrolError[]
} {
  const { count, parse, refusal } = options
  const errors: QontrolError[] = []
  const framer: Framer<readonly T[]> = (bytes) => {
    const values: T[] = []
    errors.length = 0
    let used = 0
    while (values.length < count) {
      const at = lineAt(bytes, used)
      if (at === undefined) return undefined
      used = at.next
      const error = parseErrorLine(at.line)
      if (error === undefined) {
        const value = parse(at.line)
        if (value !== undefined) values.push(value)
      } else if (endsExchange(error)) throw refusal(error)
      else errors.push(error)
    }
    return { message: values, used }
  }
  return { framer, errors }
}

export function parseOk(line: string): true {
  if (line === 'OK') return true
  throw unexpected(line, 'OK')
}

/** A reading in volts. Source: recorded `+3.0041 V`; padding and sign vary. */
export const parseVolts = (line: string): number => parseReading(line, 'V')
/** A reading in milliamperes. Source: recorded `+24.0000 mA`. */
export const parseMilliamps = (line: string): number => parseReading(line, 'mA')

function parseReading(line: string, unit: string): number {
  const found = /^\s*([+-]?\d+(?:\.\d*)?)\s*(V|mA)?\s*$/.exec(line)
  if (found === null || (found[2] ?? unit) !== unit)
    throw unexpected(line, `a number of ${unit}, such as +4.5000 ${unit}`)
  // A reading of -0.0000 is plain zero.
  return Number(found[1]) + 0
}

export interface QontrolModule {
  /** Q8iv, Q8b…; the digit is its number of channels. */
  readonly type: string
  /** Hexadecimal; asterisks while none was assigned. */
  readonly serial: string
}

/** `Q8iv-00F2`. Undefined when it is nothing of the kind. */
export function parseModule(line: string): QontrolModule | undefined {
  const found = /^([A-Za-z]+\d[A-Za-z]*)-([0-9A-Fa-f]+|\*+)$/.exec(line)
  return found === null ? undefined : { type: found[1] ?? '', serial: found[2] ?? '' }
}

/** `Q8iv-00F2: 3`, a module and its place in the chain. Undefined when it is nothing of the kind. */
export function parseChainLine(line: string): (QontrolModule & { readonly place: number }) | undefined {
  const found = /^(\S+)\s*:\s*(\d+)$/.exec(line)
  const module = parseModule(found?.[1] ?? '')
  return module === undefined ? undefined : { ...module, place: Number(found?.[2]) }
}

export const unexpected = (line: string, expected: string): BenchError =>
  new BenchError('PROTOCOL_UNEXPECTED_REPLY', `the reply is ${JSON.stringify(line)}, expected ${expected}`, {
    context: { reply: line, expected },
  })
