import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ScpiCall } from '../../sim/protocols/scpi-call.ts'
import { ScpiFault } from '../../sim/protocols/scpi-fault.ts'
import { scpiUnits } from '../../sim/protocols/scpi-units.ts'

const call = (...parameters: readonly string[]): ScpiCall =>
  new ScpiCall([], parameters, { signal: new AbortController().signal })

function faultOf(read: () => unknown): number | undefined {
  try {
    read()
  } catch (error) {
    if (error instanceof ScpiFault) return error.number
    throw error
  }
  return undefined
}

const ANY = { min: -Infinity, max: Infinity }
const inUnit = (text: string, unit: Parameters<typeof scpiUnits>[0]): number =>
  call(text).number({ ...ANY, units: scpiUnits(unit) })

describe('parameters of a SCPI command', () => {
  test.each([
    ['1.5', 'V', 1.5],
    ['250mV', 'V', 0.25],
    ['3 uA', 'A', 3e-6],
    ['2 MA', 'A', 2e-3],
    ['1A', 'A', 1],
    ['4 KHZ', 'HZ', 4e3],
    ['5 MHZ', 'HZ', 5e6],
    ['6 mohm', 'OHM', 6e6],
    ['7MAV', 'V', 7e6],
    ['8 M', 'M', 8],
    ['1550NM', 'M', 1550e-9],
    ['10US', 'S', 10e-6],
  ] as const)('%s in %s is %d', (text, unit, value) => {
    expect(inUnit(text, unit)).toBeCloseTo(value, 15)
  })

  test('a unit of something else is -131', () => {
    expect(faultOf(() => inUnit('1 V', 'A'))).toBe(-131)
    expect(faultOf(() => inUnit('1 QV', 'V'))).toBe(-131)
  })

  test('binary, octal and hexadecimal numbers have digits of their own only', () => {
    const values = ['#B101', '#q17', '#H3c'].map((text) => call(text).integer(0, 255))
    expect(values).toEqual([5, 15, 60])
    for (const text of ['#B12', '#Q8', '#HG', '#H', '#B']) {
      expect(
        faultOf(() => call(text).integer(0, 255)),
        text,
      ).toBe(-121)
    }
  })

  test('a string comes in either quote; the quote inside is written twice', () => {
    expect(['"VOLT"', "'it''s'", '"a ""b"" c"', '""'].map((text) => call(text).string())).toEqual([
      'VOLT',
      "it's",
      'a "b" c',
      '',
    ])
    expect(faultOf(() => call('VOLT').string())).toBe(-104)
    for (const text of ['"', '"a"b"', '"a\''])
      expect(
        faultOf(() => call(text).string()),
        text,
      ).toBe(-151)
  })

  test('a channel list names channels and ranges in the order written; left out, it is the first', () => {
    const lists = ['(@1)', '(@2)', '(@1,2)', '(@1:2)', '(@2:1)', '(@ 2, 1 )'].map((text) => call(text).channels(2))
    expect(lists).toEqual([[1], [2], [1, 2], [1, 2], [2, 1], [2, 1]])
    expect(call().channels(2)).toEqual([1])
    for (const text of ['1', '(1)', '(@)', '(@1,)', '(@1:2:1)', '(@1.5)', '(@a)']) {
      expect(
        faultOf(() => call(text).channels(2)),
        text,
      ).toBe(-171)
    }
    for (const text of ['(@0)', '(@3)', '(@1:4000000000)']) {
      expect(
        faultOf(() => call(text).channels(2)),
        text,
      ).toBe(-222)
    }
  })

  test('whatever text comes, it is read or is a SCPI error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        for (const read of [
          () => call(text).string(),
          () => call(text).channels(2),
          () => call(text).boolean(),
          () => call(text).number({ ...ANY, units: scpiUnits('V') }),
        ]) {
          faultOf(read)
        }
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  test('every string comes out as it was quoted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), fc.constantFrom('"', "'"), (text, quote) => {
        expect(call(quote + text.replaceAll(quote, quote + quote) + quote).string()).toBe(text)
      }),
      { seed: 1 },
    )
  })
})
