import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { MbapInstrument } from '../../sim/instruments/modbus-instrument.ts'
import { SimT7, simT7 } from '../../sim/instruments/sim-t7.ts'
import { T7AnalogInputs } from '../../sim/instruments/t7-analog-inputs.ts'
import { Exchanger, forever } from '../support/modbus-lines.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('t7')

interface Bench {
  readonly socket: Exchanger
  readonly inputsV: Float64Array
  readonly clock: VirtualClock
}

function bench(): Bench {
  const inputsV = new Float64Array(14)
  const clock = new VirtualClock()
  const sim = new SimT7(
    { voltageV: (channel) => inputsV[channel] ?? 0 },
    { clock, name: 'taps', seed: 5, serial: 470_012_345 },
  )
  return { socket: new Exchanger(new MbapInstrument(sim)), inputsV, clock }
}

const word = (value: number): string => value.toString(16).padStart(4, '0')
const float = (value: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatBE(value)
  return bytes.toString('hex')
}

/** Function code and data in, function code and data out. */
function ask(socket: Exchanger, pdu: string): string {
  const bytes = Buffer.from(pdu.replaceAll(' ', ''), 'hex')
  const header = Buffer.from(`00000000${word(bytes.length + 1)}01`, 'hex')
  return socket.exchange(Buffer.concat([header, bytes])).slice(14)
}

const read = (socket: Exchanger, address: number, count: number): string =>
  ask(socket, `03 ${word(address)} ${word(count)}`).replace(/^03../, '')

const write = (socket: Exchanger, address: number, data: string): string =>
  ask(socket, `10 ${word(address)} ${word(data.length / 4)} ${(data.length / 2).toString(16).padStart(2, '0')} ${data}`)

function voltageV(socket: Exchanger, channel: number): number {
  return Buffer.from(read(socket, 2 * channel, 2), 'hex').readFloatBE(0)
}

describe('a simulated LabJack T7', () => {
  test('plays the whole transcript, byte by byte', () => {
    const { socket } = bench()
    for (const { meaning, sent, reply } of vectors) {
      expect(socket.exchange(...Array.from(sent, (byte) => Uint8Array.of(byte))), meaning).toBe(hexOf(reply))
    }
  })

  test('reads its settings as they were written', () => {
    const { socket } = bench()
    expect(read(socket, 40006, 2)).toBe(float(10))
    expect(write(socket, 40006, float(0.1))).toBe(`10${word(40006)}0002`)
    expect(read(socket, 40006, 2)).toBe(float(0.1))
    expect(write(socket, 40006, float(0))).toBe(`10${word(40006)}0002`)
    expect(read(socket, 40006, 2)).toBe(float(10))
    expect(write(socket, 42000, float(50))).toBe(`10${word(42000)}0002`)
    expect(read(socket, 42000, 2)).toBe(float(50))
    expect(write(socket, 1000, float(2.5) + float(5))).toBe(`10${word(1000)}0004`)
    expect(read(socket, 1000, 4)).toBe(float(2.5) + float(5))
  })

  test('sets all inputs at once, and says -9999 where they differ', () => {
    const { socket } = bench()
    write(socket, 43900, float(0.01))
    expect(read(socket, 40000, 28)).toBe(float(0.01).repeat(14))
    expect(read(socket, 43900, 2)).toBe(float(0.01))
    write(socket, 40000, float(1))
    expect(read(socket, 43900, 2)).toBe(float(-9999))
    write(socket, 43903, word(3))
    expect(read(socket, 41500, 14)).toBe(word(3).repeat(14))
    expect(write(socket, 43902, word(199))).toBe(`10${word(43902)}0001`)
    write(socket, 41004, word(5))
    expect(read(socket, 43902, 1)).toBe('ffff')
  })

  test('measures an even input against its upper neighbour when told to', () => {
    const { socket, inputsV } = bench()
    inputsV.set([3, 1.25], 4)
    expect(voltageV(socket, 4)).toBeCloseTo(3, 3)
    expect(write(socket, 41004, word(5))).toBe(`10${word(41004)}0001`)
    expect(voltageV(socket, 4)).toBeCloseTo(1.75, 3)
  })

  test.each([
    ['a range it does not have', 40000, float(5), '9003'],
    ['a range that is no number', 40000, float(Number.NaN), '9003'],
    ['a resolution of a T7-Pro', 41500, word(9), '9003'],
    ['a neighbour that is none', 41000, word(2), '9003'],
    ['a neighbour of an odd input', 41001, word(2), '9003'],
    ['a settling time that is too long', 42000, float(60_000), '9003'],
    ['more volts than its outputs have', 1000, float(6), '9003'],
    ['half a value', 40000, word(0x4120), '9004'],
    ['the second half of a value', 40001, word(0), '9004'],
    ['an input', 0, float(1), '9002'],
    ['registers that are not there', 59000, word(0), '9002'],
  ])('refuses to be written %s', (_, address, data, reply) => {
    expect(write(bench().socket, address, data)).toBe(reply)
  })

  test('knows the time since it began, in ticks of 40 MHz', async () => {
    const { socket, clock } = bench()
    await clock.sleep(250, forever())
    expect(Number.parseInt(read(socket, 61520, 2), 16)).toBe(10_000_000)
  })

  test('shows its name', () => {
    expect(Buffer.from(read(bench().socket, 60500, 25), 'hex').toString('latin1')).toBe('taps'.padEnd(50, '\0'))
  })

  test('keeps 125 registers of one read in one frame', () => {
    expect(read(bench().socket, 0, 28)).toHaveLength(2 * 56)
    expect(ask(bench().socket, '03 0000 007d')).toBe('8302')
  })

  test('has a serial number of its own for each seed and name', () => {
    const serial = (name: string, seed: number): string => {
      const instrument = simT7.create({ voltageV: () => 0 }, { name, seed, clock: new VirtualClock(), settings: {} })
      return read(new Exchanger(instrument), 60028, 2)
    }
    expect(serial('taps', 1)).toBe(serial('taps', 1))
    expect(new Set([serial('taps', 1), serial('taps', 2), serial('other', 1)]).size).toBe(3)
  })
})

describe('the analog inputs of a simulated LabJack T7', () => {
  const CODE_10V = 3.1580578e-4
  const readings = (rangeV: number, resolutionIndex: number, inputV: number): number[] => {
    const inputs = new T7AnalogInputs({ voltageV: () => inputV }, 11, 'taps')
    inputs.setRangeV(2, rangeV)
    inputs.setResolutionIndex(2, resolutionIndex)
    return Array.from({ length: 4000 }, () => inputs.measureV(2))
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const spread = (values: readonly number[]): number => {
    const centre = mean(values)
    return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)))
  }

  test('step in codes of 16 bits at resolution index 1', () => {
    for (const reading of readings(10, 1, 1.2345)) {
      const code = reading / CODE_10V
      expect(Math.abs(code - Math.round(code))).toBeLessThan(1e-6)
    }
  })

  // The noise of one conversion is one code, the rounding adds 0.29; 4000 readings know their spread to 1.1 %.
  test.each([
    [1, Math.hypot(1, 0.29)],
    [3, Math.hypot(1, 0.14) / 2],
    [8, Math.hypot(1, 0.026) / Math.sqrt(128)],
  ])('scatter less with a higher resolution index: %i', (resolutionIndex, codes) => {
    const values = readings(1, resolutionIndex, 0.3217)
    expect(spread(values) / (CODE_10V / 10) / codes).toBeGreaterThan(0.95)
    expect(spread(values) / (CODE_10V / 10) / codes).toBeLessThan(1.05)
    expect(Math.abs(mean(values) - 0.3217)).toBeLessThan((4 * spread(values)) / Math.sqrt(values.length))
  })

  test('stop at the ends of the converter', () => {
    expect(readings(1, 8, 5)[0]).toBeCloseTo((0xffff - 33_523) * (CODE_10V / 10), 9)
    expect(readings(1, 8, -5)[0]).toBeCloseTo(-33_523 * (CODE_10V / 10), 9)
  })

  test('repeat with the same seed, whatever other inputs do', () => {
    const quiet = new T7AnalogInputs({ voltageV: () => 0 }, 11, 'taps')
    const busy = new T7AnalogInputs({ voltageV: () => 0 }, 11, 'taps')
    const first = [quiet.measureV(2), quiet.measureV(2)]
    busy.measureV(0)
    expect([busy.measureV(2), (busy.measureV(5), busy.measureV(2))]).toEqual(first)
    expect(new Set(first).size).toBe(2)
  })
})
