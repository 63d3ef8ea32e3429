import { BenchError } from '../../core/errors.ts'

/** Message types. Source: IVI-6.1 rev. 2.0, table 4; those of TLS and SASL are not spoken here. */
export const HISLIP = {
  Initialize: 0,
  InitializeResponse: 1,
  FatalError: 2,
  Error: 3,
  AsyncLock: 4,
  AsyncLockResponse: 5,
  Data: 6,
  DataEnd: 7,
  DeviceClearComplete: 8,
  DeviceClearAcknowledge: 9,
  AsyncRemoteLocalControl: 10,
  AsyncRemoteLocalResponse: 11,
  Trigger: 12,
  Interrupted: 13,
  AsyncInterrupted: 14,
  AsyncMaximumMessageSize: 15,
  AsyncMaximumMessageSizeResponse: 16,
  AsyncInitialize: 17,
  AsyncInitializeResponse: 18,
  AsyncDeviceClear: 19,
  AsyncServiceRequest: 20,
  AsyncStatusQuery: 21,
  AsyncStatusResponse: 22,
  AsyncDeviceClearAcknowledge: 23,
  AsyncLockInfo: 24,
  AsyncLockInfoResponse: 25,
} as const

export const HISLIP_HEADER_BYTES = 16
export const HISLIP_PORT = 4880
/** Control bit of InitializeResponse and of the device clear: overlap mode, else synchronised. */
export const OVERLAP = 1

const PROLOGUE = 0x4853
const HIGH_WORD = 2 ** 32
/** Above it, the high word of a length makes a number that a double cannot hold. */
const LARGEST_HIGH_WORD = 0x1f_ffff

export interface HislipHeader {
  readonly type: number
  readonly control: number
  readonly parameter: number
  readonly payloadBytes: number
}

export interface HislipMessage extends HislipHeader {
  readonly payload: Uint8Array
}

export function hislipHeader(type: number, control: number, parameter: number, payloadBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(HISLIP_HEADER_BYTES)
  writeHeader(bytes, type, control, parameter, payloadBytes)
  return bytes
}

/** Header and payload in one piece. */
export function hislipMessage(type: number, control: number, parameter: number, payload?: Uint8Array): Buffer {
  const payloadBytes = payload?.length ?? 0
  const bytes = Buffer.allocUnsafe(HISLIP_HEADER_BYTES + payloadBytes)
  writeHeader(bytes, type, control, parameter, payloadBytes)
  if (payload !== undefined) bytes.set(payload, HISLIP_HEADER_BYTES)
  return bytes
}

function writeHeader(bytes: Buffer, type: number, control: number, parameter: number, payloadBytes: number): void {
  bytes.writeUInt16BE(PROLOGUE, 0)
  bytes[2] = type
  bytes[3] = control
  bytes.writeUInt32BE(parameter, 4)
  bytes.writeUInt32BE(Math.floor(payloadBytes / HIGH_WORD), 8)
  bytes.writeUInt32BE(payloadBytes % HIGH_WORD, 12)
}

/** Throws: PROTOCOL_UNEXPECTED_REPLY on anything but a header, and on lengths beyond what a double can count. */
export function readHislipHeader(bytes: Buffer, at: number): HislipHeader {
  const high = bytes.readUInt32BE(at + 8)
  if (bytes.readUInt16BE(at) !== PROLOGUE || high > LARGEST_HIGH_WORD) {
    const header = bytes.subarray(at, at + HISLIP_HEADER_BYTES)
    throw unexpectedHislip(high > LARGEST_HIGH_WORD ? 'a length that nothing has' : 'no message header', header)
  }
  return {
    type: bytes[at + 2]!,
    control: bytes[at + 3]!,
    parameter: bytes.readUInt32BE(at + 4),
    payloadBytes: high * HIGH_WORD + bytes.readUInt32BE(at + 12),
  }
}

/** Protocol version and vendor, as Initialize carries them. */
export const initializeParameter = (version: number, vendor: string): number =>
  version * 0x1_0000 + Buffer.from(vendor, 'latin1').readUInt16BE(0)

/** Units: bytes. */
export function sizePayload(bytes: number): Uint8Array {
  const payload = Buffer.alloc(8)
  payload.writeBigUInt64BE(BigInt(bytes))
  return payload
}

/** Units: bytes. Some servers answer the largest number there is: more than a double counts is as good as no limit. */
export function readSizePayload({ payload }: HislipMessage): number {
  if (payload.length !== 8) throw unexpectedHislip(`a size in ${payload.length} bytes instead of 8`, payload)
  const size = Buffer.from(payload).readBigUInt64BE()
  return Number(size > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : size)
}

/** The error of bytes that no server that keeps to HiSLIP sends. */
export function unexpectedHislip(what: string, raw: Uint8Array): BenchError {
  const reply = Buffer.from(raw.subarray(0, 64)).toString('hex')
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `HiSLIP: got ${what}: ${reply}`, { context: { reply } })
}

const FATAL_ERRORS: Readonly<Record<number, string>> = {
  1: 'poorly formed message header',
  2: 'the connection was used before both channels were established',
  3: 'invalid initialization sequence',
  4: 'the server has no room for another client',
  5: 'the secure connection failed',
}

const ERRORS: Readonly<Record<number, string>> = {
  1: 'unrecognized message type',
  2: 'unrecognized control code',
  3: 'unrecognized vendor message',
  4: 'message too large',
  5: 'authentication failed',
}

/** What the server said in FatalError (it hangs up) or Error (it goes on). */
export function hislipServerError(resource: string, { type, control, payload }: HislipMessage): BenchError {
  const fatal = type === HISLIP.FatalError
  const meaning = (fatal ? FATAL_ERRORS : ERRORS)[control] ?? 'unidentified error'
  const said = JSON.stringify(Buffer.from(payload).toString('latin1'))
  return new BenchError(
    fatal ? 'TRANSPORT_LOST' : 'INSTRUMENT_REFUSED',
    `${resource}: the server reports ${fatal ? 'fatal error' : 'error'} ${control}, ${meaning}: ${said}`,
    { context: { resource, hislipError: control, fatal, said } },
  )
}
