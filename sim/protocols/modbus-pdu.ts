/** Codes with which a unit refuses: function, address, value, failure, acknowledge, busy. */
export type ModbusException = 1 | 2 | 3 | 4 | 5 | 6

/** What came of a request; `silent` after a command that is carried out and not answered. */
export type ModbusAnswer = 'ok' | 'silent' | ModbusException

/** The registers of a simulated unit. `words.length` is how many were asked for or sent. */
export interface ModbusDevice {
  /** Function codes it knows; any other is exception 1. */
  readonly functions: ReadonlySet<number>
  readHolding(address: number, words: Uint16Array, transactionId: number): ModbusAnswer
  readInput(address: number, words: Uint16Array, transactionId: number): ModbusAnswer
  /** Function 06 (`single`) or 16. */
  write(address: number, words: Uint16Array, single: boolean, transactionId: number): ModbusAnswer
}

const MAX_READ_REGISTERS = 125
const MAX_WRITE_REGISTERS = 123
const ILLEGAL_FUNCTION: ModbusException = 1
const ILLEGAL_VALUE: ModbusException = 3

/** Room that a frame needs around the reply: unit before it, check sum after it. */
export interface FrameRoom {
  readonly before: number
  readonly after: number
}

/**
 * The frame that answers a request, the reply at `room.before`; undefined when the unit says nothing. Its memory is
 * taken from the pool of buffers, whence a socket sends without a copy; the room around the reply holds anything.
 *
 * Shapes: `pdu` is function code and data, without unit and check sum.
 */
export function answerPdu(
  device: ModbusDevice,
  pdu: Uint8Array,
  room: FrameRoom,
  transactionId: number,
): Uint8Array | undefined {
  const code = pdu[0] ?? 0
  if (!device.functions.has(code)) return exception(code, ILLEGAL_FUNCTION, room)
  switch (code) {
    case 3:
    case 4:
      return answerRead(device, pdu, code, room, transactionId)
    case 6:
      return answerWriteSingle(device, pdu, room, transactionId)
    case 8:
      return answerLoopback(pdu, room)
    case 16:
      return answerWriteMultiple(device, pdu, room, transactionId)
    default:
      return exception(code, ILLEGAL_FUNCTION, room)
  }
}

function answerRead(
  device: ModbusDevice,
  pdu: Uint8Array,
  code: 3 | 4,
  room: FrameRoom,
  transactionId: number,
): Uint8Array | undefined {
  const count = wordAt(pdu, 3)
  if (pdu.length !== 5 || count < 1 || count > MAX_READ_REGISTERS) return exception(code, ILLEGAL_VALUE, room)
  const words = new Uint16Array(count)
  const address = wordAt(pdu, 1)
  const answer =
    code === 3 ? device.readHolding(address, words, transactionId) : device.readInput(address, words, transactionId)
  if (answer !== 'ok') return refusal(code, answer, room)
  const frame = Buffer.allocUnsafe(room.before + 2 + 2 * count + room.after)
  let at = room.before
  frame[at++] = code
  frame[at++] = 2 * count
  for (let i = 0; i < count; i++) {
    const word = words[i]!
    frame[at++] = word >> 8
    frame[at++] = word & 0xff
  }
  return frame
}

function answerWriteSingle(
  device: ModbusDevice,
  pdu: Uint8Array,
  room: FrameRoom,
  transactionId: number,
): Uint8Array | undefined {
  if (pdu.length !== 5) return exception(6, ILLEGAL_VALUE, room)
  const answer = device.write(wordAt(pdu, 1), Uint16Array.of(wordAt(pdu, 3)), true, transactionId)
  return answer === 'ok' ? echo(pdu, 5, room) : refusal(6, answer, room)
}

function answerWriteMultiple(
  device: ModbusDevice,
  pdu: Uint8Array,
  room: FrameRoom,
  transactionId: number,
): Uint8Array | undefined {
  const count = wordAt(pdu, 3)
  const whole = pdu.length === 6 + 2 * count && pdu[5] === 2 * count
  if (!whole || count < 1 || count > MAX_WRITE_REGISTERS) return exception(16, ILLEGAL_VALUE, room)
  const words = new Uint16Array(count)
  for (let i = 0; i < count; i++) words[i] = wordAt(pdu, 6 + 2 * i)
  const answer = device.write(wordAt(pdu, 1), words, false, transactionId)
  return answer === 'ok' ? echo(pdu, 5, room) : refusal(16, answer, room)
}

/** Sub-function 0 alone: the two bytes come back. Omron H175 §4-4-4 names 03 for any other sub-function. */
function answerLoopback(pdu: Uint8Array, room: FrameRoom): Uint8Array {
  if (pdu.length !== 5 || wordAt(pdu, 1) !== 0) return exception(8, ILLEGAL_VALUE, room)
  return echo(pdu, 5, room)
}

function echo(pdu: Uint8Array, length: number, room: FrameRoom): Uint8Array {
  const frame = Buffer.allocUnsafe(room.before + length + room.after)
  frame.set(pdu.subarray(0, length), room.before)
  return frame
}

function refusal(code: number, answer: 'silent' | ModbusException, room: FrameRoom): Uint8Array | undefined {
  return answer === 'silent' ? undefined : exception(code, answer, room)
}

function exception(code: number, reason: ModbusException, room: FrameRoom): Uint8Array {
  const frame = Buffer.allocUnsafe(room.before + 2 + room.after)
  frame[room.before] = code | 0x80
  frame[room.before + 1] = reason
  return frame
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
