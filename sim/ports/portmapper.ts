import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { RECORD_MARK_BYTES, answerRpc } from '../protocols/onc-rpc.ts'
import type { RpcProgram } from '../protocols/onc-rpc.ts'
import { PORTMAPPER_PORT, portmapperProgram } from '../protocols/portmapper.ts'
import type { PortMapping } from '../protocols/portmapper.ts'
import { serveRpc } from './rpc-server.ts'

const LONGEST_CALL_BYTES = 1024

/**
 * A portmapper on 127.0.0.1, TCP and UDP, that knows these programs.
 *
 * Throws: the system's own error when the port cannot be had: 111, the default, is for the privileged, and for one.
 * Leaves: when disposed, the port free.
 */
export async function servePortmapper(
  mappings: readonly PortMapping[],
  { port = PORTMAPPER_PORT }: { readonly port?: number } = {},
): Promise<{ readonly port: number } & AsyncDisposable> {
  const programs: RpcProgram[] = []
  const tcp = await serveRpc({ port, longestRecordBytes: LONGEST_CALL_BYTES, accept: () => ({ programs }) })
  programs.push(portmapperProgram(mappings, tcp.port))
  try {
    const udp = await bindUdp(tcp.port)
    udp.on('message', (call, caller) => {
      const reply = answerRpc(call, programs)
      if (reply instanceof Buffer) udp.send(reply.subarray(RECORD_MARK_BYTES), caller.port, caller.address)
    })
    return {
      port: tcp.port,
      [Symbol.asyncDispose]: async () => {
        await new Promise<void>((resolve) => udp.close(() => resolve()))
        await tcp[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await tcp[Symbol.asyncDispose]()
    throw error
  }
}

async function bindUdp(port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, '127.0.0.1', () => resolve())
  })
  // A reply that cannot be delivered is the caller's loss.
  socket.on('error', () => undefined)
  return socket
}
