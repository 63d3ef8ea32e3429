import type { XdrInput } from './xdr.ts'

/*
 * Arguments of VXI-11 calls as an instrument reads them, and the numbers it answers with.
 *
 * Units: timeouts in milliseconds.
 * Source: RPCL of VXI-11 appendix C as in garlick/gpib-utils `vxi11.x`; pyvisa-py `protocols/vxi11.py`.
 */

export const DEVICE_CORE = { program: 0x0607af, version: 1 }
export const DEVICE_ASYNC = { program: 0x0607b0, version: 1 }

export const CORE_PROCEDURES = {
  createLink: 10,
  write: 11,
  read: 12,
  readStatusByte: 13,
  trigger: 14,
  clear: 15,
  remote: 16,
  local: 17,
  lock: 18,
  unlock: 19,
  enableServiceRequests: 20,
  doCommand: 22,
  destroyLink: 23,
  createInterruptChannel: 25,
  destroyInterruptChannel: 26,
} as const
export const ABORT_PROCEDURE = 1
export const SERVICE_REQUEST_PROCEDURE = 30

export const VXI11_ERRORS = {
  none: 0,
  deviceNotAccessible: 3,
  invalidLink: 4,
  parameter: 5,
  channelNotEstablished: 6,
  notSupported: 8,
  outOfResources: 9,
  lockedByAnother: 11,
  noLockHeld: 12,
  ioTimeout: 15,
  invalidAddress: 21,
  aborted: 23,
  channelAlreadyEstablished: 29,
} as const
export type Vxi11ErrorNumber = (typeof VXI11_ERRORS)[keyof typeof VXI11_ERRORS]

export const FLAGS = { waitLock: 0x01, end: 0x08, termCharSet: 0x80 }
export const REASONS = { requestCount: 0x01, termChar: 0x02, end: 0x04 }

const LONGEST_DEVICE_NAME = 256
const LONGEST_HANDLE = 40
/** Longer than any record that is let in. */
const ANY_LENGTH = 0xffff_ffff

export const takeCreateLink = (call: XdrInput) => ({
  clientId: call.int(),
  lock: call.boolean(),
  lockTimeoutMs: call.unsigned(),
  device: call.opaque(LONGEST_DEVICE_NAME).toString('latin1'),
})

export const takeWrite = (call: XdrInput) => ({
  link: call.int(),
  ioTimeoutMs: call.unsigned(),
  lockTimeoutMs: call.unsigned(),
  flags: call.int(),
  data: call.opaque(ANY_LENGTH),
})

export const takeRead = (call: XdrInput) => ({
  link: call.int(),
  requestBytes: call.unsigned(),
  ioTimeoutMs: call.unsigned(),
  lockTimeoutMs: call.unsigned(),
  flags: call.int(),
  termChar: call.int() & 0xff,
})

/** readstb, trigger, clear, remote and local. */
export const takeGeneric = (call: XdrInput) => ({
  link: call.int(),
  flags: call.int(),
  lockTimeoutMs: call.unsigned(),
  ioTimeoutMs: call.unsigned(),
})

export const takeLock = (call: XdrInput) => ({
  link: call.int(),
  flags: call.int(),
  lockTimeoutMs: call.unsigned(),
})

export const takeEnableServiceRequests = (call: XdrInput) => ({
  link: call.int(),
  enable: call.boolean(),
  handle: Buffer.from(call.opaque(LONGEST_HANDLE)),
})

export const takeDoCommand = (call: XdrInput) => ({
  link: call.int(),
  flags: call.int(),
  ioTimeoutMs: call.unsigned(),
  lockTimeoutMs: call.unsigned(),
  command: call.int(),
  networkOrder: call.boolean(),
  dataSize: call.int(),
  data: call.opaque(ANY_LENGTH),
})

export const takeInterruptChannel = (call: XdrInput) => ({
  /** IPv4, dotted. */
  host: dotted(call.unsigned()),
  port: call.unsigned(),
  program: call.unsigned(),
  version: call.unsigned(),
  overUdp: call.int() === 1,
})

const dotted = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
