import { answerPdu } from './modbus-pdu.ts'
import type { FrameRoom, ModbusDevice } from './modbus-pdu.ts'

/** Longest frame, unit and check sum included. Source: Modbus over serial line. */
const MAX_FRAME_BYTES = 256
/** Unit, function and check sum. */
const MIN_FRAME_BYTES = 4
const CHECKSUM_BYTES = 2
const RTU_ROOM: FrameRoom = { before: 1, after: CHECKSUM_BYTES }
/**
 * Silence that ends a frame that was never completed. 3.5 characters are 4 ms at 9600 Bd; assumption: a host that
 * delivers the pieces of one frame late does so by less than 20 ms, and clients wait for longer to resynchronise.
 */
const FRAME_GAP_NS = 20e6

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  return crc
})

/** CRC-16/MODBUS of the first `length` bytes: start 0xFFFF, reflected polynomial 0xA001. */
export function crc16(bytes: Uint8Array, length: number): number {
  let crc = 0xffff
  for (let i = 0; i < length; i++) crc = (crc >> 8) ^ CRC_TABLE[(crc ^ bytes[i]!) & 0xff]!
  return crc
}

/**
 * Cuts requests out of the bytes of a serial line, in any pieces.
 *
 * A frame ends where its function code says, and only if the check sum fits: otherwise all that was received is
 * dropped without a word, and so is a beginning after which the line was quiet. A function of unknown length ends
 * where a check sum fits.
 */
export class RtuRequestReader {
  readonly #bytes = new Uint8Array(MAX_FRAME_BYTES)
  #length = 0
  #lastNs = 0

  /** Calls `take` with each whole frame. Valid during the call. */
  receive(bytes: Uint8Array, nowNs: number, take: (frame: Uint8Array) => void): void {
    if (this.#length > 0 && nowNs - this.#lastNs > FRAME_GAP_NS) this.#length = 0
    this.#lastNs = nowNs
    let at = 0
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + MAX_FRAME_BYTES - this.#length)
      this.#bytes.set(piece, this.#length)
      this.#length += piece.length
      at += piece.length
      this.#cut(take)
      // Longer than any frame, and still none.
      if (this.#length === MAX_FRAME_BYTES) this.#length = 0
    }
  }

  #cut(take: (frame: Uint8Array) => void): void {
    while (this.#length >= MIN_FRAME_BYTES) {
      const expected = requestLength(this.#bytes, this.#length)
      if (expected === 'more') return
      const length = expected ?? this.#length
      if (length > this.#length) return
      if (!checksumFits(this.#bytes, length)) {
        if (expected !== undefined) this.#length = 0
        return
      }
      take(this.#bytes.subarray(0, length))
      this.#bytes.copyWithin(0, length, this.#length)
      this.#length -= length
    }
  }
}

/**
 * Answers one frame as `unit`; undefined when it is for another unit, for all of them, or answered by silence.
 */
export function answerRtu(device: ModbusDevice, unit: number, frame: Uint8Array): Uint8Array | undefined {
  if (frame[0] !== unit) return undefined
  const reply = answerPdu(device, frame.subarray(1, -CHECKSUM_BYTES), RTU_ROOM, 0)
  if (reply === undefined) return undefined
  reply[0] = unit
  const crc = crc16(reply, reply.length - CHECKSUM_BYTES)
  reply[reply.length - 2] = crc & 0xff
  reply[reply.length - 1] = crc >> 8
  return reply
}

/** Undefined for a function of unknown length; `more` until the byte that tells has arrived. */
function requestLength(bytes: Uint8Array, received: number): number | 'more' | undefined {
  switch (bytes[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 8:
      return 8
    case 15:
    case 16:
      return received < 7 ? 'more' : 9 + bytes[6]!
    default:
      return undefined
  }
}

function checksumFits(bytes: Uint8Array, length: number): boolean {
  const crc = crc16(bytes, length - CHECKSUM_BYTES)
  return bytes[length - 2] === (crc & 0xff) && bytes[length - 1] === crc >> 8
}
