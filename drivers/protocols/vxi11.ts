import { BenchError } from '../../core/errors.ts'
import type { BenchErrorCode } from '../../core/errors.ts'
import { rpcCall } from './onc-rpc.ts'
import type { RpcProgram } from './onc-rpc.ts'
import { unexpectedRpc, xdrOpaqueBytes } from './xdr.ts'
import type { XdrReader } from './xdr.ts'

/*
 * Messages of VXI-11: what a client asks of an instrument, and how it reads the replies.
 *
 * Units: timeouts in milliseconds.
 * Source: python-ivi/python-vxi11 and pyvisa-py `protocols/vxi11.py`, whose bytes the vectors hold.
 */

export const DEVICE_CORE: RpcProgram = { program: 0x0607af, version: 1 }
export const DEVICE_ASYNC: RpcProgram = { program: 0x0607b0, version: 1 }
export const DEVICE_INTR: RpcProgram = { program: 0x0607b1, version: 1 }

const CREATE_LINK = 10
const DEVICE_WRITE = 11
const DEVICE_READ = 12
const DEVICE_READSTB = 13
const DEVICE_TRIGGER = 14
const DEVICE_CLEAR = 15
const DEVICE_ENABLE_SRQ = 20
const DESTROY_LINK = 23
const CREATE_INTR_CHAN = 25
const DEVICE_ABORT = 1

const FLAG_END = 0x08
const REASON_CHR = 0x02
const REASON_END = 0x04
const OVER_TCP = 0
/** A lock that another client holds is reported at once. */
const LOCK_TIMEOUT_MS = 0

export const VXI11_NO_ERROR = 0
export const VXI11_IO_TIMEOUT = 15

const ERRORS: Readonly<Record<number, readonly [BenchErrorCode, string]>> = {
  1: ['INSTRUMENT_REFUSED', 'syntax error'],
  3: ['TRANSPORT_LOST', 'device not accessible'],
  4: ['TRANSPORT_LOST', 'invalid link'],
  5: ['INSTRUMENT_REFUSED', 'parameter error'],
  6: ['INSTRUMENT_REFUSED', 'channel not established'],
  8: ['INSTRUMENT_REFUSED', 'operation not supported'],
  9: ['INSTRUMENT_REFUSED', 'out of resources'],
  11: ['TRANSPORT_LOCKED', 'another client has locked it'],
  12: ['INSTRUMENT_REFUSED', 'no lock held'],
  [VXI11_IO_TIMEOUT]: ['TRANSPORT_TIMEOUT', 'I/O timeout'],
  17: ['TRANSPORT_LOST', 'I/O error'],
  21: ['INSTRUMENT_REFUSED', 'invalid address'],
  23: ['TRANSPORT_ABORTED', 'aborted'],
  29: ['INSTRUMENT_REFUSED', 'channel already established'],
}

/** What an error number of an instrument means to a caller. */
export function vxi11Error(resource: string, doing: string, error: number): BenchError {
  const [code, text] = ERRORS[error] ?? ['INSTRUMENT_REFUSED', 'unknown']
  return new BenchError(code, `${resource}: cannot ${doing}: VXI-11 error ${error}, ${text}`, {
    context: { resource, doing, vxi11Error: error },
  })
}

export interface LinkArguments {
  readonly clientId: number
  readonly device: string
  readonly lock: boolean
}

export function createLinkCall(xid: number, { clientId, device, lock }: LinkArguments): Uint8Array {
  const name = Buffer.from(device, 'latin1')
  return rpcCall(xid, DEVICE_CORE, CREATE_LINK, 12 + xdrOpaqueBytes(name.length))
    .word(clientId)
    .word(lock ? 1 : 0)
    .word(LOCK_TIMEOUT_MS)
    .opaque(name).bytes
}

/** `end`: this part is the message's last. */
export function deviceWriteCall(
  xid: number,
  link: number,
  ioTimeoutMs: number,
  data: Uint8Array,
  end: boolean,
): Uint8Array {
  return rpcCall(xid, DEVICE_CORE, DEVICE_WRITE, 16 + xdrOpaqueBytes(data.length))
    .word(link)
    .word(ioTimeoutMs)
    .word(LOCK_TIMEOUT_MS)
    .word(end ? FLAG_END : 0)
    .opaque(data).bytes
}

export function deviceReadCall(xid: number, link: number, ioTimeoutMs: number, requestBytes: number): Uint8Array {
  return rpcCall(xid, DEVICE_CORE, DEVICE_READ, 24)
    .word(link)
    .word(requestBytes)
    .word(ioTimeoutMs)
    .word(LOCK_TIMEOUT_MS)
    .word(0)
    .word(0).bytes
}

const GENERIC = { 'read status byte': DEVICE_READSTB, trigger: DEVICE_TRIGGER, clear: DEVICE_CLEAR }
export type GenericOperation = keyof typeof GENERIC

/** Here the lock's timeout comes before that of the operation. */
export function genericCall(xid: number, operation: GenericOperation, link: number, ioTimeoutMs: number): Uint8Array {
  return rpcCall(xid, DEVICE_CORE, GENERIC[operation], 16).word(link).word(0).word(LOCK_TIMEOUT_MS).word(ioTimeoutMs)
    .bytes
}

export function destroyLinkCall(xid: number, link: number): Uint8Array {
  return rpcCall(xid, DEVICE_CORE, DESTROY_LINK, 4).word(link).bytes
}

/** For the abort channel: ends what is under way on the link. */
export function deviceAbortCall(xid: number, link: number): Uint8Array {
  return rpcCall(xid, DEVICE_ASYNC, DEVICE_ABORT, 4).word(link).bytes
}

/** Where service requests are to go. `address`: IPv4, dotted. */
export function createInterruptChannelCall(xid: number, address: string, port: number): Uint8Array {
  const host = address.split('.').reduce((value, part) => value * 256 + Number(part), 0)
  return rpcCall(xid, DEVICE_CORE, CREATE_INTR_CHAN, 20)
    .word(host)
    .word(port)
    .word(DEVICE_INTR.program)
    .word(DEVICE_INTR.version)
    .word(OVER_TCP).bytes
}

export function enableServiceRequestsCall(xid: number, link: number, handle: Uint8Array): Uint8Array {
  return rpcCall(xid, DEVICE_CORE, DEVICE_ENABLE_SRQ, 8 + xdrOpaqueBytes(handle.length))
    .word(link)
    .word(1)
    .opaque(handle).bytes
}

export type Vxi11Results<T> =
  { readonly error: number; readonly value?: undefined } | { readonly error: 0; readonly value: T }

/** Every result begins with an error number; what follows counts only without one, and some leave it out. */
function resultsOf<T>(results: XdrReader, read: () => T): Vxi11Results<T> {
  const error = results.signedWord()
  return error === VXI11_NO_ERROR ? { error, value: read() } : { error }
}

export const readNothing = (results: XdrReader): Vxi11Results<true> => resultsOf(results, () => true)

export interface LinkResults {
  readonly link: number
  /** Undefined where the instrument names none that exists. */
  readonly abortPort: number | undefined
  /** Longest part of a message that the instrument takes. */
  readonly longestWriteBytes: number
}

export const readCreateLink = (results: XdrReader): Vxi11Results<LinkResults> =>
  resultsOf(results, () => {
    const link = results.signedWord()
    const abortPort = results.word()
    const longestWriteBytes = results.word()
    if (longestWriteBytes === 0) throw unexpectedRpc('an instrument that takes messages of 0 bytes', results.bytes)
    const hasAbort = abortPort > 0 && abortPort <= 0xffff
    return { link, abortPort: hasAbort ? abortPort : undefined, longestWriteBytes }
  })

/** How many of the `sentBytes` the instrument took. */
export const readDeviceWrite = (results: XdrReader, sentBytes: number): Vxi11Results<number> =>
  resultsOf(results, () => {
    const taken = results.word()
    if (taken > sentBytes || (taken === 0 && sentBytes > 0)) {
      throw unexpectedRpc(`${taken} of ${sentBytes} bytes written`, results.bytes)
    }
    return taken
  })

export const readDeviceRead = (
  results: XdrReader,
  requestBytes: number,
): Vxi11Results<{ readonly data: Uint8Array; readonly end: boolean }> =>
  resultsOf(results, () => {
    const reason = results.word()
    return { end: (reason & (REASON_END | REASON_CHR)) !== 0, data: results.opaque(requestBytes) }
  })

export const readStatusByte = (results: XdrReader): Vxi11Results<number> =>
  resultsOf(results, () => {
    const statusByte = results.word()
    if (statusByte > 0xff) throw unexpectedRpc(`status byte ${statusByte}`, results.bytes)
    return statusByte
  })
