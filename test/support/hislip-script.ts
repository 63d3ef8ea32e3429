import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { expect } from 'vitest'
import type { BenchError } from '../../core/errors.ts'
import type { ByteReceiver } from '../../core/transport.ts'
import { HislipFrameReader, hislipFrame, messageSize } from '../../sim/protocols/hislip-frames.ts'
import type { HislipFrame, HislipKind } from '../../sim/protocols/hislip-frames.ts'
import { latin1 } from './manual-transport.ts'

/** A message in a form that reads well in a test: kind, control, parameter, payload as text. */
export type ToldFrame = readonly [kind: HislipKind, control: number, parameter: number, payload: string]

export const told = ({ kind, control, parameter, payload }: HislipFrame): ToldFrame => [
  kind,
  control,
  parameter,
  latin1(payload),
]

/** One connection as the test holds it: messages in their order, and bytes of any sort out. */
export class HislipEnd {
  readonly socket: Socket
  readonly #reader = new HislipFrameReader(2 ** 24)
  #wake: (() => void)[] = []
  #closed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      this.#reader.push(bytes)
      this.#changed()
    })
    socket.once('close', () => {
      this.#closed = true
      this.#changed()
    })
  }

  async next(): Promise<HislipFrame> {
    for (;;) {
      const item = this.#reader.next()
      if (item !== undefined) return 'odd' in item ? expect.fail(`received something ${item.odd}`) : item
      if (this.#closed) expect.fail('the connection closed instead of a message')
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  async told(): Promise<ToldFrame> {
    return told(await this.next())
  }

  /** Whether a message has come that nobody has taken. */
  get more(): boolean {
    return this.#reader.ready
  }

  async closed(): Promise<void> {
    while (!this.#closed) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  send(kind: HislipKind, control = 0, parameter = 0, payload = ''): void {
    this.socket.write(hislipFrame(kind, control, parameter, Buffer.from(payload, 'latin1')))
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** A HiSLIP server that says what the test says, after it has greeted. */
export class ScriptedHislip implements AsyncDisposable {
  readonly port: number
  readonly #server: Server
  readonly #ends: HislipEnd[] = []
  readonly #coming: HislipEnd[] = []
  #wake: (() => void)[] = []

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket) => {
      socket.setNoDelay(true)
      const end = new HislipEnd(socket)
      this.#ends.push(end)
      this.#coming.push(end)
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  static async listen(): Promise<ScriptedHislip> {
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
    return new ScriptedHislip(server)
  }

  /** The next connection of a client. */
  async connection(): Promise<HislipEnd> {
    while (this.#coming.length === 0) await new Promise<void>((resolve) => this.#wake.push(resolve))
    return this.#coming.shift()!
  }

  /** Greets the next client, on both channels. */
  async session({
    control = 0,
    version = 0x0200,
    maxBytes = 2 ** 20,
  }: { readonly control?: number; readonly version?: number; readonly maxBytes?: number } = {}): Promise<{
    sync: HislipEnd
    async: HislipEnd
  }> {
    const sync = await this.connection()
    expect((await sync.next()).kind).toBe('Initialize')
    sync.send('InitializeResponse', control, version * 0x1_0000 + 5)
    const asynchronous = await this.connection()
    expect(await asynchronous.told()).toEqual(['AsyncInitialize', 0, 5, ''])
    asynchronous.send('AsyncInitializeResponse')
    expect((await asynchronous.next()).kind).toBe('AsyncMaximumMessageSize')
    asynchronous.send('AsyncMaximumMessageSizeResponse', 0, 0, latin1(messageSize(maxBytes)))
    return { sync, async: asynchronous }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const { socket } of this.#ends) socket.destroy()
    await closed
  }
}

/** Notes what a transport reports: text of bytes, `end`, and codes of errors. */
export class Heard implements ByteReceiver {
  readonly said: string[] = []
  #wake: (() => void)[] = []

  onBytes(bytes: Uint8Array): void {
    this.#note(latin1(bytes))
  }

  onEnd(): void {
    this.#note('end')
  }

  onLost(error: BenchError): void {
    this.#note(error.code)
  }

  onDeadline(): void {
    this.#note('deadline')
  }

  /** Resolves once so much was reported; with all of it. */
  async first(count: number): Promise<readonly string[]> {
    while (this.said.length < count) await new Promise<void>((resolve) => this.#wake.push(resolve))
    return this.said
  }

  #note(what: string): void {
    this.said.push(what)
    for (const wake of this.#wake.splice(0)) wake()
  }
}
