import { BenchError } from '../../core/errors.ts'
import type { Identity } from '../../core/instruments.ts'
import type { Framer } from './framer.ts'

const NL = 0x0a
const CR = 0x0d
const HASH = 0x23
const SEMICOLON = 0x3b
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39

/** A line longer than this has lost its terminator. */
const LONGEST_LINE = 65_536
/** A block without length that grows beyond this has lost its end. */
const LONGEST_INDEFINITE_BLOCK = 2 ** 28

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]?\d+)?$/i
const INTEGER = /^[+-]?\d+$/
const LINE = /^[\t\x20-\x7e]*$/
const ERROR = /^([+-]?\d+)(?:,\s*(?:"(.*)"|(.*)))?$/

/**
 * A SCPI number. Strict: `Number('')` is 0 and `parseFloat('1.5 dBm')` is 1.5, so neither is used.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY. Not-a-number stand-ins such as 9.91E+37 pass: their meaning is the instrument's.
 */
export function parseScpiNumber(reply: string): number {
  if (!NUMBER.test(reply)) throw unexpected('a number', reply)
  const value = Number(reply)
  if (!Number.isFinite(value)) throw unexpected('a number that a double can hold', reply)
  return value
}

export function parseScpiInteger(reply: string): number {
  const value = INTEGER.test(reply) ? Number(reply) : NaN
  if (!Number.isSafeInteger(value)) throw unexpected('an integer', reply)
  return value
}

/** `0` and `1`, signed or not, and the words. */
export function parseScpiBoolean(reply: string): boolean {
  switch (reply.toUpperCase()) {
    case '1':
    case '+1':
    case 'ON':
      return true
    case '0':
    case '+0':
    case 'OFF':
      return false
    default:
      throw unexpected('0 or 1', reply)
  }
}

/** A quoted string; a quote inside it is written twice. */
export function parseScpiString(reply: string): string {
  const quote = reply[0]
  if (reply.length >= 2 && (quote === '"' || quote === "'") && reply.endsWith(quote)) {
    const parts = reply.slice(1, -1).split(quote + quote)
    if (parts.every((part) => !part.includes(quote))) return parts.join(quote)
  }
  throw unexpected('a quoted string', reply)
}

/** Answer to `*IDN?`: four fields, of which the last may hold commas. */
export function parseScpiIdentity(reply: string): Identity {
  const [maker, model, serial, ...firmware] = reply.split(',').map((field) => field.trim())
  if (maker === undefined || model === undefined || serial === undefined || firmware.length === 0) {
    throw unexpected('maker, model, serial number and firmware', reply)
  }
  return { maker, model, serial, firmware: firmware.join(',') }
}

export interface ScpiError {
  /** 0 when the queue is empty. */
  readonly number: number
  readonly text: string
}

/** Answer to `SYST:ERR?`. Sign and quotes are optional: makers differ. */
export function parseScpiError(reply: string): ScpiError {
  const match = ERROR.exec(reply)
  if (match?.[1] === undefined) throw unexpected('a number and text from the error queue', reply)
  return { number: parseScpiInteger(match[1]), text: match[2] ?? match[3] ?? '' }
}

/** One command line, ready for the wire. */
export function scpiLine(text: string): Uint8Array {
  return Buffer.from(`${text}\n`, 'latin1')
}

/** Cuts one line of text; its terminator is NL or CR NL, or nothing where the wire itself marks the end. */
export const scpiLineReply: Framer<string> = (bytes, ended) => {
  const terminator = bytes.indexOf(NL)
  const end = terminator < 0 && ended === true ? bytes.length : terminator
  if (end < 0) {
    if (bytes.length > LONGEST_LINE) throw unexpected('a line of text', bytes)
    return undefined
  }
  const message = latin1(bytes, 0, end > 0 && bytes[end - 1] === CR ? end - 1 : end)
  if (!LINE.test(message)) throw unexpected('a line of text', bytes.subarray(0, end))
  return { message, used: Math.min(end + 1, bytes.length) }
}

/**
 * Cuts one block and the terminator behind it; the payload may hold any byte. Of definite length,
 * `#<d><length><payload>`, on any wire; of indefinite length, `#0<payload>`, only where the wire marks the end. On one
 * that never does, nothing but the deadline ends the waiting.
 *
 * `decode` runs while the payload is still in the receive buffer, so that nothing is copied on the way.
 */
export function scpiBlockReply<T>(
  decode: (payload: Uint8Array) => T,
  longestIndefiniteBytes = LONGEST_INDEFINITE_BLOCK,
): Framer<T> {
  return (bytes, ended) =>
    bytes[0] === HASH && bytes[1] === DIGIT_0
      ? indefiniteBlock(decode, bytes, ended, longestIndefiniteBytes)
      : definiteBlock(decode, bytes, ended)
}

/**
 * As many definite blocks as were asked for in one message, separated by semicolons.
 *
 * Source: IEEE 488.2 §8.4.1, response message unit separator.
 */
export function scpiBlocksReply<T>(count: number, decode: (payload: Uint8Array, block: number) => T): Framer<T[]> {
  return (bytes, ended) => {
    const payloads: Uint8Array[] = []
    let at = 0
    for (;;) {
      const block = blockHead(bytes, at)
      if (block === undefined) return undefined
      const { start, end } = block
      payloads.push(bytes.subarray(start, end))
      if (payloads.length === count) {
        const used = lineEnd(bytes, end, ended)
        return used === undefined ? undefined : { message: payloads.map(decode), used }
      }
      if (bytes.length <= end) return undefined
      if (bytes[end] !== SEMICOLON) throw unexpected(`a semicolon after block ${payloads.length} of ${count}`, bytes)
      at = end + 1
    }
  }
}

function definiteBlock<T>(
  decode: (payload: Uint8Array) => T,
  bytes: Uint8Array,
  ended: boolean | undefined,
): ReturnType<Framer<T>> {
  const block = blockHead(bytes, 0)
  const used = block === undefined ? undefined : lineEnd(bytes, block.end, ended)
  if (block === undefined || used === undefined) return undefined
  return { message: decode(bytes.subarray(block.start, block.end)), used }
}

/** Where the payload of the definite block at `at` begins and ends; undefined as long as its head is not whole. */
function blockHead(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | undefined {
  if (bytes.length <= at) return undefined
  if (bytes[at] !== HASH) throw unexpected('a block that begins with #', bytes)
  if (bytes.length === at + 1) return undefined
  const digits = bytes[at + 1]! - DIGIT_0
  if (digits < 1 || digits > 9) throw unexpected('a block with a length', bytes)
  const start = at + 2 + digits
  let length = 0
  for (let place = at + 2; place < Math.min(start, bytes.length); place++) {
    const digit = bytes[place]!
    if (digit < DIGIT_0 || digit > DIGIT_9) throw unexpected('a block with a decimal length', bytes)
    length = 10 * length + digit - DIGIT_0
  }
  return bytes.length < start ? undefined : { start, end: start + length }
}

/** Where the answer ends whose last block ends at `end`; undefined as long as that has not come. */
function lineEnd(bytes: Uint8Array, end: number, ended: boolean | undefined): number | undefined {
  if (ended === true && bytes.length === end) return end
  if (bytes.length <= end) return undefined
  const at = bytes[end] === CR ? end + 1 : end
  if (bytes.length <= at) return undefined
  if (bytes[at] !== NL) throw unexpected(`a line end after a block, at byte ${end}`, bytes)
  return at + 1
}

function indefiniteBlock<T>(
  decode: (payload: Uint8Array) => T,
  bytes: Uint8Array,
  ended: boolean | undefined,
  longestBytes: number,
): ReturnType<Framer<T>> {
  if (ended === undefined) throw unexpected('a block with a length, for nothing marks the end of another', bytes)
  if (bytes.length > longestBytes) throw unexpected(`a block that ends within ${longestBytes} bytes`, bytes)
  if (!ended) return undefined
  const end = bytes.length > 2 && bytes[bytes.length - 1] === NL ? bytes.length - 1 : bytes.length
  return { message: decode(bytes.subarray(2, end)), used: bytes.length }
}

/** Header, length and terminator around a payload that the caller fills in place. */
export function scpiBlockMessage(
  head: string,
  payloadBytes: number,
): { readonly message: Uint8Array; readonly payload: Uint8Array } {
  const length = String(payloadBytes)
  const prefix = `${head}#${length.length}${length}`
  const message = Buffer.allocUnsafeSlow(prefix.length + payloadBytes + 1)
  message.write(prefix, 0, 'latin1')
  message[message.length - 1] = NL
  return { message, payload: message.subarray(prefix.length, message.length - 1) }
}

/** PROTOCOL_UNEXPECTED_REPLY with the reply itself, bytes as hex pairs. */
export function unexpected(expected: string, reply: string | Uint8Array): BenchError {
  const raw = typeof reply === 'string' ? reply : Buffer.from(reply.subarray(0, 64)).toString('hex')
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `expected ${expected}, got ${JSON.stringify(raw)}`, {
    context: { expected, reply: raw },
  })
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', from, to)
}
