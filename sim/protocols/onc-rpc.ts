import { XdrFault, XdrInput, XdrOutput } from './xdr.ts'

const CALL = 0
const REPLY = 1
const RPC_VERSION = 2
const ACCEPTED = 0
const DENIED = 1
const RPC_MISMATCH = 0
const SUCCESS = 0
const PROG_UNAVAIL = 1
const PROG_MISMATCH = 2
const PROC_UNAVAIL = 3
const GARBAGE_ARGS = 4
const AUTH_NONE = 0
const LONGEST_CREDENTIALS = 400
const LAST_FRAGMENT = 0x8000_0000
export const RECORD_MARK_BYTES = 4

/** Reads its arguments and puts its results, now or when it is done. */
export type RpcProcedure = (call: XdrInput, results: XdrOutput) => void | Promise<void>

export interface RpcProgram {
  readonly program: number
  readonly version: number
  /** By number. Every program has 0 besides, which takes nothing and does nothing. */
  readonly procedures: Readonly<Record<number, RpcProcedure>>
}

/**
 * Carries out one call: the reply as a whole record, or undefined for what is no call at all.
 *
 * Errors: PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL, GARBAGE_ARGS; RPC_MISMATCH for another version of RPC itself.
 * Source: RFC 5531 §9.
 */
export function answerRpc(
  record: Uint8Array,
  programs: readonly RpcProgram[],
): Buffer | undefined | Promise<Buffer | undefined> {
  const call = new XdrInput(record)
  let xid: number
  try {
    xid = call.unsigned()
    if (call.unsigned() !== CALL) return undefined
    if (call.unsigned() !== RPC_VERSION) {
      return finish(begin(xid).unsigned(DENIED).unsigned(RPC_MISMATCH).unsigned(RPC_VERSION).unsigned(RPC_VERSION))
    }
    const [program, version, procedure] = [call.unsigned(), call.unsigned(), call.unsigned()]
    skipAuthentication(call)
    skipAuthentication(call)
    return carryOut(xid, find(programs, program, version, procedure), call)
  } catch (error) {
    if (error instanceof XdrFault) return undefined
    throw error
  }
}

/** A call as a whole record, for programs that call back. */
export function rpcCall(
  xid: number,
  { program, version, procedure }: { readonly program: number; readonly version: number; readonly procedure: number },
  put: (call: XdrOutput) => void,
): Buffer {
  const call = new XdrOutput().unsigned(0).unsigned(xid).unsigned(CALL).unsigned(RPC_VERSION)
  call.unsigned(program).unsigned(version).unsigned(procedure)
  put(call.unsigned(AUTH_NONE).unsigned(0).unsigned(AUTH_NONE).unsigned(0))
  return finish(call)
}

type Found = { readonly procedure: RpcProcedure } | { readonly refusal: readonly number[] }

function find(programs: readonly RpcProgram[], program: number, version: number, procedure: number): Found {
  const versions = programs.filter((candidate) => candidate.program === program)
  if (versions.length === 0) return { refusal: [PROG_UNAVAIL] }
  const found = versions.find((candidate) => candidate.version === version)
  if (found === undefined) {
    const numbers = versions.map((candidate) => candidate.version)
    return { refusal: [PROG_MISMATCH, Math.min(...numbers), Math.max(...numbers)] }
  }
  if (procedure === 0) return { procedure: () => undefined }
  const { [procedure]: body } = found.procedures
  return body === undefined ? { refusal: [PROC_UNAVAIL] } : { procedure: body }
}

function carryOut(xid: number, found: Found, call: XdrInput): Buffer | Promise<Buffer> {
  if ('refusal' in found) return refuse(xid, found.refusal)
  const results = accept(xid).unsigned(SUCCESS)
  const garbage = (error: unknown): Buffer => {
    if (error instanceof XdrFault) return refuse(xid, [GARBAGE_ARGS])
    throw error
  }
  try {
    const done = found.procedure(call, results)
    return done === undefined ? finish(results) : done.then(() => finish(results), garbage)
  } catch (error) {
    return garbage(error)
  }
}

function refuse(xid: number, words: readonly number[]): Buffer {
  const reply = accept(xid)
  for (const word of words) reply.unsigned(word)
  return finish(reply)
}

const begin = (xid: number): XdrOutput => new XdrOutput().unsigned(0).unsigned(xid).unsigned(REPLY)
const accept = (xid: number): XdrOutput => begin(xid).unsigned(ACCEPTED).unsigned(AUTH_NONE).unsigned(0)

/** Room for the record mark was left in front. */
function finish(message: XdrOutput): Buffer {
  const { bytes } = message
  bytes.writeUInt32BE(LAST_FRAGMENT + bytes.length - RECORD_MARK_BYTES)
  return bytes
}

function skipAuthentication(call: XdrInput): void {
  call.unsigned()
  call.opaque(LONGEST_CREDENTIALS)
}
