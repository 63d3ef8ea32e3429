import type { WireDirection, WireTap } from '../../core/transport.ts'
import type { BatchWriter } from './batch-writer.ts'
import type { WireHead } from './records.ts'
import { chain, CHAIN_START } from './wire-chain.ts'
import { recordStarts } from './wire-rows.ts'
import type { RecordStarts } from './wire-rows.ts'

/** Notes every byte of one wire: number, time and checksum at once, the rest later and elsewhere. */
export class RecordingTap implements WireTap {
  cause = 0
  readonly #starts: RecordStarts
  readonly #writer: BatchWriter
  readonly #timeNs: () => number
  #records = 0
  #crc = CHAIN_START
  #closed = false

  constructor(wire: string, writer: BatchWriter, timeNs: () => number) {
    this.#starts = recordStarts(wire)
    this.#writer = writer
    this.#timeNs = timeNs
  }

  get head(): WireHead {
    return { records: this.#records, crc: this.#crc }
  }

  record(direction: WireDirection, bytes: Uint8Array): void {
    if (this.#closed) return
    const { wire } = this.#writer.filling
    const kept = wire.keep(bytes)
    this.#crc = chain(this.#crc, direction, kept)
    wire.add(this.#starts[direction], ++this.#records, this.#timeNs(), this.cause, kept, this.#crc)
    this.#writer.added()
  }

  close(): void {
    this.#closed = true
  }
}
