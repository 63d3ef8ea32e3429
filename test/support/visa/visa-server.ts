import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { VisaFarEnd } from './visa-far-end.ts'
import { Session } from './visa-server-session.ts'
import type { Answer, VisaBench, VisaCall } from './visa-server-session.ts'

/** In the order of the library's `enum call`. */
const CALLS = [
  ...['viOpen', 'viClose', 'viFindRsrc', 'viFindNext', 'viRead', 'viWrite', 'viClear', 'viAssertTrigger', 'viReadSTB'],
  ...['viEnableEvent', 'viDisableEvent', 'viDiscardEvents', 'viWaitOnEvent', 'viLock', 'viUnlock'],
  ...['viGetAttribute', 'viSetAttribute'],
]
const REQUEST_BYTES = 20
const RSRC_NFOUND = 0xbfff0011
const CONN_LOST = 0xbfff00a6

/** The other side of the test library: resources by their VISA names, and everything a test may want to go wrong. */
export class VisaServer implements VisaBench, AsyncDisposable {
  /** Every call of every session, in order. */
  readonly calls: VisaCall[] = []
  /** What the library finds, besides what can be opened. */
  readonly alsoFound: string[] = []
  /** Names that are not there any more: each call on them ends with a lost connection. */
  readonly gone = new Set<string>()
  readonly #resources = new Map<string, () => VisaFarEnd>()
  readonly holders = new Map<string, Session>()
  readonly #failures: { readonly call: string; readonly status: number; readonly number: number }[] = []
  readonly #held = new Map<string, Promise<void>>()
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #listeners: (() => void)[] = []

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      const session = new Session(this)
      let arrived = Buffer.alloc(0)
      socket.on('data', (bytes) => {
        arrived = Buffer.concat([arrived, bytes])
        if (arrived.length < REQUEST_BYTES) return
        const length = arrived.readUInt32LE(16)
        if (arrived.length < REQUEST_BYTES + length) return
        const call = {
          call: CALLS[arrived.readUInt32LE(0)]!,
          number: arrived.readUInt32LE(4),
          state: Number(arrived.readBigUInt64LE(8)),
          bytes: arrived.subarray(REQUEST_BYTES, REQUEST_BYTES + length),
        }
        arrived = arrived.subarray(REQUEST_BYTES + length)
        void this.#answer(session, call).then(({ status, number = 0, bytes = new Uint8Array(0) }) => {
          const head = Buffer.alloc(12)
          head.writeUInt32LE(status, 0)
          head.writeUInt32LE(number, 4)
          head.writeUInt32LE(bytes.length, 8)
          socket.write(Buffer.concat([head, bytes]))
        })
      })
      socket.on('error', () => undefined)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        session.end()
      })
    })
  }

  static async listen(): Promise<VisaServer> {
    const server = new VisaServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get names(): readonly string[] {
    return [...this.#resources.keys(), ...this.alsoFound]
  }

  plugIn(name: string, open: () => VisaFarEnd): void {
    this.#resources.set(name, open)
  }

  /** The next call of this kind ends like this, without being carried out; `number` is what it counts. */
  failNext(call: string, status: number, number = 0): void {
    this.#failures.push({ call, status, number })
  }

  /** Calls of this kind do not return until the function that comes back has been called. */
  hold(call: string): () => void {
    let release = (): void => undefined
    this.#held.set(call, new Promise((resolve) => (release = resolve)))
    return () => {
      this.#held.delete(call)
      release()
    }
  }

  made(call: string): number {
    return this.calls.filter((each) => each.call === call).length
  }

  /** Resolves once `condition` holds; looks whenever the library calls. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#listeners.push(resolve))
  }

  farEnd(name: string): VisaFarEnd | undefined {
    return this.#resources.get(name)?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #answer(session: Session, request: Omit<VisaCall, 'name'>): Promise<Answer> {
    const { call } = request
    const name = call === 'viOpen' ? Buffer.from(request.bytes).toString('latin1') : session.name
    this.calls.push({ ...request, name })
    for (const listener of this.#listeners.splice(0)) listener()
    await this.#held.get(call)
    const failure = this.#failures.findIndex((each) => each.call === call)
    if (failure >= 0) return this.#failures.splice(failure, 1)[0]!
    if (this.gone.has(name)) return { status: call === 'viOpen' ? RSRC_NFOUND : CONN_LOST }
    return session.perform(request)
  }
}
