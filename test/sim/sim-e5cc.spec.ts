import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { RtuInstrument } from '../../sim/instruments/modbus-instrument.ts'
import { SimE5cc, simE5cc } from '../../sim/instruments/sim-e5cc.ts'
import type { OvenPort } from '../../sim/optics/world-ports.ts'
import { crc16 } from '../../sim/protocols/modbus-rtu.ts'
import { Exchanger, linesOf } from '../support/modbus-lines.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('e5cc')
const oven: OvenPort = { setSetPointC: () => undefined, temperatureC: () => 24.7 }

/** Asks without a check sum and answers without one. */
function ask(line: Exchanger, text: string): string {
  const bytes = Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
  const crc = crc16(bytes, bytes.length)
  return line.exchange(Uint8Array.of(...bytes, crc & 0xff, crc >> 8)).slice(0, -4)
}

function bench(port = oven): { sim: SimE5cc; line: Exchanger } {
  const sim = new SimE5cc(port)
  return { sim, line: new Exchanger(new RtuInstrument(sim, { unit: 1, clock: new VirtualClock() })) }
}

describe('a simulated Omron E5CC', () => {
  test('plays the whole transcript, byte by byte', () => {
    const { line } = bench()
    for (const { meaning, sent, reply } of vectors) {
      const pieces = Array.from(sent, (byte) => Uint8Array.of(byte))
      expect(line.exchange(...pieces), meaning).toBe(hexOf(reply))
    }
  })

  test('hands set point and run or stop to the oven', () => {
    const calls: string[] = []
    const { line } = bench({
      setSetPointC: (setPointC, running) => calls.push(`${setPointC} ${running ? 'runs' : 'stands'}`),
      temperatureC: () => 20,
    })
    for (const { sent } of linesOf(vectors, ['communications writing on', 'set point to 31.4 C', 'run', 'stop'])) {
      line.exchange(sent)
    }
    expect(calls).toEqual(['31.4 stands', '31.4 runs', '31.4 stands'])
  })

  test('counts every write to its memory, and none in RAM write mode', () => {
    const { sim, line } = bench()
    ask(line, '01 06 0000 0001')
    ask(line, '01 06 2103 0100')
    ask(line, '01 10 2105 0002 04 0001 0002')
    expect(sim.eepromWrites).toBe(2)
    ask(line, '01 06 0000 0401')
    ask(line, '01 06 2103 0110')
    ask(line, '01 06 2103 0120')
    expect(sim.eepromWrites).toBe(2)
    expect(ask(line, '01 03 2406 0002')).toBe('01030400000330')
    // Back to backup mode: what changed is kept now, once.
    ask(line, '01 06 0000 0400')
    expect(sim.eepromWrites).toBe(3)
    expect(ask(line, '01 03 2406 0002')).toBe('01030400000300')
  })

  test('forgets in a restart what was only in RAM, and is locked again', () => {
    const { sim, line } = bench()
    ask(line, '01 06 0000 0001')
    ask(line, '01 06 2103 0100')
    ask(line, '01 06 0000 0401')
    ask(line, '01 06 2103 0200')
    ask(line, '01 06 0000 0100')
    expect(sim.running).toBe(true)
    expect(ask(line, '01 06 0000 0600')).toBe('')
    expect(ask(line, '01 03 2103 0001')).toBe('0103020100')
    expect(ask(line, '01 06 2103 0001')).toBe('018604')
    expect(sim.running).toBe(false)
  })

  test('keeps what was saved', () => {
    const { line } = bench()
    for (const request of [
      '01 06 0000 0001',
      '01 06 0000 0401',
      '01 06 2103 0200',
      '01 06 0000 0500',
      '01 06 0000 0600',
    ]) {
      ask(line, request)
    }
    expect(ask(line, '01 03 2103 0001')).toBe('0103020200')
  })

  test('shows a broken sensor in its status', () => {
    const { line } = bench({ ...oven, temperatureC: () => Number.NaN })
    expect(ask(line, '01 03 2000 0002')).toBe('010304270f0040')
  })

  test.each([
    ['writing before it was enabled', '01 06 2103 0001', '018604'],
    ['running before writing was enabled', '01 06 0000 0100', '018604'],
    ['an odd address in four-byte mode', '01 03 0107 0002', '018302'],
    ['an odd count in four-byte mode', '01 03 0106 0003', '018303'],
    ['function 04', '01 04 2000 0001', '018401'],
    ['a run of registers with a gap', '01 03 2000 0008', '018302'],
    ['a switch that is neither on nor off', '01 06 0000 0002', '018603'],
  ])('refuses %s', (_, request, reply) => {
    expect(ask(bench().line, request)).toBe(reply)
  })

  test.each([
    ['beyond four digits', '01 06 2103 2710', '018603'],
    ['below what it shows', '01 06 2103 F830', '018603'],
    ['to its process value', '01 06 2000 0001', '018602'],
    ['of one register in four-byte mode', '01 06 0106 0001', '018602'],
    ['of half a value in four-byte mode', '01 10 0106 0001 02 0001', '019003'],
    ['that goes beyond its settings', '01 10 2103 0008 10 0001 0001 0001 0001 0001 0001 0001 0001', '019002'],
  ])('refuses a write %s', (_, request, reply) => {
    const { line } = bench()
    ask(line, '01 06 0000 0001')
    expect(ask(line, request)).toBe(reply)
    expect(ask(line, '01 03 2103 0001')).toBe('01030200fa')
  })

  test('takes unit and decimals from the bench file', () => {
    const context = { name: 'oven-1', seed: 1, clock: new VirtualClock(), settings: { unit: 9, decimals: 2 } }
    const line = new Exchanger(simE5cc.create(oven, context))
    expect(ask(line, '09 03 2000 0001')).toBe('09030209a6')
    const other = new Exchanger(simE5cc.create(oven, { ...context, unit: 12 }))
    expect(ask(other, '0c 03 2410 0001')).toBe('0c03020002')
  })
})
