import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { OmronE5cc, omronE5cc } from '../../drivers/thermal/omron-e5cc.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { withChecksum } from '../../drivers/transports/modbus-client.ts'
import { RtuInstrument } from '../../sim/instruments/modbus-instrument.ts'
import { SimE5cc } from '../../sim/instruments/sim-e5cc.ts'
import { SimSdm120 } from '../../sim/instruments/sim-sdm120.ts'
import type { WireInstrument } from '../../sim/ports/wire-instrument.ts'
import type { ModbusDevice } from '../../sim/protocols/modbus-pdu.ts'
import { describeTemperatureController } from '../contracts/temperature-controller.contract.ts'
import { PlainRegisters, ScriptedInstrument, farEnd, forever, linesOf } from '../support/modbus-lines.ts'
import { TamperedWire, hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('e5cc')
const PATIENCE = { timeoutMs: 25, silenceMs: 3 }
const OPENING = [
  'set point in two-byte mode: 25.0 C',
  'set point in four-byte mode: 25.0 C',
  'decimal point: 1',
  'communications writing on',
  'RAM write mode',
  'status: stopped, writing enabled, RAM write mode',
]
const STOPPING = ['communications writing on', 'stop', 'status: stopped, writing enabled, RAM write mode']

/** An oven that is where it shall be at once, and 23 °C when it is not heated. */
class QuickOven {
  running = false
  broken = false
  #setPointC = 0

  setSetPointC(setPointC: number, running: boolean): void {
    this.#setPointC = setPointC
    this.running = running
  }

  temperatureC(): number {
    if (this.broken) return Number.NaN
    return this.running ? this.#setPointC : 23
  }
}

function wireTo(instrument: WireInstrument): TamperedWire {
  return new TamperedWire(new BytePipe('MODBUS::/dev/ttyUSB0::9600-8E1::1', farEnd(instrument)))
}

async function openOn(wire: TamperedWire, settings: Record<string, unknown> = {}): Promise<OmronE5cc> {
  const parsed = omronE5cc.settings.parse(settings)
  return OmronE5cc.open({ name: 'oven-1', transport: wire }, parsed, new VirtualClock(), forever(), PATIENCE)
}

async function openBench(
  settings: Record<string, unknown> = {},
  decimals = 1,
): Promise<{
  readonly controller: OmronE5cc
  readonly wire: TamperedWire
  readonly oven: QuickOven
  readonly sim: SimE5cc
}> {
  const oven = new QuickOven()
  const sim = new SimE5cc(oven, decimals)
  const unit = typeof settings['unit'] === 'number' ? settings['unit'] : 1
  const wire = wireTo(new RtuInstrument(sim, { unit, clock: new VirtualClock() }))
  return { controller: await openOn(wire, settings), wire, oven, sim }
}

const unitOne = (device: ModbusDevice): WireInstrument =>
  new RtuInstrument(device, { unit: 1, clock: new VirtualClock() })
const isStop = (bytes: Uint8Array): boolean => hexOf(bytes).startsWith('010600000101')
const isStatus = (bytes: Uint8Array): boolean => hexOf(bytes).startsWith('01032406')

describeTemperatureController('an Omron E5CC', async () => {
  const { controller, wire, oven } = await openBench()
  return {
    controller,
    messagesSent: () => wire.sent.length,
    running: () => oven.running,
    settle: () => Promise.resolve(),
  }
})

describeTemperatureController('an Omron E5CC without decimals as unit 12', async () => {
  const { controller, wire, oven } = await openBench({ unit: 12, decimals: 0, minC: 0, maxC: 200 }, 0)
  return {
    controller,
    messagesSent: () => wire.sent.length,
    running: () => oven.running,
    settle: () => Promise.resolve(),
  }
})

describe('an Omron E5CC', () => {
  test('is opened, set to 31.4 °C, run, read and stopped with these bytes', async () => {
    const script = new ScriptedInstrument(
      linesOf(vectors, [
        ...OPENING,
        'set point to 31.4 C',
        'run',
        'process value 24.7 C, control output on',
        ...STOPPING,
        ...STOPPING,
      ]),
    )
    {
      await using controller = await openOn(wireTo(script))
      await controller.setTemperatureC(31.4, forever())
      await controller.setRunning(true, forever())
      expect(await controller.readTemperatureC(forever())).toBe(24.7)
      await controller.makeSafe(forever())
    }
    expect(script.rest).toEqual([])
  })

  test('says of itself what a family without names can say', async () => {
    const { controller } = await openBench()
    await using _ = controller
    expect(controller.identity).toEqual({ maker: 'Omron', model: 'E5_C', serial: '', firmware: '' })
  })

  test('sets temperatures below zero', async () => {
    const { controller, oven } = await openBench({ minC: -40 })
    await using _ = controller
    await controller.setTemperatureC(-12.3, forever())
    await controller.setRunning(true, forever())
    expect(oven.temperatureC()).toBe(-12.3)
    expect(await controller.readTemperatureC(forever())).toBe(-12.3)
  })

  test('does not wear the memory of the controller, however often it is set', async () => {
    const { controller, sim } = await openBench()
    await using _ = controller
    for (let temperatureC = 20; temperatureC < 40; temperatureC++) {
      await controller.setTemperatureC(temperatureC, forever())
    }
    expect(sim.eepromWrites).toBe(0)
  })

  test('keeps to what four digits can show, however wide the limits of the bench file', async () => {
    const { controller } = await openBench({ decimals: 2, minC: -100, maxC: 500 }, 2)
    await using _ = controller
    expect(controller.temperatureRangeC).toEqual({ min: -19.99, max: 99.99 })
  })

  test('measures nothing with a broken sensor, and says so', async () => {
    const { controller, oven } = await openBench()
    await using _ = controller
    oven.broken = true
    await expect(controller.readTemperatureC(forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: expect.stringContaining('sensor') as string,
    })
    oven.broken = false
    expect(await controller.readTemperatureC(forever())).toBe(23)
  })

  test('is not opened with another number of decimals than it shows', async () => {
    const wire = wireTo(unitOne(new SimE5cc(new QuickOven(), 0)))
    await expect(openOn(wire)).rejects.toMatchObject({
      code: 'BENCH_FILE_INVALID',
      message: expect.stringContaining('"decimals: 0"') as string,
    })
    expect(wire.closed).toBe(true)
  })

  test('is stopped even after somebody restarted it, which locks it', async () => {
    const { controller, wire, oven } = await openBench()
    await controller.setRunning(true, forever())
    // A software reset, which is not answered.
    await wire.write(linesOf(vectors, ['software reset is not answered'])[0]!.sent, forever())
    await controller.makeSafe(forever())
    expect(oven.running).toBe(false)
    await controller[Symbol.asyncDispose]()
  })

  test('says once that it has restarted, and then takes settings again', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    await wire.write(linesOf(vectors, ['software reset is not answered'])[0]!.sent, forever())
    await expect(controller.setTemperatureC(30, forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_STATE_LOST',
      cause: { code: 'INSTRUMENT_REFUSED', context: { exception: 4 } },
    })
    await controller.setTemperatureC(30, forever())
  })

  test('is told again to stop when noise swallowed the first command', async () => {
    const { controller, wire, oven } = await openBench()
    await using _ = controller
    await controller.setRunning(true, forever())
    let lost = 0
    wire.tamper((bytes) => (isStop(bytes) && lost++ === 0 ? 'lose' : 'pass'))
    await controller.makeSafe(forever())
    expect([oven.running, lost]).toEqual([false, 2])
  })

  test('does not count as stopped when it says that it runs', async () => {
    const { controller, wire } = await openBench()
    await controller.setRunning(true, forever())
    const runningStatus = withChecksum(Uint8Array.of(1, 3, 4, 0, 0, 0x02, 0x10))
    wire.tamper((bytes) => (isStatus(bytes) ? runningStatus : 'pass'))
    await expect(controller.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    wire.tamper(() => 'pass')
    await controller[Symbol.asyncDispose]()
  })

  test('does not count as stopped when nobody answers, and the line is let go all the same', async () => {
    const { controller, wire } = await openBench()
    wire.tamper(() => 'lose')
    await expect(controller[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'SAFE_STATE_UNVERIFIED',
      cause: { code: 'TRANSPORT_TIMEOUT' },
    })
    expect(wire.closed).toBe(true)
  })

  test('never takes a late process value for the answer to the next question', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    await controller.setTemperatureC(60, forever())
    wire.holdReplies()
    await expect(controller.readTemperatureC(forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    wire.tamper((bytes) => {
      if (bytes[1] === 8) void wire.release()
      return 'pass'
    })
    await controller.setRunning(true, forever())
    expect(await controller.readTemperatureC(forever())).toBe(60)
  })

  test('reports a damaged reply, and reads the next one right', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    wire.tamper(() => Uint8Array.of(1, 3, 4, 0xde, 0xad, 0xbe, 0xef, 0, 0))
    await expect(controller.readTemperatureC(forever())).rejects.toMatchObject({
      code: 'PROTOCOL_CHECKSUM',
      context: { reply: '010304deadbeef0000' },
    })
    wire.tamper(() => 'pass')
    expect(await controller.readTemperatureC(forever())).toBe(23)
  })
})

describe('the line to an Omron E5CC', () => {
  test.each([
    [
      'an energy meter',
      new SimSdm120({ powerW: () => 0, energyKwh: () => 0 }, { unit: 1, serial: 1 }),
      /Illegal data address/,
    ],
    ['something with registers everywhere', plain(), /answers 7 and 524297/],
    ['something without holding registers', new PlainRegisters([4]), /Illegal function/],
  ])('is refused when %s answers', async (_, device, message) => {
    const wire = wireTo(unitOne(device))
    await expect(openOn(wire)).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringMatching(message) as string,
    })
    expect(wire.closed).toBe(true)
  })

  test('is closed again when nobody answers', async () => {
    const wire = wireTo({ attach: () => ({ receive: () => undefined, detach: () => undefined }) })
    await expect(openOn(wire)).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(wire.closed).toBe(true)
  })

  test('is refused when the controller does not take settings from it', async () => {
    const { wire } = await openBench()
    const locked = withChecksum(Uint8Array.of(1, 3, 4, 0, 0, 0x01, 0))
    const another = wireTo(unitOne(new SimE5cc(new QuickOven())))
    another.tamper((bytes) => (isStatus(bytes) ? locked : 'pass'))
    await expect(openOn(another)).rejects.toMatchObject({ code: 'INSTRUMENT_REFUSED' })
    await wire[Symbol.asyncDispose]()
  })
})

describe('the bench file entry of an Omron E5CC', () => {
  test('fills in its defaults and refuses what it does not know', () => {
    expect(omronE5cc.settings.parse({})).toEqual({ unit: 1, decimals: 1, minC: 0, maxC: 100 })
    expect(omronE5cc.settings.safeParse({ unit: 100 }).success).toBe(false)
    expect(omronE5cc.settings.safeParse({ setPoint: 25 }).success).toBe(false)
  })

  test('opens the controller at 9600 Bd with even parity', async () => {
    expect(omronE5cc).toMatchObject({
      kind: 'temperature-controller',
      wires: ['modbus-serial'],
      serialLine: { baudRate: 9600, dataBits: 8, parity: 'even', stopBits: 1 },
    })
    const transport = wireTo(unitOne(new SimE5cc(new QuickOven())))
    const settings = omronE5cc.settings.parse({})
    await using controller = await omronE5cc.open(
      { name: 'oven-1', transport },
      settings,
      new VirtualClock(),
      forever(),
    )
    expect(controller.identity.maker).toBe('Omron')
  })
})

function plain(): PlainRegisters {
  const registers = new PlainRegisters()
  registers.words[0x2103] = 7
  registers.words[0x0106] = 8
  registers.words[0x0107] = 9
  return registers
}
