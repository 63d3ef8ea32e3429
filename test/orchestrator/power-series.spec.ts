import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PowerSeries } from '../../orchestrator/ledger/power-series.ts'
import type { PowerPath } from '../../orchestrator/ledger/power-series.ts'

const S = 1e9

/** [seconds, watts] each; 'silent' where the meter was asked in vain. */
function seriesOf(path: PowerPath, ...readings: readonly (readonly [number, number] | 'silent')[]): PowerSeries {
  const series = new PowerSeries(path)
  for (const reading of readings) {
    if (reading === 'silent') series.miss()
    else series.add(reading[0] * S, reading[1])
  }
  return series
}

describe('the energy under readings of power', () => {
  test('a load that goes from 100 W to 200 W in 10 s takes 1500 J, looked at twice', () => {
    expect(seriesOf('line', [0, 100], [10, 200]).between(0, 10 * S)).toEqual({ joules: 1500, modelledNs: 0 })
  })

  test('is cut where a window begins and ends, and before and behind all readings the power stays', () => {
    const series = seriesOf('line', [10, 100], [20, 200])
    // 2 s of 100 W, then from 100 W to 150 W in 5 s.
    expect(series.between(8 * S, 15 * S).joules).toBe(2 * 100 + 5 * 125)
    expect(series.between(15 * S, 23 * S).joules).toBe(5 * 175 + 3 * 200)
  })

  test('held loads are what was read when they were about to change', () => {
    const series = seriesOf('held', [0, 0], [4, 3], [10, 5])
    expect(series.between(0, 10 * S).joules).toBe(4 * 3 + 6 * 5)
  })

  test('windows that follow each other have together what one over both has', () => {
    const reading = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 900 }))
    fc.assert(
      fc.property(
        fc.array(reading, { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 400 }),
        (steps, cutS) => {
          const series = new PowerSeries('line')
          let atS = 0
          for (const [afterS, powerW] of steps) series.add((atS += afterS) * S, powerW)
          const whole = series.between(0, 500 * S).joules
          const parts = series.between(0, cutS * S).joules + series.between(cutS * S, 500 * S).joules
          expect(Math.abs(parts - whole)).toBeLessThanOrEqual(1e-12 * whole)
        },
      ),
    )
  })
})

describe('seconds without a reading', () => {
  test('between 10 s and 30 s the mean of what was measured before stands, and is called modelled', () => {
    const series = seriesOf('line', [0, 100], [10, 200], 'silent', 'silent', [30, 900])
    expect(series.between(0, 30 * S)).toEqual({ joules: 1500 + 20 * 150, modelledNs: 20 * S })
    expect(series.gaps(0, 30 * S)).toEqual([{ fromNs: 10 * S, toNs: 30 * S, powerW: 150 }])
    expect(series.gaps(0, 10 * S)).toEqual([])
  })

  test('the mean is that of the job: what came before its mark does not count', () => {
    const series = seriesOf('line', [0, 1000], [10, 100])
    series.mark(10 * S)
    series.add(20 * S, 200)
    series.miss()
    expect(series.between(20 * S, 22 * S)).toEqual({ joules: 2 * 150, modelledNs: 2 * S })
  })

  test('a meter that is silent from the first second on is modelled by its last reading', () => {
    const series = seriesOf('line', [0, 70])
    series.mark(0)
    series.miss()
    expect(series.between(0, 5 * S)).toEqual({ joules: 350, modelledNs: 5 * S })
  })

  test('before its first answer stands that answer', () => {
    expect(seriesOf('line', 'silent', [10, 80]).between(0, 20 * S)).toEqual({ joules: 1600, modelledNs: 10 * S })
  })
})

describe('what having looked only now and then may cost', () => {
  test('is nothing for a ramp, and grows with what lies beside the line', () => {
    const ramp = seriesOf('line', [0, 100], [10, 110], [20, 120], [30, 130])
    expect(ramp.samplingW(0, 30 * S)).toBe(0)
    const saw = seriesOf('line', [0, 100], [10, 110], [20, 100], [30, 110])
    // 10 W beside the line, twice; of four readings.
    expect(saw.samplingW(0, 30 * S)).toBeCloseTo(Math.sqrt(100 / 1.5 / 4), 12)
  })

  test('of two readings is half of what lies between them', () => {
    expect(seriesOf('line', [0, 100], [10, 130]).samplingW(0, 10 * S)).toBe(15)
    expect(seriesOf('held', [0, 0], [10, 3]).samplingW(0, 10 * S)).toBe(1.5)
  })

  test('of held loads is how they scatter, over the root of their number', () => {
    expect(seriesOf('held', [0, 0], [1, 2], [2, 4], [3, 6]).samplingW(0, 3 * S)).toBeCloseTo(2 / Math.sqrt(3), 12)
  })
})
