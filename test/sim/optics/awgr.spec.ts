import { describe, expect, test } from 'vitest'
import { awgrOutput, awgrWavelength } from '../../../core/awgr-layout.ts'
import { awgrTransmission, fabricateAwgr } from '../../../sim/optics/awgr.ts'
import { AWGR_PARAMETERS } from '../../../sim/optics/parameters/awgr-parameters.ts'
import { valuesOf } from '../../../sim/optics/parameters/parameter.ts'

const SIZE = 8
const ideal = { awgrLossDb: 0, awgrLossSpreadDb: 0, awgrCentreErrorGhz: 0 }
const made = (changes: Record<string, number>) =>
  fabricateAwgr('test', { size: SIZE, firstThz: 193.1, spacingThz: 0.1 }, valuesOf(AWGR_PARAMETERS, changes), 1)
const at = (k: number): number => 193.1 + 0.1 * k

describe('a cyclic router', () => {
  test('sends wavelength k of input p to output (p − k) mod N, of any order', () => {
    const awgr = made(ideal)
    for (let input = 0; input < SIZE; input++) {
      for (let k = 0; k < SIZE; k++) {
        const right = awgrOutput(SIZE, input, k)
        expect(awgrWavelength(SIZE, input, right)).toBe(k)
        for (let output = 0; output < SIZE; output++) {
          for (const order of [-1, 0, 2]) {
            const passed = awgrTransmission(awgr, input, output, at(k + order * SIZE))
            if (output === right) expect(passed).toBeCloseTo(awgr.kept, 9)
            else expect(passed).toBeLessThanOrEqual(10 ** -2.5 * (1 + 1e-9))
          }
        }
      }
    }
  })

  test('leaks 25 dB below from a neighbouring channel and 30 dB from others', () => {
    const awgr = made(ideal)
    const leakDb = (output: number): number => 10 * Math.log10(awgrTransmission(awgr, 0, output, at(0)))
    expect([1, 7].map(leakDb)).toEqual([expect.closeTo(-25, 9), expect.closeTo(-25, 9)])
    expect([2, 3, 4, 5, 6].map(leakDb)).toEqual(Array.from({ length: 5 }, (): unknown => expect.closeTo(-30, 9)))
  })

  test('has lost 3 dB at half its passband', () => {
    const awgr = made({ ...ideal, awgrPassband3DbGhz: 60 })
    for (const side of [-1, 1]) {
      expect(awgrTransmission(awgr, 3, 3, 193.1 + side * 0.03)).toBeCloseTo(awgr.kept * 10 ** -0.3, 9)
    }
  })

  test('keeps all light: what leaks is missing at the right output', () => {
    for (const k of [0, 3, 7]) {
      const awgr = made(ideal)
      const all = Array.from({ length: SIZE }, (_, output) => awgrTransmission(awgr, 5, output, at(k)))
      expect(all.reduce((sum, power) => sum + power, 0)).toBeCloseTo(1, 9)
    }
  })

  test('with the default passband keeps the widths of its data sheet: 0.4 nm at 1 dB, 0.6 nm at 3 dB', () => {
    const awgr = made(ideal)
    const downDb = (offThz: number): number =>
      -10 * Math.log10(awgrTransmission(awgr, 2, 2, 193.1 + offThz) / awgr.kept)
    expect(downDb(0.025)).toBeLessThan(1)
    expect(downDb(0.0375)).toBeCloseTo(3, 9)
  })

  test('gives every path a loss and a centre of its own', () => {
    const awgr = made({ awgrLossDb: 4.5, awgrLossSpreadDb: 0.3 })
    const mean = awgr.lossRatio.reduce((sum, ratio) => sum - 10 * Math.log10(ratio), 0) / SIZE ** 2
    expect(mean).toBeGreaterThan(4.35)
    expect(mean).toBeLessThan(4.65)
    expect(new Set(awgr.centreErrorThz).size).toBe(SIZE ** 2)
  })
})
