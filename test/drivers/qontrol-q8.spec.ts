import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { QontrolQ8, qontrolQ8 } from '../../drivers/phase-shifters/qontrol-q8.ts'
import type { QontrolQ8Settings } from '../../drivers/phase-shifters/qontrol-q8.ts'
import {
  linesReply,
  parseChainLine,
  parseMilliamps,
  parseModule,
  parseOk,
  parseVolts,
  query,
  restartEnumeration,
  setCurrentLimit,
  setModule,
  setVoltage,
} from '../../drivers/protocols/qontrol-lines.ts'
import { BenchError } from '../../core/errors.ts'
import { SimQontrol } from '../../sim/instruments/sim-qontrol.ts'
import { describePhaseShifterBank } from '../contracts/phase-shifter-bank.contract.ts'
import { ManualTransport, bytesOf, latin1, settled } from '../support/manual-transport.ts'
import { ResistiveHeaters } from '../support/resistive-heaters.ts'
import { readVectors } from '../support/vectors.ts'

const forever = (): AbortSignal => new AbortController().signal
const vectors = readVectors('qontrol')

/** Nothing here waits for a clock but the silence of a line that is being cleared: the test says when time is up. */
const TIMING = { replyMs: 3_600_000, identifyMs: 3_600_000, lineMs: 0, silenceMs: 1 }

function vector(meaning: string): { sent: string; reply: string } {
  const found = vectors.find((one) => one.meaning === meaning)
  if (found === undefined) throw new Error(`no vector "${meaning}"`)
  return { sent: latin1(found.sent), reply: latin1(found.reply) }
}

interface Chain {
  readonly bank: QontrolQ8
  readonly wire: ManualTransport
  readonly sim: SimQontrol
  readonly heaters: ResistiveHeaters
  readonly clock: VirtualClock
  /** What the modules do with a command: their own reply when undefined. */
  readonly onCommand: (fate: (command: string) => string | undefined) => void
}

const OWN_REPLY = (): undefined => undefined

/** A driver and a simulated chain with the test between them. */
async function openChain(settings: Partial<QontrolQ8Settings> = {}, modules = settings.modules ?? 2): Promise<Chain> {
  const wire = new ManualTransport()
  const heaters = new ResistiveHeaters(modules * 8)
  const clock = new VirtualClock()
  const sim = new SimQontrol(heaters, { name: 'heaters', seed: 3, clock, settings: { modules } })
  const connection = sim.attach((bytes) => wire.arrive(latin1(bytes)))
  let fate: (command: string) => string | undefined = OWN_REPLY
  wire.onSent = (command) => {
    const forged = fate(command)
    if (forged === undefined) connection.receive(bytesOf(command))
    else if (forged !== '') wire.arrive(forged)
  }
  const parsed = qontrolQ8.settings.parse({ modules, ...settings })
  const bank = await QontrolQ8.open({ name: 'heaters', transport: wire }, parsed, clock, forever(), TIMING)
  return { bank, wire, sim, heaters, clock, onCommand: (next) => (fate = next) }
}

/** Replies to exactly these commands, in this order. */
function scripted(...exchanges: readonly { sent: string; reply: string }[]): ManualTransport & { rest: () => number } {
  const wire = new ManualTransport()
  const rest = [...exchanges]
  wire.onSent = (command) => {
    const next = rest.shift()
    if (next === undefined || next.sent !== command) return wire.arrive(`unexpected ${command}`)
    if (next.reply === SILENCE) wire.timeIsUp()
    else if (next.reply !== '') wire.arrive(next.reply)
  }
  return Object.assign(wire, { rest: () => rest.length })
}

const SILENCE = 'silence'

const openScripted = (wire: ManualTransport, settings: Record<string, unknown>): Promise<QontrolQ8> =>
  QontrolQ8.open(
    { name: 'heaters', transport: wire },
    qontrolQ8.settings.parse(settings),
    new VirtualClock(),
    forever(),
    TIMING,
  )

const OPENING = [
  vector('who is first in the chain'),
  { sent: 'nup=0\n', reply: vector('count the chain anew, two modules').reply },
  vector('the chain, two modules'),
  { sent: 'vfull?\n', reply: vector('full scale of voltage, binary').reply },
  vector('firmware'),
]

for (const modules of [1, 2, 5])
  describePhaseShifterBank(`a chain of ${modules} Q8iv`, async () => {
    const { bank, wire, heaters } = await openChain({ modules })
    return {
      bank,
      messagesSent: () => wire.sent.length,
      outputsV: () => heaters.voltagesV,
      powersMw: () => heaters.powersMw,
    }
  })

describePhaseShifterBank('a chain of Q8iv with a limit of 8 V in the bench file', async () => {
  const { bank, wire, heaters } = await openChain({ modules: 2, limitV: 8 })
  return {
    bank,
    messagesSent: () => wire.sent.length,
    outputsV: () => heaters.voltagesV,
    powersMw: () => heaters.powersMw,
  }
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('The lines of a Qontrol module', () => {
  test('are written as in the maker’s driver', () => {
    expect(latin1(query('id'))).toBe(vector('who is first in the chain').sent)
    expect(latin1(restartEnumeration())).toBe(vector('count the chain anew, one module').sent)
    expect(latin1(query('nupall'))).toBe(vector('the chain, two modules').sent)
    expect(latin1(query('vall'))).toBe(vector('all voltages, one module').sent)
    expect(latin1(setVoltage(3, 4.5))).toBe(vector('set a voltage').sent)
    expect(latin1(setCurrentLimit(3, 12.5))).toBe(vector('set a current limit').sent)
    expect(latin1(setModule(8, Float64Array.of(1, 2.5, 3, 4, 5, 6, 7, 8)))).toBe(
      vector('set a whole module, two modules').sent,
    )
  })

  test('say which of 65535 steps of 12 V is meant, and never fill the instrument’s buffer', () => {
    for (const word of [0, 1, 2, 0x5fff, 0x8000, 0xfffe, 0xffff]) {
      const line = latin1(setVoltage(0, (word / 0xffff) * 12))
      expect(Math.round((Number(line.slice(3)) / 12) * 0xffff)).toBe(word)
    }
    expect(latin1(setVoltage(0, 0))).toBe('v0=0\n')
    expect(latin1(setVoltage(0, 10))).toBe('v0=10\n')
    const tooLong = vector('a command that is too long, two modules').sent.length
    expect(setModule(504, new Float64Array(8).fill(11.123456)).length).toBeLessThanOrEqual(80)
    expect(tooLong).toBe(86)
  })

  /** The reply of a vector, read as `count` lines. */
  const read = <T>(meaning: string, count: number, parse: (line: string) => T | undefined): readonly T[] => {
    const { reply } = vector(meaning)
    const { framer } = linesReply({
      count,
      parse,
      refusal: ({ code }) => new BenchError('INSTRUMENT_REFUSED', `E${code}`),
    })
    const framed = framer(bytesOf(reply))
    expect(framed?.used).toBe(reply.length)
    return framed?.message ?? []
  }

  test('are read as they were recorded', () => {
    expect(read('all voltages, one module', 8, parseVolts)).toEqual([0, 0.1951, 0, 0, 0, 0, 0, 0])
    expect(read('all voltages, two modules', 16, parseVolts).at(-1)).toBe(0.2066)
    expect(read('voltage limit of a channel', 1, parseVolts)).toEqual([12])
    expect(read('current limit of a channel', 1, parseMilliamps)).toEqual([24])
    expect(read('all currents, one module', 8, parseMilliamps)[3]).toBe(-0.0102)
    expect(read('count the chain anew, two modules', 2, parseOk)).toEqual([true, true])
    expect(read('set sixteen channels, binary, two modules', 2, parseOk)).toEqual([true, true])
    expect(read('who is first, without a serial number', 1, parseModule)).toEqual([{ type: 'Q8iv', serial: '****' }])
    expect(read('the chain, two modules', 2, parseChainLine)).toEqual([
      { type: 'Q8iv', serial: '0001', place: 0 },
      { type: 'Q8iv', serial: '****', place: 1 },
    ])
  })

  test('are read with other padding, too', () => {
    expect(['4.5', '+4.500 V', ' 4.500  V ', '-0.0000 V'].map(parseVolts)).toEqual([4.5, 4.5, 4.5, 0])
  })

  test('are never guessed at', () => {
    for (const line of ['', 'OK', '+4.5 mA', '4,5 V', '+ V', '1e3 V', 'NaN', '+4.5 V +4.6 V'])
      expect(thrownBy(() => parseVolts(line))).toMatchObject({
        code: 'PROTOCOL_UNEXPECTED_REPLY',
        context: { reply: line },
      })
    for (const line of ['ok', 'OK OK', '', 'KO']) expect(() => parseOk(line), line).toThrow(BenchError)
    for (const line of ['Q8iv', 'Q8iv-XYZ', '-00F2', 'KEYSIGHT,N7745']) expect(parseModule(line), line).toBeUndefined()
  })

  test('may be preceded by errors, which are heard and not taken for the reply', () => {
    const { framer, errors } = linesReply({
      count: 1,
      parse: parseOk,
      refusal: () => new BenchError('INSTRUMENT_REFUSED', 'not here'),
    })
    expect(framer(bytesOf('E01:03\nO'))).toBeUndefined()
    expect(framer(bytesOf('E01:03\nOK\nE02:01\n'))).toEqual({ message: [true], used: 10 })
    expect(errors).toEqual([{ code: 1, detail: 3, meaning: 'over-voltage' }])
  })

  test('end somewhere, or are another instrument’s', () => {
    const { framer } = linesReply({ count: 1, parse: parseOk, refusal: () => new BenchError('INSTRUMENT_REFUSED', '') })
    expect(thrownBy(() => framer(new Uint8Array(2000).fill(0x41)))).toMatchObject({ code: 'PROTOCOL_UNEXPECTED_REPLY' })
  })
})

describe('Opening a chain of Qontrol modules', () => {
  test('asks who is there, counts the chain and reads its full scale', async () => {
    const wire = scripted(...OPENING)
    const bank = await openScripted(wire, { modules: 2 })
    expect(bank.identity).toEqual({ maker: 'Qontrol', model: 'Q8iv', serial: '0001, ****', firmware: 'v2.4.1' })
    expect(bank.channelCount).toBe(16)
    expect(bank.voltageRangeV).toEqual({ min: 0, max: 12 })
    expect(wire.rest()).toBe(0)
  })

  test('asks up to three times who is there: the first question often gets no answer', async () => {
    const [identity, ...rest] = OPENING
    const twice = [SILENCE, '\0\0E10:01\n'].map((reply) => ({ sent: 'id?\n', reply }))
    const wire = scripted(...twice, identity!, ...rest)
    await openScripted(wire, { modules: 2 })
    expect(wire.rest()).toBe(0)
    const deaf = scripted(...Array.from({ length: 3 }, () => ({ sent: 'id?\n', reply: SILENCE })))
    await expect(openScripted(deaf, { modules: 2 })).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    expect(deaf.sent).toHaveLength(3)
    expect(deaf.closed).toBe(true)
  })

  test('refuses another instrument, names it, and lets go of the wire', async () => {
    const wire = scripted(...Array.from({ length: 3 }, () => ({ sent: 'id?\n', reply: 'ACME,TL100,0042,1.3\n' })))
    await expect(openScripted(wire, { modules: 1 })).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: expect.stringContaining('ACME,TL100,0042,1.3') as string,
    })
    expect(wire.closed).toBe(true)
  })

  test('refuses the maker’s motor controller', async () => {
    const wire = scripted({ sent: 'id?\n', reply: 'M2-0007\n' })
    await expect(openScripted(wire, { modules: 1 })).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: 'heaters: M2-0007 answered, expected a Qontrol Q8 module',
    })
  })

  test('refuses a chain that is shorter than the bench file says', async () => {
    const wire = scripted(OPENING[0]!, OPENING[1]!, {
      sent: 'nupall?\n',
      reply: vector('the chain, two modules').reply,
    })
    const opening = openScripted(wire, { modules: 3 })
    await settled()
    wire.timeIsUp()
    await expect(opening).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
      message: 'heaters: the chain has 2, the bench file says modules: 3',
    })
  })

  test('refuses a chain that is longer than the bench file says, whenever its lines come', async () => {
    const chain = vector('the chain, two modules')
    for (const [atOnce, later] of [
      [chain.reply, ''],
      ['Q8iv-0001: 0\n', 'Q8iv-****: 1\n'],
    ] as const) {
      const wire = scripted(
        OPENING[0]!,
        OPENING[1]!,
        { sent: 'nupall?\n', reply: atOnce },
        { sent: 'vfull?\n', reply: `${later}+12.0000 V\n` },
      )
      await expect(openScripted(wire, { modules: 1 })).rejects.toMatchObject({ code: 'INSTRUMENT_WRONG_IDENTITY' })
    }
  })

  test('refuses a chain with a gap, or with a module of another kind', async () => {
    const withChain = (reply: string): ManualTransport =>
      scripted(OPENING[0]!, OPENING[1]!, { sent: 'nupall?\n', reply }, OPENING[3]!, OPENING[4]!)
    await expect(openScripted(withChain('Q8iv-0001: 0\nQ8iv-0002: 2\n'), { modules: 2 })).rejects.toMatchObject({
      message: 'heaters: the chain has places 0, 2, the bench file says modules: 2',
    })
    await expect(openScripted(withChain('Q8iv-0001: 0\nM2-0002: 1\n'), { modules: 2 })).rejects.toMatchObject({
      code: 'INSTRUMENT_WRONG_IDENTITY',
    })
  })

  test('knows the older form of the question for the chain', async () => {
    const wire = scripted(
      OPENING[0]!,
      { sent: 'nup=0\n', reply: vector('count the chain anew, one module').reply },
      { sent: 'nupall?\n', reply: 'E10:02\n' },
      { sent: 'nup?\n', reply: vector('the first module alone, two modules').reply },
      OPENING[3]!,
      OPENING[4]!,
    )
    const bank = await openScripted(wire, { modules: 1 })
    expect(bank.identity.serial).toBe('0001')
  })

  test('does not mind what modules reported before they were asked', async () => {
    const [identity, ...rest] = OPENING
    const late = { sent: 'id?\n', reply: `${identity!.reply}E02:04\n` }
    const bank = await openScripted(scripted({ sent: 'id?\n', reply: 'E90:03\n' }, late, ...rest), { modules: 2 })
    expect(bank.channelCount).toBe(16)
  })

  test('does not mind when modules far up the chain acknowledge late', async () => {
    const late = (reply: string): string => `\u0006OK\n${reply}`
    const wire = scripted(
      OPENING[0]!,
      { sent: 'nup=0\n', reply: late('') },
      { sent: 'nupall?\n', reply: late(vector('the chain, two modules').reply) },
      { sent: 'vfull?\n', reply: late('+12.0000 V\n') },
      OPENING[4]!,
    )
    const bank = await openScripted(wire, { modules: 2 })
    expect(bank.channelCount).toBe(16)
  })

  test('programs the current limit of the bench file into every channel', async () => {
    const { wire, bank } = await openChain({ modules: 2, limitMa: 7.25 })
    await using _ = bank
    expect(wire.sent.filter((line) => line.startsWith('imax'))).toEqual(
      Array.from({ length: 16 }, (_unused, channel) => `imax${channel}=7.25\n`),
    )
    await expect(openChain({ modules: 1, limitMa: 24.1 })).rejects.toMatchObject({
      code: 'RANGE_EXCEEDED',
      context: { range: { min: 0, max: 24 } },
    })
  })

  test('takes the tighter of the bench file’s limit and the modules’ full scale', async () => {
    const { bank } = await openChain({ modules: 1, limitV: 6.5 })
    await using _ = bank
    expect(bank.voltageRangeV).toEqual({ min: 0, max: 6.5 })
    const wire = scripted(...OPENING.slice(0, 3), { sent: 'vfull?\n', reply: '+10.0000 V\n' }, OPENING[4]!)
    const smaller = await openScripted(wire, { modules: 2, limitV: 12 })
    expect(smaller.voltageRangeV).toEqual({ min: 0, max: 10 })
  })

  test('takes settings that a chain can have, and no others', () => {
    expect(qontrolQ8.settings.parse({ modules: 3 })).toEqual({ modules: 3, limitV: 12 })
    for (const wrong of [{}, { modules: 0 }, { modules: 1.5 }, { modules: 1, limitV: 13 }, { modules: 1, limitmA: 5 }])
      expect(qontrolQ8.settings.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
  })
})

describe('Setting voltages on a chain of Qontrol modules', () => {
  test('sends one vector a whole module and single commands for the rest', async () => {
    const { bank, wire } = await openChain({ modules: 3 })
    await using _ = bank
    wire.sent.length = 0
    await bank.setVoltagesV(
      6,
      Float64Array.from({ length: 11 }, (_unused, index) => index),
      forever(),
    )
    expect(wire.sent).toEqual(['v6=0\n', 'v7=1\n', 'vVEC8=2,3,4,5,6,7,8,9\n', 'v16=10\n'])
  })

  test('stops at the module that refuses, and says what it refuses', async () => {
    const { bank, wire, onCommand } = await openChain({ modules: 2 })
    await using _ = bank
    onCommand((command) => (command.startsWith('vVEC0') ? 'E13:00\n' : undefined))
    wire.sent.length = 0
    await expect(bank.setVoltagesV(0, new Float64Array(16).fill(1), forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'heaters: E13:00, operation forbidden',
    })
    expect(wire.sent).toHaveLength(1)
  })

  test('fails when an error comes before the acknowledgement, and names it', async () => {
    const { bank, onCommand } = await openChain()
    await using _ = bank
    const { reply } = vector('unasked error of an earlier channel before an acknowledgement, two modules')
    onCommand(() => reply)
    await expect(bank.setVoltagesV(0, Float64Array.of(1), forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'heaters: E01:03, over-voltage on channel 3 of a module',
      context: { code: 1, detail: 3 },
    })
    onCommand(OWN_REPLY)
    await bank.setVoltagesV(0, Float64Array.of(1), forever())
  })

  test('makes the next call fail, before a byte is sent, when an error comes after it', async () => {
    const { bank, wire, onCommand } = await openChain()
    await using _ = bank
    const { reply } = vector('unasked error after an acknowledgement, two modules')
    onCommand(() => reply)
    await bank.setVoltagesV(0, Float64Array.of(1), forever())
    onCommand(OWN_REPLY)
    const before = wire.sent.length
    await expect(bank.readVoltagesV(forever())).rejects.toMatchObject({ context: { code: 1, detail: 7 } })
    expect(wire.sent).toHaveLength(before)
    expect(await bank.readVoltagesV(forever())).toHaveLength(16)
    expect(wire.resynchronised).toBe(0)
  })

  test('reports a channel that trips: over-current is heard with the next call, and its heater is off', async () => {
    const { bank, heaters } = await openChain({ modules: 1, limitMa: 2 })
    await using _ = bank
    await bank.setVoltagesV(5, Float64Array.of(4), forever())
    await expect(bank.readVoltagesV(forever())).rejects.toMatchObject({
      message: 'heaters: E02:05, over-current on channel 5 of a module',
    })
    expect(heaters.voltagesV[5]).toBe(0)
  })

  test('understands an error line that arrives in pieces around the next question', async () => {
    const { bank, wire, onCommand } = await openChain()
    await using _ = bank
    wire.arrive('E0')
    wire.arrive('2:0')
    onCommand(() => '6\nOK\n')
    await expect(bank.setVoltagesV(0, Float64Array.of(1), forever())).rejects.toMatchObject({
      context: { code: 2, detail: 6 },
    })
    onCommand(OWN_REPLY)
    await bank.setVoltagesV(0, Float64Array.of(1), forever())
    expect(wire.resynchronised).toBe(0)
  })

  test('sends a command once more that did not arrive whole, and not more often', async () => {
    const { bank, wire, sim, heaters, onCommand } = await openChain()
    await using _ = bank
    wire.sent.length = 0
    sim.disturbNext()
    await bank.setVoltagesV(3, Float64Array.of(4.5), forever())
    expect(wire.sent).toEqual(['v3=4.5\n', 'v3=4.5\n'])
    expect(heaters.voltagesV[3]).toBeCloseTo(4.5, 3)
    wire.sent.length = 0
    onCommand(() => 'E15:00\n')
    await expect(bank.setVoltagesV(3, Float64Array.of(4.5), forever())).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      context: { code: 15 },
    })
    expect(wire.sent).toEqual(['v3=4.5\n', 'v3=4.5\n'])
    onCommand(OWN_REPLY)
  })

  test('says that the outputs are at 0 when power was lost, between calls or under one', async () => {
    const { bank, sim, onCommand } = await openChain()
    await using _ = bank
    sim.powerCycle()
    const lost = { code: 'INSTRUMENT_STATE_LOST', message: expect.stringContaining('outputs are at 0') as string }
    await expect(bank.setVoltagesV(0, Float64Array.of(1), forever())).rejects.toMatchObject(lost)
    onCommand(() => 'E90:03\n')
    await expect(bank.setVoltagesV(0, Float64Array.of(1), forever())).rejects.toMatchObject(lost)
    onCommand(OWN_REPLY)
    await bank.setVoltagesV(0, Float64Array.of(1), forever())
  })

  test('does not miss a power cut that is reported while the line is being cleared', async () => {
    const { bank, wire, onCommand } = await openChain()
    await using _ = bank
    onCommand(() => '')
    const silent = bank.readVoltagesV(forever())
    await settled()
    wire.timeIsUp()
    await expect(silent).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    onCommand(OWN_REPLY)
    const next = bank.setVoltagesV(0, Float64Array.of(1), forever())
    wire.arrive('+0.1000 V\nE90:03\n')
    await next
    await expect(bank.readVoltagesV(forever())).rejects.toMatchObject({ code: 'INSTRUMENT_STATE_LOST' })
  })

  test('tells what the module said when it said no more', async () => {
    const { bank, wire, onCommand } = await openChain()
    await using _ = bank
    onCommand(() => 'E03:00\n')
    const setting = bank.setVoltagesV(0, Float64Array.of(1), forever())
    await settled()
    wire.timeIsUp()
    await expect(setting).rejects.toMatchObject({
      code: 'INSTRUMENT_REFUSED',
      message: 'heaters: E03:00, power error',
      cause: { code: 'TRANSPORT_TIMEOUT' },
    })
    onCommand(OWN_REPLY)
  })
})

describe('Faults on the wire to a chain of Qontrol modules', () => {
  test('a late reply never answers the next question', async () => {
    const { bank, wire, onCommand } = await openChain({ modules: 1 })
    await using _ = bank
    onCommand(() => '')
    const slow = bank.setVoltagesV(0, Float64Array.of(1), forever())
    await settled()
    wire.timeIsUp()
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    onCommand(OWN_REPLY)
    wire.arrive('OK\n')
    const next = bank.readVoltagesV(forever())
    wire.arrive('OK\nO')
    wire.arrive('K\n')
    expect(await next).toHaveLength(8)
  })

  test('garbage is reported as it came, and the next question works', async () => {
    const { bank, onCommand } = await openChain({ modules: 1 })
    await using _ = bank
    onCommand(() => '+4.5\u00ff0 V\n')
    await expect(bank.readVoltagesV(forever())).rejects.toMatchObject({
      code: 'PROTOCOL_UNEXPECTED_REPLY',
      context: { reply: '+4.5\u00ff0 V' },
    })
    onCommand(OWN_REPLY)
    expect(await bank.readVoltagesV(forever())).toHaveLength(8)
  })

  test('a line that never falls silent is given up', async () => {
    const { bank, wire, onCommand } = await openChain({ modules: 1 })
    onCommand(() => '')
    const slow = bank.readVoltagesV(forever())
    await settled()
    wire.timeIsUp()
    await expect(slow).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' })
    const next = bank.readVoltagesV(forever())
    wire.arrive('x'.repeat(70_000))
    await expect(next).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
      message: 'heaters: the line never falls silent',
    })
    onCommand(OWN_REPLY)
    await bank[Symbol.asyncDispose]()
  })

  test('noise that nobody asked for does no harm', async () => {
    const { bank, wire } = await openChain({ modules: 1 })
    await using _ = bank
    wire.arrive('x'.repeat(5000))
    wire.arrive('hello\n'.repeat(100))
    expect(await bank.readVoltagesV(forever())).toHaveLength(8)
  })
})

describe('Making a chain of Qontrol modules safe', () => {
  test('cools every module although one refuses, and says which channels are still hot', async () => {
    const { bank, heaters, onCommand } = await openChain({ modules: 3 })
    await bank.setVoltagesV(0, new Float64Array(24).fill(3), forever())
    onCommand((command) => (command.startsWith('vVEC8=') ? 'E13:00\n' : undefined))
    await expect(bank.makeSafe(forever())).rejects.toMatchObject({
      code: 'SAFE_STATE_UNVERIFIED',
      message: expect.stringContaining('channels 8, 9, 10, 11, 12, 13, 14, 15') as string,
      cause: { code: 'INSTRUMENT_REFUSED' },
    })
    expect(heaters.voltagesV.map(Math.round)).toEqual(
      Array.from({ length: 24 }, (_, channel) => (channel >= 8 && channel < 16 ? 3 : 0)),
    )
    onCommand(OWN_REPLY)
    await bank[Symbol.asyncDispose]()
  })

  test('is not stopped by an error that came before, and does not forget it', async () => {
    const { bank, wire, heaters } = await openChain({ modules: 1 })
    await using _ = bank
    await bank.setVoltagesV(0, new Float64Array(8).fill(3), forever())
    wire.arrive('E02:05\n')
    await bank.makeSafe(forever())
    expect(heaters.voltagesV).toEqual(new Array<number>(8).fill(0))
    await expect(bank.readVoltagesV(forever())).rejects.toMatchObject({ context: { code: 2 } })
  })

  test('is not stopped by an error that comes meanwhile, and does not forget it', async () => {
    const { bank, onCommand } = await openChain({ modules: 2 })
    await using _ = bank
    onCommand((command) => (command.startsWith('vVEC0=') ? 'E01:06\nOK\n' : undefined))
    await bank.makeSafe(forever())
    await expect(bank.readVoltagesV(forever())).rejects.toMatchObject({ context: { code: 1, detail: 6 } })
    onCommand(OWN_REPLY)
  })

  test('succeeds when power is lost meanwhile: off is off', async () => {
    const { bank, sim, onCommand } = await openChain({ modules: 1 })
    await using _ = bank
    await bank.setVoltagesV(0, new Float64Array(8).fill(3), forever())
    onCommand((command) => {
      if (!command.startsWith('vVEC')) return undefined
      onCommand(OWN_REPLY)
      sim.powerCycle()
      return ''
    })
    await bank.makeSafe(forever())
  })

  test('does not believe an acknowledgement: what counts is the reading', async () => {
    const { bank, onCommand } = await openChain({ modules: 1 })
    await bank.setVoltagesV(0, new Float64Array(8).fill(3), forever())
    onCommand((command) => (command.startsWith('v0=') || command.startsWith('vVEC') ? 'OK\n' : undefined))
    await expect(bank.makeSafe(forever())).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    onCommand(OWN_REPLY)
    await bank[Symbol.asyncDispose]()
  })

  test('waits for outputs that settle slowly', async () => {
    const { bank, onCommand, clock } = await openChain({ modules: 1 })
    await using _ = bank
    const beforeNs = clock.monotonicNs()
    let readings = 0
    onCommand((command) => {
      if (command !== 'vall?\n' || readings++ > 1) return undefined
      return '+0.2000 V\n'.repeat(8)
    })
    await bank.makeSafe(forever())
    expect(readings).toBe(3)
    expect(clock.monotonicNs() - beforeNs).toBe(15e6)
  })

  test('closes the wire even when nothing answers any more', async () => {
    const { bank, wire, onCommand } = await openChain({ modules: 1 })
    onCommand(() => '')
    const closing = bank[Symbol.asyncDispose]()
    const closed = expect(closing).rejects.toMatchObject({ code: 'SAFE_STATE_UNVERIFIED' })
    const timer = setInterval(() => wire.timeIsUp(), 1)
    await closed
    clearInterval(timer)
    expect(wire.closed).toBe(true)
    await bank[Symbol.asyncDispose]()
  })
})
