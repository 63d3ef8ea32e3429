import { XdrReader, XdrWriter, unexpectedRpc } from './xdr.ts'

export interface RpcProgram {
  readonly program: number
  readonly version: number
}

export interface RpcReply {
  readonly xid: number
  /** Why the call was not carried out; undefined when it was. */
  readonly refusal: string | undefined
  /** Stands at the procedure's own results. */
  readonly results: XdrReader
}

/** Record mark, xid, direction, RPC version, program, version, procedure, and credentials and verifier of nobody. */
const CALL_BYTES = 44
const LAST_FRAGMENT = 0x8000_0000
const CALL = 0
const REPLY = 1
const RPC_VERSION = 2
const AUTH_NONE = 0
const DENIED = 1
/** Source: RFC 5531 §8.2. */
const LONGEST_VERIFIER = 400

/** Of an accepted call. Source: RFC 5531 §9. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'it does not have this program',
  2: 'it has another version of this program',
  3: 'it does not have this procedure',
  4: 'it cannot read the arguments',
  5: 'it failed inside',
}

/**
 * A call as one record, ready for `argumentBytes` of arguments.
 *
 * Source: RFC 5531 §9, §11.
 */
export function rpcCall(
  xid: number,
  { program, version }: RpcProgram,
  procedure: number,
  argumentBytes: number,
): XdrWriter {
  return new XdrWriter(CALL_BYTES + argumentBytes)
    .word(LAST_FRAGMENT | (CALL_BYTES - 4 + argumentBytes))
    .word(xid)
    .word(CALL)
    .word(RPC_VERSION)
    .word(program)
    .word(version)
    .word(procedure)
    .word(AUTH_NONE)
    .word(0)
    .word(AUTH_NONE)
    .word(0)
}

/**
 * Reads the head of a reply.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY for what is no reply.
 */
export function readRpcReply(record: Uint8Array): RpcReply {
  const results = new XdrReader(record)
  const xid = results.word()
  if (results.word() !== REPLY) throw unexpectedRpc('a call instead of a reply', record)
  const denied = results.word()
  if (denied === DENIED) {
    const refusal = results.word() === 0 ? 'it speaks another version of RPC' : 'it wants credentials'
    return { xid, refusal, results }
  }
  if (denied !== 0) throw unexpectedRpc(`a reply of kind ${denied}`, record)
  results.word()
  results.opaque(LONGEST_VERIFIER)
  const accepted = results.word()
  if (accepted === 0) return { xid, refusal: undefined, results }
  const refusal = REFUSALS[accepted]
  if (refusal === undefined) throw unexpectedRpc(`acceptance ${accepted}`, record)
  return { xid, refusal, results }
}
