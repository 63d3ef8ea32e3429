import type { FileHandle } from 'node:fs/promises'
import { crc32, createDeflateRaw } from 'node:zlib'

const LOCAL_BYTES = 30
const ZIP64_EXTRA_BYTES = 20
/** 4.5: files beyond 4 GiB. */
const VERSION = 45
const UTF8_NAMES = 0x0800
const DEFLATED = 8
/** "See the ZIP64 field". */
const LATER = 0xffffffff
/** 1 January 1980, the first day of ZIP: the same run gives the same bytes. */
const NO_DATE = 0x0021

interface Entry {
  readonly name: Buffer
  readonly offset: number
  readonly crc: number
  readonly stored: number
  readonly size: number
}

/**
 * A ZIP archive written by pieces, of any size: every entry deflated, with the lengths of ZIP64.
 *
 * Source: PKWARE APPNOTE 6.3.10, §4.3 (records), §4.5.3 (ZIP64).
 */
export class ZipWriter {
  readonly #file: FileHandle
  readonly #entries: Entry[] = []
  #at = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  async add(name: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const offset = this.#at
    const nameBytes = Buffer.from(name)
    this.#at += LOCAL_BYTES + nameBytes.length + ZIP64_EXTRA_BYTES
    const start = this.#at
    let [crc, size] = [0, 0]
    const deflate = createDeflateRaw()
    const drained = this.#drain(deflate)
    const feed = async (): Promise<void> => {
      for await (const piece of pieces) {
        crc = crc32(piece, crc)
        size += piece.length
        // The piece may be used again by whoever made it: wait until it was taken in.
        await new Promise<void>((resolve, reject) => {
          deflate.write(piece, (error) => (error == null ? resolve() : reject(error)))
        })
      }
      deflate.end()
    }
    try {
      await Promise.all([feed(), drained])
    } finally {
      deflate.destroy()
    }
    const entry: Entry = { name: nameBytes, offset, crc, stored: this.#at - start, size }
    this.#entries.push(entry)
    // Lengths and checksum are known only now: what was skipped is written last.
    await this.#writeAt(localHeader(entry), offset)
  }

  async finish(): Promise<void> {
    const start = this.#at
    for (const entry of this.#entries) await this.#append(centralHeader(entry))
    await this.#append(endOfDirectory(this.#entries.length, start, this.#at - start))
  }

  async #drain(deflated: AsyncIterable<unknown>): Promise<void> {
    for await (const piece of deflated) await this.#append(piece as Buffer)
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const at = this.#at
    this.#at += bytes.length
    await this.#writeAt(bytes, at)
  }

  async #writeAt(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at + done)
      done += bytesWritten
    }
  }
}

function localHeader({ name, crc, stored, size }: Entry): Buffer {
  const head = Buffer.alloc(LOCAL_BYTES)
  head.writeUInt32LE(0x04034b50, 0)
  writeCommon(head, 4, crc, name.length)
  head.writeUInt16LE(ZIP64_EXTRA_BYTES, 28)
  return Buffer.concat([head, name, zip64(size, stored)])
}

function centralHeader({ name, offset, crc, stored, size }: Entry): Buffer {
  const head = Buffer.alloc(46)
  head.writeUInt32LE(0x02014b50, 0)
  head.writeUInt16LE(VERSION, 4)
  writeCommon(head, 6, crc, name.length)
  head.writeUInt16LE(ZIP64_EXTRA_BYTES + 8, 30)
  head.writeUInt32LE(LATER, 42)
  return Buffer.concat([head, name, zip64(size, stored, offset)])
}

/** From "version needed" to the length of the name, alike in both headers. */
function writeCommon(head: Buffer, at: number, crc: number, nameLength: number): void {
  head.writeUInt16LE(VERSION, at)
  head.writeUInt16LE(UTF8_NAMES, at + 2)
  head.writeUInt16LE(DEFLATED, at + 4)
  head.writeUInt16LE(0, at + 6)
  head.writeUInt16LE(NO_DATE, at + 8)
  head.writeUInt32LE(crc, at + 10)
  head.writeUInt32LE(LATER, at + 14)
  head.writeUInt32LE(LATER, at + 18)
  head.writeUInt16LE(nameLength, at + 22)
}

function zip64(...lengths: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * lengths.length)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8 * lengths.length, 2)
  for (const [index, length] of lengths.entries()) extra.writeBigUInt64LE(BigInt(length), 4 + 8 * index)
  return extra
}

/** ZIP64 record, its locator, and the record of old that points there. */
function endOfDirectory(entries: number, start: number, length: number): Buffer {
  const end = Buffer.alloc(56 + 20 + 22)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeUInt16LE(VERSION, 12)
  end.writeUInt16LE(VERSION, 14)
  end.writeBigUInt64LE(BigInt(entries), 24)
  end.writeBigUInt64LE(BigInt(entries), 32)
  end.writeBigUInt64LE(BigInt(length), 40)
  end.writeBigUInt64LE(BigInt(start), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(start + length), 64)
  end.writeUInt32LE(1, 72)
  end.writeUInt32LE(0x06054b50, 76)
  end.writeUInt16LE(entries, 84)
  end.writeUInt16LE(entries, 86)
  end.writeUInt32LE(LATER, 88)
  end.writeUInt32LE(LATER, 92)
  return end
}
