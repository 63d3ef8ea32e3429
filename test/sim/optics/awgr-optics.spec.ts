import { describe, expect, test } from 'vitest'
import type { AwgrForm } from '../../../core/awgr-layout.ts'
import { VirtualClock } from '../../../core/clock.ts'
import { RandomStream } from '../../../core/random.ts'
import { AwgrOptics } from '../../../sim/optics/awgr-optics.ts'
import { AWGR_PARAMETERS } from '../../../sim/optics/parameters/awgr-parameters.ts'
import { valuesOf } from '../../../sim/optics/parameters/parameter.ts'

const SIZE = 4
/** Nothing lost, nothing leaked, nothing spread: what is left is the routing and the rings. */
const ideal = {
  ringFwhmGhz: 0.2,
  ringFwhmSpread: 0,
  ringOffsetSigmaGhz: 0,
  ringDropLossDb: 0,
  ringExtinctionDb: 60,
  ringThroughLossDb: 0,
  combLossDb: 0,
  combLossSpreadDb: 0,
  splitExcessLossDb: 0,
  portLossDb: 0,
  portLossSpreadDb: 0,
  awgrLossDb: 0,
  awgrLossSpreadDb: 0,
  awgrCentreErrorGhz: 0,
  awgrAdjacentIsolationDb: 100,
  awgrNonAdjacentIsolationDb: 100,
  outputLossDb: 0,
  outputLossSpreadDb: 0,
  heaterSpread: 0,
  crosstalkNeighbour: 0,
}

function opticsOf(form: AwgrForm, changes: Record<string, number> = {}, seed = 1) {
  const clock = new VirtualClock()
  const grid = { size: SIZE, form, firstThz: 193.1, spacingThz: 0.1 }
  const optics = new AwgrOptics(grid, valuesOf(AWGR_PARAMETERS, { ...ideal, ...changes }), seed, clock)
  const light = (x: readonly number[], powerMw = 1) => ({
    powersMw: new Float64Array(SIZE).fill(powerMw),
    frequenciesThz: Float64Array.from({ length: SIZE }, (_, k) => 193.1 + 0.1 * k),
    fieldRe: Float64Array.from(x, Math.sqrt),
    fieldIm: new Float64Array(SIZE),
  })
  /** Drop minus through of each output, all wavelengths. */
  const outputs = (x: readonly number[]): number[] => {
    const powers = optics.detectorPowersMw(light(x))
    return Array.from({ length: SIZE }, (_, q) => {
      let sum = 0
      for (let k = 0; k < SIZE; k++) sum += powers[k * 2 * SIZE + 2 * q]! - powers[k * 2 * SIZE + 2 * q + 1]!
      return SIZE * sum
    })
  }
  /** Brings a ring from its cold place, 50 GHz above its channel, onto the channel and a bit beside it: weight w. */
  const setWeight = (heater: number, weight: number): void => {
    // drop − through = 2L − 1 for a lossless ring.
    const line = (weight + 1) / 2
    const besideThz = (0.2e-3 / 2) * Math.sqrt(1 / line - 1)
    const turns = (0.05 - besideThz) / 2
    const { piPowerMw, resistanceOhm } = optics.truth.heaters
    optics.heaters.setVoltageV(heater, Math.sqrt((2 * turns * piPowerMw[heater]! * resistanceOhm[heater]!) / 1e3))
  }
  return { optics, clock, light, outputs, setWeight }
}

const settle = (clock: VirtualClock) => clock.sleep(10, new AbortController().signal)

describe('the optics of an AWGR core', () => {
  test('with one shared bank make a circular convolution: y_q = Σ_k w_k · x_(q+k)', async () => {
    const { clock, outputs, setWeight } = opticsOf('shared')
    const w = [0.9, -0.5, 0.1, 0.6]
    const x = [0.2, 1, 0.5, 0.05]
    for (const [k, weight] of w.entries()) setWeight(k, weight)
    await settle(clock)
    const expected = x.map((_, q) => w.reduce((sum, weight, k) => sum + weight * x[(q + k) % SIZE]!, 0))
    for (const [q, y] of outputs(x).entries()) expect(y).toBeCloseTo(expected[q]!, 3)
  })

  test('with a bank for each port make any matrix', async () => {
    const { optics, clock, outputs, setWeight } = opticsOf('per-port')
    const random = new RandomStream(3, 'weights')
    const matrix = Array.from({ length: SIZE }, () => Array.from({ length: SIZE }, () => random.uniform(-0.95, 0.95)))
    for (const [port, bank] of optics.truth.layout.rings.entries()) {
      for (const [k, heater] of bank.entries()) setWeight(heater, matrix[(port - k + SIZE) % SIZE]![port]!)
    }
    await settle(clock)
    const x = [0.3, 0.9, 0.1, 0.7]
    for (const [q, y] of outputs(x).entries()) {
      expect(y).toBeCloseTo(
        matrix[q]!.reduce((sum, weight, p) => sum + weight * x[p]!, 0),
        3,
      )
    }
  })

  test('never give out more light than came in, whatever was fabricated', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { optics, light } = opticsOf(
        'per-port',
        { ringFwhmGhz: 20, ringOffsetSigmaGhz: 40, awgrCentreErrorGhz: 5 },
        seed,
      )
      const powers = optics.detectorPowersMw(light([1, 1, 1, 1]))
      expect(powers.reduce((sum, mw) => sum + mw, 0)).toBeLessThanOrEqual(SIZE * (1 + 1e-9))
      expect(Math.min(...powers)).toBeGreaterThanOrEqual(0)
    }
  })

  test('are dark without lasers, and without an open modulator', () => {
    const { optics, light } = opticsOf('per-port')
    expect(optics.detectorPowersMw(light([1, 1, 1, 1], 0)).every((mw) => mw === 0)).toBe(true)
    expect(optics.detectorPowersMw(light([0, 0, 0, 0])).every((mw) => mw === 0)).toBe(true)
  })

  test('a warmer chip moves every ring the same way', () => {
    const cold = opticsOf('shared', { ringFwhmGhz: 20 })
    // 50 GHz: the cold rings come to stand on their channels.
    const warm = opticsOf('shared', { ringFwhmGhz: 20, chipTemperatureErrorK: 50 / 9.4 })
    expect(cold.outputs([1, 0, 0, 0])[0]).toBeLessThan(-0.8)
    expect(warm.outputs([1, 0, 0, 0])[0]).toBeGreaterThan(0.8)
  })
})
