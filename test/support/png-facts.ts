import { inflateSync } from 'node:zlib'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** Throws when the bytes do not begin as a PNG. Source: PNG specification (W3C, third edition), 5.2 and 11.2.1. */
export function pngSize(bytes: Uint8Array): { readonly width: number; readonly height: number } {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new Error('no PNG signature')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (chunkName(bytes, 8) !== 'IHDR') throw new Error('no header')
  return { width: view.getUint32(16), height: view.getUint32(20) }
}

/** Bytes of all rows, each behind its filter's number: as long as the header says, or the picture is damaged. */
export function pngRows(bytes: Uint8Array): Buffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data: Uint8Array[] = []
  for (let at = 8; at < bytes.length;) {
    const length = view.getUint32(at)
    if (chunkName(bytes, at) === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  return inflateSync(Buffer.concat(data))
}

const chunkName = (bytes: Uint8Array, at: number): string => Buffer.from(bytes.subarray(at + 4, at + 8)).toString()
