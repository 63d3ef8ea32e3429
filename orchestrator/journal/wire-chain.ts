import { crc32 } from 'node:zlib'
import type { WireDirection } from '../../core/transport.ts'

/** Checksum before the first record of a wire. */
export const CHAIN_START = 0

/** Below this length a table in JavaScript is faster than a call into zlib. */
const SHORT_BYTES = 64

/** Bytes of a record as they stand in the journal. */
export interface KeptBytes {
  readonly bytes: Uint8Array
  /** How many they were before they were packed; 0 where they stand as they passed the wire. */
  readonly packedFrom: number
}

/**
 * Checksum of one more record of a wire: CRC-32 of its direction and of its bytes as they are kept, started from the
 * checksum of the record before. So any record that was changed, exchanged, left out or put in breaks the chain.
 *
 * In one line: `zlib.crc32(bytes, zlib.crc32(direction, previous))`; before packed bytes also their length before,
 * in decimal digits: `zlib.crc32(bytes, zlib.crc32(direction + packedFrom, previous))`.
 */
export function chain(previous: number, direction: string, { bytes, packedFrom }: KeptBytes): number {
  const known = DIRECTIONS[direction as WireDirection] as Uint8Array | undefined
  const named = known === undefined ? crc32(direction, previous) : shortCrc(previous, known)
  const started = packedFrom === 0 ? named : crc32(String(packedFrom), named)
  return bytes.length < SHORT_BYTES ? shortCrc(started, bytes) : crc32(bytes, started)
}

const text = new TextEncoder()
const DIRECTIONS: Record<WireDirection, Uint8Array> = {
  tx: text.encode('tx'),
  rx: text.encode('rx'),
  ctl: text.encode('ctl'),
  err: text.encode('err'),
}

/** Polynomial of ISO 3309, reflected; the one that zlib, PNG and Ethernet use. */
const REFLECTED_POLYNOMIAL = 0xedb88320

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ REFLECTED_POLYNOMIAL : crc >>> 1
  return crc
})

function shortCrc(previous: number, bytes: Uint8Array): number {
  let crc = ~previous
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
