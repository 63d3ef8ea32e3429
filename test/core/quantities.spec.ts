import { describe, expect, test } from 'vitest'
import {
  dbmToMw,
  lossDbToFieldRatio,
  lossDbToPowerRatio,
  mwToDbm,
  powerDbm,
  powerMw,
  thzToNm,
} from '../../core/quantities.ts'

describe('units', () => {
  test('0 dBm is 1 mW, 30 dBm is 1 W, −30 dBm is 1 µW', () => {
    expect([0, 30, -30].map((dbm) => dbmToMw(powerDbm(dbm)))).toEqual([1, 1000, 0.001])
    expect([1, 1000, 0.001].map((mw) => mwToDbm(powerMw(mw)))).toEqual([0, 30, -30])
  })

  test('no light is −∞ dBm', () => {
    expect(mwToDbm(powerMw(0))).toBe(-Infinity)
    expect(dbmToMw(powerDbm(-Infinity))).toBe(0)
  })

  test('10 dB leave a tenth of the power; 20 dB a tenth of the field', () => {
    expect(lossDbToPowerRatio(10)).toBeCloseTo(0.1, 15)
    expect(lossDbToFieldRatio(20)).toBeCloseTo(0.1, 15)
    expect(lossDbToFieldRatio(3) ** 2).toBeCloseTo(lossDbToPowerRatio(3), 15)
  })

  test('193.1 THz, the anchor of the ITU grid, is 1552.524 nm', () => {
    expect(thzToNm(193.1)).toBeCloseTo(1552.524, 3)
  })
})
