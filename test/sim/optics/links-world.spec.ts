import { describe, expect, test } from 'vitest'
import type { MeshImperfections } from '../../../sim/optics/parameters/mesh-parameters.ts'
import { SIZE, noiseless, smallWorld } from '../../support/small-world.ts'
import { statistics } from '../../support/statistics.ts'

const PERIOD_S = 40e-6
const POINT_S = 10e-6
const POINTS_PER_SYMBOL = 4
/** Detectors are [lane, port, side], eight to a meter. */
const METERS = ['meter-0', 'meter-1'] as const

/** The records of both lanes, + side of port 0, after a frame of these levels on all modulators. */
function recordsOf(
  changes: Partial<MeshImperfections>,
  levels: Float64Array,
  points: number,
): readonly [Float64Array, Float64Array] {
  const setup = smallWorld({ ...noiseless, ...changes }, { lanes: 2 })
  for (const lane of [0, 1]) setup.light(lane)
  setup.lockBiases()
  const generators = [0, 1].map((lane) => setup.world.port('symbol-generator', `awg-${lane}`))
  for (const generator of generators) {
    generator.load(
      Array.from({ length: SIZE }, () => levels),
      PERIOD_S,
    )
  }
  generators[1]!.start()
  generators[0]!.start()
  const [one, other] = METERS.map((meter) => setup.world.port('power-meter', meter).captureMw(0, points, POINT_S))
  return [one!, other!]
}

describe('two lanes over one world', () => {
  test('walk off over dispersive fibre: each sees the symbol sent then, one symbol apart', () => {
    // D·L·Δλ of one symbol, and the meters delayed by what the first lane needs in all.
    const apartNm = 299_792.458 / 193.1 - 299_792.458 / 193.2
    const detectorFibreKm = 1000
    const fibreDispersionPsPerNmKm = PERIOD_S / (detectorFibreKm * apartNm * 1e-12)
    const latencyS = (detectorFibreKm * 1.467) / 299_792.458
    const besideNm = 299_792.458 / 193.1 - 1550
    const meterTriggerDelayUs = (latencyS + fibreDispersionPsPerNmKm * detectorFibreKm * besideNm * 1e-12) * 1e6
    const levels = Float64Array.of(0.4, -0.3, 0.1, -0.4, 0.2, 0.35)
    const points = levels.length * POINTS_PER_SYMBOL
    const span = { detectorFibreKm, fibreDispersionPsPerNmKm, meterTriggerDelayUs, fibreLossDbPerKm: 0 }
    const [near, far] = [recordsOf({}, levels, points), recordsOf(span, levels, points)]
    for (let point = 0; point < points - POINTS_PER_SYMBOL; point++) {
      // Shorter waves are faster here: the second lane shows what it sends one symbol later.
      expect(far[0][point]!).toBeCloseTo(near[0][point]!, 4)
      expect(far[1][point]!).toBeCloseTo(near[1][point + POINTS_PER_SYMBOL]!, 4)
    }
  })

  test('of one comb share its intensity noise, RIN/(2T), and single lasers share none', () => {
    const levels = Float64Array.of(0.3)
    const points = 4000
    const relative = (changes: Partial<MeshImperfections>): readonly Float64Array[] =>
      recordsOf(changes, levels, points).map((series) => {
        const { mean } = statistics(series.subarray(POINTS_PER_SYMBOL))
        return series.subarray(POINTS_PER_SYMBOL).map((mw) => mw / mean - 1)
      })
    const correlation = ([one, other]: readonly Float64Array[]): number => {
      const sum = (values: (i: number) => number): number => one!.reduce((total, _, i) => total + values(i), 0)
      return sum((i) => one![i]! * other![i]!) / Math.sqrt(sum((i) => one![i]! ** 2) * sum((i) => other![i]! ** 2))
    }
    const comb = relative({ frequencyCombSpacingGhz: 100, frequencyCombRinDbPerHz: -100 })
    const { sigma, sigmaTolerance } = statistics(comb[0]!)
    expect(Math.abs(sigma - Math.sqrt(1e-10 / (2 * POINT_S)))).toBeLessThan(sigmaTolerance)
    expect(correlation(comb)).toBeGreaterThan(0.99)
    expect(Math.abs(correlation(relative({ laserRinDbPerHz: -100 })))).toBeLessThan(5 / Math.sqrt(points))
  })
})

describe('a meter', () => {
  test('whose points jitter by σ sees steps of light off by step · σ/T, and steady light as it is', () => {
    const levels = Float64Array.from({ length: 2000 }, (_, symbol) => (symbol % 2 === 0 ? 0.4 : 0))
    const points = levels.length * POINTS_PER_SYMBOL
    const jittered = { adcJitterFs: 1e-7 * 1e15 }
    const [clean, late] = [recordsOf({}, levels, points)[0], recordsOf(jittered, levels, points)[0]]
    const stepMw = Math.abs(clean[POINTS_PER_SYMBOL]! - clean[POINTS_PER_SYMBOL - 1]!)
    const off = (place: number): Float64Array =>
      Float64Array.from({ length: levels.length - 1 }, (_, symbol) => {
        const point = (symbol + 1) * POINTS_PER_SYMBOL + place
        return late[point]! - clean[point]!
      })
    const { sigma, sigmaTolerance } = statistics(off(0))
    expect(Math.abs(sigma - (stepMw * 1e-7) / POINT_S)).toBeLessThan(sigmaTolerance)
    expect(statistics(off(2)).sigma).toBeLessThan(1e-9)
  })

  test('behind an amplifier reads gain times the light, and beats of it with ASE in 1/(2T)', () => {
    const points = 4000
    const edfa = { edfaGainDb: 20, edfaSaturationDbm: 40, receiverFullScaleMw: 1e4 }
    const recorded = (changes: Partial<MeshImperfections>): Float64Array =>
      recordsOf(changes, Float64Array.of(0.3), points)[0].subarray(POINTS_PER_SYMBOL)
    const [plain, amplified] = [recorded({}), recorded(edfa)]
    const { mean: inputMw } = statistics(plain)
    const { mean, sigma, sigmaTolerance } = statistics(amplified)
    const asePerHzMw = ((100 * 10 ** 0.5 - 1) / 2) * 6.62607015e-34 * 193.4e12 * 1e3
    // Far below the 10 W at which the gain would have fallen to half.
    expect((mean - 2 * asePerHzMw * 4e12) / inputMw / 100).toBeCloseTo(1, 2)
    const beats = 4 * mean * asePerHzMw + 4 * asePerHzMw ** 2 * 4e12
    const shot = 2 * 1.602176634e-19 * mean * 1e3
    expect(Math.abs(sigma / Math.sqrt((beats + shot) / (2 * POINT_S)) - 1)).toBeLessThan(sigmaTolerance / sigma + 0.02)
  })
})
