/** One request as it came over the line. */
export interface ItlaRequest {
  /** Its parity is right. */
  readonly intact: boolean
  /** The host wants the last reply once more. */
  readonly repeat: boolean
  readonly write: boolean
  readonly register: number
  readonly data: number
}

/** Codes of the two status bits of a reply. */
export const ITLA_STATUS = { ok: 0, executionError: 1, extended: 2, pending: 3 } as const

/** A frame is four bytes, a big-endian word: parity nibble, flags, register, data. */
export function parseItlaRequest(frame: Uint8Array): ItlaRequest {
  const view = new DataView(frame.buffer, frame.byteOffset, 4)
  const flags = view.getUint8(0)
  return {
    intact: parity(view) === 0,
    repeat: (flags & 0b1000) !== 0,
    write: (flags & 0b0001) !== 0,
    register: view.getUint8(1),
    data: view.getUint16(2),
  }
}

export function formatItlaReply(reply: {
  readonly checksumError: boolean
  readonly status: number
  readonly register: number
  readonly data: number
}): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(4))
  const flags = (reply.checksumError ? 0b1000 : 0) | 0b0100 | reply.status
  view.setUint8(0, flags)
  view.setUint8(1, reply.register)
  view.setUint16(2, reply.data & 0xffff)
  view.setUint8(0, (parity(view) << 4) | flags)
  return new Uint8Array(view.buffer)
}

/** Exclusive or of all eight nibbles: 0 in a frame that carries its parity. */
function parity(view: DataView): number {
  let word = view.getUint32(0)
  word ^= word >>> 16
  word ^= word >>> 8
  word ^= word >>> 4
  return word & 0xf
}
