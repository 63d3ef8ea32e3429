import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { WireDirection, WireTap } from '../../core/transport.ts'
import { mbapFrame } from '../../drivers/protocols/modbus.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import type { PipeEnd } from '../../drivers/transports/byte-pipe.ts'
import { withChecksum } from '../../drivers/transports/modbus-client.ts'
import { resynchroniseRtu } from '../../drivers/transports/modbus-resynchronise.ts'
import { ModbusLink } from '../../drivers/transports/modbus.ts'
import type { ModbusLinkOptions } from '../../drivers/transports/modbus.ts'
import { TappedTransport } from '../../drivers/transports/tapped.ts'
import { MbapInstrument, RtuInstrument } from '../../sim/instruments/modbus-instrument.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import type { ModbusException } from '../../sim/protocols/modbus-pdu.ts'
import { PlainRegisters, farEnd, forever, inPieces } from '../support/modbus-lines.ts'
import { TamperedWire, hexOf } from '../support/tampered-wire.ts'

const UNIT = 7
const TIMEOUT_MS = 25
const SILENCE_MS = 3

interface Bench {
  readonly link: ModbusLink
  readonly wire: TamperedWire
  readonly registers: PlainRegisters
  readonly clock: VirtualClock
}

function openBench(
  framing: 'rtu' | 'tcp',
  options: Partial<ModbusLinkOptions> = {},
  functions?: readonly number[],
): Bench {
  const clock = new VirtualClock()
  const registers = new PlainRegisters(functions)
  const instrument =
    framing === 'rtu' ? new RtuInstrument(registers, { unit: UNIT, clock }) : new MbapInstrument(registers)
  const wire = new TamperedWire(new BytePipe('MODBUS::test', farEnd(instrument)))
  const link = ModbusLink.open(
    { name: 'unit', transport: wire },
    { unit: UNIT, framing, timeoutMs: TIMEOUT_MS, silenceMs: SILENCE_MS, clock, ...options },
  )
  return { link, wire, registers, clock }
}

function linkTo(pipe: PipeEnd, framing: 'rtu' | 'tcp'): ModbusLink {
  const transport = new BytePipe('MODBUS::test', pipe)
  const options = { unit: UNIT, framing, timeoutMs: 1000, clock: new VirtualClock() }
  return ModbusLink.open({ name: 'unit', transport }, options)
}

describe.each(['rtu', 'tcp'] as const)('a Modbus link over %s', (framing) => {
  test('reads what was written, whatever the chunks on the wire', async () => {
    const word = fc.integer({ min: 0, max: 0xffff })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 0xff00 }),
        fc.uint16Array({ minLength: 1, maxLength: 123 }),
        word,
        fc.array(fc.nat(), { maxLength: 12 }),
        async (address, values, single, cuts) => {
          const registers = new PlainRegisters()
          const clock = new VirtualClock()
          const instrument: WireInstrument =
            framing === 'rtu' ? new RtuInstrument(registers, { unit: UNIT, clock }) : new MbapInstrument(registers)
          await using link = linkTo(inPieces(instrument, cuts), framing)
          await link.writeRegisters(address, values, forever())
          expect(await link.readHolding(address, values.length, forever())).toEqual(values)
          await link.writeRegister(address, single, forever())
          expect(Array.from(await link.readInput(address, 1, forever()))).toEqual([single])
        },
      ),
      { numRuns: 150 },
    )
  })

  test.each([1, 2, 3, 4, 5, 6] as const)(
    'reports exception %i and goes on at once',
    async (exception: ModbusException) => {
      const { link, wire, registers } = openBench(framing)
      await using _ = link
      registers.refuse = exception
      await expect(link.readHolding(0x1234, 1, forever())).rejects.toMatchObject({
        code: 'INSTRUMENT_REFUSED',
        context: { exception },
        message: expect.stringContaining('0x1234') as string,
      })
      registers.refuse = 'ok'
      registers.words[3] = 33
      expect(Array.from(await link.readHolding(3, 1, forever()))).toEqual([33])
      expect(wire.sent).toHaveLength(2)
    },
  )

  test('sends nothing that no unit could answer', async () => {
    const { link, wire } = openBench(framing)
    await using _ = link
    const refused = { code: 'RANGE_EXCEEDED' }
    await expect(link.readHolding(0, 126, forever())).rejects.toMatchObject(refused)
    await expect(link.readInput(0, 0, forever())).rejects.toMatchObject(refused)
    await expect(link.readInput(0xffff, 2, forever())).rejects.toMatchObject(refused)
    await expect(link.readHolding(0.5, 1, forever())).rejects.toMatchObject(refused)
    await expect(link.writeRegister(-1, 0, forever())).rejects.toMatchObject(refused)
    await expect(link.writeRegister(0, 0x1_0000, forever())).rejects.toMatchObject(refused)
    await expect(link.writeRegisters(0, new Uint16Array(124), forever())).rejects.toMatchObject(refused)
    expect(wire.sent).toHaveLength(0)
  })

  test('answers a crowd of questions each with its own value', async () => {
    const { link, registers } = openBench(framing)
    await using _ = link
    registers.words.forEach((_word, i) => (registers.words[i] = i))
    const addresses = Array.from({ length: 300 }, (_, i) => i * 7)
    const answers = await Promise.all(addresses.map((address) => link.readHolding(address, 1, forever())))
    expect(answers.map((words) => words[0])).toEqual(addresses)
  })

  test('gives up at its deadline when nobody answers', async () => {
    const { link, wire } = openBench(framing)
    await using _ = link
    wire.tamper(() => 'lose')
    await expect(link.readHolding(0, 1, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
  })

  test('rejects under an aborted signal without a byte, and works again under a fresh one', async () => {
    const { link, wire } = openBench(framing)
    await using _ = link
    await expect(link.readHolding(0, 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    expect(wire.sent).toHaveLength(0)
    expect(Array.from(await link.readHolding(0, 1, forever()))).toEqual([0])
  })

  test('does not let an aborted question be answered later', async () => {
    const { link, wire, registers } = openBench(framing)
    await using _ = link
    registers.words.set([111, 222])
    const caller = new AbortController()
    wire.holdReplies()
    const abandoned = link.readHolding(0, 1, caller.signal)
    await new Promise((resolve) => setImmediate(resolve))
    caller.abort()
    await expect(abandoned).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    await wire.release()
    const next = link.readHolding(1, 1, forever())
    expect(Array.from(await next)).toEqual([222])
  })

  test('sends the same bytes whenever it is asked the same', async () => {
    const run = async (): Promise<readonly string[]> => {
      const { link, wire, registers } = openBench(framing)
      await using _ = link
      await link.writeRegisters(4, Uint16Array.of(1, 2, 3), forever())
      registers.refuse = 2
      await link.readInput(9, 2, forever()).catch(() => undefined)
      registers.refuse = 'ok'
      wire.tamper(() => 'lose')
      await link.readInput(9, 2, forever()).catch(() => undefined)
      wire.tamper(() => 'pass')
      await link.readInput(9, 2, forever())
      return wire.sent.map(hexOf)
    }
    const first = await run()
    expect(first.length).toBeGreaterThanOrEqual(4)
    expect(await run()).toEqual(first)
  })

  test('shows every byte to the tap', async () => {
    const records: string[] = []
    const tap: WireTap = {
      cause: 0,
      record: (direction: WireDirection, bytes) => records.push(`${direction} ${hexOf(bytes)}`),
    }
    const clock = new VirtualClock()
    const registers = new PlainRegisters()
    const instrument =
      framing === 'rtu' ? new RtuInstrument(registers, { unit: 1, clock }) : new MbapInstrument(registers)
    const transport = new TappedTransport(new BytePipe('MODBUS::test', farEnd(instrument)), tap)
    await using link = ModbusLink.open({ name: 'unit', transport, tap }, { unit: 1, framing, timeoutMs: 1000, clock })
    await link.readInput(0, 2, forever())
    expect(records).toEqual(
      framing === 'rtu'
        ? ['tx 01040000000271cb', 'rx 01040400000000fb84']
        : ['tx 000100000006010400000002', 'rx 00010000000701040400000000'],
    )
  })
})

describe('a Modbus link over a serial line', () => {
  test.each(['before the next question', 'while the line becomes quiet', 'after the loopback was sent'])(
    'never takes a late reply for the answer to the next question: it comes %s',
    async (moment) => {
      const { link, wire, registers } = openBench('rtu')
      await using _ = link
      registers.words.set([111, 222])
      wire.holdReplies()
      await expect(link.readHolding(0, 1, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
      if (moment === 'before the next question') await wire.release()
      wire.tamper((bytes) => {
        if (bytes[1] === 8) void wire.release()
        return 'pass'
      })
      const next = link.readHolding(1, 1, forever())
      if (moment === 'while the line becomes quiet') setImmediate(() => void wire.release())
      expect(Array.from(await next)).toEqual([222])
      expect(wire.sent.map((bytes) => bytes[1])).toEqual([3, 8, 3])
    },
  )

  test('stays suspect as long as its loopback does not come back', async () => {
    const { link, wire, registers } = openBench('rtu')
    await using _ = link
    registers.words.set([111, 222])
    wire.holdReplies()
    await expect(link.readHolding(0, 1, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    await expect(link.readHolding(1, 1, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      message: expect.stringContaining('suspect') as string,
    })
    await wire.release()
    expect(Array.from(await link.readHolding(1, 1, forever()))).toEqual([222])
    // Each loopback carries another word: the echo of the first cannot pass for that of the second.
    const loopbacks = wire.sent.map(hexOf).filter((frame) => frame.startsWith('0708'))
    expect(loopbacks.map((frame) => frame.slice(0, 12))).toEqual(['070800000001', '070800000002'])
  })

  test('takes the refusal of a loopback for a sign that the unit has nothing more to say', async () => {
    const { link, wire } = openBench('rtu', {}, [3])
    await using _ = link
    wire.tamper(() => 'lose')
    await expect(link.readHolding(0, 1, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    wire.tamper(() => 'pass')
    expect(Array.from(await link.readHolding(0, 1, forever()))).toEqual([0])
  })

  test.each([
    ['a wrong check sum', '07030200019999', 'PROTOCOL_CHECKSUM'],
    ['another unit', hexOf(withChecksum(Uint8Array.of(8, 3, 2, 0, 1))), 'PROTOCOL_UNEXPECTED_REPLY'],
    ['a function nobody asked for', '072b0e010000', 'PROTOCOL_UNEXPECTED_REPLY'],
    ['no sense at all', 'ffffffffffff', 'PROTOCOL_CHECKSUM'],
  ])('reports a reply with %s, and reads the next one right', async (_, reply, code) => {
    const { link, wire, registers } = openBench('rtu')
    await using _link = link
    registers.words[5] = 55
    wire.tamper(() => Uint8Array.from(Buffer.from(reply, 'hex')))
    await expect(link.readHolding(5, 1, forever())).rejects.toMatchObject({ code })
    wire.tamper(() => 'pass')
    expect(Array.from(await link.readHolding(5, 1, forever()))).toEqual([55])
  })

  test('does not use what follows a reply', async () => {
    const { link, wire, registers } = openBench('rtu')
    await using _ = link
    registers.words.set([111, 222])
    const reply = withChecksum(Uint8Array.of(UNIT, 3, 2, 0, 111))
    wire.tamper(() => Buffer.concat([reply, reply]))
    expect(Array.from(await link.readHolding(0, 1, forever()))).toEqual([111])
    wire.tamper(() => 'pass')
    expect(Array.from(await link.readHolding(1, 1, forever()))).toEqual([222])
  })

  test('gives up on a line that is never quiet', async () => {
    const { wire } = openBench('rtu')
    const raw = { transport: wire, write: async () => undefined, nextBytes: async () => Uint8Array.of(0) }
    await expect(resynchroniseRtu(UNIT, TIMEOUT_MS, SILENCE_MS)(raw, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      message: expect.stringContaining('never quiet') as string,
    })
  })

  test('gives up on a line where everything comes but the loopback', async () => {
    const { wire } = openBench('rtu')
    let asked = 0
    // Quiet until the loopback is sent.
    const nextBytes = async (): Promise<Uint8Array | undefined> => (asked++ === 0 ? undefined : Uint8Array.of(0))
    const raw = { transport: wire, write: async () => undefined, nextBytes }
    await expect(resynchroniseRtu(UNIT, TIMEOUT_MS, SILENCE_MS)(raw, forever())).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      message: expect.stringContaining('no loopback') as string,
    })
  })

  test('keeps the gap that the unit asked for, and sleeps it on the clock of the bench', async () => {
    const { link, clock } = openBench('rtu', { gapMs: 60 })
    await using _ = link
    const startNs = clock.monotonicNs()
    await Promise.all([0, 1, 2].map((address) => link.readHolding(address, 1, forever())))
    expect((clock.monotonicNs() - startNs) / 1e6).toBe(120)
    await clock.sleep(1000, forever())
    const laterNs = clock.monotonicNs()
    await link.readHolding(0, 1, forever())
    expect(clock.monotonicNs()).toBe(laterNs)
  })

  test('refuses a unit number that no serial line has', () => {
    expect(() => openBench('rtu', { unit: 0 })).toThrow(/unit 0/)
    expect(() => openBench('rtu', { unit: 248 })).toThrow(/unit 248/)
  })
})

describe('a Modbus link over a socket', () => {
  test('numbers its transactions from 1, and goes on after it connected again', async () => {
    const { link, wire, registers } = openBench('tcp')
    await using _ = link
    registers.words.set([111, 222])
    await link.readHolding(0, 1, forever())
    wire.holdReplies()
    await expect(link.readHolding(0, 1, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    await wire.release()
    const next = link.readHolding(1, 1, forever())
    expect(Array.from(await next)).toEqual([222])
    expect(wire.sent.map((bytes) => (bytes[0]! << 8) | bytes[1]!)).toEqual([1, 2, 3])
  })

  test('spends no transaction number on a question that was given up before it was asked', async () => {
    const { link, wire } = openBench('tcp')
    await using _ = link
    await link.readHolding(0, 1, AbortSignal.abort()).catch(() => undefined)
    await link.readHolding(0, 1, forever())
    expect(hexOf(wire.sent[0]!.subarray(0, 2))).toBe('0001')
  })

  test('refuses the late reply of another transaction even on the same connection', async () => {
    const { link, wire, registers } = openBench('tcp')
    await using _ = link
    registers.words[0] = 111
    await link.readHolding(0, 1, forever())
    wire.tamper(() => mbapFrame(1, Uint8Array.of(UNIT, 3, 2, 0, 111)))
    await expect(link.readHolding(0, 1, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      message: expect.stringContaining('transaction 1 instead of 2') as string,
    })
    wire.tamper(() => 'pass')
    expect(Array.from(await link.readHolding(0, 1, forever()))).toEqual([111])
  })

  test('has transaction numbers for 65 536 questions, not for 256', async () => {
    const { link, wire } = openBench('tcp')
    await using _ = link
    for (let i = 0; i < 300; i++) await link.readHolding(i, 1, forever())
    expect(hexOf(wire.sent[299]!.subarray(0, 2))).toBe('012c')
  })
})
