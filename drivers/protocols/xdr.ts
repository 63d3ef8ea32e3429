import { BenchError } from '../../core/errors.ts'

/** Length of an opaque in XDR: its length word, and zeros up to a multiple of four bytes. */
export const xdrOpaqueBytes = (length: number): number => 4 + Math.ceil(length / 4) * 4

/**
 * Writes XDR into a message whose length is known beforehand.
 *
 * Source: RFC 4506.
 */
export class XdrWriter {
  readonly bytes: Buffer
  #at = 0

  constructor(byteLength: number) {
    this.bytes = Buffer.allocUnsafe(byteLength)
  }

  /** 32 bits, signed or not. */
  word(value: number): this {
    this.#at = this.bytes.writeInt32BE(value | 0, this.#at)
    return this
  }

  opaque(data: Uint8Array): this {
    this.word(data.length)
    this.bytes.set(data, this.#at)
    const end = this.#at + data.length
    this.#at += xdrOpaqueBytes(data.length) - 4
    this.bytes.fill(0, end, this.#at)
    return this
  }
}

/**
 * Reads XDR, word by word.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY with the raw bytes where they end too early.
 */
export class XdrReader {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  word(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  signedWord(): number {
    return this.#view.getInt32(this.#advance(4))
  }

  /** A view of the message, not a copy. The last zeros may be missing: some instruments do not pad. */
  opaque(longest: number): Uint8Array {
    const length = this.word()
    if (length > longest) throw unexpectedRpc(`${length} bytes where ${longest} are the most`, this.bytes)
    const start = this.#advance(length)
    this.#at = Math.min(this.#at + ((4 - (length % 4)) % 4), this.bytes.length)
    return this.bytes.subarray(start, start + length)
  }

  #advance(count: number): number {
    const start = this.#at
    if (count > this.bytes.length - start) throw unexpectedRpc('a message that ends too early', this.bytes)
    this.#at = start + count
    return start
  }
}

/** The error of bytes that came and cannot be what was asked for. */
export function unexpectedRpc(what: string, bytes: Uint8Array): BenchError {
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `ONC RPC: got ${what}`, {
    context: { reply: Buffer.from(bytes.subarray(0, 64)).toString('hex') },
  })
}
