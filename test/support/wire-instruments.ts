import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { latin1 } from './manual-transport.ts'

/** An instrument for tests of ports: it keeps what it hears, and says what the test or `reply` tells it to. */
export class TestInstrument implements WireInstrument {
  /** One entry a connection, in the order in which they came. */
  readonly connections: { heard: Uint8Array[]; readonly send: (bytes: Uint8Array) => void; attached: boolean }[] = []
  /** Runs for each piece that arrives. */
  reply: (bytes: Uint8Array, send: (bytes: Uint8Array) => void) => void = () => undefined
  #listeners: (() => void)[] = []

  attach(send: (bytes: Uint8Array) => void): { receive(bytes: Uint8Array): void; detach(): void } {
    const connection = { heard: [] as Uint8Array[], send, attached: true }
    this.connections.push(connection)
    this.#changed()
    return {
      receive: (bytes) => {
        connection.heard.push(bytes.slice())
        this.reply(bytes, send)
        this.#changed()
      },
      detach: () => {
        connection.attached = false
        this.#changed()
      },
    }
  }

  heard(connection = 0): string {
    return latin1(Buffer.concat(this.connections[connection]?.heard ?? []))
  }

  /** Resolves once `condition` holds; looks whenever something happens on a connection. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#listeners.push(resolve))
  }

  #changed(): void {
    for (const listener of this.#listeners.splice(0)) listener()
  }
}

/** Every byte value, in a sequence that no period of a buffer size repeats. */
export function testBytes(count: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(count)
  for (let index = 0; index < count; index++) bytes[index] = Math.imul(index + seed, 0x9e3779b1) >>> 16
  return bytes
}
