import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { Wakefulness } from '../../core/wakefulness.ts'
import type { WireInstrument } from './wire-instrument.ts'
import { listenOnLoopback } from './loopback-server.ts'

export interface TcpPortOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** One client at a time, like instruments with a single socket; a second one is hung up on. Default: any number. */
  readonly exclusive?: boolean
}

/**
 * Puts a simulated instrument behind a TCP port of this machine, on 127.0.0.1 only.
 *
 * Every client is a connection of its own to the instrument. A client that stops reading is not listened to until
 * it reads again; one that breaks off or resets harms no other.
 * Throws: TRANSPORT_OPEN_FAILED when the port is taken.
 * Leaves: when disposed, no client connected and the port free.
 */
export async function serveTcp(
  instrument: WireInstrument,
  options: TcpPortOptions = {},
): Promise<{ port: number } & AsyncDisposable> {
  const clients = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    // 'close' follows and is where the connection ends.
    socket.on('error', () => undefined)
    if (options.exclusive === true && clients.size > 0) {
      socket.destroy()
      return
    }
    clients.add(socket)
    const connection = instrument.attach(
      (bytes) => {
        if (!socket.write(bytes.slice())) socket.pause()
      },
      () => socket.destroySoon(),
    )
    socket.on('drain', () => socket.resume())
    const nextRequest = new Wakefulness()
    socket.on('data', (bytes) => {
      nextRequest.settle()
      connection.receive(bytes)
      nextRequest.expect()
    })
    socket.once('close', () => {
      clients.delete(socket)
      connection.detach()
    })
  })
  return listenOnLoopback(server, options.port ?? 0, clients)
}
