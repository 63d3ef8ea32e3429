import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { SimMbx, simMbx } from '../../sim/instruments/sim-mbx.ts'
import type { SimMbxOptions } from '../../sim/instruments/sim-mbx.ts'
import { readVectors } from '../support/vectors.ts'

const VPI_V = 3.5
const NULL_V = 0.8

/** A host on the line, and a modulator whose tap shows what the electrode does. */
class Host {
  readonly clock = new VirtualClock()
  biasV = Number.NaN
  peakMw = 2
  readonly #replies: string[] = []
  readonly #receive: (bytes: Uint8Array) => void

  constructor(options: Partial<SimMbxOptions> = {}, settings: Record<string, unknown> = {}) {
    const port = {
      setBiasV: (biasV: number) => (this.biasV = biasV),
      followNull: () => (this.biasV = NULL_V),
      nullBiasV: () => NULL_V,
      tapMw: () => this.tapMw(),
    }
    const sim = new SimMbx(port, { name: 'bias-1', seed: 3, clock: this.clock, settings }, options)
    const connection = sim.attach((bytes) => this.#replies.push(Buffer.from(bytes).toString('latin1')))
    this.#receive = (bytes) => connection.receive(bytes)
  }

  tapMw = (): number => this.peakMw * Math.sin((Math.PI * (this.biasV - NULL_V)) / (2 * VPI_V)) ** 2

  /** Everything that comes back, terminators included. */
  say(text: string): string {
    this.#receive(Buffer.from(text, 'latin1'))
    return this.#replies.splice(0).join('')
  }

  ask(question: string): string {
    return this.say(`${question}\r`).trimEnd()
  }

  wait(ms: number): this {
    this.clock.moveTo(this.clock.monotonicNs() + ms * 1e6)
    return this
  }

  in(mode: number, afterMs = 2000): this {
    this.say(`MZM:MODE: ${mode}\r`)
    return this.wait(afterMs)
  }
}

function after(host: Host, ...commands: readonly string[]): Host {
  for (const command of commands) host.say(command)
  return host
}

/** The state in which a controller gives the reply of a vector. */
const BEFORE: Readonly<Record<string, () => Host>> = {
  'the bias is locked': () => new Host().in(2),
  'the mode is to hold quadrature on the rising side': () => after(new Host(), 'MZM:MODE: 5\r'),
  'the ratio to hold is 5': () => after(new Host(), 'MZM:HOLD:RATIO: 500\r'),
  'the voltage to hold is 5 V': () => after(new Host(), 'MZM:HOLD:VOLTAGE: 5000\r'),
  'the bias is 5.42 V': () => after(new Host(), 'MZM:HOLD:VOLTAGE: 5420\r', 'MZM:MODE: 7\r'),
  'the tap sees 1.23 mW': () => {
    const host = new Host()
    host.tapMw = () => 1.23
    return host
  },
  'the attenuation is 5 dB': () => after(new Host(), 'VOA:ATTEN: 5\r'),
  'the output is 5 mW': () => after(new Host(), 'VOA:OUTPUT:MW: 5\r'),
}

describe('a simulated Thorlabs MBX', () => {
  test.each(readVectors('mbx'))('answers byte for byte: $meaning', ({ meaning, sent, reply }) => {
    const host = BEFORE[meaning]?.() ?? new Host()
    expect(host.say(Buffer.from(sent).toString('latin1'))).toBe(Buffer.from(reply).toString('latin1'))
  })

  test('identifies itself, with the serial number of the bench file or one of its own', () => {
    expect(new Host({}, { serial: 'M01234567' }).ask('*IDN?')).toBe('THORLABS,MBX-SIM,M01234567,1.9.4')
    expect(new Host().ask('*IDN?')).toMatch(/^THORLABS,MBX-SIM,SIM\d{6},1\.9\.4$/)
  })

  test.each(['\r', '\n', '\r\n', '\n\r'])('takes commands that end in %j', (end) => {
    expect(new Host().say(`MZM:MODE?${end}`)).toBe('0\r')
  })

  test.each(['\r', '\n', '\r\n'] as const)('can end its replies in %j', (terminator) => {
    expect(new Host({ terminator }).say('MZM:MODE?\r')).toBe(`0${terminator}`)
  })

  test('takes its bytes in any pieces, and several commands in one', () => {
    const host = new Host()
    expect(host.say('MZM:MO') + host.say('DE?') + host.say('\rMZM:VOLTAGE?\r\r\n')).toBe('0\r0\r')
  })

  test.each(['mzm:setpoint?', 'MZM:SET?', 'Mzm:SETpoint?'])('understands %s', (question) => {
    expect(new Host().in(2).ask(question)).toBe('1')
  })

  test('takes a value with or without a blank before it', () => {
    const host = new Host()
    host.say('MZM:HOLD:VOLTAGE:-1500\r')
    expect(host.ask('MZM:HOLD:VOLTAGE?')).toBe('-1500')
  })

  test('does not mistake part of a word for the word', () => {
    expect(new Host().ask('MZM:SETP?')).toBe('Err: Undefined header')
  })

  test('answers every accepted setting with 1 where firmware does', () => {
    const host = new Host({ answersSettings: true })
    expect(host.say('MZM:MODE: 2\r')).toBe('1\r')
    expect(host.say('MZM:MODE: 10\r')).toBe('Err: Data out of range\r')
  })

  test.each([
    ['MZM:MODE: -1', 'Err: Data out of range'],
    ['MZM:MODE: 1.5', 'Err: Data type error'],
    ['MZM:MODE: 1x', 'Err: Data type error'],
    ['MZM:HOLD:VOLTAGE: 10001', 'Err: Data out of range'],
    ['MZM:HOLD:RATIO: 249', 'Err: Data out of range'],
    ['VOA:ATTEN: 20.1', 'Err: Data out of range'],
    ['VOA:POWER: 1', 'Err: Feature not present'],
    ['MZM:VOLTAGE: 3', 'Err: Undefined header'],
    ['MZM:MODE', 'Err: Undefined header'],
    ['hello', 'Err: Undefined header'],
  ])('refuses %s', (command, error) => {
    const host = new Host().in(2)
    expect(host.ask(command)).toBe(error)
    expect([host.ask('MZM:MODE?'), host.biasV]).toEqual(['2', NULL_V])
  })

  test('drives nothing before anybody speaks to it', () => {
    let biasV = Number.NaN
    const port = {
      setBiasV: (volts: number) => (biasV = volts),
      followNull: () => (biasV = 1),
      nullBiasV: () => 1,
      tapMw: () => 1,
    }
    simMbx.create(port, { name: 'bias-1', seed: 3, clock: new VirtualClock(), settings: {} })
    expect(biasV).toBe(0)
  })

  test('calibrates for two seconds, then holds the null and says so', () => {
    const host = new Host().in(2, 1999)
    expect([host.ask('MZM:CALIBRATING?'), host.ask('MZM:SETPOINT?'), host.biasV]).toEqual(['1', '0', 0])
    host.wait(1)
    expect([host.ask('MZM:CALIBRATING?'), host.ask('MZM:SETPOINT?')]).toEqual(['0', '1'])
    expect([host.biasV, host.ask('MZM:VOLTAGE?')]).toEqual([NULL_V, '0.8'])
  })

  test('calibrates again on request', () => {
    const host = new Host().in(2)
    expect(host.ask('MZM:SETPOINT?')).toBe('1')
    expect(host.ask('MZM:RESET')).toBe('1')
    expect([host.ask('MZM:CALIBRATING?'), host.ask('MZM:SETPOINT?')]).toEqual(['1', '0'])
    host.wait(2000)
    expect(host.ask('MZM:SETPOINT?')).toBe('1')
  })

  test('never locks without light, and locks when the light comes', () => {
    const host = new Host()
    host.peakMw = 0
    host.in(2)
    expect([host.ask('MZM:CALIBRATING?'), host.ask('MZM:SETPOINT?'), host.biasV]).toEqual(['0', '0', 0])
    host.peakMw = 2
    expect([host.ask('MZM:SETPOINT?'), host.biasV]).toEqual(['1', NULL_V])
  })

  test('leaves the bias where it was after a search in the dark', () => {
    const host = new Host()
    host.peakMw = 0
    host.in(3)
    expect([host.ask('MZM:SETPOINT?'), host.biasV]).toEqual(['0', 0])
  })

  test('loses its lock with the light, and leaves the bias where it was', () => {
    const host = new Host().in(2)
    expect(host.ask('MZM:SETPOINT?')).toBe('1')
    host.peakMw = 0
    expect([host.ask('MZM:SETPOINT?'), host.biasV]).toEqual(['0', NULL_V])
  })

  test('drives nothing in mode 0, at once', () => {
    const host = new Host().in(2)
    host.ask('MZM:SETPOINT?')
    host.in(0, 0)
    expect([host.biasV, host.ask('MZM:SETPOINT?'), host.ask('MZM:CALIBRATING?')]).toEqual([0, '0', '0'])
  })

  test('drives the held voltage in mode 7, at once, and only there', () => {
    const host = new Host()
    host.say('MZM:HOLD:VOLTAGE: 2500\r')
    expect(host.biasV).toBe(0)
    host.in(7, 0)
    expect([host.biasV, host.ask('MZM:SETPOINT?')]).toEqual([2.5, '1'])
    host.say('MZM:HOLD:VOLTAGE: -9999\r')
    expect([host.biasV, host.ask('MZM:VOLTAGE?')]).toEqual([-9.999, '-9.999'])
  })

  test.each([
    ['the peak', 1, 2, 0],
    ['the rising quadrature', 3, 1, 1],
    ['the falling quadrature', 4, 1, -1],
    ['the rising quadrature, held', 5, 1, 1],
    ['the falling quadrature, held', 6, 1, -1],
    ['a quarter of the peak, rising', 8, 0.5, 1],
    ['a quarter of the peak, falling', 9, 0.5, -1],
  ])('finds %s in mode %i', (_, mode, powerMw, slope) => {
    const host = new Host()
    host.say('MZM:HOLD:RATIO: 400\r')
    host.in(mode)
    expect(host.ask('MZM:SETPOINT?')).toBe('1')
    // Swept in steps of a quarter of a volt, a fourteenth of Vπ.
    expect(host.tapMw()).toBeCloseTo(powerMw, 1)
    expect(Math.abs(host.biasV)).toBeLessThan(2 * VPI_V)
    const before = host.tapMw()
    host.biasV += 0.01
    if (slope !== 0) expect(Math.sign(host.tapMw() - before)).toBe(slope)
  })
})
