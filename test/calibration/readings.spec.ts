import { describe, expect, test } from 'vitest'
import { balancedSignals } from '../../calibration/calibration-record.ts'
import { ChipProbe } from '../../calibration/steps/chip-readings.ts'
import { probeCodes, probedMatrix } from '../../calibration/steps/probe-codes.ts'
import { probePatterns } from '../../calibration/steps/probe-patterns.ts'
import { defaultImperfections, openDirectBench } from '../support/direct-bench.ts'
import { litContext, neverAborted } from '../support/run-plan.ts'
import { ChipModel } from '../../calibration/model/chip-model.ts'
import { predictReading } from '../../calibration/model/chip-fit.ts'
import { close } from '../support/close.ts'

const detectors = {
  darkPlusMw: [[0.01, 0.02]],
  darkMinusMw: [[0.03, 0.04]],
  balancePlus: [[1, 1.1]],
  balanceMinus: [[1, 0.9]],
}

describe('the balanced signal of a pair', () => {
  test('is plus less minus, each without its dark and in balance', () => {
    const reading = {
      plusMw: [[Float64Array.of(0.01, 1.01), Float64Array.of(1.02, 0.02)]],
      minusMw: [[Float64Array.of(0.03, 0.53), Float64Array.of(0.54, 0.04)]],
    }
    const signals = [0, 1].map((port) => Array.from(balancedSignals(detectors, 0, port, reading)))
    expect(signals[0]).toEqual([0, expect.closeTo(1 - 0.5, 14)])
    expect(signals[1]).toEqual([expect.closeTo(1.1 * 1 - 0.9 * 0.5, 14), 0])
  })
})

describe('the probing frame', () => {
  const { bench } = openDirectBench({ size: 2, lanes: 2 })

  test('lights every input in every symbol, by signs that belong to no other input and cancel over the frame', () => {
    const codes = probeCodes(bench, (lane, port) => 100 + 10 * lane + port)
    expect(codes.map((lane) => lane.map((symbols) => [...symbols].map(Math.abs)))).toEqual([
      [new Array(4).fill(100), new Array(4).fill(101)],
      [new Array(4).fill(110), new Array(4).fill(111)],
    ])
    for (const size of [2, 3, 8, 13, 64]) {
      const patterns = probePatterns(size)
      for (const [i, one] of patterns.entries()) {
        expect(one.reduce((sum, sign) => sum + sign, 0)).toBe(0)
        for (const other of patterns.slice(i + 1)) {
          expect(one.reduce((sum, sign, symbol) => sum + sign * other[symbol]!, 0)).toBe(0)
        }
      }
    }
  })

  test('costs few more symbols than inputs: 12 for 8 ports, 68 for 64', () => {
    expect([2, 8, 16, 64, 256].map((size) => probePatterns(size)[0]!.length)).toEqual([4, 12, 20, 68, 264])
  })

  test('may be longer: as many symbols as there may be, balanced and orthogonal, and never fewer than it takes', () => {
    expect([0, 19, 128, 250, 512].map((symbols) => probePatterns(16, symbols)[0]!.length)).toEqual([
      20, 20, 128, 240, 504,
    ])
    const patterns = probePatterns(16, 128)
    for (const [i, one] of patterns.entries()) {
      for (const [j, other] of patterns.entries()) {
        expect(one.reduce((sum, sign, symbol) => sum + sign * other[symbol]!, 0)).toBe(i === j ? 128 : 0)
      }
      expect(one.reduce((sum, sign) => sum + sign, 0)).toBe(0)
    }
  })

  test('reads as a matrix: what follows an input’s signs, per step of field; what all symbols carry falls out', () => {
    const plain = { darkPlusMw: [[0, 0]], darkMinusMw: [[0, 0]], balancePlus: [[1, 1]], balanceMinus: [[1, 1]] }
    const [first, second] = probePatterns(2) as [Int8Array, Int8Array]
    // Output 0 sees 0.2 of input 0 and −0.1 of input 1, output 1 −0.3 of input 0, and all of it a leak of 0.05.
    const seen = (a: number, b: number): Float64Array =>
      Float64Array.from(first, (sign, symbol) => 0.05 + a * sign + b * second[symbol]!)
    const reading = {
      plusMw: [[seen(0.2, -0.1), seen(-0.3, 0)]],
      minusMw: [[new Float64Array(4), new Float64Array(4)]],
    }
    const [matrix] = probedMatrix(reading, plain, (_, port) => 2 * (port + 1))
    expect([...matrix!]).toEqual([0.2, -0.05, -0.3, 0].map(close(14)))
  })
})

describe('looking at the chip', () => {
  test('shows what an oracle predicts, at any setting of the heaters and in both quadratures', async () => {
    const quiet = defaultImperfections({ mziLossSpreadDb: 0, laserRinDbPerHz: -200, thermalNoisePaPerRtHz: 0 })
    const { bench, world } = openDirectBench({ size: 4, lanes: 2, imperfections: quiet })
    const { context, oracle } = await litContext(bench, world)
    const { layout } = bench
    const radPerV2 = layout.lo.map((ports) => ports.map(() => 0.098))
    const probe = new ChipProbe(context, oracle, radPerV2)
    const model = new ChipModel(layout)
    const crosstalk = model.crosstalk(oracle.chip)
    for (const first of [2, 5, 8]) {
      const voltages = Float64Array.from(layout.heaters, (_, heater) => (first + heater) % 9)
      for (const { voltagesV, lanes } of await probe.readQuadratures(voltages, neverAborted)) {
        for (const [lane, seen] of lanes.entries()) {
          const expected = predictReading(model, oracle.chip, crosstalk, voltagesV, lane)
          const strongest = Math.max(...expected.map(Math.abs))
          for (const [element, value] of seen.entries()) {
            // 12-bit meters, 16-bit heaters: a step of either is a fraction of a percent.
            expect(Math.abs(value - expected[element]!) / strongest).toBeLessThan(0.005)
          }
        }
      }
    }
  })

  test('the second quadrature turns every local oscillator a quarter turn on, or three back where that is too hot', async () => {
    const { bench, world } = openDirectBench({ size: 4, lanes: 1 })
    const { context, oracle } = await litContext(bench, world)
    const perV2 = 0.098
    const probe = new ChipProbe(
      context,
      oracle,
      bench.layout.lo.map((ports) => ports.map(() => perV2)),
    )
    const voltages = new Float64Array(bench.layout.heaters.length).fill(3)
    const [cool, hot] = [bench.layout.lo[0]![0]!, bench.layout.lo[0]![1]!]
    voltages[hot] = 9.4
    const turned = probe.quarterTurn(voltages)
    expect(perV2 * (turned[cool]! ** 2 - 9)).toBeCloseTo(Math.PI / 2, 12)
    expect(perV2 * (turned[hot]! ** 2 - 9.4 ** 2)).toBeCloseTo((-3 * Math.PI) / 2, 12)
    for (const [heater, voltage] of turned.entries()) {
      if (!bench.layout.lo[0]!.includes(heater)) expect(voltage).toBe(3)
    }
    expect(voltages[cool]).toBe(3)
  })
})
