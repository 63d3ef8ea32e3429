import type { PipeEnd } from '../../drivers/transports/byte-pipe.ts'
import type { WireConnection, WireInstrument } from '../../sim/ports/wire-instrument.ts'
import type { ModbusAnswer, ModbusDevice } from '../../sim/protocols/modbus-pdu.ts'
import { hexOf } from './tampered-wire.ts'
import type { VectorExchange } from './vectors.ts'

export const forever = (): AbortSignal => new AbortController().signal

/** The far end of a pipe. */
export const farEnd =
  (instrument: WireInstrument): PipeEnd =>
  (send) =>
    instrument.attach(send)

/** Cuts bytes at these places, each taken modulo what is left: any chunking a wire can produce. */
export function chunked(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  let rest = bytes
  for (const cut of cuts) {
    if (rest.length < 2) break
    const at = 1 + (cut % (rest.length - 1))
    chunks.push(rest.subarray(0, at))
    rest = rest.subarray(at)
  }
  chunks.push(rest)
  return chunks
}

/** A wire that delivers everything in small pieces, both ways. */
export const inPieces =
  (instrument: WireInstrument, cuts: readonly number[]): PipeEnd =>
  (send) => {
    const connection = instrument.attach((bytes) => chunked(bytes, cuts).forEach((chunk) => send(chunk)))
    return {
      receive: (bytes) => chunked(bytes, cuts).forEach((chunk) => connection.receive(chunk)),
      detach: () => connection.detach(),
    }
  }

/** What an instrument answers to one request, as one run of hex pairs; empty when it stays silent. */
export class Exchanger {
  readonly #connection: WireConnection
  readonly #replies: string[] = []

  constructor(instrument: WireInstrument) {
    this.#connection = instrument.attach((bytes) => this.#replies.push(hexOf(bytes)))
  }

  exchange(...pieces: readonly Uint8Array[]): string {
    for (const piece of pieces) this.#connection.receive(piece)
    return this.#replies.splice(0).join('')
  }
}

/** An instrument that knows its part by heart, and says which line was wrong. */
export class ScriptedInstrument implements WireInstrument {
  readonly #script: VectorExchange[]

  constructor(script: readonly VectorExchange[]) {
    this.#script = [...script]
  }

  /** What was not asked. Empty after a complete performance. */
  get rest(): readonly string[] {
    return this.#script.map(({ meaning }) => meaning)
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    return {
      receive: (bytes) => {
        const line = this.#script.shift()
        if (line === undefined) throw new Error(`nothing was left to ask, got ${hexOf(bytes)}`)
        if (hexOf(line.sent) !== hexOf(bytes)) {
          throw new Error(`"${line.meaning}" is ${hexOf(line.sent)}, got ${hexOf(bytes)}`)
        }
        if (line.reply.length > 0) send(line.reply)
      },
      detach: () => undefined,
    }
  }
}

/** The exchanges with these meanings, in this order. */
export function linesOf(vectors: readonly VectorExchange[], meanings: readonly string[]): readonly VectorExchange[] {
  return meanings.map((meaning) => {
    const line = vectors.find((vector) => vector.meaning === meaning)
    if (line === undefined) throw new Error(`no vector means "${meaning}"`)
    return line
  })
}

/** 65 536 words that can be read and written in any way, and refused on demand. */
export class PlainRegisters implements ModbusDevice {
  readonly functions: ReadonlySet<number>
  readonly words = new Uint16Array(0x1_0000)
  refuse: ModbusAnswer = 'ok'

  constructor(functions: readonly number[] = [3, 4, 6, 8, 16]) {
    this.functions = new Set(functions)
  }

  readHolding(address: number, words: Uint16Array): ModbusAnswer {
    words.set(this.words.subarray(address, address + words.length))
    return this.refuse
  }

  readInput(address: number, words: Uint16Array): ModbusAnswer {
    return this.readHolding(address, words)
  }

  write(address: number, words: Uint16Array): ModbusAnswer {
    if (this.refuse === 'ok') this.words.set(words, address)
    return this.refuse
  }
}
