import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { LabjackT7, labjackT7 } from '../../drivers/detectors/labjack-t7.ts'
import { float32Words, mbapFrame } from '../../drivers/protocols/modbus.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { MbapInstrument } from '../../sim/instruments/modbus-instrument.ts'
import { SimT7 } from '../../sim/instruments/sim-t7.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import { describeVoltageMonitor } from '../contracts/voltage-monitor.contract.ts'
import type { VoltageMonitorUnderTest } from '../contracts/voltage-monitor.contract.ts'
import { PlainRegisters, ScriptedInstrument, farEnd, forever, linesOf } from '../support/modbus-lines.ts'
import { TamperedWire } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('t7')
const TIMEOUT_MS = 25
const OPENING = [
  'TEST is 0x00112233',
  'product 7, hardware 1.35, firmware 1.0318',
  'serial number 470012345',
  'ranges of 1 V',
  'single-ended inputs',
  'resolution index 8',
  'ranges read back',
]
/** Transactions of the opening; the next one has this number. */
const NEXT_TRANSACTION = OPENING.length + 1

const wireTo = (instrument: WireInstrument): TamperedWire =>
  new TamperedWire(new BytePipe('MODBUS::10.0.0.7::502::1', farEnd(instrument)))

async function openOn(wire: TamperedWire, settings: Record<string, unknown> = {}): Promise<LabjackT7> {
  const parsed = labjackT7.settings.parse(settings)
  return LabjackT7.open({ name: 'taps', transport: wire }, parsed, new VirtualClock(), forever(), TIMEOUT_MS)
}

async function openBench(settings: Record<string, unknown> = {}): Promise<{
  readonly monitor: LabjackT7
  readonly wire: TamperedWire
  readonly inputsV: Float64Array
}> {
  const inputsV = new Float64Array(14)
  const options = { clock: new VirtualClock(), name: 'taps', seed: 3, serial: 470_012_345 }
  const sim = new SimT7({ voltageV: (channel) => inputsV[channel] ?? 0 }, options)
  const wire = wireTo(new MbapInstrument(sim))
  return { monitor: await openOn(wire, settings), wire, inputsV }
}

const underTest =
  (settings: Record<string, unknown>, rangeV: number, errorV: number): (() => Promise<VoltageMonitorUnderTest>) =>
  async () => {
    const { monitor, wire, inputsV } = await openBench(settings)
    return { monitor, inputsV, rangeV, errorV, messagesSent: () => wire.sent.length }
  }

// One code of 16 bits is 1/33 000 of the range; five times the noise of one conversion, or of 128 averaged ones.
describeVoltageMonitor('a LabJack T7 in its 1 V range', underTest({}, 1, 5e-5))
describeVoltageMonitor('a LabJack T7 in a hurry', underTest({ rangeV: 10, resolutionIndex: 1 }, 10, 2e-3))

describe('a LabJack T7', () => {
  test('is opened with these bytes', async () => {
    const script = new ScriptedInstrument(linesOf(vectors, OPENING))
    await using monitor = await openOn(wireTo(script))
    expect(monitor.identity).toEqual({ maker: 'LabJack', model: 'T7', serial: '470012345', firmware: '1.0318' })
    expect(script.rest).toEqual([])
  })

  test('reads all fourteen inputs in one exchange', async () => {
    const { monitor, wire } = await openBench()
    await using _ = monitor
    const before = wire.sent.length
    await monitor.readVoltagesV(0, 14, forever())
    expect(wire.sent).toHaveLength(before + 1)
  })

  test.each([10, 1, 0.1, 0.01])('reads as far as its range of %d V', async (rangeV) => {
    const { monitor, inputsV } = await openBench({ rangeV })
    await using _ = monitor
    inputsV.set([20, -20, rangeV / 2])
    const [over, under, half] = await monitor.readVoltagesV(0, 3, forever())
    expect(over! / rangeV).toBeCloseTo(1.01, 2)
    expect(under! / rangeV).toBeCloseTo(-1.06, 2)
    expect(half! / rangeV).toBeCloseTo(0.5, 4)
  })

  test.each([
    ['the −9999 of an input that cannot be read', -9999],
    ['no number', Number.NaN],
    ['a voltage beyond its range', 1.2],
  ])('reports %s', async (_, voltageV) => {
    const { monitor, wire } = await openBench()
    await using _monitor = monitor
    const [high = 0, low = 0] = float32Words([voltageV])
    const reply = Uint8Array.of(1, 3, 4, high >> 8, high & 0xff, low >> 8, low & 0xff)
    wire.tamper(() => mbapFrame(NEXT_TRANSACTION, reply))
    await expect(monitor.readVoltagesV(6, 1, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      message: expect.stringContaining('AIN6') as string,
    })
  })

  test('says what its last error was when it refuses', async () => {
    const { monitor, wire } = await openBench()
    await using _ = monitor
    const replies = [
      mbapFrame(NEXT_TRANSACTION, Uint8Array.of(1, 0x83, 4)),
      mbapFrame(NEXT_TRANSACTION + 1, Uint8Array.of(1, 3, 2, 2315 >> 8, 2315 & 0xff)),
    ]
    wire.tamper(() => replies.shift() ?? 'pass')
    await expect(monitor.readVoltagesV(0, 1, forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      context: { exception: 4, detail: 2315, instrument: 'taps' },
      message: expect.stringContaining('error 2315 (a value of 32 bits was cut in half)') as string,
    })
  })

  test('is not opened with a resolution that only a T7-Pro has', async () => {
    await expect(openBench({ resolutionIndex: 12 })).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      context: { exception: 3 },
    })
  })

  test('is not opened when it keeps another range', async () => {
    const wire = wireTo(new ScriptedInstrument(linesOf(vectors, OPENING)))
    const other = mbapFrame(OPENING.length, Uint8Array.of(1, 3, 56, ...new Uint8Array(56)))
    wire.tamper((bytes) => (bytes[1] === OPENING.length ? other : 'pass'))
    await expect(openOn(wire)).rejects.toMatchObject({ code: 'INSTRUMENT_REFUSED', context: { rangeV: 1 } })
    expect(wire.closed).toBe(true)
  })

  test('never takes a late reading for the answer to the next question', async () => {
    const { monitor, wire, inputsV } = await openBench()
    await using _ = monitor
    inputsV.set([0.111, 0.222])
    wire.holdReplies()
    await expect(monitor.readVoltagesV(0, 1, forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    await wire.release()
    const next = monitor.readVoltagesV(1, 1, forever())
    expect((await next)[0]).toBeCloseTo(0.222, 4)
  })

  test('reports nonsense with the raw reply, and reads the next one right', async () => {
    const { monitor, wire, inputsV } = await openBench()
    await using _ = monitor
    inputsV[0] = 0.5
    wire.tamper(() => Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 0xde, 0xad))
    await expect(monitor.readVoltagesV(0, 1, forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply: 'deadbeefdead' },
    })
    wire.tamper(() => 'pass')
    expect((await monitor.readVoltagesV(0, 1, forever()))[0]).toBeCloseTo(0.5, 4)
  })
})

describe('the connection to a LabJack T7', () => {
  test.each([
    ['a LabJack T4', labjack(4), /product 4/],
    ['another instrument', new PlainRegisters(), /has 0 where a LabJack has 1122867/],
    ['something without these registers', new PlainRegisters([4]), /Illegal function/],
  ])('is refused when %s answers', async (_, device, message) => {
    const wire = wireTo(new MbapInstrument(device))
    await expect(openOn(wire)).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringMatching(message) as string,
    })
    expect(wire.closed).toBe(true)
  })

  test('is closed again when nobody answers', async () => {
    const wire = wireTo(new MbapInstrument(labjack(7)))
    wire.tamper(() => 'lose')
    await expect(openOn(wire)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(wire.closed).toBe(true)
  })
})

describe('the bench file entry of a LabJack T7', () => {
  test('fills in its defaults and refuses what it does not know', () => {
    expect(labjackT7.settings.parse({})).toEqual({ unit: 1, rangeV: 1, resolutionIndex: 8 })
    expect(labjackT7.settings.safeParse({ rangeV: 5 }).success).toBe(false)
    expect(labjackT7.settings.safeParse({ resolutionIndex: 13 }).success).toBe(false)
    expect(labjackT7.settings.safeParse({ channels: 14 }).success).toBe(false)
  })

  test('opens the monitor', async () => {
    expect(labjackT7).toMatchObject({ kind: 'voltage-monitor', wires: ['modbus-tcp'] })
    const transport = wireTo(new MbapInstrument(labjack(7)))
    const settings = labjackT7.settings.parse({})
    await using monitor = await labjackT7.open({ name: 'taps', transport }, settings, new VirtualClock(), forever())
    expect(monitor.identity.model).toBe('T7')
  })
})

function labjack(product: number): PlainRegisters {
  const registers = new PlainRegisters()
  registers.words.set([0x0011, 0x2233], 55100)
  registers.words.set(float32Words([product]), 60000)
  return registers
}
