import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { ScpiServer } from '../../sim/instruments/scpi-server.ts'
import type { ScpiServerOptions } from '../../sim/instruments/scpi-server.ts'
import { formatNr3 } from '../../sim/protocols/scpi-call.ts'
import type { ScpiRow } from '../../sim/protocols/scpi-commands.ts'
import { ScpiCommands } from '../../sim/protocols/scpi-commands.ts'
import { ScpiFault } from '../../sim/protocols/scpi-fault.ts'
import { ScpiStatus } from '../../sim/protocols/scpi-status.ts'
import { RawClient, settled } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

const IDENTITY = 'FRINGE,TEST,1,0'

/** An instrument with one row of every sort. */
function testInstrument(whileAnswering: ScpiServerOptions['whileAnswering'] = 'queue', clock = new VirtualClock()) {
  const state = { levelsV: [0, 0, 0], mode: 'FAST', data: new Uint8Array(0) as Uint8Array, resets: 0, busyMs: 0 }
  const rows: ScpiRow[] = [
    {
      header: '[:SOURce]:VOLTage{3}[:LEVel][:IMMediate]',
      set: (call) =>
        void (state.levelsV[call.suffix() - 1] = call.number({
          min: 0,
          max: 5,
          default: 1,
          units: { V: 1, MV: 1e-3 },
        })),
      asks: 1,
      query: (call) =>
        String(call.left > 0 ? call.number({ min: 0, max: 5, default: 1 }) : state.levelsV[call.suffix() - 1]),
    },
    {
      header: ':CONFigure:MODE',
      set: (call) => void (state.mode = call.word('FAST', 'SLOWly')),
      query: () => state.mode,
    },
    { header: ':CONFigure:BUSY', set: (call) => void (state.busyMs = call.integer(0, 1000)) },
    {
      header: ':DATA',
      set: (call) => void (state.data = call.block()),
      query: () => state.data,
    },
    {
      header: ':SLOW{0:2}',
      query: (call) => clock.sleep(100, call.exchange.signal).then(() => `slow ${call.suffix()}`),
    },
    {
      header: ':NEVer',
      query: () => {
        throw new ScpiFault(-420)
      },
    },
  ]
  const status = new ScpiStatus({ signed: false })
  const server = new ScpiServer(
    {
      identity: IDENTITY,
      rows,
      status,
      reset: () => {
        state.resets++
      },
      idle: (signal) => (state.busyMs > 0 ? clock.sleep(state.busyMs, signal) : undefined),
    },
    { whileAnswering },
  )
  return { client: new RawClient(server), server, state, clock }
}

const error = (client: RawClient): string => client.ask(':SYST:ERR?\n').trimEnd()

describe('a SCPI instrument on a socket', () => {
  test.each(readVectors('scpi'))('$meaning', ({ sent, reply }) => {
    for (const piece of [Infinity, 1, 3]) {
      const { client } = testInstrument()
      client.send(sent, piece)
      expect(client.take().toString('latin1')).toBe(Buffer.from(reply).toString('latin1'))
    }
  })

  test('numeric suffixes: missing is 1, beyond the last is -114, where none belongs is -113', () => {
    const { client, state } = testInstrument()
    client.send(':VOLT 1;:VOLT2 2;:SOUR:VOLTAGE3:LEVEL:IMM 3\n')
    expect(state.levelsV).toEqual([1, 2, 3])
    client.send(':VOLT4 1\n:VOLT0 1\n:CONF2:MODE FAST\n')
    expect([error(client), error(client), error(client)]).toEqual([
      '-114,"Header suffix out of range"',
      '-114,"Header suffix out of range"',
      '-113,"Undefined header"',
    ])
  })

  test('numbers take units and MIN, MAX and DEF; anything else is told apart', () => {
    const { client, state } = testInstrument()
    expect(client.ask(':VOLT 250 mV;:VOLT?;:VOLT MAX;:VOLT?;:VOLT DEF;:VOLT?;:VOLT? MIN\n')).toBe('0.25;5;1;0\n')
    for (const [parameter, fault] of [
      ['1A', -131],
      ['abc', -104],
      ['1..2', -120],
      ['5.1', -222],
      ['#15hello', -104],
    ] as const) {
      client.send(`:VOLT ${parameter}\n`)
      expect(error(client), parameter).toMatch(new RegExp(`^${fault},`))
    }
    client.send('*ESE 5V\n')
    expect(error(client)).toBe('-138,"Suffix not allowed"')
    expect(state.levelsV[0]).toBe(1)
  })

  test('words are written long or short, and answered short', () => {
    const { client } = testInstrument()
    expect(client.ask(':CONF:MODE slowly;MODE?;MODE FAST;:CONF:MODE?\n')).toBe('SLOW;FAST\n')
    client.send(':CONF:MODE SLO\n')
    expect(error(client)).toBe('-141,"Invalid character data"')
  })

  test('a command error ends the message, an execution error does not', () => {
    const { client, state } = testInstrument()
    client.send(':VOLT1 9;:VOLT2 2\n')
    expect(state.levelsV).toEqual([0, 2, 0])
    client.send(':NOSUCH;:VOLT3 3\n:VOLT1 abc;:VOLT3 3\n')
    expect(state.levelsV).toEqual([0, 2, 0])
  })

  test('a command error ends the message also where the unit took time', async () => {
    const { client, state } = testInstrument()
    client.send(':SLOW1?;:NOSUCH;:VOLT2 2\n')
    await settled()
    expect(client.take().toString()).toBe('slow 1\n')
    expect(state.levelsV).toEqual([0, 0, 0])
  })

  test('a command that only asks cannot be set, and the other way round', () => {
    const { client } = testInstrument()
    client.send(':SLOW1 1\n:CONF:BUSY?\n')
    expect([error(client), error(client)]).toEqual(['-113,"Undefined header"', '-113,"Undefined header"'])
  })

  test('a block comes back as it went in, with text before and behind it', () => {
    const { client } = testInstrument()
    client.send(Buffer.concat([Buffer.from(':DATA #15'), Uint8Array.of(10, 59, 35, 0, 255), Buffer.from('\n')]), 1)
    expect(client.ask('*ESE?;:DATA?;*SRE?\n')).toBe('0;#15\n;#\u0000\u00ff;0\n')
  })

  test('nothing can be asked behind *IDN? in one message', () => {
    const { client } = testInstrument()
    expect(client.ask('*ESE?;*IDN?;*ESE?\n')).toBe(`0;${IDENTITY}\n`)
    expect(error(client)).toBe('-440,"Query UNTERMINATED after indefinite response"')
  })

  test('a question that fails stays unanswered', () => {
    const { client } = testInstrument()
    expect(client.ask(':NEV?\n')).toBe('')
    expect(error(client)).toBe('-420,"Query UNTERMINATED"')
  })

  test('the queue holds thirty errors; one more replaces the last by -350', () => {
    const { client } = testInstrument()
    client.send(':NOSUCH\n'.repeat(40))
    const errors = Array.from({ length: 31 }, () => error(client))
    expect(errors.slice(0, 29)).toEqual(new Array(29).fill('-113,"Undefined header"'))
    expect(errors.slice(29)).toEqual(['-350,"Queue overflow"', '0,"No error"'])
  })

  test('events tell command, execution and query errors apart', () => {
    const { client } = testInstrument()
    client.send('*CLS\n:NOSUCH\n')
    expect(client.ask('*ESR?\n')).toBe('32\n')
    client.send(':VOLT 9\n')
    expect(client.ask('*ESR?\n')).toBe('16\n')
    client.send(':NEV?\n')
    expect(client.ask('*ESR?\n')).toBe('4\n')
  })

  test('*OPC? answers when nothing is under way, *OPC only notes it, and *WAI holds up what follows', async () => {
    const { client, clock } = testInstrument()
    client.send(':CONF:BUSY 500\n*OPC?\n')
    expect(client.take()).toHaveLength(0)
    await settled()
    expect(client.take().toString()).toBe('1\n')
    expect(clock.monotonicNs()).toBe(500e6)
    client.send('*CLS;*OPC;*ESR?\n')
    expect(client.take().toString()).toBe('0\n')
    await settled()
    expect(client.ask('*ESR?\n')).toBe('1\n')
    client.send('*WAI;*ESE?\n')
    expect(client.take()).toHaveLength(0)
    await settled()
    expect(client.take().toString()).toBe('0\n')
  })

  test('messages wait their turn while an answer is on its way', async () => {
    const { client } = testInstrument('queue')
    client.send(':SLOW0?;*ESE?\n*SRE?\n')
    expect(client.take()).toHaveLength(0)
    await settled()
    expect(client.take().toString()).toBe('slow 0;0\n0\n')
  })

  test('an instrument that is interrupted gives up its answer with -410', async () => {
    const { client } = testInstrument('interrupt')
    client.send(':SLOW2?\n*SRE?\n')
    expect(client.take().toString()).toBe('0\n')
    await settled()
    expect(client.take()).toHaveLength(0)
    expect(error(client)).toBe('-410,"Query INTERRUPTED"')
  })

  test('each connection has an input of its own; the instrument is one', async () => {
    const { client, server, state } = testInstrument()
    const other = new RawClient(server)
    client.send(':VOLT 1')
    other.send(':VOLT2 2;*ESE 4\n')
    client.send('.5;*ESE?\n')
    expect(client.take().toString()).toBe('4\n')
    expect(state.levelsV).toEqual([1.5, 2, 0])
    client.send(':SLOW1?\n')
    client.detach()
    await settled()
    expect(client.take()).toHaveLength(0)
    expect(other.ask('*ESE?\n')).toBe('4\n')
  })

  test('no garbage crashes it, and no garbage is answered but what asks', () => {
    const words = fc.constantFrom(
      ':VOLT',
      'VOLT2?',
      ':DATA',
      ':DATA?',
      '*ESE',
      '*OPC?',
      ' ',
      ';',
      ',',
      '#15hello',
      '"',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ unit: 'binary-ascii', maxLength: 8 }))), (pieces) => {
        const { client } = testInstrument()
        for (const piece of pieces) client.send(piece)
        client.take()
        // Out of whatever string, block or line it is in.
        client.send(`${'\n'.repeat(20)}*CLS\n`)
        client.take()
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})

describe('a command table', () => {
  test('says of an unknown mnemonic that it is too long when it is; long ones that exist are found', () => {
    const commands = new ScpiCommands([{ header: ':TRIGger:CONFiguration' }])
    expect(commands.find('TRIG:CONFIGURATION')).toMatchObject({ suffixes: [] })
    expect([commands.find('TRIG:ABCDEFGHIJKL'), commands.find('ABCDEFGHIJKLM1:X')]).toEqual([-113, -112])
  })

  test('refuses two rows of one header', () => {
    const rows = [{ header: ':VOLTage[:LEVel]' }, { header: ':VOLTage' }]
    expect(() => new ScpiCommands(rows)).toThrow(':VOLTage and :VOLTage[:LEVel] are one header')
  })

  test('tells a suffix from a mnemonic that ends in a digit', () => {
    const commands = new ScpiCommands([{ header: ':ROSC:RNG1:FREQ' }, { header: ':CHANnel{4}:RNG2' }])
    expect(commands.find('ROSC:RNG1:FREQ')).toMatchObject({ suffixes: [] })
    expect(commands.find('CHAN3:RNG2')).toMatchObject({ suffixes: [3] })
  })

  test('numbers suffixes by their place in the row, also where optional nodes are left out', () => {
    const commands = new ScpiCommands([{ header: ':SENSe{0:8}[:CHANnel{2}]:POWer{3}' }])
    expect(commands.find('SENS8:CHAN2:POW3')).toMatchObject({ suffixes: [8, 2, 3] })
    expect(commands.find('sens0:pow3')).toMatchObject({ suffixes: [0, 1, 3] })
  })
})

test('numbers in the manner of Keysight meters', () => {
  expect([1.55e-6, -20, 0, 3.4e38].map((value) => formatNr3(value))).toEqual([
    '+1.55000000E-006',
    '-2.00000000E+001',
    '+0.00000000E+000',
    '+3.40000000E+038',
  ])
})
