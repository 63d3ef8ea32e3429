import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { ServiceRequestFinder } from '../protocols/service-requests.ts'

/**
 * Where an instrument calls back to ask for service: a port on one address of this machine, for one host alone.
 *
 * Leaves: when disposed, the port free and nobody connected.
 */
export class ServiceRequestChannel implements AsyncDisposable {
  readonly #server: Server
  readonly #callers = new Set<Socket>()

  private constructor(host: string, onRequest: () => void) {
    this.#server = createServer((socket) => {
      if (socket.remoteAddress !== host) return void socket.destroy()
      const requests = new ServiceRequestFinder()
      this.#callers.add(socket)
      socket.on('data', (bytes) => {
        for (let found = requests.push(bytes); found > 0; found--) onRequest()
      })
      socket.once('close', () => this.#callers.delete(socket))
      // 'close' follows, and the instrument may connect again.
      socket.on('error', () => undefined)
    })
  }

  /** `address`: ours, as the instrument knows it. `host`: the instrument's. */
  static async open(address: string, host: string, onRequest: () => void): Promise<ServiceRequestChannel> {
    const channel = new ServiceRequestChannel(host, onRequest)
    await new Promise<void>((resolve, reject) => {
      channel.#server.once('error', reject)
      channel.#server.listen(0, address, () => resolve())
    })
    return channel
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#callers) socket.destroy()
    await closed
  }
}
