import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import { DEFAULT_DESIGN, designText } from '../../../core/mesh-design.ts'
import type { MeshDesign } from '../../../core/mesh-design.ts'
import { RandomStream } from '../../../core/random.ts'
import type { Light } from '../../../sim/optics/core-optics.ts'
import { MeshOptics } from '../../../sim/optics/mesh-optics.ts'
import type { MeshImperfections } from '../../../sim/optics/parameters/mesh-parameters.ts'
import { defaultImperfections } from '../../support/direct-bench.ts'
import { ALL_DESIGNS } from '../../../perf/mesh-bench-text.ts'
import { LASER_MW, noiseless, SIZE, smallWorld } from '../../support/small-world.ts'
import { statistics } from '../../support/statistics.ts'

const INTENSITY: MeshDesign = { ...DEFAULT_DESIGN, detection: 'intensity' }
const UNITARY: MeshDesign = { ...INTENSITY, form: 'unitary' }
const DESIGNS = ALL_DESIGNS.filter(({ detection }) => detection === 'intensity')

/** Everything passes: no loss, filters centred, neighbours that hardly leak. Splitters may be as wrong as they like. */
const lossless: Partial<MeshImperfections> = {
  splitterSigmaRad: 0.1,
  mziLossDb: 0,
  mziLossSpreadDb: 0,
  inputLossDb: 0,
  inputLossSpreadDb: 0,
  outputLossDb: 0,
  outputLossSpreadDb: 0,
  muxCentreErrorGhz: 0,
  muxAdjacentIsolationDb: 100,
  muxNonAdjacentIsolationDb: 100,
}

interface Made {
  readonly core: MeshOptics
  readonly light: Light
}

interface Making {
  readonly size?: number
  readonly lanes?: number
  readonly seed?: number
  readonly what?: Partial<MeshImperfections>
}

/** A core with heaters anywhere, and random fields behind its modulators. */
function made(design: MeshDesign, { size = 4, lanes = 1, seed = 1, what = lossless }: Making = {}): Made {
  const clock = new VirtualClock()
  const channelsThz = Array.from({ length: lanes }, (_, lane) => 193.1 + 0.1 * lane)
  const core = new MeshOptics(size, channelsThz, defaultImperfections(what), seed, clock, design)
  const random = new RandomStream(seed, 'light and heaters')
  for (let heater = 0; heater < core.truth.chip.layout.heaters.length; heater++) {
    core.heaters.setVoltageV(heater, random.uniform(0, 9))
  }
  clock.moveTo(1e9)
  const fields = (): Float64Array => Float64Array.from({ length: size * lanes }, () => random.uniform(-0.7, 0.7))
  const light = {
    powersMw: Float64Array.from({ length: lanes }, (_, lane) => 10 + lane),
    frequenciesThz: Float64Array.from(channelsThz),
    fieldRe: fields(),
    fieldIm: fields(),
  }
  return { core, light }
}

const sum = (powers: ArrayLike<number>): number => Array.from(powers).reduce((all, power) => all + power, 0)

/** What the modulators let through of lasers whose light is split evenly over all inputs. */
function modulatedMw({ powersMw, fieldRe, fieldIm }: Light): number {
  const size = fieldRe.length / powersMw.length
  return sum(fieldRe.map((re, at) => ((re ** 2 + fieldIm[at]! ** 2) * powersMw[Math.floor(at / size)]!) / size))
}

/** All fields of a lane turned by the same angle. */
function turned(light: Light, rad: number): Light {
  const [c, s] = [Math.cos(rad), Math.sin(rad)]
  return {
    ...light,
    fieldRe: light.fieldRe.map((re, at) => c * re - s * light.fieldIm[at]!),
    fieldIm: light.fieldIm.map((im, at) => c * im + s * light.fieldRe[at]!),
  }
}

const seeds = fc.integer({ min: 0, max: 1e6 })
const sizes = fc.integer({ min: 2, max: 7 })

describe.each(DESIGNS.map((design) => [designText(design), design] as const))('intensities behind %s', (_, design) => {
  test('sum up to the light that the modulators let in; Σ and taps only take from it', () => {
    fc.assert(
      fc.property(sizes, seeds, (size, seed) => {
        const { core, light } = made(design, { size, seed })
        const ratio = sum(core.detectorPowersMw(light)) / modulatedMw(light)
        // The filters’ floor of 100 dB leaves nothing of that size in a single lane.
        if (design.form === 'unitary') expect(ratio).toBeCloseTo(1, 12)
        else expect(ratio).toBeLessThan(1)
      }),
      { numRuns: 10 },
    )
  })

  test('do not know the phase that all inputs have in common, and know the others', () => {
    const { core, light } = made(design)
    const powers = core.detectorPowersMw(light)
    for (const rad of [0.1, 1, Math.PI, 5]) {
      for (const [output, power] of core.detectorPowersMw(turned(light, rad)).entries()) {
        expect(power).toBeCloseTo(powers[output]!, 12)
      }
    }
    const flipped = { ...light, fieldRe: light.fieldRe.with(0, -light.fieldRe[0]!) }
    const changes = core.detectorPowersMw(flipped).map((power, output) => Math.abs(power - powers[output]!))
    expect(Math.max(...changes)).toBeGreaterThan(0.01)
  })
})

describe('intensities', () => {
  test('in the dark are nothing: no laser, or all modulators shut', () => {
    const { core, light } = made(UNITARY, { lanes: 2 })
    const dark = new Float64Array(8)
    expect(core.detectorPowersMw({ ...light, powersMw: new Float64Array(2) })).toEqual(new Float64Array(16))
    expect(sum(core.detectorPowersMw({ ...light, fieldRe: dark, fieldIm: dark }))).toBe(0)
    const { world } = smallWorld({ thermalNoisePaPerRtHz: 0 }, { design: INTENSITY })
    for (let port = 0; port < SIZE; port++) {
      const { darkMw } = world.truth.photodiodes.get(`meter-0.${port}`)!
      expect(world.port('power-meter', 'meter-0').powerMw(port)).toBeCloseTo(darkMw, 9)
    }
  })

  test('follow the laser’s power, and the square of the field', () => {
    const { core, light } = made(INTENSITY)
    const powers = core.detectorPowersMw(light)
    const brighter = core.detectorPowersMw({ ...light, powersMw: light.powersMw.map((mw) => 3 * mw) })
    const half = (fields: Float64Array): Float64Array => fields.map((field) => field / 2)
    const weaker = core.detectorPowersMw({ ...light, fieldRe: half(light.fieldRe), fieldIm: half(light.fieldIm) })
    for (const [output, power] of powers.entries()) {
      expect(brighter[output]! / power).toBeCloseTo(3, 12)
      expect(weaker[output]! / power).toBeCloseTo(1 / 4, 12)
    }
  })

  test('are what a pair on the same chip adds up to, without its local oscillator and with the light that this took', () => {
    for (const form of ['svd', 'unitary'] as const) {
      // Cold, the shifters of the local oscillators warm nobody; what is lost on the way is the same.
      const what = defaultImperfections({ loShare: 0.3 })
      const channels = [193.1]
      const [pairs, singles] = ([{}, { detection: 'intensity' }] as const).map(
        (detection) =>
          new MeshOptics(SIZE, channels, what, 5, new VirtualClock(), { ...DEFAULT_DESIGN, form, ...detection }),
      ) as [MeshOptics, MeshOptics]
      const { light } = made(INTENSITY)
      const [both, alone] = [pairs.detectorPowersMw(light), singles.detectorPowersMw(light)]
      const { loRe, loIm } = pairs.truth.paths[0]!
      for (let port = 0; port < SIZE; port++) {
        const oscillatorMw = light.powersMw[0]! * (loRe[port]! ** 2 + loIm[port]! ** 2)
        const signalMw = both[2 * port]! + both[2 * port + 1]! - oscillatorMw
        expect(alone[port]! * 0.7).toBeCloseTo(signalMw, 12)
      }
      expect(singles.truth.paths[0]!.loRe).toHaveLength(0)
    }
  })

  test('take in what the demultiplexers let through of other lanes, power on power', () => {
    // Lane 1 leaks 20 dB down into lane 0 and back; each laser on its own, then both.
    const what = { ...lossless, muxAdjacentIsolationDb: 20 }
    const { core, light } = made(UNITARY, { lanes: 2, what })
    const powers = core.detectorPowersMw(light)
    // [laser, lane, port]
    const of = (laser: number, lane: number): Float64Array =>
      powers.slice(4 * (2 * laser + lane), 4 * (2 * laser + lane + 1))
    for (const [laser, other] of [
      [0, 1],
      [1, 0],
    ] as const) {
      for (const [port, leaked] of of(laser, other).entries()) {
        expect(leaked / of(laser, laser)[port]!).toBeCloseTo(0.01, 12)
      }
      const alone = core.detectorPowersMw({ ...light, powersMw: light.powersMw.with(other, 0) })
      expect(alone.slice(8 * laser, 8 * laser + 8)).toEqual(powers.slice(8 * laser, 8 * laser + 8))
      expect(sum(alone)).toBe(sum(powers.slice(8 * laser, 8 * laser + 8)))
    }
  })
})

describe('a world whose intensities are read', () => {
  const open = (changes: Partial<MeshImperfections>, design = INTENSITY) => {
    const small = smallWorld({ ...noiseless, ...changes }, { design })
    small.light()
    small.lockBiases()
    small.world.port('symbol-generator', 'awg-0').rest([0.4, 0.2, -0.3, 0.1])
    return small.world
  }

  test('has one photodiode an output, no shifter of a local oscillator, and no side of a pair to be worse', () => {
    const world = open({ pairImbalance: 0.3 })
    expect([...world.truth.photodiodes.keys()]).toEqual(['meter-0.0', 'meter-0.1', 'meter-0.2', 'meter-0.3'])
    expect(world.truth.chip.layout.heaters.some(({ role }) => role.kind === 'lo')).toBe(false)
    const gains = (of: typeof world): number[] => [...of.truth.photodiodes.values()].map(({ gain }) => gain)
    expect(gains(world)).toEqual(gains(open({ pairImbalance: 0 })))
  })

  test('reports the power of each output through its diode’s responsivity', () => {
    const world = open({})
    const driven = open({ responsivitySpread: 0 })
    for (let port = 0; port < SIZE; port++) {
      const { gain } = world.truth.photodiodes.get(`meter-0.${port}`)!
      const [seen, ideal] = [world, driven].map((of) => of.port('power-meter', 'meter-0').powerMw(port)) as [
        number,
        number,
      ]
      expect(ideal).toBeGreaterThan(1e-3)
      // Shot noise of some picowatts.
      expect(seen / ideal).toBeCloseTo(gain, 5)
    }
  })

  test('meets no beat: a linewidth and unequal paths change no bit of a record', () => {
    const record = (changes: Partial<MeshImperfections>): Float64Array =>
      open(changes).port('power-meter', 'meter-0').captureMw(2, 200, 1e-5)
    const quiet = record({ laserLinewidthKhz: 0 })
    expect(record({ laserLinewidthKhz: 1e5, loMismatchM: 10 })).toEqual(quiet)
    expect(new Set(quiet).size).toBeGreaterThan(100)
  })

  test('bears all of the laser’s relative intensity noise: σ² = RIN·B, and nothing to balance it', () => {
    const series = open({ laserRinDbPerHz: -110 }).port('power-meter', 'meter-0').captureMw(1, 10_000, 1e-3)
    const { mean } = statistics(series)
    const { sigma, sigmaTolerance } = statistics(series.map((value) => value / mean))
    expect(Math.abs(sigma - Math.sqrt(10 ** (-110 / 10) / (2 * 1e-3)))).toBeLessThan(sigmaTolerance)
  })

  test('has the shot noise of its photocurrent: σ² = 2q·R·P·B', () => {
    // A millisecond’s average, 500 Hz.
    const world = open({ responsivitySpread: 0 })
    const series = world.port('power-meter', 'meter-0').captureMw(1, 10_000, 1e-3)
    const { mean, sigma, sigmaTolerance } = statistics(series)
    const expectedMw = Math.sqrt(2 * 1.602176634e-19 * mean * 1e-3 * 500) * 1e3
    expect(Math.abs(sigma - expectedMw)).toBeLessThan(sigmaTolerance)
  })

  test('gives out no more light than the laser puts in, all of it to the inputs', () => {
    const { world, light } = smallWorld({ ...noiseless, ...lossless, mzmExtinctionDb: 80 }, { design: UNITARY })
    light()
    for (const [port, { nullBiasV, vpiV }] of world.truth.modulators.entries()) {
      world.port('bias-controller', `bias-${port}`).setBiasV(nullBiasV + vpiV)
    }
    let allMw = 0
    for (let port = 0; port < SIZE; port++) {
      const { gain } = world.truth.photodiodes.get(`meter-0.${port}`)!
      allMw += world.port('power-meter', 'meter-0').powerMw(port) / gain
    }
    // Nothing is lost, and nothing kept for oscillators. Shot noise is far below the digits looked at.
    expect(allMw / LASER_MW).toBeCloseTo(1, 6)
  })
})
