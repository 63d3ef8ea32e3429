import type { WireDirection, WireTap } from '../../core/transport.ts'
import type { BatchWriter } from './batch-writer.ts'
import type { WireHead } from './records.ts'
import { chain, CHAIN_START } from './wire-chain.ts'

/** Notes every byte of one wire: number, time and checksum at once, the rest later and elsewhere. */
export class RecordingTap implements WireTap {
  cause = 0
  readonly #wire: number
  readonly #writer: BatchWriter
  readonly #timeNs: () => number
  #records = 0
  #crc = CHAIN_START
  #closed = false

  /** `wire` is the place of this wire among all wires of the run. */
  constructor(wire: number, writer: BatchWriter, timeNs: () => number) {
    this.#wire = wire
    this.#writer = writer
    this.#timeNs = timeNs
  }

  get head(): WireHead {
    return { records: this.#records, crc: this.#crc }
  }

  record(direction: WireDirection, bytes: Uint8Array): void {
    if (this.#closed) return
    this.#crc = chain(this.#crc, direction, bytes)
    this.#writer.filling.wire.add(this.#wire, ++this.#records, this.#timeNs(), direction, this.cause, bytes, this.#crc)
    this.#writer.added()
  }

  close(): void {
    this.#closed = true
  }
}
