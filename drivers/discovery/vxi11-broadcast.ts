import { isBenchError } from '../../core/errors.ts'
import { readRpcReply } from '../protocols/onc-rpc.ts'
import { PORTMAPPER_PORT, getPortCall, readPort } from '../protocols/portmapper.ts'
import { DEVICE_CORE } from '../protocols/vxi11.ts'
import { askNetwork } from './ask-network.ts'
import type { NetworkListening } from './ask-network.ts'
import type { NetworkInterface } from './network-interfaces.ts'

const XID = 0x4672_6e67
/** A datagram is a record by itself. */
const RECORD_MARK_BYTES = 4

/**
 * Finds VXI-11 instruments: asks the portmapper of everybody on one network where their core channel is.
 *
 * Outcomes: the addresses of those that have one, in the order in which they answered.
 * Throws: TRANSPORT_OPEN_FAILED when nothing can be sent there.
 */
export async function findVxi11(
  network: NetworkInterface,
  listening: NetworkListening & { readonly port?: number },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = new Set<string>()
  const onReply = (bytes: Uint8Array, from: string): undefined => {
    try {
      const { xid, refusal, results } = readRpcReply(bytes)
      if (xid === XID && refusal === undefined && readPort(results) !== undefined) found.add(from)
    } catch (error) {
      // Not an answer to us: anybody may write to a port.
      if (!isBenchError(error)) throw error
    }
  }
  const { port = PORTMAPPER_PORT } = listening
  const first = getPortCall(XID, DEVICE_CORE).subarray(RECORD_MARK_BYTES)
  await askNetwork(network, { address: network.broadcast, port, first, onReply }, listening, signal)
  return [...found]
}
