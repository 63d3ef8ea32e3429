import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { MbapInstrument, RtuInstrument } from '../../sim/instruments/modbus-instrument.ts'
import type { ModbusException } from '../../sim/protocols/modbus-pdu.ts'
import { crc16 } from '../../sim/protocols/modbus-rtu.ts'
import { Exchanger, PlainRegisters, chunked, forever } from '../support/modbus-lines.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('modbus')
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const rtu = (text: string): Uint8Array => {
  const bytes = hex(text)
  const crc = crc16(bytes, bytes.length)
  return Uint8Array.of(...bytes, crc & 0xff, crc >> 8)
}

function serialUnit(minGapMs = 0): { registers: PlainRegisters; line: Exchanger; clock: VirtualClock } {
  const clock = new VirtualClock()
  const registers = new PlainRegisters()
  return { registers, clock, line: new Exchanger(new RtuInstrument(registers, { unit: 1, clock, minGapMs })) }
}

function networkUnit(): { registers: PlainRegisters; socket: Exchanger } {
  const registers = new PlainRegisters()
  return { registers, socket: new Exchanger(new MbapInstrument(registers)) }
}

describe('the check sum of a simulated Modbus unit', () => {
  test.each(vectors)('fits the frames of: $meaning', ({ sent, reply }) => {
    for (const frame of [sent, reply]) {
      if (frame.length > 0) expect(crc16(frame, frame.length - 2)).toBe((frame.at(-1)! << 8) | frame.at(-2)!)
    }
  })
})

describe('a simulated Modbus unit on a serial line', () => {
  const answered = vectors.filter(({ meaning, reply }) => reply.length > 0 && !meaning.includes('refused'))

  test.each(answered)('answers: $meaning', ({ sent, reply }) => {
    const { registers, line } = serialUnit()
    // What was read comes from the reply itself; writes and loopbacks are echoed.
    const reads = sent[1] === 3 || sent[1] === 4
    const address = (sent[2]! << 8) | sent[3]!
    if (reads) for (let i = 0; i < 2; i++) registers.words[address + i] = (reply[3 + 2 * i]! << 8) | reply[4 + 2 * i]!
    expect(line.exchange(sent)).toBe(hexOf(reply))
  })

  test('answers the same frames in any pieces, and many in one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...answered), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (exchanges, cuts) => {
          const whole = serialUnit()
          const pieces = serialUnit()
          const stream = Buffer.concat(exchanges.map(({ sent }) => sent))
          const expected = exchanges.map(({ sent }) => whole.line.exchange(sent)).join('')
          expect(pieces.line.exchange(...chunked(stream, cuts))).toBe(expected)
          expect(expected.length).toBeGreaterThan(0)
        },
      ),
    )
  })

  test('says nothing to a frame with any single bit flipped, and hears the next one after a pause', async () => {
    const request = rtu('01 03 00 00 00 02')
    for (let bit = 0; bit < 8 * request.length; bit++) {
      const { line, clock } = serialUnit()
      const damaged = request.slice()
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7))
      expect(line.exchange(damaged), `bit ${bit}`).toBe('')
      await clock.sleep(60, forever())
      expect(line.exchange(request), `after bit ${bit}`).toBe(hexOf(rtu('01 03 04 00 00 00 00')))
    }
  })

  test('forgets half a request after a pause of 60 ms', async () => {
    const { line, clock } = serialUnit()
    const request = rtu('01 03 00 00 00 01')
    expect(line.exchange(request.subarray(0, 5))).toBe('')
    await clock.sleep(60, forever())
    expect(line.exchange(request)).toBe(hexOf(rtu('01 03 02 00 00')))
  })

  test('finds its way after noise longer than any frame', () => {
    const { line } = serialUnit()
    expect(line.exchange(new Uint8Array(300).fill(0x55))).toBe('')
    const { line: fresh } = serialUnit()
    expect(fresh.exchange(new Uint8Array(256).fill(0x55), rtu('01 03 00 00 00 01'))).toBe(hexOf(rtu('01 03 02 00 00')))
  })

  test('says nothing to other units and to all units at once', () => {
    const { line, registers } = serialUnit()
    expect(line.exchange(rtu('02 03 00 00 00 01'), rtu('00 06 00 00 00 07'))).toBe('')
    expect(registers.words[0]).toBe(0)
    expect(line.exchange(rtu('01 03 00 00 00 01'))).not.toBe('')
  })

  test.each([
    ['a function it does not know', '01 05 00 00 FF 00', '01 85 01'],
    ['a function that no unit of this kind knows', '01 2B 0E 01 00', '01 AB 01'],
    ['126 registers', '01 03 00 00 00 7E', '01 83 03'],
    ['no register at all', '01 04 00 00 00 00', '01 84 03'],
    ['a byte count that is not twice the count', '01 10 00 00 00 02 02 00 01', '01 90 03'],
    ['a loopback with another sub-function', '01 08 00 01 12 34', '01 88 03'],
  ])('refuses %s', (_, request, reply) => {
    expect(serialUnit().line.exchange(rtu(request))).toBe(hexOf(rtu(reply)))
  })

  test.each([1, 2, 3, 4, 5, 6] as const)('passes on exception %i of its registers', (exception: ModbusException) => {
    const { line, registers } = serialUnit()
    registers.refuse = exception
    expect(line.exchange(rtu('01 03 00 00 00 01'))).toBe(hexOf(rtu(`01 83 0${exception}`)))
    expect(line.exchange(rtu('01 06 00 00 00 01'))).toBe(hexOf(rtu(`01 86 0${exception}`)))
    expect(line.exchange(rtu('01 10 00 00 00 01 02 00 01'))).toBe(hexOf(rtu(`01 90 0${exception}`)))
  })

  test('reads 125 and writes 123 registers at once', () => {
    const { line, registers } = serialUnit()
    expect(line.exchange(rtu('01 03 00 00 00 7D'))).toHaveLength(2 * 255)
    expect(line.exchange(rtu(`01 10 00 00 00 7B F6 ${'AB CD '.repeat(123)}`))).toBe(hexOf(rtu('01 10 00 00 00 7B')))
    expect(registers.words.subarray(0, 124)).toEqual(Uint16Array.from([...new Array<number>(123).fill(0xabcd), 0]))
  })

  test('with a minimum gap misses what comes too early', async () => {
    const { line, clock } = serialUnit(60)
    const request = rtu('01 03 00 00 00 01')
    expect(line.exchange(request)).not.toBe('')
    await clock.sleep(59, forever())
    expect(line.exchange(request)).toBe('')
    await clock.sleep(60, forever())
    expect(line.exchange(request)).not.toBe('')
  })

  test('sends nothing to a client that has gone', () => {
    const heard: string[] = []
    const clock = new VirtualClock()
    const connection = new RtuInstrument(new PlainRegisters(), { unit: 1, clock }).attach((bytes) =>
      heard.push(hexOf(bytes)),
    )
    connection.detach()
    connection.receive(rtu('01 03 00 00 00 01'))
    expect(heard).toEqual([])
  })
})

describe('a simulated Modbus unit on a network', () => {
  test('echoes transaction and unit, whatever they are', () => {
    const { socket, registers } = networkUnit()
    registers.words[2] = 0xbeef
    expect(socket.exchange(hex('fffe 0000 0006 2a 03 0002 0001'))).toBe('fffe000000052a0302beef')
    expect(socket.exchange(hex('0000 0000 0006 00 04 0002 0001'))).toBe('00000000000500' + '0402beef')
  })

  test('answers frames in any pieces, and many in one', () => {
    const request = (id: number): Uint8Array => hex(`00${id.toString(16).padStart(2, '0')} 0000 0006 01 03 0000 0001`)
    const reply = (id: number): string => `00${id.toString(16).padStart(2, '0')}00000005010302` + '0000'
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(), { maxLength: 30 }), (count, cuts) => {
        const ids = Array.from({ length: count }, (_, i) => i)
        const stream = Buffer.concat(ids.map(request))
        expect(networkUnit().socket.exchange(...chunked(stream, cuts))).toBe(ids.map(reply).join(''))
      }),
    )
  })

  test('skips frames of another protocol', () => {
    const { socket } = networkUnit()
    expect(socket.exchange(hex('0001 0007 0006 01 03 0000 0001 0002 0000 0006 01 03 0000 0001'))).toBe(
      '0002000000050103020000',
    )
  })

  test.each(['0000', '0001', '00ff', 'ffff'])('takes no more after the impossible length %s', (length) => {
    const { socket } = networkUnit()
    const request = hex('0002 0000 0006 01 03 0000 0001')
    expect(socket.exchange(hex(`0001 0000 ${length} 01 03 0000 0001`), request)).toBe('')
  })

  test('refuses a request whose length does not fit its function', () => {
    const { socket } = networkUnit()
    expect(socket.exchange(hex('0001 0000 0008 01 03 0000 0001 0000'))).toBe('000100000003018303')
    expect(socket.exchange(hex('0002 0000 0004 01 06 0000'))).toBe('000200000003018603')
    expect(socket.exchange(hex('0003 0000 0009 01 10 0000 0002 04 0001'))).toBe('000300000003019003')
    expect(socket.exchange(hex('0006 0000 000b 01 10 0000 0002 02 0001 0002'))).toBe('000600000003019003')
    expect(socket.exchange(hex('0004 0000 0002 01 7f'))).toBe('00040000000301ff01')
    expect(socket.exchange(hex('0005 0000 0006 01 03 0000 007e'))).toBe('000500000003018303')
  })
})
