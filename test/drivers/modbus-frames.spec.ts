import { describe, expect, test } from 'vitest'
import {
  float32At,
  float32Words,
  int16At,
  int32At,
  mbapFrame,
  readMbapFrame,
  rtuReplyLength,
  uint32At,
} from '../../drivers/protocols/modbus.ts'
import { ModbusClient, withChecksum } from '../../drivers/transports/modbus-client.ts'
import { linesOf } from '../support/modbus-lines.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('modbus')

describe('a Modbus request', () => {
  const client = new ModbusClient(1)

  test.each([
    ['read 2 input registers at 0x0000: 230.2 V', () => client.readInput(0x0000, 2)],
    ['read 80 input registers at 0x0000 (request alone)', () => client.readInput(0x0000, 80)],
    ['read 2 input registers at 0x0034 (request alone)', () => client.readInput(0x0034, 2)],
    ['read 2 input registers at 0x0156 (request alone)', () => client.readInput(0x0156, 2)],
    ['read 2 holding registers at 0x0000 (request alone)', () => client.readHolding(0x0000, 2)],
    ['read 2 holding registers at 0x000c: 100 ms', () => client.readHolding(0x000c, 2)],
    ['read 1 holding register at 0x0023 (request alone)', () => client.readHolding(0x0023, 1)],
    ['read 2 input registers at 0x0008: 4.28 A', () => client.readInput(0x0008, 2)],
    ['write 60.0 to holding registers 0x0002', () => client.writeRegisters(0x0002, float32Words([60]))],
    ['write 2.0 to holding registers 0x001c', () => client.writeRegisters(0x001c, float32Words([2]))],
    ['write 1000 and -1000 to registers 0x2105', () => client.writeRegisters(0x2105, Uint16Array.of(1000, -1000))],
    [
      'write 1000 and -1000 as 32 bits to registers 0x010a',
      () => client.writeRegisters(0x010a, Uint16Array.of(0, 1000, 0xffff, -1000)),
    ],
    ['write 257 to register 0x0000', () => client.writeRegister(0x0000, 257)],
    ['loopback of 0xaa55', () => ({ request: client.loopbackRequest(0xaa55) })],
    ['loopback of 0x1234', () => ({ request: client.loopbackRequest(0x1234) })],
  ])('%s', (meaning, begin) => {
    const [vector] = linesOf(vectors, [meaning])
    expect(hexOf(begin().request)).toBe(hexOf(vector!.sent))
  })

  test.each([
    ['read 2 input registers at 0x0000: 230.2 V', 0x0000, 230.2],
    ['read 2 input registers at 0x0008: 4.28 A', 0x0008, 4.2805],
  ])('reads the value out of the reply: %s', (meaning, address, expected) => {
    const [vector] = linesOf(vectors, [meaning])
    const outcome = client.readInput(address, 2).accept(vector!.reply)
    expect('value' in outcome && float32At(outcome.value, 0)).toBeCloseTo(expected, 3)
  })

  test('takes the echo of a write for its success', () => {
    const lines = linesOf(vectors, ['write 60.0 to holding registers 0x0002', 'write 257 to register 0x0000'])
    expect(client.writeRegisters(0x0002, float32Words([60])).accept(lines[0]!.reply)).toEqual({ value: undefined })
    expect(client.writeRegister(0x0000, 257).accept(lines[1]!.reply)).toEqual({ value: undefined })
  })

  test('names exception 1 of the meter', () => {
    const [vector] = linesOf(vectors, ['write 60.0 to holding registers 0x0002, refused with exception 1'])
    const outcome = client.writeRegisters(0x0002, float32Words([60])).accept(vector!.reply)
    expect('refused' in outcome && outcome.refused).toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      context: { exception: 1, reply: '0190018dc0' },
      message: expect.stringContaining('Illegal function') as string,
    })
  })
})

describe('a Modbus reply', () => {
  const client = new ModbusClient(1)
  const frame = (...bytes: readonly number[]): Uint8Array => withChecksum(Uint8Array.from(bytes))

  test.each([
    ['of another unit', 'PROTOCOL_UNEXPECTED_REPLY', frame(2, 3, 2, 0, 1)],
    ['of another function', 'PROTOCOL_UNEXPECTED_REPLY', frame(1, 4, 2, 0, 1)],
    ['with another count of registers', 'PROTOCOL_UNEXPECTED_REPLY', frame(1, 3, 4, 0, 1, 0, 2)],
    ['with the exception of another unit', 'PROTOCOL_UNEXPECTED_REPLY', frame(2, 0x83, 2)],
    ['with the exception of another function', 'PROTOCOL_UNEXPECTED_REPLY', frame(1, 0x84, 2)],
    ['with a wrong check sum', 'PROTOCOL_CHECKSUM', Uint8Array.of(1, 3, 2, 0, 1, 0, 0)],
  ])('%s is %s', (_, code, reply) => {
    expect(() => client.readHolding(0, 1).accept(reply)).toThrow(
      expect.objectContaining({ code, context: { reply: hexOf(reply) } }) as Error,
    )
  })

  test.each([
    ['another address', () => client.writeRegister(5, 9).accept(frame(1, 6, 0, 6, 0, 9))],
    ['another value', () => client.writeRegister(5, 9).accept(frame(1, 6, 0, 5, 0, 8))],
    ['another count', () => client.writeRegisters(5, Uint16Array.of(9)).accept(frame(1, 16, 0, 5, 0, 2))],
    ['another first address', () => client.writeRegisters(5, Uint16Array.of(9)).accept(frame(1, 16, 0, 4, 0, 1))],
  ])('that echoes %s is refused', (_, accept) => {
    expect(accept).toThrow(expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY' }) as Error)
  })

  test('ends where its function says', () => {
    const length = (...bytes: readonly number[]): number | undefined => rtuReplyLength(Uint8Array.from(bytes))
    expect([
      length(1),
      length(1, 3),
      length(1, 3, 4),
      length(1, 4, 250),
      length(1, 6),
      length(1, 16),
      length(1, 0x83),
    ]).toEqual([undefined, undefined, 9, 255, 8, 8, 5])
    expect(() => length(1, 0x2b)).toThrow(expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY' }) as Error)
  })

  test('over TCP is told apart by its transaction', () => {
    const reply = mbapFrame(41, Uint8Array.of(1, 3, 2, 0, 1))
    expect(hexOf(reply)).toBe('0029000000050103020001')
    expect(readMbapFrame(reply.subarray(0, 10), 41)).toBeUndefined()
    expect(hexOf(readMbapFrame(reply, 41) ?? Uint8Array.of())).toBe('0103020001')
    expect(() => readMbapFrame(reply, 42)).toThrow(/transaction 41 instead of 42/)
  })

  test.each([
    ['another protocol', '0001000100050103020001'],
    ['a length no reply has', '00010000000201030200'],
    ['a length beyond every frame', '0001000000ff0103020001'],
  ])('over TCP with %s is refused', (_, hex) => {
    expect(() => readMbapFrame(Uint8Array.from(Buffer.from(hex, 'hex')), 1)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY' }) as Error,
    )
  })
})

describe('values in registers', () => {
  test('are high word first', () => {
    expect(float32At(Uint16Array.of(0x4366, 0x3334), 0)).toBeCloseTo(230.2, 4)
    expect(Array.from(float32Words([60]))).toEqual([0x4270, 0])
    expect(uint32At(Uint16Array.of(0xfff0, 1), 0)).toBe(0xfff0_0001)
    expect(int32At(Uint16Array.of(0xffff, 0xfc18), 0)).toBe(-1000)
    expect(int16At(Uint16Array.of(0xfc18), 0)).toBe(-1000)
  })

  test('are never made up for registers that did not come', () => {
    expect(() => float32At(Uint16Array.of(1), 0)).toThrow(RangeError)
  })
})
