import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { EastronSdm120, eastronSdm120 } from '../../drivers/power/eastron-sdm120.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { withChecksum } from '../../drivers/transports/modbus-client.ts'
import { RtuInstrument } from '../../sim/instruments/modbus-instrument.ts'
import { SimE5cc } from '../../sim/instruments/sim-e5cc.ts'
import { SimSdm120 } from '../../sim/instruments/sim-sdm120.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import type { ModbusDevice } from '../../sim/protocols/modbus-pdu.ts'
import { describeEnergyMeter } from '../contracts/energy-meter.contract.ts'
import { PlainRegisters, ScriptedInstrument, farEnd, forever, linesOf } from '../support/modbus-lines.ts'
import { TamperedWire } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('sdm120')
const TIMEOUT_MS = 25

interface Bench {
  readonly meter: EastronSdm120
  readonly wire: TamperedWire
  readonly mains: { powerW: number; energyKwh: number }
  readonly clock: VirtualClock
}

const wireTo = (instrument: WireInstrument): TamperedWire =>
  new TamperedWire(new BytePipe('MODBUS::/dev/ttyUSB1::9600-8N1::1', farEnd(instrument)))

async function openOn(
  wire: TamperedWire,
  settings: Record<string, unknown> = {},
  clock = new VirtualClock(),
): Promise<EastronSdm120> {
  const parsed = eastronSdm120.settings.parse(settings)
  return EastronSdm120.open({ name: 'mains', transport: wire }, parsed, clock, forever(), TIMEOUT_MS)
}

/** `minGapMs`: the meter misses what comes sooner, as the real one does. */
async function openBench(settings: Record<string, unknown> = {}, minGapMs = 60): Promise<Bench> {
  const clock = new VirtualClock()
  const mains = { powerW: 0, energyKwh: 0 }
  const unit = typeof settings['unit'] === 'number' ? settings['unit'] : 1
  const sim = new SimSdm120(
    { powerW: () => mains.powerW, energyKwh: () => mains.energyKwh },
    { unit, serial: 19_092_345 },
  )
  const wire = wireTo(new RtuInstrument(sim, { unit, clock, minGapMs }))
  return { meter: await openOn(wire, settings, clock), wire, mains, clock }
}

const unitOne = (device: ModbusDevice): WireInstrument =>
  new RtuInstrument(device, { unit: 1, clock: new VirtualClock() })

describeEnergyMeter('an Eastron SDM120', () => openBench())
describeEnergyMeter('an Eastron SDM120 as unit 33', () => openBench({ unit: 33, silenceMs: 60 }))

describe('an Eastron SDM120', () => {
  test('is opened and read with these bytes', async () => {
    const script = new ScriptedInstrument(
      linesOf(vectors, [
        'meter code 0x0020',
        'serial number 19092345',
        'active power 984.5 W',
        'total active energy 12.345 kWh',
      ]),
    )
    await using meter = await openOn(wireTo(script))
    expect(meter.identity).toEqual({ maker: 'Eastron', model: 'SDM120', serial: '19092345', firmware: '' })
    expect(await meter.readPowerW(forever())).toBe(984.5)
    expect(await meter.readEnergyKwh(forever())).toBeCloseTo(12.345, 6)
    expect(script.rest).toEqual([])
  })

  test('is left in peace for 100 ms between two questions', async () => {
    const { meter, clock } = await openBench()
    await using _ = meter
    const startNs = clock.monotonicNs()
    await Promise.all([meter.readPowerW(forever()), meter.readEnergyKwh(forever()), meter.readPowerW(forever())])
    expect((clock.monotonicNs() - startNs) / 1e6).toBeCloseTo(300, 6)
  })

  test('never takes a late power for the energy', async () => {
    const { meter, wire, mains } = await openBench({}, 0)
    await using _ = meter
    Object.assign(mains, { powerW: 111, energyKwh: 222 })
    wire.holdReplies()
    await expect(meter.readPowerW(forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    wire.tamper((bytes) => {
      if (bytes[1] === 8) void wire.release()
      return 'pass'
    })
    expect(await meter.readEnergyKwh(forever())).toBe(222)
  })

  test.each([
    ['not a number', [0x7f, 0xc0, 0, 0]],
    ['infinite', [0x7f, 0x80, 0, 0]],
  ])('reports a power that is %s', async (_, value) => {
    const { meter, wire } = await openBench()
    await using _meter = meter
    wire.tamper(() => withChecksum(Uint8Array.of(1, 4, 4, ...value)))
    await expect(meter.readPowerW(forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test('reports a damaged reply, and reads the next one right', async () => {
    const { meter, wire, mains } = await openBench({}, 0)
    await using _ = meter
    mains.powerW = 5
    wire.tamper(() => Uint8Array.of(1, 4, 4, 0xde, 0xad, 0xbe, 0xef, 0, 0))
    await expect(meter.readPowerW(forever())).rejects.toMatchObject({
      code: 'PROTOCOL_CHECKSUM',
      context: { reply: '010404deadbeef0000' },
    })
    wire.tamper(() => 'pass')
    expect(await meter.readPowerW(forever())).toBe(5)
  })
})

describe('the line to an Eastron SDM120', () => {
  test.each([
    [
      'a temperature controller',
      new SimE5cc({ setSetPointC: () => undefined, temperatureC: () => 20 }),
      /Illegal data address/,
    ],
    ['a meter with another code', plain(0x0070), /answers 0x0070/],
  ])('is refused when %s answers', async (_, device, message) => {
    const wire = wireTo(unitOne(device))
    await expect(openOn(wire)).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringMatching(message) as string,
    })
    expect(wire.closed).toBe(true)
  })

  test('is closed again when nobody answers', async () => {
    const wire = wireTo(unitOne(plain(0x0020)))
    wire.tamper(() => 'lose')
    await expect(openOn(wire)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(wire.closed).toBe(true)
  })
})

describe('the bench file entry of an Eastron SDM120', () => {
  test('fills in its defaults and refuses what it does not know', () => {
    expect(eastronSdm120.settings.parse({})).toEqual({ unit: 1, silenceMs: 100 })
    expect(eastronSdm120.settings.safeParse({ silenceMs: 59 }).success).toBe(false)
    expect(eastronSdm120.settings.safeParse({ unit: 0 }).success).toBe(false)
    expect(eastronSdm120.settings.safeParse({ phase: 1 }).success).toBe(false)
  })

  test('opens the meter at 9600 Bd without parity', async () => {
    expect(eastronSdm120).toMatchObject({
      kind: 'energy-meter',
      wires: ['modbus-serial'],
      serialLine: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
    })
    const transport = wireTo(unitOne(plain(0x0020)))
    const settings = eastronSdm120.settings.parse({})
    await using meter = await eastronSdm120.open({ name: 'mains', transport }, settings, new VirtualClock(), forever())
    expect(meter.identity.model).toBe('SDM120')
  })
})

function plain(meterCode: number): PlainRegisters {
  const registers = new PlainRegisters()
  registers.words[0xfc02] = meterCode
  return registers
}
