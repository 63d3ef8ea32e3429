import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { RtuInstrument } from '../../sim/instruments/modbus-instrument.ts'
import { SimSdm120, simSdm120 } from '../../sim/instruments/sim-sdm120.ts'
import { crc16 } from '../../sim/protocols/modbus-rtu.ts'
import { Exchanger } from '../support/modbus-lines.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('sdm120')
const mains = { powerW: (): number => 984.5, energyKwh: (): number => 12.345 }

function bench(port = mains): Exchanger {
  const sim = new SimSdm120(port, { unit: 1, serial: 19_092_345 })
  return new Exchanger(new RtuInstrument(sim, { unit: 1, clock: new VirtualClock() }))
}

/** Asks without a check sum and answers without one. */
function ask(line: Exchanger, text: string): string {
  const bytes = Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
  const crc = crc16(bytes, bytes.length)
  return line.exchange(Uint8Array.of(...bytes, crc & 0xff, crc >> 8)).slice(0, -4)
}

/** Input registers as the numbers they hold. */
function floats(line: Exchanger, address: string, count: number): readonly number[] {
  const reply = Buffer.from(ask(line, `01 04 ${address} ${(2 * count).toString(16).padStart(4, '0')}`), 'hex')
  return Array.from({ length: count }, (_, i) => reply.readFloatBE(3 + 4 * i))
}

describe('a simulated Eastron SDM120', () => {
  test.each(vectors)('answers: $meaning', ({ sent, reply }) => {
    expect(bench().exchange(...Array.from(sent, (byte) => Uint8Array.of(byte)))).toBe(hexOf(reply))
  })

  test('shows quantities of a 230 V line that belong together', () => {
    const line = bench()
    const [voltageV] = floats(line, '0000', 1) as [number]
    const [currentA, , , powerW, , , apparentVa, , , reactiveVar, , , powerFactor, , , angleDeg] = floats(
      line,
      '0006',
      16,
    ) as number[] as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    expect([voltageV, powerW]).toEqual([230, 984.5])
    expect(voltageV * currentA).toBeCloseTo(apparentVa, 2)
    expect(powerW / apparentVa).toBeCloseTo(powerFactor, 6)
    expect(Math.hypot(powerW, reactiveVar)).toBeCloseTo(apparentVa, 3)
    expect(Math.cos((angleDeg * Math.PI) / 180)).toBeCloseTo(powerFactor, 6)
    expect(floats(line, '0046', 2)).toEqual([50, Math.fround(12.345)])
  })

  test('counts in whole watt-hours', () => {
    expect(floats(bench({ ...mains, energyKwh: () => 1.2349 }), '0156', 1)[0]).toBe(Math.fround(1.234))
  })

  test('keeps a setting that was written', () => {
    const line = bench()
    expect(ask(line, '01 10 0002 0002 04 41f00000')).toBe('011000020002')
    expect(ask(line, '01 03 0002 0002')).toBe('01030441f00000')
  })

  test.each([
    ['input registers beyond the last', '01 04 0158 0004', '018402'],
    ['settings it does not have', '01 03 0100 0002', '018302'],
    ['a write to its serial number', '01 10 fc00 0002 04 00000001', '019002'],
    ['a write of half a value', '01 10 0002 0001 02 0001', '019002'],
    ['two values in one write', '01 10 0002 0004 08 0000000000000000', '019003'],
    ['a setting that is no number', '01 10 0002 0002 04 7fc00000', '019003'],
  ])('refuses %s', (_, request, reply) => {
    expect(ask(bench(), request)).toBe(reply)
  })

  test('has a serial number of its own for each seed and name, and the unit of the bench file', () => {
    const serial = (name: string, seed: number): string => {
      const context = { name, seed, clock: new VirtualClock(), settings: { unit: 5 } }
      return ask(new Exchanger(simSdm120.create(mains, context)), '05 03 fc00 0002')
    }
    expect(serial('mains', 1)).toMatch(/^050304[0-9a-f]{8}$/)
    expect(serial('mains', 1)).toBe(serial('mains', 1))
    expect(new Set([serial('mains', 1), serial('mains', 2), serial('other', 1)]).size).toBe(3)
  })
})
