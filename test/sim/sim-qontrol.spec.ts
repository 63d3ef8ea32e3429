import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { SimQontrol, simQontrol } from '../../sim/instruments/sim-qontrol.ts'
import { CommandReader } from '../../sim/protocols/qontrol-commands.ts'
import type { ModuleCommand } from '../../sim/protocols/qontrol-commands.ts'
import { bytesOf, latin1 } from '../support/manual-transport.ts'
import { ResistiveHeaters } from '../support/resistive-heaters.ts'
import { readVectors } from '../support/vectors.ts'

const CONTEXT = { name: 'heaters', seed: 11, clock: new VirtualClock() }

class Host {
  readonly heaters: ResistiveHeaters
  readonly chain: SimQontrol
  readonly #receive: (bytes: Uint8Array) => void
  #replied = ''

  constructor(modules = 1, seed = 11) {
    this.heaters = new ResistiveHeaters(modules * 8)
    this.chain = new SimQontrol(this.heaters, { ...CONTEXT, seed, settings: { modules } })
    const connection = this.chain.attach((bytes) => (this.#replied += latin1(bytes)))
    this.#receive = (bytes) => connection.receive(bytes)
  }

  /** What the chain has said since the last call, after these bytes. */
  ask(bytes: Uint8Array | string): string {
    this.#receive(typeof bytes === 'string' ? bytesOf(bytes) : bytes)
    const replied = this.#replied
    this.#replied = ''
    return replied
  }
}

/** A reply with its digits, signs and serial numbers blotted out: what a measurement and its recording share. */
const shape = (reply: string): string =>
  reply
    .replaceAll(/-(\*{4}|[0-9A-F]{4})/g, '-SERIAL')
    .replaceAll(/[+-]\d/g, '±0')
    .replaceAll(/\d+(?= s)/g, '0')
    .replaceAll(/[1-9]/g, '0')

const told = ({ name, channel, values }: ModuleCommand): string => `${name}${channel ?? ''}=${values.join(',')}`

const isFixed = (reply: string): boolean => /^(\u0006?OK\n|E\d\d:\d\d\n)+$/.test(reply)

describe('A simulated chain of Q8iv modules', () => {
  // Which earlier channel a module happens to complain of is the business of that recording.
  const vectors = readVectors('qontrol').filter(({ meaning }) => !meaning.includes('earlier channel'))
  for (const { meaning, sent, reply } of vectors)
    test(`replies as recorded: ${meaning}`, () => {
      const host = new Host(meaning.includes('two modules') ? 2 : 1)
      const expected = latin1(reply)
      if (meaning.startsWith('voltages and currents')) host.ask('vall=3\n')
      // Nothing was connected to the recorded modules: a current cannot flow.
      if (meaning.startsWith('unasked')) host.heaters.resistanceOhm.fill(Infinity)
      const replied = host.ask(sent)
      if (isFixed(expected)) expect(replied).toBe(expected)
      else expect(shape(replied)).toBe(shape(expected))
    })

  test('puts a voltage on the heater in steps of 12 V / 65535', () => {
    const host = new Host()
    expect(host.ask('v3=4.5\n')).toBe('OK\n')
    const step = 12 / 65535
    expect(host.heaters.voltagesV[3]).toBeCloseTo(Math.round(4.5 / step) * step, 12)
    host.ask('v3=4.50002\n')
    expect(host.heaters.voltagesV[3]).toBeCloseTo(Math.round(4.5 / step) * step, 12)
  })

  test('puts the word of a binary frame on the heater: 0x5FFF on channel 3 is 4.49998 V', () => {
    const host = new Host()
    expect(host.ask(Uint8Array.of(0x81, 0, 0, 0, 3, 0x5f, 0xff))).toBe('OK\n')
    expect(host.heaters.voltagesV[3]).toBeCloseTo((0x5fff / 0xffff) * 12, 12)
  })

  test('refuses a binary frame of odd parity with E15 and does not carry it out', () => {
    const host = new Host()
    expect(host.ask(Uint8Array.of(0x80, 0, 0, 0, 3, 0x5f, 0xff))).toBe('E15:01\n')
    expect(host.heaters.voltagesV[3]).toBe(0)
    expect(host.ask('nchan?\n')).toBe('8\n')
  })

  test('takes both forms in one stream, in any pieces', () => {
    const single = [0x81, 0, 0, 1, 2, 0x0a, 0x0a]
    const extended = [0x82, 0, 0, 0, 8, 0, 3, 0x0a, 0x01, 0x0a, 0x02, 0x0a, 0x03]
    const stream = [...bytesOf('v0=1\n'), ...single, ...extended, ...bytesOf('V2=3\r\nid?\n')]
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }), (sizes) => {
        const reader = new CommandReader()
        const heard: string[] = []
        for (let at = 0, piece = 0; at < stream.length; piece++) {
          const end = at + sizes[piece % sizes.length]!
          for (const one of reader.push(Uint8Array.from(stream.slice(at, end)), 0))
            heard.push(one.kind === 'command' ? told(one.command) : 'refused')
          at = end
        }
        expect(heard).toEqual(['V0=1', 'V258=2570', 'V8=2561,2562,2563', 'V2=3', 'ID='])
      }),
    )
  })

  test('does not care for upper and lower case', () => {
    const host = new Host()
    for (const line of ['v1=2\n', 'V1=2\n', 'vmax1=12\n', 'VMAX1=12\n']) expect(host.ask(line)).toBe('OK\n')
    expect(host.ask('Id?\n')).toBe(host.ask('iD?\n'))
  })

  test('reads what it measures: a fraction of a percent off, never twice the same, the same for one seed', () => {
    const readings = (seed: number): number[] => {
      const host = new Host(1, seed)
      host.ask('vall=3\n')
      return host
        .ask('vall?\n')
        .trimEnd()
        .split('\n')
        .map((line) => Number(line.replace(' V', '')))
    }
    const first = readings(1)
    for (const voltageV of first) expect(Math.abs(voltageV - 3)).toBeLessThan(0.015)
    expect(new Set(first).size).toBeGreaterThan(4)
    expect(readings(1)).toEqual(first)
    expect(readings(2)).not.toEqual(first)
    const host = new Host()
    host.ask('v0=3\n')
    expect(host.ask('v0?\n')).not.toBe(host.ask('v0?\n'))
  })

  test('reads the heater’s current, and from it power and resistance', () => {
    const host = new Host()
    host.ask('v2=6\n')
    const number = (line: string): number => Number(/^[+-][\d.]+/.exec(line)?.[0])
    expect(number(host.ask('i2?\n'))).toBeCloseTo(4, 1)
    expect(number(host.ask('p2?\n'))).toBeCloseTo(24, 0)
    expect(number(host.ask('r2?\n')) / 1500).toBeCloseTo(1, 1)
  })

  test('drives a current by finding its voltage, and says so when the heater does not draw it', () => {
    const host = new Host()
    expect(host.ask('i1=4\n')).toBe('OK\n')
    expect(host.heaters.voltagesV[1]).toBeCloseTo(6, 3)
    host.heaters.resistanceOhm[2] = Infinity
    expect(host.ask('i2=4\n')).toBe('OK\nE01:02\n')
    expect(host.heaters.voltagesV[2]).toBe(12)
    expect(host.ask('i1=0\n')).toBe('OK\n')
    expect(host.heaters.voltagesV[1]).toBe(0)
  })

  test('trips a channel that draws more than its limit: to 0 V, acknowledged first and reported after', () => {
    const host = new Host(2)
    host.ask('imax11=2\n')
    expect(host.ask('v11=2.9\n')).toBe('OK\n')
    expect(host.ask('v11=3.1\n')).toBe('OK\nE02:03\n')
    expect(host.heaters.voltagesV[11]).toBe(0)
    expect(host.ask('i11=3\n')).toBe('OK\nE02:03\n')
  })

  test('does not follow a voltage above a channel’s own limit, and reports it', () => {
    const host = new Host()
    host.ask('vmax4=5\n')
    host.ask('v4=4\n')
    expect(host.ask('v4=6\n')).toBe('OK\nE01:04\n')
    expect(host.heaters.voltagesV[4]).toBeCloseTo(4, 3)
    expect(host.ask('vmax4?\n')).toBe('+5.0000 V\n')
  })

  test('counts the channel of an error within its module', () => {
    const host = new Host(2)
    host.ask('vmax12=5\n')
    expect(host.ask('v12=6\n')).toBe('OK\nE01:04\n')
    expect(host.ask('v13=13\n')).toBe('E11:05\n')
  })

  test('carries out all of a vector or nothing', () => {
    const host = new Host(2)
    expect(host.ask('vVEC0=1,2,3,13,5,6,7,8\n')).toBe('E11:03\n')
    expect(host.ask('vVEC8=1,2,3,4,5,6,7,8,9\n')).toBe('E12:16\n')
    expect(host.ask('vVEC3=1,2\n')).toBe('E12:03\n')
    expect(host.ask('v99=1\n')).toBe('E12:99\n')
    expect(host.ask('v99?\n')).toBe('E12:99\n')
    expect(host.heaters.voltagesV.every((voltageV) => voltageV === 0)).toBe(true)
    expect(host.ask('vVEC8=1,2,3,4,5,6,7,8\n')).toBe('OK\n')
    expect(host.heaters.voltagesV.slice(8).map(Math.round)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('comes back from a power cut with every output at 0, and every module says so to every client', () => {
    const host = new Host(2)
    let other = ''
    const second = host.chain.attach((bytes) => (other += latin1(bytes)))
    host.ask('vall=5\n')
    host.chain.powerCycle()
    expect(host.ask('')).toBe('E90:03\nE90:03\n')
    expect(other).toBe('E90:03\nE90:03\n')
    expect(host.heaters.voltagesV.every((voltageV) => voltageV === 0)).toBe(true)
    second.detach()
    host.chain.powerCycle()
    expect(other).toBe('E90:03\nE90:03\n')
  })

  test('answers E15 to a command that arrives damaged, and then goes on', () => {
    const host = new Host()
    host.chain.disturbNext()
    expect(host.ask('v0=5\n')).toBe('E15:01\n')
    expect(host.heaters.voltagesV[0]).toBe(0)
    expect(host.ask('v0=5\n')).toBe('OK\n')
  })

  test('replies to the client that asked, and to no other', () => {
    const host = new Host()
    let other = ''
    const second = host.chain.attach((bytes) => (other += latin1(bytes)))
    expect(host.ask('nchan?\n')).toBe('8\n')
    expect(other).toBe('')
    second.receive(bytesOf('nchan?\n'))
    expect(other).toBe('8\n')
    expect(host.ask('')).toBe('')
  })

  test('is made from the settings that the driver has', () => {
    const heaters = new ResistiveHeaters(24)
    const replies: string[] = []
    const chain = simQontrol.create(heaters, { ...CONTEXT, settings: { modules: 3, limitV: 10 } })
    chain.attach((bytes) => replies.push(latin1(bytes))).receive(bytesOf('nupall?\n'))
    expect(replies).toHaveLength(3)
    expect(() => simQontrol.create(heaters, { ...CONTEXT, settings: {} })).toThrow('modules')
  })
})
