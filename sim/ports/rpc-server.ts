import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { answerRpc } from '../protocols/onc-rpc.ts'
import type { RpcProgram } from '../protocols/onc-rpc.ts'
import { RpcRecordReader } from '../protocols/rpc-record-reader.ts'
import { listenOnLoopback } from './loopback-server.ts'

/** What one client can call. */
export interface RpcConversation {
  readonly programs: readonly RpcProgram[]
  /** The client is gone; what is under way is of no use any more. */
  close?(): void
}

export interface RpcServerOptions {
  readonly port: number
  readonly longestRecordBytes: number
  readonly accept: (peerAddress: string) => RpcConversation
}

/**
 * Serves ONC RPC on a TCP port of 127.0.0.1. Calls of one client are carried out one after the other.
 *
 * A client whose bytes are no calls, or who calls far ahead of the replies, is hung up on.
 * Throws: TRANSPORT_OPEN_FAILED when the port cannot be had.
 * Leaves: when disposed, no client connected and the port free.
 */
export async function serveRpc(options: RpcServerOptions): Promise<{ readonly port: number } & AsyncDisposable> {
  const clients = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    clients.add(socket)
    socket.once('close', () => clients.delete(socket))
    // 'close' follows and is where the conversation ends.
    socket.on('error', () => undefined)
    converse(socket, options)
  })
  return listenOnLoopback(server, options.port, clients)
}

function converse(socket: Socket, { longestRecordBytes, accept }: RpcServerOptions): void {
  const conversation = accept(socket.remoteAddress ?? '')
  const reader = new RpcRecordReader(longestRecordBytes)
  const waiting: Buffer[] = []
  let waitingBytes = 0
  let busy = false

  const reply = (bytes: Buffer | undefined): void => {
    if (bytes !== undefined && !socket.destroyed && !socket.write(bytes)) socket.pause()
  }
  const carryOut = (record: Buffer): void => {
    const answer = answerRpc(record, conversation.programs)
    if (!(answer instanceof Promise)) return reply(answer)
    busy = true
    void answer.then((late) => {
      busy = false
      reply(late)
      carryOutWaiting()
    })
  }
  const carryOutWaiting = (): void => {
    while (!busy) {
      const next = waiting.shift()
      if (next === undefined) return
      waitingBytes -= next.length
      carryOut(next)
    }
  }
  const take = (record: Buffer): void => {
    if (!busy) return carryOut(record)
    waiting.push(record)
    waitingBytes += record.length
  }

  socket.on('drain', () => socket.resume())
  socket.on('data', (bytes) => {
    socket.cork()
    const isCall = reader.receive(bytes, take)
    socket.uncork()
    if (!isCall || waiting.length > MOST_CALLS_AHEAD || waitingBytes > 2 * longestRecordBytes) socket.destroy()
  })
  socket.once('close', () => {
    waiting.length = 0
    conversation.close?.()
  })
}

const MOST_CALLS_AHEAD = 64
