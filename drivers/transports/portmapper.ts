import { BenchError } from '../../core/errors.ts'
import type { RpcProgram } from '../protocols/onc-rpc.ts'
import { getPortCall, readPort } from '../protocols/portmapper.ts'
import { RpcConnection } from './rpc-connection.ts'

const LONGEST_REPLY_BYTES = 1024
const TIMEOUT_MS = 3000

/**
 * Asks the portmapper of a host on which TCP port a program listens.
 *
 * Throws: TRANSPORT_OPEN_FAILED when there is no portmapper, or the program is not registered with it.
 */
export async function askPortmapper(
  { resource, host, port }: { readonly resource: string; readonly host: string; readonly port: number },
  program: RpcProgram,
  signal: AbortSignal,
): Promise<number> {
  // Some instruments forget to mark the last fragment of this reply. Source: python-ivi/python-vxi11 #46.
  const endpoint = { resource, host, port, longestBytes: LONGEST_REPLY_BYTES, singleFragments: true }
  const connection = await RpcConnection.open(endpoint, () => undefined, signal)
  try {
    const found = await connection.call((xid) => getPortCall(xid, program), readPort, TIMEOUT_MS, signal)
    if (found !== undefined) return found
  } finally {
    connection.close()
  }
  throw new BenchError(
    'TRANSPORT_OPEN_FAILED',
    `${resource}: the portmapper of ${host} knows no program ${program.program}: this is no VXI-11 instrument`,
    { context: { resource, host, port, program: program.program } },
  )
}
