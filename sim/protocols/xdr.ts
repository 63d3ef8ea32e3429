/** Bytes that are no XDR of what was expected there. */
export class XdrFault extends Error {
  readonly bytes: Uint8Array

  constructor(what: string, bytes: Uint8Array) {
    super(`${what} in ${Buffer.from(bytes.subarray(0, 64)).toString('hex')}`)
    this.bytes = bytes
  }
}

/** Takes one XDR item after the other off a message. Throws: XdrFault. Source: RFC 4506. */
export class XdrInput {
  readonly #bytes: Buffer
  #rest: Buffer

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#rest = this.#bytes
  }

  int(): number {
    return this.#take(4).readInt32BE()
  }

  unsigned(): number {
    return this.#take(4).readUInt32BE()
  }

  boolean(): boolean {
    const value = this.unsigned()
    if (value > 1) throw new XdrFault(`boolean ${value}`, this.#bytes)
    return value === 1
  }

  /** Valid as long as the message is. */
  opaque(longest: number): Buffer {
    const length = this.unsigned()
    if (length > longest) throw new XdrFault(`opaque of ${length} bytes, ${longest} at most`, this.#bytes)
    const data = this.#take(length)
    this.#take(padding(length))
    return data
  }

  #take(count: number): Buffer {
    if (count > this.#rest.length) throw new XdrFault(`${count} bytes wanted, ${this.#rest.length} left`, this.#bytes)
    const taken = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return taken
  }
}

const FIRST_ROOM_BYTES = 128

/** Puts XDR items one after the other into a message. */
export class XdrOutput {
  #room = Buffer.allocUnsafe(FIRST_ROOM_BYTES)
  #length = 0

  int(value: number): this {
    const at = this.#reserve(4)
    this.#room.writeInt32BE(value, at)
    return this
  }

  unsigned(value: number): this {
    const at = this.#reserve(4)
    this.#room.writeUInt32BE(value, at)
    return this
  }

  opaque(data: Uint8Array): this {
    this.unsigned(data.length)
    const at = this.#reserve(data.length + padding(data.length))
    this.#room.set(data, at)
    this.#room.fill(0, at + data.length, this.#length)
    return this
  }

  /** The message so far; what is put later is not in it. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length)
  }

  #reserve(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#room.length) {
      const before = this.#room
      this.#room = Buffer.allocUnsafe(Math.max(this.#length, 2 * before.length))
      this.#room.set(before.subarray(0, at))
    }
    return at
  }
}

const padding = (length: number): number => (4 - (length % 4)) % 4
