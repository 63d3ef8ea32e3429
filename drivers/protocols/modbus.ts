import { BenchError } from '../../core/errors.ts'

/** Longest read in one request, in registers. Source: Modbus application protocol, functions 03 and 04. */
export const MAX_READ_REGISTERS = 125
/** Longest write in one request, in registers. Source: function 16. */
export const MAX_WRITE_REGISTERS = 123
/** Bytes of transaction, protocol and length before the unit of a Modbus TCP frame. */
export const MBAP_BYTES = 6

const EXCEPTION_BIT = 0x80
/** Unit and a request or reply of 253 bytes at most. */
const MAX_MBAP_LENGTH = 254
/** The shortest reply is an exception: unit, function, code. */
const MIN_MBAP_LENGTH = 3

/**
 * Length of the RTU reply that begins here, check sum included; undefined while it cannot be told.
 *
 * A serial line has no lengths: the function code says where the reply ends.
 * Throws: PROTOCOL_UNEXPECTED_REPLY on a function that this library never asks for.
 */
export function rtuReplyLength(bytes: Uint8Array): number | undefined {
  const code = bytes[1]
  if (code === undefined) return undefined
  if ((code & EXCEPTION_BIT) !== 0) return 5
  switch (code) {
    case 3:
    case 4: {
      const byteCount = bytes[2]
      return byteCount === undefined ? undefined : 5 + byteCount
    }
    case 6:
    case 8:
    case 16:
      return 8
    default:
      throw unexpectedModbusReply(`a reply of function ${code}, which was not asked for`, bytes)
  }
}

/**
 * A Modbus TCP frame, in memory that a socket can send from. The first `length` bytes of `unitAndPdu` are what an RTU
 * frame holds between its start and its check sum.
 */
export function mbapFrame(transactionId: number, unitAndPdu: Uint8Array, length = unitAndPdu.length): Uint8Array {
  const frame = Buffer.allocUnsafe(MBAP_BYTES + length)
  frame[0] = transactionId >> 8
  frame[1] = transactionId
  frame[2] = frame[3] = frame[4] = 0
  frame[5] = length
  for (let at = 0; at < length; at++) frame[MBAP_BYTES + at] = unitAndPdu[at]!
  return frame
}

/**
 * Unit and reply of the Modbus TCP frame that begins here; undefined while it is incomplete.
 *
 * Throws: PROTOCOL_UNEXPECTED_REPLY unless it answers `transactionId`.
 */
export function readMbapFrame(bytes: Uint8Array, transactionId: number): Uint8Array | undefined {
  if (bytes.length < MBAP_BYTES) return undefined
  const answered = wordOf(bytes, 0)
  const protocol = wordOf(bytes, 2)
  const length = wordOf(bytes, 4)
  if (protocol !== 0) throw unexpectedModbusReply(`protocol ${protocol} instead of 0`, bytes)
  if (length < MIN_MBAP_LENGTH || length > MAX_MBAP_LENGTH) {
    throw unexpectedModbusReply(`a length of ${length} outside ${MIN_MBAP_LENGTH} to ${MAX_MBAP_LENGTH}`, bytes)
  }
  if (answered !== transactionId) {
    throw unexpectedModbusReply(`transaction ${answered} instead of ${transactionId}`, bytes)
  }
  if (bytes.length < MBAP_BYTES + length) return undefined
  return bytes.subarray(MBAP_BYTES, MBAP_BYTES + length)
}

const wordOf = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** The error of a reply that was received and cannot be what was asked for. */
export function unexpectedModbusReply(what: string, reply: Uint8Array): BenchError {
  return new BenchError('PROTOCOL_UNEXPECTED_REPLY', `Modbus: got ${what}`, {
    context: { reply: Buffer.from(reply).toString('hex') },
  })
}

const scratch = new DataView(new ArrayBuffer(4))

/** Two registers, high word first. Units: whatever the register holds. */
export function float32At(words: Uint16Array, index: number): number {
  scratch.setUint16(0, wordAt(words, index))
  scratch.setUint16(2, wordAt(words, index + 1))
  return scratch.getFloat32(0)
}

export function uint32At(words: Uint16Array, index: number): number {
  return wordAt(words, index) * 0x1_0000 + wordAt(words, index + 1)
}

export function int32At(words: Uint16Array, index: number): number {
  return uint32At(words, index) | 0
}

export function int16At(words: Uint16Array, index: number): number {
  return (wordAt(words, index) << 16) >> 16
}

export function wordAt(words: Uint16Array, index: number): number {
  const word = words[index]
  if (word === undefined) throw new RangeError(`register ${index} of a reply with ${words.length}`)
  return word
}

/** High word first. */
export function float32Words(values: readonly number[]): Uint16Array {
  const words = new Uint16Array(2 * values.length)
  values.forEach((value, i) => {
    scratch.setFloat32(0, value)
    words[2 * i] = scratch.getUint16(0)
    words[2 * i + 1] = scratch.getUint16(2)
  })
  return words
}
