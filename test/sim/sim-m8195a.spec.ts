import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { simM8195a } from '../../sim/instruments/sim-m8195a.ts'
import { FakeDrive } from '../support/fake-drive.ts'
import { RawClient, settled } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

const FOUR = ':INST:DACM FOUR;:TRAC1:MMOD EXT;:TRAC2:MMOD EXT;:TRAC3:MMOD EXT;:TRAC4:MMOD EXT;:INST:MEM:EXT:RDIV DIV4\n'
const ALL_ON = ':OUTP1 1;:OUTP2 1;:OUTP3 1;:OUTP4 1;:VOLT1 1;:VOLT2 1;:VOLT3 1;:VOLT4 1\n'

function sim() {
  const clock = new VirtualClock()
  const drive = new FakeDrive()
  const instrument = simM8195a.create(drive, { name: 'awg-0', seed: 1, clock, settings: {} })
  return { client: new RawClient(instrument), drive, clock, instrument }
}

/** Two symbols of 320 samples and 100 loops, 20 ns a loop. */
function ready() {
  const bench = sim()
  const { client } = bench
  client.send(FOUR + ALL_ON + ':FUNC:MODE STS;:INIT:CONT 0\n:TRAC1:DEF 1,768,0\n')
  for (let channel = 1; channel <= 4; channel++) client.send(upload(channel, 10 * channel, -10 * channel))
  client.send(':STAB:DATA 0,268435456,1,100,1,0,319\n:STAB:DATA 1,1073741824,1,100,1,384,703\n')
  expect(error(client)).toBe('0,"No error"')
  return bench
}

function upload(channel: number, ...codes: number[]): Uint8Array {
  const samples = codes.map((code) => new Uint8Array(384).fill(code))
  const length = String(384 * codes.length)
  return Buffer.concat([
    Buffer.from(`:TRAC${channel}:DATA 1,0,#${length.length}${length}`),
    ...samples,
    Buffer.from('\n'),
  ])
}

const error = (client: RawClient): string => client.ask(':SYST:ERR?\n').trimEnd()
const volts = (code: number): number => (code / 127) * 0.5

describe('the simulated M8195A', () => {
  test('says who it is, the same for the same name and seed', () => {
    const identity = sim().client.ask('*IDN?\n')
    expect(identity).toMatch(/^Keysight Technologies,M8195A,DE\d{8},[\d.]+\n$/)
    expect(sim().client.ask('*IDN?\n')).toBe(identity)
  })

  test('follows the vectors, bytes in any pieces', () => {
    for (const piece of [Infinity, 1, 100]) {
      const { client } = sim()
      for (const { meaning, sent, reply } of readVectors('m8195a')) {
        client.send(sent, piece)
        expect(client.take().toString('latin1'), meaning).toBe(Buffer.from(reply).toString('latin1'))
      }
    }
  })

  test('plays the sequence at a software trigger, each channel its own level', () => {
    const { client, drive } = ready()
    client.send(':INIT:IMM\n')
    expect(drive.loaded?.symbolPeriodS).toBeCloseTo(2e-6, 15)
    expect(drive.played).toHaveLength(0)
    client.send(':TRIG:BEG\n')
    expect(drive.played).toHaveLength(1)
    drive.played[0]!.forEach((channel, index) => {
      expect(channel[0]).toBeCloseTo(volts(10 * (index + 1)), 12)
      expect(channel[1]).toBeCloseTo(volts(-10 * (index + 1)), 12)
    })
  })

  test('plays at a pulse on its trigger input, unless that is switched off', () => {
    const { client, drive } = ready()
    client.send(':INIT:IMM\n')
    drive.pulse()
    expect(drive.played).toHaveLength(1)
    client.send(':ABOR;:TRIG:BEG:HWD 1;:INIT:IMM\n')
    drive.pulse()
    expect(drive.played).toHaveLength(1)
  })

  test('ignores triggers while stopped and while it plays, and takes the next when it is done', () => {
    const { client, drive, clock } = ready()
    client.send(':TRIG:BEG\n')
    expect(drive.played).toHaveLength(0)
    client.send(':INIT:IMM;:TRIG:BEG;:TRIG:BEG\n')
    expect(drive.played).toHaveLength(1)
    expect(client.ask(':STAB:SEQ:STAT?\n')).toBe(`${2 * 2 ** 25}\n`)
    clock.moveTo(2000)
    expect(client.ask(':STAB:SEQ:STAT?\n')).toBe(`${2 * 2 ** 25 + 1}\n`)
    clock.moveTo(4000)
    expect(client.ask(':STAB:SEQ:STAT?\n')).toBe(`${2 ** 25}\n`)
    client.send(':TRIG:BEG\n')
    expect(drive.played).toHaveLength(2)
    expect(error(client)).toBe('0,"No error"')
  })

  test('armed instead of self-armed, it wants an enable event before it listens to triggers', () => {
    const { client, drive } = ready()
    client.send(':INIT:CONT:ENAB ARM;:INIT:IMM;:TRIG:BEG\n')
    expect(drive.played).toHaveLength(0)
    client.send(':TRIG:ENAB;:TRIG:BEG\n')
    expect(drive.played).toHaveLength(1)
  })

  test('holds a level by repeating one entry, and follows amplitude and outputs', () => {
    const { client, drive } = ready()
    client.send(':INIT:CONT 1;:STAB:SEQ:SEL 1;:INIT:IMM\n')
    expect(drive.restV[1]).toBeCloseTo(volts(-20), 12)
    client.send(':VOLT2 0.5;:OUTP1 OFF\n')
    expect(drive.restV[1]).toBeCloseTo(volts(-10), 12)
    expect(drive.restV[0]).toBe(0)
    client.send(':ABOR\n')
    expect(drive.restV).toEqual([0, 0, 0, 0])
  })

  test('a frame is cut off when the generator is stopped or an output switched', () => {
    const { client, drive } = ready()
    client.send(':INIT:IMM;:TRIG:BEG\n')
    expect(drive.playing).toBe(true)
    client.send(':ABOR\n')
    expect(drive.playing).toBe(false)
    client.send(':INIT:IMM;:TRIG:BEG;:OUTP3 0\n')
    expect(drive.playing).toBe(false)
  })

  test('plays a segment sample by sample in arbitrary mode', () => {
    const { client, drive } = ready()
    client.send(':FUNC:MODE ARB;:TRAC1:SEL 1;:INIT:IMM;:TRIG:BEG\n')
    expect(drive.played[0]?.[0]).toHaveLength(768)
    expect(drive.loaded?.symbolPeriodS).toBeCloseTo(1 / 16e9, 20)
  })

  test('plays entries of different length in steps of their common divisor, sequence loops included', () => {
    const { client, drive } = ready()
    client.send(':STAB:DATA 0,268435456,2,200,1,0,319;:INIT:IMM;:TRIG:BEG\n')
    const [first] = drive.played[0]!
    const wanted = [10, 10, -10, 10, 10, -10].map(volts)
    expect(first).toHaveLength(6)
    wanted.forEach((levelV, step) => expect(first![step]).toBeCloseTo(levelV, 12))
  })

  test('a segment that was written or defined again plays as it is now', () => {
    const { client, drive } = ready()
    const first = (frame: number): number => Math.round(drive.played[frame]![0]![0]! * 2 * 127)
    client.send(':INIT:IMM;:TRIG:BEG;:ABOR\n')
    client.send(Buffer.concat([upload(1, 30, 30), Buffer.from(':INIT:IMM;:TRIG:BEG;:ABOR\n')]))
    client.send(':TRAC1:DEL 1;:TRAC1:DEF 1,768,40;:INIT:IMM;:TRIG:BEG;:ABOR\n')
    client.send(':TRAC1:DEL 1;:TRAC1:DEF 1,768,50;:INIT:IMM;:TRIG:BEG;:ABOR\n')
    expect([0, 1, 2, 3].map(first)).toEqual([10, 30, 40, 50])
  })

  test('a stretch that is no constant plays as its mean', () => {
    const { client, drive } = ready()
    const half = Buffer.concat([
      Buffer.from(':TRAC1:DATA 1,0,#3384'),
      new Uint8Array(160).fill(100),
      new Uint8Array(224),
      Buffer.from('\n'),
    ])
    client.send(half)
    client.send(':INIT:IMM;:TRIG:BEG\n')
    expect(drive.played[0]![0]![0]).toBeCloseTo(volts(50), 12)
  })

  test.each([
    ['a segment shorter than five vectors', ':TRAC1:DEF 7,256', -222],
    ['a segment of no whole vectors', ':TRAC1:DEF 7,330', -222],
    ['a segment that exists', ':TRAC1:DEF 1,320', -224],
    ['a segment for which there is no room', ':TRAC1:DEF 7,4000000000', -321],
    ['data at an odd vector', ':TRAC1:DATA 1,64,1,2,3', -222],
    ['more data than defined', ':TRAC1:DATA 1,640,#3200' + 'x'.repeat(200), -223],
    ['data for a segment that does not exist', ':TRAC1:DATA 9,0,1,2,3', -224],
    ['a sample out of range', ':TRAC1:DATA 1,0,128', -222],
    ['an entry that starts at an odd vector', ':STAB:DATA 0,0,1,1,1,64,703', -222],
    ['an entry that ends inside a vector', ':STAB:DATA 0,0,1,1,1,0,320', -222],
    ['an entry shorter than five vectors', ':STAB:DATA 0,0,1,1,1,0,255', -222],
    ['an entry without loops', ':STAB:DATA 0,0,1,0,1,0,319', -222],
    ['an entry of five words', ':STAB:DATA 0,0,1,1,1,0', -222],
    ['a sample rate out of range', ':FREQ:RAST 50e9', -222],
    ['an amplitude out of range', ':VOLT1 1.5', -222],
    ['a fifth channel', ':OUTP5 ON', -114],
  ])('refuses %s', (_what, command, fault) => {
    const { client } = ready()
    client.send(`${command}\n`)
    expect(error(client)).toMatch(new RegExp(`^${fault},`))
  })

  test.each([
    ['a table without end', ':STAB:DATA 1,0,1,100,1,384,703'],
    ['an entry of a segment that does not exist', ':STAB:DATA 1,1073741824,1,100,9,384,703', -224],
    ['an entry that reads beyond its segment', ':STAB:DATA 1,1073741824,1,100,1,384,1087'],
    ['an entry that waits for an advancement event', ':STAB:DATA 1,1073807360,1,100,1,384,703'],
    ['channels from internal memory', ':TRAC2:MMOD INT'],
    ['two channels', ':INST:DACM DUAL'],
  ])('does not start with %s', (_what, command, fault = -221) => {
    const { client, drive } = ready()
    client.send(`${command}\n`)
    expect(error(client)).toBe('0,"No error"')
    client.send(':INIT:IMM;:TRIG:BEG\n')
    expect(error(client)).toMatch(new RegExp(`^${fault},`))
    expect(drive.played).toHaveLength(0)
  })

  test('nothing in memory, table or modes changes while it runs or waits', () => {
    const { client } = ready()
    client.send(':INIT:IMM\n')
    for (const command of [
      ':TRAC1:DEF 7,320',
      ':TRAC1:DATA 1,0,1,2',
      ':TRAC1:DEL 1',
      ':TRAC1:DEL:ALL',
      ':STAB:DATA 0,0,1,1,1,0,319',
      ':STAB:SEQ:SEL 1',
      ':STAB:RES',
      ':FUNC:MODE ARB',
      ':INIT:CONT 1',
      ':FREQ:RAST 60e9',
      ':INST:DACM DUAL',
    ]) {
      client.send(`${command}\n`)
      expect(error(client), command).toMatch(/^-221,/)
    }
    client.send(':INIT:IMM\n')
    expect(error(client)).toBe('-213,"Init ignored"')
  })

  describe('in dynamic mode', () => {
    /** A second frame of two symbols in segment 3, its sequence from entry 5 on. */
    const dynamic = () => {
      const bench = ready()
      bench.client.send(
        ':TRAC1:DEF 3,768,0\n:STAB:DATA 5,268435456,1,100,3,0,319\n:STAB:DATA 6,1073741824,1,100,3,384,703\n',
      )
      bench.client.send(':STAB:DYN 1;:STAB:DYN:SEL 0;:INIT:IMM\n')
      expect(error(bench.client)).toBe('0,"No error"')
      expect(bench.client.ask(':STAB:DYN?\n')).toBe('1\n')
      return bench
    }
    const code = (drive: FakeDrive, frame: number): number => Math.round(drive.played[frame]![0]![0]! * 2 * 127)

    test('what is selected while a frame plays is played at the next trigger, again and again', () => {
      const { client, drive, clock } = dynamic()
      const next = (): void => {
        clock.moveTo(clock.monotonicNs() + 4000)
        client.send(':TRIG:BEG\n')
      }
      next()
      client.send(':TRAC1:DATA 3,0,#3320' + '\x05'.repeat(320) + '\n:STAB:DYN:SEL 5\n')
      expect(client.ask(':STAB:SEQ:STAT?\n')).toBe(`${2 * 2 ** 25}\n`)
      next()
      expect(client.ask(':STAB:SEQ:STAT?\n')).toBe(`${2 * 2 ** 25 + 5}\n`)
      next()
      client.send(':TRAC1:DATA 1,0,#3320' + '\x07'.repeat(320) + '\n:STAB:DYN:SEL 0\n')
      expect(error(client)).toBe('0,"No error"')
      next()
      expect([0, 1, 2, 3].map((frame) => code(drive, frame))).toEqual([10, 5, 5, 7])
    })

    test('selected while it waits, too', () => {
      const { client, drive } = dynamic()
      client.send(':TRAC1:DATA 3,0,#3320' + '\x05'.repeat(320) + '\n:STAB:DYN:SEL 5\n:TRIG:BEG\n')
      expect(code(drive, 0)).toBe(5)
    })

    test('neither what plays nor what is selected is changed, and modes are not', () => {
      const { client, clock } = dynamic()
      const refused = (command: string): void => {
        client.send(`${command}\n`)
        expect(error(client), command).toMatch(/^-221,/)
      }
      const [first, second] = [':TRAC1:DATA 1,0,1,2', ':TRAC1:DATA 3,0,1,2']
      const [entries, others] = [':STAB:DATA 1,1073741824,1,100,1,384,703', ':STAB:DATA 6,1073741824,1,100,3,384,703']
      for (const command of [first, entries, ':FUNC:MODE ARB', ':STAB:DYN 0', ':TRAC1:DEL 3']) refused(command)
      client.send(`${second}\n${others}\n:TRIG:BEG\n:STAB:DYN:SEL 5\n`)
      expect(error(client)).toBe('0,"No error"')
      for (const command of [first, entries, second, others]) refused(command)
      clock.moveTo(clock.monotonicNs() + 4000)
      client.send(`${first}\n${entries}\n`)
      expect(error(client)).toBe('0,"No error"')
      for (const command of [second, others, ':STAB:DYN:SEL 99']) refused(command)
    })

    test('what is in use follows the table', () => {
      const { client } = dynamic()
      const [first, second] = [':TRAC1:DATA 1,0,1,2', ':TRAC1:DATA 3,0,1,2']
      const answer = (command: string): string => client.ask(`${command};:SYST:ERR?\n`)
      client.send(':STAB:DYN:SEL 5\n')
      expect([answer(first), answer(second)]).toEqual(['0,"No error"\n', expect.stringMatching(/^-221,/)])
      client.send(':STAB:DYN:SEL 0\n:STAB:DATA 5,268435456,1,100,1,0,319,1073741824,1,100,1,384,703\n')
      client.send(':STAB:DYN:SEL 5\n')
      expect([answer(first), answer(second)]).toEqual([expect.stringMatching(/^-221,/), '0,"No error"\n'])
    })

    test('what cannot be played is refused at its trigger, when it was selected while a frame plays', () => {
      const { client, drive, clock } = dynamic()
      client.send(':TRIG:BEG\n:STAB:DYN:SEL 99\n')
      expect(error(client)).toBe('0,"No error"')
      clock.moveTo(clock.monotonicNs() + 4000)
      client.send(':TRIG:BEG\n')
      expect(error(client)).toMatch(/^-221,/)
      expect(drive.played).toHaveLength(1)
    })

    test('an amplitude that is changed after the next frame was selected shows in it', () => {
      const { client, drive, clock } = dynamic()
      client.send(':TRIG:BEG\n:TRAC1:DATA 3,0,#3320' + '\x08'.repeat(320) + '\n:STAB:DYN:SEL 5;:VOLT1 0.5\n')
      clock.moveTo(clock.monotonicNs() + 4000)
      client.send(':TRIG:BEG\n')
      expect([0, 1].map((frame) => code(drive, frame))).toEqual([10, 4])
    })

    test('wants to be self-armed, and sequences', () => {
      for (const setting of [':INIT:CONT:ENAB ARM', ':FUNC:MODE ARB']) {
        const { client } = ready()
        client.send(`:STAB:DYN 1;${setting};:INIT:IMM\n`)
        expect(error(client), setting).toMatch(/^-221,/)
      }
    })
  })

  test('a new sample rate takes two seconds, for which *OPC? waits', async () => {
    const { client, clock } = ready()
    client.send(':FREQ:RAST 60e9;*OPC?\n')
    expect(client.take()).toHaveLength(0)
    await settled()
    expect(client.take().toString()).toBe('1\n')
    expect(clock.monotonicNs()).toBe(2e9)
  })

  test('reads waveforms and tables back, as lists and as blocks, in either byte order', () => {
    const { client } = ready()
    expect(client.ask(':TRAC2:DATA? 1,382,4\n')).toBe('20,20,-20,-20\n')
    expect(client.ask(':TRAC2:DATA:BLOC? 1,382,4\n')).toBe('#14\u0014\u0014\u00ec\u00ec\n')
    client.send(':FORM:BORD SWAP\n')
    const words = Uint32Array.of(2 ** 30, 1, 7, 1, 0, 319)
    client.send(Buffer.concat([Buffer.from(':STAB:DATA 5,#224'), new Uint8Array(words.buffer), Buffer.from('\n')]))
    expect(client.ask(':STAB:DATA? 5,6\n')).toBe('1073741824,1,7,1,0,319\n')
    expect(client.ask(':TRAC1:FREE?\n')).toBe(`${2 ** 26 - 768},768,${2 ** 26 - 768}\n`)
  })

  test('a reset forgets everything and is silent', () => {
    const { client, drive } = ready()
    client.send(':INIT:CONT 1;:STAB:SEQ:SEL 1;:INIT:IMM\n*RST\n')
    expect(drive.restV).toEqual([0, 0, 0, 0])
    expect(client.ask(':TRAC1:CAT?;:OUTP1?;:FUNC:MODE?;:STAB:SEQ:STAT?\n')).toBe('0,0;0;ARB;0\n')
  })

  test('takes many megabytes in pieces of a network', () => {
    const { client } = sim()
    const length = 16 * 1024 * 1024
    client.send(`${FOUR}:TRAC1:DEF 1,${length}\n`)
    const samples = new Uint8Array(length).fill(10)
    client.send(Buffer.concat([Buffer.from(`:TRAC4:DATA 1,0,#8${length}`), samples, Buffer.from('\n')]), 65_536)
    expect(client.ask(`:SYST:ERR?;:TRAC4:DATA? 1,${length - 2},2\n`)).toBe('0,"No error";10,10\n')
  })
})
