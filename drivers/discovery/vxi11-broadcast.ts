import { isBenchError } from '../../core/errors.ts'
import { decodeGetPortReply, encodeGetPort } from '../protocols/portmap.ts'
import { askNetwork } from './ask-network.ts'
import type { NetworkListening } from './ask-network.ts'
import type { NetworkInterface } from './network-interfaces.ts'

const PORTMAPPER_PORT = 111
const XID = 0x4672_6e67

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
      if (decodeGetPortReply(bytes, XID) !== undefined) found.add(from)
    } catch (error) {
      // Not an answer to us: anybody may write to a port.
      if (!isBenchError(error)) throw error
    }
  }
  const { port = PORTMAPPER_PORT } = listening
  await askNetwork(network, { address: network.broadcast, port, first: encodeGetPort(XID), onReply }, listening, signal)
  return [...found]
}
