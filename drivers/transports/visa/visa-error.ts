import { BenchError } from '../../../core/errors.ts'
import type { BenchErrorCode } from '../../../core/errors.ts'
import { STATUS, TEXT_BYTES } from './visa-constants.ts'
import type { VisaCalls } from './visa-library.ts'

/** What a completion code means for an open resource; everything else ends the connection. */
const CODES: ReadonlyMap<number, BenchErrorCode> = new Map<number, BenchErrorCode>([
  [STATUS.TMO, 'TRANSPORT_TIMEOUT'],
  [STATUS.RSRC_LOCKED, 'TRANSPORT_LOCKED'],
  [STATUS.RSRC_BUSY, 'TRANSPORT_LOCKED'],
  [STATUS.NSUP_OPER, 'CALL_INVALID'],
  [STATUS.NIMPL_OPER, 'CALL_INVALID'],
  [STATUS.NSUP_ATTR, 'CALL_INVALID'],
  [STATUS.NSUP_ATTR_STATE, 'CALL_INVALID'],
  [STATUS.ATTR_READONLY, 'CALL_INVALID'],
  [STATUS.INV_EVENT, 'CALL_INVALID'],
  [STATUS.NSUP_MECH, 'CALL_INVALID'],
  [STATUS.ASRL_PARITY, 'PROTOCOL_CHECKSUM'],
  [STATUS.ASRL_FRAMING, 'PROTOCOL_CHECKSUM'],
  [STATUS.ASRL_OVERRUN, 'PROTOCOL_CHECKSUM'],
])

export const codeWhileOpen = (status: number): BenchErrorCode => CODES.get(status) ?? 'TRANSPORT_LOST'

export const codeWhileOpening = (status: number): BenchErrorCode =>
  status === STATUS.RSRC_LOCKED || status === STATUS.RSRC_BUSY ? 'TRANSPORT_LOCKED' : 'TRANSPORT_OPEN_FAILED'

/** What the library itself says of a failed call, in its own words and as the number that its manual lists. */
export function visaError(
  calls: VisaCalls,
  failed: {
    readonly code: BenchErrorCode
    readonly resource: string
    readonly call: keyof VisaCalls
    readonly status: number
    /** Session or resource manager that may explain the status. */
    readonly object: number
  },
): BenchError {
  const { code, resource, call, status, object } = failed
  const hex = `0x${(status >>> 0).toString(16).toUpperCase().padStart(8, '0')}`
  const text = new Uint8Array(TEXT_BYTES)
  const explained = calls.viStatusDesc(object, status, text) >= 0 ? textOf(text).trim() : ''
  return new BenchError(code, `${resource}: ${call} failed with ${hex}${explained === '' ? '' : `: ${explained}`}`, {
    context: { resource, call, status: hex },
  })
}

/** Text up to the first zero, as C ends it. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString('latin1')
}
