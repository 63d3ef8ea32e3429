import { answerPdu } from './modbus-pdu.ts'
import type { FrameRoom, ModbusDevice } from './modbus-pdu.ts'

/** Transaction, protocol and length: what stands before the bytes that `length` counts. */
const MBAP_BYTES = 6
/** Unit and function at least, unit and 253 bytes at most. Source: Modbus on TCP/IP. */
const MIN_LENGTH = 2
const MAX_LENGTH = 254
/** The frame of a reply begins with all of the above and the unit. */
const TCP_ROOM: FrameRoom = { before: MBAP_BYTES + 1, after: 0 }
const NOTHING = new Uint8Array(0)

/**
 * Cuts requests out of a byte stream, in any pieces.
 *
 * A frame of another protocol is skipped. After a length that no frame has, nothing that follows can be told
 * apart: the reader takes no more from this connection.
 */
export class MbapRequestReader {
  #rest: Uint8Array = NOTHING
  #deaf = false

  /** Calls `take` with each whole frame. Valid during the call. */
  receive(bytes: Uint8Array, take: (frame: Uint8Array) => void): void {
    if (this.#deaf) return
    let stream = bytes
    if (this.#rest.length > 0) {
      stream = new Uint8Array(this.#rest.length + bytes.length)
      stream.set(this.#rest)
      stream.set(bytes, this.#rest.length)
    }
    let at = 0
    while (stream.length - at >= MBAP_BYTES) {
      const length = (stream[at + 4]! << 8) | stream[at + 5]!
      if (length < MIN_LENGTH || length > MAX_LENGTH) {
        this.#deaf = true
        return
      }
      const end = at + MBAP_BYTES + length
      if (end > stream.length) break
      const modbus = stream[at + 2] === 0 && stream[at + 3] === 0
      if (modbus) take(stream.subarray(at, end))
      at = end
    }
    this.#rest = at === stream.length ? NOTHING : Uint8Array.from(stream.subarray(at))
  }
}

/** Answers one frame, whatever its unit: an instrument with an address of its own is the only one behind it. */
export function answerMbap(device: ModbusDevice, frame: Uint8Array): Uint8Array | undefined {
  const transactionId = (frame[0]! << 8) | frame[1]!
  const reply = answerPdu(device, frame.subarray(MBAP_BYTES + 1), TCP_ROOM, transactionId)
  if (reply === undefined) return undefined
  reply[0] = frame[0]!
  reply[1] = frame[1]!
  reply[2] = reply[3] = 0
  const length = reply.length - MBAP_BYTES
  reply[4] = length >> 8
  reply[5] = length & 0xff
  reply[MBAP_BYTES] = frame[MBAP_BYTES]!
  return reply
}
