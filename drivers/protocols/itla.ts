import { BenchError, isBenchError } from '../../core/errors.ts'
import type { Framer } from './framer.ts'

const FRAME_BYTES = 4
const WRITE = 0x01
const REQUEST_CORRUPTED = 0x08
const STATUSES = ['done', 'execution-error', 'extended', 'pending'] as const

/** `extended`: the answer is longer than a word and waits in register 0x0B; the data are its length in bytes. */
export type ItlaStatus = (typeof STATUSES)[number]

export interface ItlaReply {
  readonly status: ItlaStatus
  /** Unsigned, as on the wire. */
  readonly data: number
}

/** Why a laser refused a command: the low four bits of register NOP. */
const REFUSALS: Readonly<Record<number, string>> = {
  0x0: 'OK, no reason given',
  0x1: 'RNI, register not implemented',
  0x2: 'RNW, register not writable',
  0x3: 'RVE, value out of range',
  0x4: 'CIP, ignored while another operation is pending',
  0x5: 'CII, ignored while the laser is initialising',
  0x6: 'ERE, end of the extended data',
  0x7: 'ERO, extended data are read-only',
  0x8: 'EXF, execution failed',
  0x9: 'CIE, ignored while the output is enabled',
  0xa: 'IVC, invalid configuration',
  0xf: 'VSE, error of this vendor’s own',
}

export const itlaRefusal = (code: number): string => REFUSALS[code] ?? `error 0x${code.toString(16)}`

export const itlaRead = (register: number): Uint8Array => frame(0, register, 0)

/** `data` is a 16-bit word, unsigned or two's complement. */
export const itlaWrite = (register: number, data: number): Uint8Array => frame(WRITE, register, data & 0xffff)

/** Two's complement of a word. */
export const itlaSigned = (data: number): number => (data < 0x8000 ? data : data - 0x10000)

/**
 * Cuts the reply to a request for `register`.
 *
 * Throws: PROTOCOL_CHECKSUM when the reply or, by the laser's own word, the request was damaged on its way;
 * PROTOCOL_UNEXPECTED_REPLY when it belongs to another register.
 */
export function itlaReply(register: number): Framer<ItlaReply> {
  return (bytes) => {
    if (bytes.length < FRAME_BYTES) return undefined
    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = bytes
    const reply = Buffer.from(bytes.subarray(0, FRAME_BYTES)).toString('hex')
    if (b0 >> 4 !== bip4(b0, b1, b2, b3)) {
      throw new BenchError('PROTOCOL_CHECKSUM', `the laser's reply ${reply} was damaged on its way`, {
        context: { reply, damaged: 'reply' },
      })
    }
    if ((b0 & REQUEST_CORRUPTED) !== 0) {
      throw new BenchError('PROTOCOL_CHECKSUM', `the laser answers ${reply}: the request was damaged on its way`, {
        context: { reply, damaged: 'request' },
      })
    }
    if (b1 !== register) {
      throw new BenchError(
        'PROTOCOL_UNEXPECTED_REPLY',
        `asked for register 0x${hex(register)}, the reply ${reply} is about 0x${hex(b1)}`,
        { context: { reply, register } },
      )
    }
    // Bit 2 is 1 in replies as far as is known; nothing here depends on it.
    return { message: { status: STATUSES[b0 & 0x03]!, data: (b2 << 8) | b3 }, used: FRAME_BYTES }
  }
}

/** The laser did nothing, because it could not read the request. */
export const requestWasDamaged = (error: unknown): boolean =>
  isBenchError(error, 'PROTOCOL_CHECKSUM') && error.context['damaged'] === 'request'

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

function frame(control: number, register: number, data: number): Uint8Array {
  const [high, low] = [data >> 8, data & 0xff]
  return Uint8Array.of((bip4(control, register, high, low) << 4) | control, register, high, low)
}

/** Parity of the frame without the checksum nibble itself. */
function bip4(b0: number, b1: number, b2: number, b3: number): number {
  const folded = (b0 & 0x0f) ^ b1 ^ b2 ^ b3
  return (folded >> 4) ^ (folded & 0x0f)
}
