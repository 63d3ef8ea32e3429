import { HISLIP, HISLIP_HEADER_BYTES, readHislipHeader, unexpectedHislip } from './hislip.ts'
import type { HislipHeader, HislipMessage } from './hislip.ts'

export interface HislipLimits {
  /** Longest payload of Data and DataEND that the server was allowed to send. */
  readonly dataBytes: number
  /** Longest payload of anything else: sizes, and texts of errors. */
  readonly otherBytes: number
}

export interface HislipSink {
  /** A piece of a Data or DataEND message as it comes, a view of the bytes that came; `last` completes the message. */
  onData(header: HislipHeader, piece: Uint8Array, last: boolean): void
  /** Any other message, whole. */
  onMessage(message: HislipMessage): void
}

const NOTHING = Buffer.alloc(0)

/**
 * Messages out of one channel's bytes, in any pieces. Data is passed on as it comes, so that nothing long is kept.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY with the raw bytes, after which the channel cannot be read any more.
 */
export class HislipReader {
  readonly #limits: HislipLimits
  readonly #sink: HislipSink
  /** The beginning of a header. */
  #rest = NOTHING
  #header: HislipHeader | undefined
  #missing = 0
  #collected: Uint8Array[] = []

  constructor(limits: HislipLimits, sink: HislipSink) {
    this.#limits = limits
    this.#sink = sink
  }

  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#header === undefined) {
        if (this.#rest.length > 0 || bytes.length - at < HISLIP_HEADER_BYTES) {
          const taken = Math.min(HISLIP_HEADER_BYTES - this.#rest.length, bytes.length - at)
          this.#rest = Buffer.concat([this.#rest, bytes.subarray(at, at + taken)])
          at += taken
          if (this.#rest.length < HISLIP_HEADER_BYTES) return
          this.#begin(this.#rest, 0)
          this.#rest = NOTHING
        } else {
          this.#begin(bytes, at)
          at += HISLIP_HEADER_BYTES
        }
        if (this.#missing === 0) this.#take(NOTHING)
      } else {
        const piece = bytes.subarray(at, at + this.#missing)
        at += piece.length
        this.#missing -= piece.length
        this.#take(piece)
      }
    }
  }

  #begin(bytes: Buffer, at: number): void {
    const header = readHislipHeader(bytes, at)
    const limit = isData(header) ? this.#limits.dataBytes : this.#limits.otherBytes
    if (header.payloadBytes > limit) {
      const raw = bytes.subarray(at, at + HISLIP_HEADER_BYTES)
      throw unexpectedHislip(`a payload of ${header.payloadBytes} bytes where ${limit} are allowed`, raw)
    }
    this.#header = header
    this.#missing = header.payloadBytes
  }

  #take(piece: Buffer): void {
    const header = this.#header!
    const last = this.#missing === 0
    if (last) this.#header = undefined
    if (isData(header)) this.#sink.onData(header, piece, last)
    else if (!last) this.#collected.push(piece)
    else {
      const payload = this.#collected.length === 0 ? piece : Buffer.concat([...this.#collected.splice(0), piece])
      this.#sink.onMessage({ ...header, payload })
    }
  }
}

const isData = ({ type }: HislipHeader): boolean => type === HISLIP.Data || type === HISLIP.DataEnd
