import { BenchError } from '../../core/errors.ts'

/** What a portmapper is asked about: the core channel of VXI-11, over TCP. */
const VXI11_CORE = { program: 0x0607af, version: 1, protocol: 6 } as const
const PORTMAPPER = { program: 100_000, version: 2, getPort: 3 } as const
const RPC_VERSION = 2
const CALL = 0
const REPLY = 1
const ACCEPTED = 0
const SUCCESS = 0

/**
 * Asks a portmapper where the VXI-11 core channel is.
 *
 * Source: RFC 1833 §3 (GETPORT), RFC 5531 §9 (call), VXI-11 rev. 1.0 table B.1 (program numbers).
 */
export function encodeGetPort(xid: number): Uint8Array {
  const { program, version, getPort } = PORTMAPPER
  const noCredentials = [0, 0, 0, 0]
  const wanted = [VXI11_CORE.program, VXI11_CORE.version, VXI11_CORE.protocol, 0]
  return words([xid, CALL, RPC_VERSION, program, version, getPort, ...noCredentials, ...wanted])
}

/**
 * The port, or undefined where no VXI-11 instrument is registered or the portmapper refuses.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY with the raw bytes for anything but a reply to `xid`.
 */
export function decodeGetPortReply(bytes: Uint8Array, xid: number): number | undefined {
  const reply = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const isReply = reply.length >= 12 && reply.readUInt32BE(0) === xid && reply.readUInt32BE(4) === REPLY
  if (!isReply) throw unexpected('a reply to our call', bytes)
  if (reply.readUInt32BE(8) !== ACCEPTED) return undefined
  if (reply.length < 24) throw unexpected('an accepted call with its status', bytes)
  const verifierBytes = reply.readUInt32BE(16)
  const at = 20 + 4 * Math.ceil(verifierBytes / 4)
  if (at + 4 > reply.length) throw unexpected('a verifier inside the reply', bytes)
  if (reply.readUInt32BE(at) !== SUCCESS) return undefined
  if (reply.length !== at + 8) throw unexpected('one port number', bytes)
  const port = reply.readUInt32BE(at + 4)
  if (port > 65_535) throw unexpected('a port number', bytes)
  return port === 0 ? undefined : port
}

function words(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index))
  return bytes
}

function unexpected(expected: string, bytes: Uint8Array): BenchError {
  const reply = Buffer.from(bytes).toString('hex')
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `expected ${expected} from a portmapper`, {
    context: { expected, reply },
  })
}
