import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { rpcCall } from '../protocols/onc-rpc.ts'
import { SERVICE_REQUEST_PROCEDURE } from '../protocols/vxi11.ts'

const CONNECT_MS = 2000

export interface InterruptAddress {
  readonly host: string
  readonly port: number
  readonly program: number
  readonly version: number
}

/** The connection on which an instrument calls its client back. Calls are one-way: nobody answers them. */
export class InterruptChannel {
  readonly #address: InterruptAddress
  readonly #socket: Socket
  #xid = 0

  private constructor(address: InterruptAddress, socket: Socket) {
    this.#address = address
    this.#socket = socket
  }

  /** Undefined when nobody listens there. */
  static async open(address: InterruptAddress): Promise<InterruptChannel | undefined> {
    const socket = connect({ host: address.host, port: address.port, noDelay: true, timeout: CONNECT_MS })
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('timeout', () => resolve(false))
      // Later ones are followed by 'close': requests then go nowhere.
      socket.on('error', () => resolve(false))
    })
    socket.setTimeout(0)
    if (connected) {
      socket.resume()
      return new InterruptChannel(address, socket)
    }
    socket.destroy()
    return undefined
  }

  request(handle: Uint8Array): void {
    if (this.#socket.destroyed) return
    const { program, version } = this.#address
    const procedure = SERVICE_REQUEST_PROCEDURE
    this.#socket.write(rpcCall(++this.#xid, { program, version, procedure }, (call) => call.opaque(handle)))
  }

  close(): void {
    this.#socket.destroy()
  }
}
