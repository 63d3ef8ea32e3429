import { expect } from 'vitest'
import type { ByteReceiver, ByteTransport } from '../../core/transport.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import type { VectorExchange } from './vectors.ts'

export const pipeTo = (instrument: WireInstrument): BytePipe => new BytePipe('sim', (send) => instrument.attach(send))

/** One of the vectors, by what it means. */
export function vector(vectors: readonly VectorExchange[], meaning: string): VectorExchange {
  return vectors.find((exchange) => exchange.meaning === meaning) ?? expect.fail(`no vector means: ${meaning}`)
}

export const said = (sent: string, reply = ''): VectorExchange => ({
  meaning: sent,
  sent: Buffer.from(sent, 'latin1'),
  reply: Buffer.from(reply, 'latin1'),
})

/** A wire that accepts exactly these bytes, in this order, and answers as written. */
export class TranscriptWire implements ByteTransport {
  readonly resource = 'transcript'
  readonly #rest: VectorExchange[]
  #got = Buffer.alloc(0)
  #receiver: ByteReceiver | undefined

  constructor(...expected: readonly VectorExchange[]) {
    this.#rest = [...expected]
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#got = Buffer.concat([this.#got, bytes])
    for (let next = this.#rest[0]; next !== undefined && this.#got.length >= next.sent.length; next = this.#rest[0]) {
      const { meaning, sent, reply } = next
      expect(this.#got.subarray(0, sent.length).toString('latin1'), meaning).toBe(Buffer.from(sent).toString('latin1'))
      this.#got = this.#got.subarray(sent.length)
      this.#rest.shift()
      if (reply.length > 0) queueMicrotask(() => this.#receiver?.onBytes(reply.slice()))
      if (this.#got.length === 0) break
    }
  }

  /** Nothing expected is left over, and nothing else was sent. */
  expectDone(): void {
    expect(
      this.#rest.map(({ meaning }) => meaning),
      'exchanges that never came',
    ).toEqual([])
    expect(this.#got.toString('latin1'), 'bytes that nobody expected').toBe('')
  }

  async resynchronise(): Promise<void> {
    this.#got = Buffer.alloc(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#receiver = undefined
  }
}

/** A client without a driver: sends bytes, collects what comes back. */
export class RawClient {
  readonly #connection: ReturnType<WireInstrument['attach']>
  #received: Uint8Array[] = []

  constructor(instrument: WireInstrument) {
    this.#connection = instrument.attach((bytes) => this.#received.push(bytes))
  }

  send(bytes: Uint8Array | string, piece = Infinity): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    for (let at = 0; at < all.length; at += piece)
      this.#connection.receive(all.subarray(at, Math.min(at + piece, all.length)))
  }

  /** What has come since the last look. */
  take(): Buffer {
    return Buffer.concat(this.#received.splice(0))
  }

  ask(text: string): string {
    this.send(text)
    return this.take().toString('latin1')
  }

  detach(): void {
    this.#connection.detach()
  }
}

/** Lets everything happen that is due without time passing. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
