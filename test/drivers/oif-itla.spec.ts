import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { powerDbm } from '../../core/quantities.ts'
import { OifItla, oifItla } from '../../drivers/lasers/oif-itla.ts'
import { itlaRead, itlaReply, itlaSigned, itlaWrite } from '../../drivers/protocols/itla.ts'
import { BytePipe } from '../../drivers/transports/byte-pipe.ts'
import { SimItla } from '../../sim/instruments/sim-itla.ts'
import type { SimItlaOptions } from '../../sim/instruments/sim-itla.ts'
import { describeLaser } from '../contracts/laser.contract.ts'
import { TamperedWire, hexOf } from '../support/tampered-wire.ts'
import type { Tampering } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('itla')
const forever = (): AbortSignal => new AbortController().signal
/** Real time: as short as a byte pipe allows, so that faults cost milliseconds. */
const TIMING = { replyMs: 40, quietMs: 10 }

function vector(meaning: string): { sent: Uint8Array; reply: Uint8Array } {
  const found = vectors.find((one) => one.meaning === meaning)
  if (found === undefined) throw new Error(`no vector "${meaning}"`)
  return found
}

interface Bench {
  readonly laser: OifItla
  readonly wire: TamperedWire
  readonly clock: VirtualClock
  readonly lightMw: () => number
}

async function openBench(
  options: Partial<SimItlaOptions> = {},
  benchFile: Record<string, unknown> = {},
  tampering: Tampering = () => 'pass',
): Promise<Bench> {
  const clock = new VirtualClock()
  let lightMw = 0
  const context = { name: 'laser-1', seed: 7, clock, settings: {} }
  const sim = new SimItla({ setOutput: (output) => (lightMw = output.powerMw) }, context, options)
  const wire = new TamperedWire(new BytePipe('ASRL/dev/ttyUSB0::INSTR', (send) => sim.attach(send)))
  wire.tamper(tampering)
  const settings = oifItla.settings.parse(benchFile)
  const laser = await OifItla.open({ name: 'laser-1', transport: wire }, settings, clock, forever(), TIMING)
  return { laser, wire, clock, lightMw: () => lightMw }
}

/** Answers a request in the laser's place, once. */
function forgeOnce(wire: TamperedWire, ...exchanges: readonly { sent: Uint8Array; reply: Uint8Array }[]): void {
  const rest = [...exchanges]
  wire.tamper((request) => {
    if (rest[0] === undefined || hexOf(rest[0].sent) !== hexOf(request)) return 'pass'
    return rest.shift()?.reply ?? 'pass'
  })
}

describeLaser('an ITLA laser with MHz registers', async () => {
  const { laser, wire, lightMw } = await openBench()
  return { laser, lightMw, messagesSent: () => wire.sent.length }
})

describeLaser('an ITLA laser without MHz registers', async () => {
  const { laser, wire, lightMw } = await openBench({ resolvesMhz: false })
  return { laser, lightMw, messagesSent: () => wire.sent.length }
})

describe('the ITLA codec', () => {
  const intact = vectors.filter(({ meaning }) => meaning !== 'the laser saw a damaged request')

  test.each(intact)('writes the request: $meaning', ({ sent }) => {
    const [control = 0, register = 0, high = 0, low = 0] = sent
    const data = (high << 8) | low
    expect(hexOf((control & 1) === 1 ? itlaWrite(register, data) : itlaRead(register))).toBe(hexOf(sent))
  })

  test.each([
    ['a laser that is ready has nothing pending', 'done', 0x0010],
    ['the device type is eight bytes long', 'extended', 8],
    ['the device type begins with CW', 'done', 0x4357],
    ['switching on takes its time', 'pending', 8],
    ['13.00 dBm is more than the laser has', 'execution-error', 1300],
    ['the reason was a value out of range', 'done', 0x0013],
  ])('reads the reply: %s', (meaning, status, data) => {
    const { sent, reply } = vector(meaning)
    expect(itlaReply(sent[1] ?? 0)(reply)).toEqual({ message: { status, data }, used: 4 })
  })

  test('waits for the fourth byte and leaves what follows', () => {
    const { reply } = vector('switching off')
    expect(itlaReply(0x32)(reply.subarray(0, 3))).toBeUndefined()
    expect(itlaReply(0x32)(Buffer.concat([reply, reply]))?.used).toBe(4)
  })

  test('refuses a reply with any single bit flipped', () => {
    const { reply } = vector('switching off')
    for (let bit = 0; bit < 32; bit++) {
      const damaged = reply.slice()
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7))
      expect(() => itlaReply(0x32)(damaged), `bit ${bit}`).toThrow(/damaged/)
    }
  })

  test('refuses a reply about another register', () => {
    expect(() => itlaReply(0x31)(vector('switching off').reply)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_UNEXPECTED_REPLY', context: { reply: '54320000', register: 0x31 } }),
    )
  })

  test('reads and writes negative words as two’s complement', () => {
    expect(itlaSigned(0xfe0c)).toBe(-500)
    expect(hexOf(itlaWrite(0x31, -500))).toBe('e131fe0c')
  })
})

describe('an ITLA laser', () => {
  test('says who it is and what it can do', async () => {
    const { laser } = await openBench()
    await using _ = laser
    expect(laser.identity).toMatchObject({ maker: 'FRINGE', model: 'SIM-ITLA', firmware: 'SIM:1.0' })
    expect(laser.identity.serial).toMatch(/^SIM\d+$/)
    expect(laser.frequencyRangeThz).toEqual({ min: 191.5, max: 196.25 })
    expect(laser.powerRangeDbm).toEqual({ min: 6, max: 13.5 })
  })

  test('keeps to the tighter of its own limits and those of the bench file', async () => {
    const { laser } = await openBench(
      {},
      { powerRangeDbm: { min: 0, max: 10 }, frequencyRangeThz: { min: 193, max: 200 } },
    )
    await using _ = laser
    expect(laser.powerRangeDbm).toEqual({ min: 6, max: 10 })
    expect(laser.frequencyRangeThz).toEqual({ min: 193, max: 196.25 })
  })

  test('is not opened with limits that it cannot keep', async () => {
    await expect(openBench({}, { powerRangeDbm: { min: 15, max: 16 } })).rejects.toMatchObject({
      code: 'BENCH_FILE_INVALID',
    })
  })

  test('is set to 193.414489 THz as THz, tenths of GHz, MHz and channel 1', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    const before = wire.sent.length
    await laser.setFrequencyThz(193.414489, forever())
    const writes = wire.sent.slice(before).filter((bytes) => (bytes[0]! & 1) === 1)
    expect(writes.map(hexOf)).toEqual(
      [
        'a grid of 50 GHz',
        '193.414489 THz, the THz',
        '193.414489 THz, the tenths of GHz',
        '193.414489 THz, the MHz',
        'channel 1 starts to tune',
      ].map((meaning) => hexOf(vector(meaning).sent)),
    )
    expect(await laser.readFrequencyThz(forever())).toBe(193.414489)
  })

  test('without MHz registers is set to the nearest 0.1 GHz', async () => {
    const { laser, wire } = await openBench({ resolvesMhz: false })
    await using _ = laser
    const before = wire.sent.length
    await laser.setFrequencyThz(193.41447, forever())
    expect(wire.sent.slice(before).some((bytes) => bytes[1] === 0x67)).toBe(false)
    expect(await laser.readFrequencyThz(forever())).toBe(193.4145)
  })

  test('loses a fine-tuning offset that somebody left behind', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    forgeOnce(wire, forged(0x62, 1000))
    const before = wire.sent.length
    await laser.setFrequencyThz(193.4, forever())
    expect(wire.sent.slice(before).map(hexOf)).toContain(hexOf(itlaWrite(0x62, 0)))
  })

  test('is switched on with one write, and asked until nothing is pending', async () => {
    const { laser, wire, clock } = await openBench({ enableMs: 2500 })
    await using _ = laser
    const before = wire.sent.length
    const startNs = clock.monotonicNs()
    await laser.setEmission(true, forever())
    expect(hexOf(wire.sent[before]!)).toBe(hexOf(vector('switching on takes its time').sent))
    expect(wire.sent.slice(before + 1, -2).every((bytes) => hexOf(bytes) === '00000000')).toBe(true)
    expect((clock.monotonicNs() - startNs) / 1e6).toBeCloseTo(2500, -2)
  })

  test('gives up on an operation that stays pending past its deadline', async () => {
    const { laser } = await openBench({ enableMs: 10_000 }, { settleTimeoutMs: 3000 })
    await using _ = laser
    await expect(laser.setEmission(true, forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_NOT_SETTLED',
      message: expect.stringContaining('3000 ms') as unknown,
    })
  })

  test('goes dark at once while it is still switching on', async () => {
    const { laser, wire, lightMw } = await openBench({ enableMs: 10_000 }, { settleTimeoutMs: 3000 })
    await expect(laser.setEmission(true, forever())).rejects.toThrow()
    await laser[Symbol.asyncDispose]()
    expect([lightMw(), wire.closed]).toEqual([0, true])
  })

  test('names the reason when it refuses', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    forgeOnce(wire, vector('13.00 dBm is more than the laser has'), vector('the reason was a value out of range'))
    await expect(laser.setPowerDbm(powerDbm(13), forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'laser-1: the laser refused to set PWR to 0x0514: RVE, value out of range',
    })
  })

  test('names the reason when it will not say', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    forgeOnce(wire, forged(0x62, 0, 'execution-error'), forged(0x00, 0x0018))
    await expect(laser.setFrequencyThz(193.4, forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'laser-1: the laser refused to read FTF: EXF, execution failed',
    })
  })

  test('waits for what an earlier caller began and gave up, then does as it is told', async () => {
    const { laser, wire, lightMw } = await openBench({ enableMs: 5000 })
    await using _ = laser
    const caller = new AbortController()
    let polls = 0
    wire.tamper((request) => {
      if (hexOf(request) === '00000000' && ++polls === 3) caller.abort()
      return 'pass'
    })
    await expect(laser.setEmission(true, caller.signal)).rejects.toThrow()
    await laser.setPowerDbm(powerDbm(7), forever())
    expect(10 * Math.log10(lightMw())).toBeCloseTo(7, 0)
  })

  test('is not ready until it says so', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    let asked = 0
    wire.tamper((bytes) => (bytes[1] === 0x00 && ++asked <= 3 ? forged(0x00, 0).reply : 'pass'))
    await laser.setFrequencyThz(193.4, forever())
    expect(asked).toBeGreaterThan(3)
  })

  test('emits nothing while it has shut itself down, and is not taken for switched on', async () => {
    const { laser, wire } = await openBench({}, { settleTimeoutMs: 4000 })
    await using _ = laser
    wire.tamper((bytes) => (bytes[1] === 0x21 ? forged(0x21, 0x1000).reply : 'pass'))
    await expect(laser.setEmission(true, forever())).rejects.toMatchObject({ code: 'INSTRUMENT_NOT_SETTLED' })
    expect(await laser.readEmission(forever())).toBe(false)
  })

  test('is not taken for switched off while it says that it is enabled', async () => {
    const { laser, wire } = await openBench({}, { settleTimeoutMs: 4000 })
    await using _ = laser
    wire.tamper((bytes) => (hexOf(bytes) === hexOf(itlaRead(0x32)) ? forged(0x32, 0x0008).reply : 'pass'))
    await expect(laser.setEmission(false, forever())).rejects.toMatchObject({ code: 'INSTRUMENT_NOT_SETTLED' })
    wire.tamper(() => 'pass')
  })

  test('repeats a request that was damaged on its way, once', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    forgeOnce(wire, { sent: vector('10.00 dBm').sent, reply: vector('the laser saw a damaged request').reply })
    const before = wire.sent.length
    await laser.setPowerDbm(powerDbm(10), forever())
    const powers = wire.sent.slice(before).filter((bytes) => bytes[1] === 0x31)
    expect(powers.map(hexOf)).toEqual(['613103e8', '613103e8'])
  })

  test('gives up when the repeated request is damaged too', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    wire.tamper((bytes) => (bytes[1] === 0x31 ? vector('the laser saw a damaged request').reply : 'pass'))
    await expect(laser.setPowerDbm(powerDbm(10), forever())).rejects.toMatchObject({ code: 'PROTOCOL_CHECKSUM' })
  })

  test('does not count as dark when it says nothing of its output and still measures light', async () => {
    const { laser, wire } = await openBench()
    const { reply: notDisabled } = forged(0x21, 0x0000)
    const { reply: tenDbm } = forged(0x42, 1000)
    wire.tamper((bytes) => (bytes[1] === 0x21 ? notDisabled : bytes[1] === 0x42 ? tenDbm : 'pass'))
    await expect(laser.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    wire.tamper((bytes) => (bytes[1] === 0x21 ? notDisabled : 'pass'))
    await laser.makeSafe(forever())
    await laser[Symbol.asyncDispose]()
  })

  test('lets go of the wire even when it could not be made safe', async () => {
    const { laser, wire } = await openBench()
    wire.tamper(() => 'lose')
    await expect(laser[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    expect(wire.closed).toBe(true)
  })
})

describe('the line to an ITLA laser', () => {
  test('is refused when another laser answers than the bench file names', async () => {
    await expect(openBench({}, { serial: 'CRTMB1234' })).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringMatching(
        /expected .*CRTMB1234, found FRINGE SIM-ITLA with serial number SIM\d+/,
      ) as unknown,
    })
  })

  test('is refused when what answers is no laser', async () => {
    const asFilter = words('CW FLTR\0')
    const opening = openBench({}, {}, (bytes) => (bytes[1] === 0x0b ? (asFilter.shift() ?? 'pass') : 'pass'))
    await expect(opening).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringContaining('type "CW FLTR"') as unknown,
    })
  })

  test('reads a text to its announced length, with or without an end mark', async () => {
    const model = [forged(0x03, 3, 'extended').reply, ...words('ABC?')]
    let inModel = false
    const { laser } = await openBench({}, {}, (bytes) => {
      inModel = bytes[1] === 0x03 || (inModel && bytes[1] === 0x0b && model.length > 0)
      return inModel ? (model.shift() ?? 'pass') : 'pass'
    })
    await using _ = laser
    expect(laser.identity.model).toBe('ABC')
  })

  test('knows no firmware where the laser has no register for it', async () => {
    let asked = false
    const { laser } = await openBench({}, {}, (bytes) => {
      if (bytes[1] === 0x06) asked = true
      if (bytes[1] === 0x06) return forged(0x06, 0, 'execution-error').reply
      if (bytes[1] === 0x00 && asked) return forged(0x00, 0x0011).reply
      return 'pass'
    })
    await using _ = laser
    expect(laser.identity.firmware).toBe('')
  })

  test.each([
    ['bytes that are no text', forged(0x02, 2, 'extended').reply, words('\u0007\u00ff')],
    ['a word where a text should be', forged(0x02, 2).reply, []],
    ['a text longer than any', forged(0x02, 257, 'extended').reply, []],
  ])('is closed again over %s', async (_, announced, content) => {
    const replies = [announced, ...content]
    let inMaker = false
    const opening = openBench({}, {}, (bytes) => {
      inMaker ||= bytes[1] === 0x02
      return inMaker ? (replies.shift() ?? 'pass') : 'pass'
    })
    await expect(opening).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test('knows the limits of the laser to the MHz', async () => {
    const { laser } = await openBench({}, {}, (bytes) => {
      if (bytes[1] === 0x69) return forged(0x69, 7).reply
      return bytes[1] === 0x6a ? forged(0x6a, 50).reply : 'pass'
    })
    await using _ = laser
    expect(laser.frequencyRangeThz).toEqual({ min: 191.500007, max: 196.25005 })
  })

  test('is closed again when nobody answers, with a hint', async () => {
    const wire = new TamperedWire(
      new BytePipe('ASRL/dev/ttyUSB0::INSTR', () => ({ receive: () => undefined, detach: () => undefined })),
    )
    const opening = OifItla.open(
      { name: 'laser-1', transport: wire },
      oifItla.settings.parse({}),
      new VirtualClock(),
      forever(),
      TIMING,
    )
    await expect(opening).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      message: expect.stringContaining('9600 Bd') as unknown,
    })
    expect(wire.closed).toBe(true)
  })

  test('reports the raw reply when the laser answers nonsense', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    wire.tamper((bytes) => (bytes[1] === 0x42 ? Uint8Array.of(0xde, 0xad, 0xbe, 0xee) : 'pass'))
    await expect(laser.readPowerDbm(forever())).rejects.toMatchObject({
      code: 'PROTOCOL_CHECKSUM',
      context: { reply: 'deadbeee' },
    })
    expect(wire.sent.filter((bytes) => bytes[1] === 0x42)).toHaveLength(1)
    wire.tamper(() => 'pass')
    expect(await laser.readFrequencyThz(forever())).toBe(191.5)
  })

  test('does not take nonsense for a frequency', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    wire.tamper((bytes) => (bytes[1] === 0x41 ? forged(0x41, 10_000).reply : 'pass'))
    await expect(laser.readFrequencyThz(forever())).rejects.toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })

  test.each([1, 2, 3])('is realigned after a request of which the laser got only %i bytes', async (received) => {
    const { laser, wire } = await openBench()
    await using _ = laser
    let cut = false
    wire.tamper((bytes) => {
      if (cut) return 'pass'
      cut = true
      void wire.write(bytes.subarray(0, received), forever())
      return 'lose'
    })
    await expect(laser.readPowerDbm(forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(await laser.readFrequencyThz(forever())).toBe(191.5)
  })

  test.each(['before the next question', 'after the first zero byte', 'after the last zero byte'])(
    'never takes a late reply, arriving %s, for the answer to the next question',
    async (moment) => {
      const { laser, wire } = await openBench()
      await using _ = laser
      wire.holdReplies()
      await expect(laser.readFrequencyThz(forever())).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
      if (moment === 'before the next question') await wire.release()
      let zeros = 0
      wire.tamper((bytes) => {
        if (bytes.length === 1) zeros++
        if (bytes.length === 1 && zeros === (moment === 'after the first zero byte' ? 1 : 4)) void wire.release()
        return 'pass'
      })
      expect(await laser.readPowerDbm(forever())).toBe(-40)
      expect(await laser.readFrequencyThz(forever())).toBe(191.5)
    },
  )

  test('works at once for the next caller after one gave up while waiting', async () => {
    const { laser, wire } = await openBench()
    await using _ = laser
    const caller = new AbortController()
    wire.holdReplies()
    const reading = laser.readFrequencyThz(caller.signal)
    caller.abort()
    await expect(reading).rejects.toMatchObject({ code: 'TRANSPORT_ABORTED' })
    await wire.release()
    expect(await laser.readPowerDbm(forever())).toBe(-40)
  })

  test('opens although the last owner left half a request in the laser', async () => {
    const clock = new VirtualClock()
    const sim = new SimItla({ setOutput: () => undefined }, { name: 'laser-1', seed: 7, clock, settings: {} })
    sim.attach(() => undefined).receive(Uint8Array.of(0x81, 0x32))
    const wire = new TamperedWire(new BytePipe('ASRL/dev/ttyUSB0::INSTR', (send) => sim.attach(send)))
    const settings = oifItla.settings.parse({})
    await using laser = await OifItla.open({ name: 'laser-1', transport: wire }, settings, clock, forever(), TIMING)
    expect(laser.identity.model).toBe('SIM-ITLA')
  })
})

describe('the bench file entry of an ITLA laser', () => {
  test('fills in its defaults and refuses what it does not know', () => {
    expect(oifItla.settings.parse({})).toEqual({ settleTimeoutMs: 60_000 })
    expect(oifItla.settings.safeParse({ gridGhz: 50 }).success).toBe(false)
    expect(oifItla.settings.safeParse({ powerRangeDbm: { min: 10, max: 6 } }).success).toBe(false)
  })

  test('opens the laser at 9600 Bd', async () => {
    expect(oifItla).toMatchObject({ kind: 'laser', wires: ['serial'], serialLine: { baudRate: 9600, parity: 'none' } })
    const clock = new VirtualClock()
    const sim = new SimItla({ setOutput: () => undefined }, { name: 'laser-1', seed: 7, clock, settings: {} })
    const transport = new BytePipe('ASRL/dev/ttyUSB0::INSTR', (send) => sim.attach(send))
    await using laser = await oifItla.open({ name: 'laser-1', transport }, oifItla.settings.parse({}), clock, forever())
    expect(laser.identity.maker).toBe('FRINGE')
  })
})

/** A reply as a laser would write it, by the rule that all eight nibbles cancel out. */
function forged(
  register: number,
  data: number,
  status: 'done' | 'execution-error' | 'extended' = 'done',
): { sent: Uint8Array; reply: Uint8Array } {
  const control = 0x04 | { done: 0, 'execution-error': 1, extended: 2 }[status]
  const reply = Uint8Array.of(control, register, data >> 8, data & 0xff)
  reply[0] = control | (nibbles(reply) << 4)
  return { sent: itlaRead(register), reply }
}

/** The replies that carry a text, two characters each. */
function words(text: string): Uint8Array[] {
  const pairs = text.match(/[^]{2}/g) ?? []
  return pairs.map((pair) => forged(0x0b, (pair.charCodeAt(0) << 8) | pair.charCodeAt(1)).reply)
}

function nibbles(frame: Uint8Array): number {
  let parity = frame[0]! & 0x0f
  for (const byte of frame.subarray(1)) parity ^= (byte >> 4) ^ (byte & 0x0f)
  return parity & 0x0f
}
