import { rpcCall } from './onc-rpc.ts'
import type { RpcProgram } from './onc-rpc.ts'
import { unexpectedRpc } from './xdr.ts'
import type { XdrReader } from './xdr.ts'

export const PORTMAPPER_PORT = 111
export const PORTMAPPER: RpcProgram = { program: 100_000, version: 2 }
const GETPORT = 3
const TCP = 6

/** Asks on which TCP port a program listens. Source: RFC 1833 §3. */
export function getPortCall(xid: number, { program, version }: RpcProgram): Uint8Array {
  return rpcCall(xid, PORTMAPPER, GETPORT, 16).word(program).word(version).word(TCP).word(0).bytes
}

/** Undefined when nobody has registered the program. */
export function readPort(results: XdrReader): number | undefined {
  const port = results.word()
  if (port > 0xffff) throw unexpectedRpc(`port ${port}`, results.bytes)
  return port === 0 ? undefined : port
}
