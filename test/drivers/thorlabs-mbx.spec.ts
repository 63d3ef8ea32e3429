import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { ThorlabsMbx, thorlabsMbx } from '../../drivers/modulators/thorlabs-mbx.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { SimMbx } from '../../sim/instruments/sim-mbx.ts'
import type { SimMbxOptions } from '../../sim/instruments/sim-mbx.ts'
import { describeBiasController } from '../contracts/bias-controller.contract.ts'
import { TamperedWire } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('mbx')
const forever = (): AbortSignal => new AbortController().signal
/** Real time: as short as a byte pipe allows, so that faults cost milliseconds. */
const TIMING = { replyMs: 40, quietMs: 10 }
const NULL_BIAS_V = -1.734
const IDN = '*IDN?\r'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const bytes = (characters: string): Uint8Array => Buffer.from(characters, 'latin1')

function vector(meaning: string): { sent: Uint8Array; reply: Uint8Array } {
  const found = vectors.find((one) => one.meaning === meaning)
  if (found === undefined) throw new Error(`no vector "${meaning}"`)
  return found
}

interface Bench {
  readonly controller: ThorlabsMbx
  readonly wire: TamperedWire
  readonly clock: VirtualClock
  readonly world: { biasV: number; light: boolean }
}

async function openBench(
  options: Partial<SimMbxOptions> = {},
  benchFile: Record<string, unknown> = { lockTimeoutMs: 10_000 },
  timing = TIMING,
): Promise<Bench> {
  const clock = new VirtualClock()
  const world = { biasV: Number.NaN, light: true }
  const port = {
    setBiasV: (biasV: number) => (world.biasV = biasV),
    followNull: () => (world.biasV = NULL_BIAS_V),
    nullBiasV: () => NULL_BIAS_V,
    tapMw: () => (world.light ? 0.2 * Math.sin((Math.PI * (world.biasV - NULL_BIAS_V)) / 7) ** 2 : 0),
  }
  const sim = new SimMbx(port, { name: 'bias-1', seed: 3, clock, settings: {} }, options)
  const wire = new TamperedWire(new BytePipe('ASRL/dev/ttyUSB1::INSTR', (send) => sim.attach(send)))
  const settings = thorlabsMbx.settings.parse(benchFile)
  const controller = await ThorlabsMbx.open({ name: 'bias-1', transport: wire }, settings, clock, forever(), timing)
  return { controller, wire, clock, world }
}

function underTest({
  controller,
  world,
}: Bench): Parameters<typeof describeBiasController>[1] extends () => Promise<infer T> ? T : never {
  return {
    controller,
    biasV: () => world.biasV,
    nullBiasV: NULL_BIAS_V,
    setLight: (on) => (world.light = on),
  }
}

describeBiasController('a Thorlabs MBX, silent on settings, replies ending in CR', async () =>
  underTest(await openBench({ terminator: '\r', answersSettings: false })),
)
describeBiasController('a Thorlabs MBX, answering settings, replies ending in LF', async () =>
  underTest(await openBench({ terminator: '\n', answersSettings: true })),
)
describeBiasController('a Thorlabs MBX, answering settings, replies ending in CR LF', async () =>
  underTest(await openBench({ terminator: '\r\n', answersSettings: true })),
)

describe('a Thorlabs MBX', () => {
  test('says who it is', async () => {
    const { controller } = await openBench()
    await using _ = controller
    expect(controller.identity).toMatchObject({ maker: 'THORLABS', model: 'MBX-SIM', firmware: '1.9.4' })
    expect(controller.identity.serial).toMatch(/^SIM\d+$/)
  })

  test.each([
    { terminator: '\r', answersSettings: false },
    { terminator: '\n', answersSettings: true },
    { terminator: '\r\n', answersSettings: true },
  ] as const)('is set to null with one message and asked until it has locked: %o', async (firmware) => {
    const { controller, wire } = await openBench({ calibrationMs: 600, ...firmware })
    await using _ = controller
    const before = wire.sent.length
    await controller.lockNull(forever())
    const busy = text(vector('no calibration is under way').sent)
    expect(wire.sent.slice(before).map(text)).toEqual([
      text(vector('the mode is set to null').sent) + IDN,
      'MZM:MODE?\r',
      busy,
      busy,
      busy,
      text(vector('the bias is locked').sent),
    ])
  })

  test('is switched off with one message and asked whether it is', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    const before = wire.sent.length
    await controller.makeSafe(forever())
    expect(wire.sent.slice(before).map(text)).toEqual([
      text(vector('the mode is set to off').sent) + IDN,
      'MZM:MODE?\r',
    ])
  })

  test('reports the bias in volts', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    const { sent, reply } = vector('the bias is 5.42 V')
    wire.tamper((request) => (text(request) === text(sent) ? reply : 'pass'))
    expect(await controller.readBiasV(forever())).toBe(5.42)
  })

  test('takes as long to lock as the calibration does', async () => {
    const { controller, clock } = await openBench({ calibrationMs: 4000 })
    await using _ = controller
    await controller.lockNull(forever())
    expect(clock.monotonicNs() / 1e9).toBeCloseTo(4, 0)
  })

  test('an answer that is under way until after the deadline is not the last word', async () => {
    const { controller, wire, clock } = await openBench()
    await using _ = controller
    let slow = true
    wire.tamper((request) => {
      if (slow && text(request).startsWith('MZM:CALIBRATING?')) {
        slow = false
        clock.moveTo(clock.monotonicNs() + 10_000e6)
        return bytes('1\r\n')
      }
      return 'pass'
    })
    await controller.lockNull(forever())
    expect(slow).toBe(false)
    expect(await controller.readLocked(forever())).toBe(true)
  })

  test('gives up on a lock at its deadline', async () => {
    const { controller, clock } = await openBench({ calibrationMs: 60_000 }, { lockTimeoutMs: 5000 })
    await using _ = controller
    await expect(controller.lockNull(forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_NOT_SETTLED',
      message: expect.stringContaining('5000 ms') as unknown,
    })
    expect(clock.monotonicNs() / 1e9).toBeCloseTo(5, 1)
  })

  test('stops waiting for a lock when the caller gives up', async () => {
    const { controller, wire } = await openBench({ calibrationMs: 60_000 })
    await using _ = controller
    const caller = new AbortController()
    let polls = 0
    wire.tamper((request) => {
      if (text(request).startsWith('MZM:CAL') && ++polls === 3) caller.abort()
      return 'pass'
    })
    await expect(controller.lockNull(caller.signal)).rejects.toThrow()
    expect(polls).toBe(3)
    expect(await controller.readLocked(forever())).toBe(false)
  })

  test('names the answer when a setting is refused', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    const { reply } = vector('a mode that does not exist')
    const identification = `THORLABS,MBX-SIM,${controller.identity.serial},1.9.4\r`
    wire.tamper((request) => (text(request).startsWith('MZM:MODE: 2') ? bytes(text(reply) + identification) : 'pass'))
    await expect(controller.lockNull(forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'bias-1: "MZM:MODE: 2" was answered "Err: Data out of range"',
    })
  })

  test('names the answer when a question is refused', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    const { reply } = vector('a command that does not exist')
    wire.tamper((request) => (text(request) === 'MZM:VOLTAGE?\r' ? reply : 'pass'))
    await expect(controller.readBiasV(forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      context: { reply: 'Err: Undefined header' },
    })
  })

  test('does not count as safe while it reports another mode than off', async () => {
    const { controller, wire } = await openBench()
    wire.tamper((request) => (text(request) === 'MZM:MODE?\r' ? bytes('2\r') : 'pass'))
    await expect(controller.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    wire.tamper(() => 'pass')
    await controller[Symbol.asyncDispose]()
  })

  test('lets go of the wire even when it could not be made safe', async () => {
    const { controller, wire } = await openBench()
    wire.tamper(() => 'lose')
    await expect(controller[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    expect(wire.closed).toBe(true)
  })
})

describe('the line to a Thorlabs MBX', () => {
  test.each(['', '5.42 V', 'five', '0x10', '1e', 'nan', '5,42'])('does not read %j as a voltage', async (reply) => {
    const { controller, wire } = await openBench()
    await using _ = controller
    wire.tamper((request) => (text(request) === 'MZM:VOLTAGE?\r' ? bytes(`${reply} \r`) : 'pass'))
    await expect(controller.readBiasV(forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply },
    })
  })

  test('reads over the second half of a line end that comes late', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    wire.tamper((request) => (text(request) === 'MZM:VOLTAGE?\r' ? bytes('\n5.42\r') : 'pass'))
    expect(await controller.readBiasV(forever())).toBe(5.42)
  })

  test('is opened although the last owner left half a command', async () => {
    const clock = new VirtualClock()
    const port = { setBiasV: () => undefined, followNull: () => undefined, nullBiasV: () => 0, tapMw: () => 0 }
    const sim = new SimMbx(port, { name: 'bias-1', seed: 3, clock, settings: {} })
    sim.attach(() => undefined).receive(bytes('MZM:HOLD'))
    const transport = new BytePipe('ASRL/dev/ttyUSB1::INSTR', (send) => sim.attach(send))
    const settings = thorlabsMbx.settings.parse({})
    await using controller = await ThorlabsMbx.open({ name: 'bias-1', transport }, settings, clock, forever(), TIMING)
    expect(controller.identity.model).toBe('MBX-SIM')
  })

  test('does not read 2 as a yes or a no', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    wire.tamper((request) => (text(request) === 'MZM:SETPOINT?\r' ? bytes('2\r') : 'pass'))
    await expect(controller.readLocked(forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test('reports bytes that are no text', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    wire.tamper((request) => (text(request) === 'MZM:VOLTAGE?\r' ? Uint8Array.of(0xff, 0x00, 0x0d) : 'pass'))
    await expect(controller.readBiasV(forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply: 'ff00' },
    })
  })

  test('gives up on a line that never ends', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    wire.tamper((request) => (text(request) === 'MZM:VOLTAGE?\r' ? bytes('9'.repeat(300)) : 'pass'))
    await expect(controller.readBiasV(forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test('gives up on a setting that is answered with talk', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    wire.tamper((request) => (text(request).startsWith('MZM:MODE: 2') ? bytes('1\r1\r1\r1\r') : 'pass'))
    await expect(controller.lockNull(forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test('is refused when something else answers', async () => {
    const wire = new TamperedWire(
      new BytePipe('ASRL/dev/ttyUSB1::INSTR', () => ({ receive: () => undefined, detach: () => undefined })),
    )
    wire.tamper(() => bytes('ACME,TL100,42,1.0\r\n'))
    const settings = thorlabsMbx.settings.parse({})
    const opening = ThorlabsMbx.open(
      { name: 'bias-1', transport: wire },
      settings,
      new VirtualClock(),
      forever(),
      TIMING,
    )
    await expect(opening).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: 'bias-1: expected a Thorlabs MBX bias controller, found "ACME,TL100,42,1.0"',
    })
    expect(wire.closed).toBe(true)
  })

  test('is refused when another controller answers than the bench file names', async () => {
    await expect(openBench({}, { serial: 'M01234567' })).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringContaining('M01234567') as unknown,
    })
  })

  test('is closed again when nobody answers', async () => {
    const wire = new TamperedWire(
      new BytePipe('ASRL/dev/ttyUSB1::INSTR', () => ({ receive: () => undefined, detach: () => undefined })),
    )
    const settings = thorlabsMbx.settings.parse({})
    const opening = ThorlabsMbx.open(
      { name: 'bias-1', transport: wire },
      settings,
      new VirtualClock(),
      forever(),
      TIMING,
    )
    await expect(opening).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(wire.closed).toBe(true)
  })

  test.each(['before the next question', 'while the line is brought back'])(
    'never takes a late reply, arriving %s, for the answer to the next question',
    async (moment) => {
      const { controller, wire } = await openBench()
      await using _ = controller
      await controller.lockNull(forever())
      wire.holdReplies()
      await expect(controller.readLocked(forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
      if (moment === 'before the next question') await wire.release()
      wire.tamper((request) => {
        if (text(request).endsWith(IDN)) void wire.release()
        return 'pass'
      })
      // The late reply is 0: a voltage as good as any, and the wrong one.
      expect(await controller.readBiasV(forever())).toBe(NULL_BIAS_V)
    },
  )

  test('forgets half a command that was lost on the way', async () => {
    const { controller, wire } = await openBench()
    await using _ = controller
    let cut = false
    wire.tamper(() => {
      if (cut) return 'pass'
      cut = true
      void wire.write(bytes('MZM:VOL'), forever())
      return 'lose'
    })
    await expect(controller.readBiasV(forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(await controller.readBiasV(forever())).toBe(0)
  })

  test('says so when the controller does not come back', async () => {
    const { controller, wire } = await openBench()
    wire.tamper(() => 'lose')
    await expect(controller.readBiasV(forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    await expect(controller.readBiasV(forever())).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      message: expect.stringContaining('who it is') as unknown,
    })
    wire.tamper(() => 'pass')
    expect(await controller.readBiasV(forever())).toBe(0)
    await controller[Symbol.asyncDispose]()
  })
})

describe('the bench file entry of a Thorlabs MBX', () => {
  test('fills in its defaults and refuses what it does not know', () => {
    expect(thorlabsMbx.settings.parse({})).toEqual({ lockTimeoutMs: 90_000 })
    expect(thorlabsMbx.settings.safeParse({ mode: 2 }).success).toBe(false)
  })

  test('opens the controller at 115200 Bd', async () => {
    expect(thorlabsMbx).toMatchObject({ kind: 'bias-controller', wires: ['serial'], serialLine: { baudRate: 115_200 } })
    const clock = new VirtualClock()
    const port = { setBiasV: () => undefined, followNull: () => undefined, nullBiasV: () => 0, tapMw: () => 0 }
    const sim = new SimMbx(port, { name: 'bias-1', seed: 3, clock, settings: { serial: 'M01234567' } })
    const transport = new BytePipe('ASRL/dev/ttyUSB1::INSTR', (send) => sim.attach(send))
    const settings = thorlabsMbx.settings.parse({ serial: 'M01234567' })
    await using controller = await thorlabsMbx.open({ name: 'bias-1', transport }, settings, clock, forever())
    expect(controller.identity.serial).toBe('M01234567')
  })
})
