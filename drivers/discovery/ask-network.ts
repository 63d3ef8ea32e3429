import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Clock } from '../../core/clock.ts'
import { BenchError } from '../../core/errors.ts'
import type { NetworkInterface } from './network-interfaces.ts'

/** A question is lost now and then: UDP promises nothing. It is asked this often, spread over the time of listening. */
const TIMES_ASKED = 2

export interface NetworkQuestion {
  /** Where to send, group or broadcast address. */
  readonly address: string
  readonly port: number
  readonly first: Uint8Array
  /** What came in; may return what to ask next. A datagram of somebody else's is ignored, not thrown. */
  readonly onReply: (bytes: Uint8Array, from: string) => Uint8Array | undefined
}

export interface NetworkListening {
  readonly clock: Clock
  /** How long answers are waited for. Everybody may answer, so nobody knows earlier that this was all. */
  readonly listenMs: number
}

/**
 * Asks everybody on one network, from a port of our own, and listens for a while.
 *
 * Throws: TRANSPORT_OPEN_FAILED when nothing can be sent there.
 * Leaves: the port closed.
 */
export async function askNetwork(
  { name, address: own }: NetworkInterface,
  question: NetworkQuestion,
  { clock, listenMs }: NetworkListening,
  signal: AbortSignal,
): Promise<void> {
  const socket = createSocket('udp4')
  const send = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(bytes, question.port, question.address, (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  // Each failed operation says so itself; what a later question meets does not undo the answers.
  socket.on('error', () => undefined)
  socket.on('message', (bytes, { address }) => {
    const next = question.onReply(bytes, address)
    if (next !== undefined) void send(next).catch(() => undefined)
  })
  try {
    socket.bind(0, own)
    await once(socket, 'listening', { signal })
    socket.setBroadcast(true)
    socket.setMulticastInterface(own)
    for (let time = 0; time < TIMES_ASKED; time++) {
      await send(question.first)
      await clock.sleep(listenMs / TIMES_ASKED, signal)
    }
  } catch (cause) {
    if (signal.aborted) throw new BenchError('TRANSPORT_ABORTED', `given up while asking on ${name}`, { cause })
    throw new BenchError(
      'TRANSPORT_OPEN_FAILED',
      `nothing can be asked at ${question.address} on ${name} (${own}): ${(cause as Error).message}`,
      { cause, context: { interface: name, address: question.address, port: question.port } },
    )
  } finally {
    socket.close()
  }
}
