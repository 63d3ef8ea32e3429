import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../core/clock.ts'
import type { MeshImperfections } from '../../../sim/optics/imperfections.ts'
import { MeshWorld } from '../../../sim/optics/mesh-world.ts'
import { modulatorField } from '../../../sim/optics/modulator.ts'
import { chipTransfer } from '../../../sim/optics/transfer.ts'
import { defaultImperfections, directWorldSpec } from '../../support/direct-bench.ts'
import { statistics } from '../../support/statistics.ts'
import { close } from '../../support/close.ts'

const SIZE = 4
const LASER_MW = 20
const { signal } = new AbortController()

/** No noise that a reading of one second would show. */
const noiseless = { laserRinDbPerHz: -200, thermalNoisePaPerRtHz: 0, darkCurrentNa: 0, tapNoiseMv: 0 }

interface Setup {
  readonly world: MeshWorld
  readonly clock: VirtualClock
  readonly light: (lane?: number, powerMw?: number) => void
  readonly lockBiases: () => void
}

function setUp(changes: Partial<MeshImperfections> = {}, { lanes = 1, seed = 1 } = {}): Setup {
  const clock = new VirtualClock()
  const spec = { ...directWorldSpec(SIZE, lanes, defaultImperfections(changes)), ovens: ['oven'] }
  const world = new MeshWorld(spec, seed, clock)
  return {
    world,
    clock,
    light: (lane = 0, powerMw = LASER_MW) =>
      world.port('laser', `laser-${lane}`).setOutput({ powerMw, frequencyThz: 193.1 }),
    lockBiases: () => {
      for (let i = 0; i < SIZE * lanes; i++) {
        const port = world.port('bias-controller', `bias-${i}`)
        port.setBiasV(port.nullBiasV())
      }
    },
  }
}

interface Complex {
  readonly re: number
  readonly im: number
}
const product = (a: Complex, b: Complex): Complex => ({ re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re })
const turn = (phase: number): Complex => ({ re: Math.cos(phase), im: Math.sin(phase) })
const power = ({ re, im }: Complex): number => re * re + im * im

/** Signal and local oscillator at the couplers, and the light at the taps, from the truth and the textbook. */
function expected(
  world: MeshWorld,
  driveV: (port: number) => number,
  biasV: (port: number) => number,
): { signal: Complex[]; lo: Complex[]; taps: Complex[] } {
  const { chip, modulators, paths } = world.truth
  const phases = world.heaters.phasesRad()
  const transfer = chipTransfer(chip, phases)
  const path = paths[0]!
  const amplitude = Math.sqrt(LASER_MW)
  const inputs = Array.from({ length: SIZE }, (_, port) => {
    const field = modulatorField(modulators[0]![port]!, driveV(port), biasV(port))
    const at = product({ re: path.inRe[port]!, im: path.inIm[port]! }, turn(phases[chip.layout.input[0]![port]!]!))
    const whole = product(field, at)
    return { re: amplitude * whole.re, im: amplitude * whole.im }
  })
  const pass = ({ re, im }: { re: Float64Array; im: Float64Array }, row: number): Complex =>
    inputs.reduce(
      (sum, input, column) => {
        const part = product({ re: re[row * SIZE + column]!, im: im[row * SIZE + column]! }, input)
        return { re: sum.re + part.re, im: sum.im + part.im }
      },
      { re: 0, im: 0 },
    )
  const ports = [...Array(SIZE).keys()]
  return {
    signal: ports.map((port) =>
      product(pass(transfer.through, port), { re: path.outRe[port]!, im: path.outIm[port]! }),
    ),
    lo: ports.map((port) =>
      product(
        { re: amplitude * path.loRe[port]!, im: amplitude * path.loIm[port]! },
        turn(phases[chip.layout.lo[0]![port]!]!),
      ),
    ),
    taps: ports.map((port) => pass(transfer.toTaps, port)),
  }
}

/** Reads both detectors of every output of lane 0; ports of meter-0 are plus, minus, plus, minus… */
function readPairs(world: MeshWorld): { plus: number; minus: number }[] {
  const meter = world.port('power-meter', 'meter-0')
  return Array.from({ length: SIZE }, (_, port) => ({
    plus: meter.powerMw(2 * port),
    minus: meter.powerMw(2 * port + 1),
  }))
}

describe('the optical world, in the dark', () => {
  test('shows detectors their dark current and nothing else', () => {
    const { world } = setUp({ thermalNoisePaPerRtHz: 0 })
    const meter = world.port('power-meter', 'meter-0')
    for (let channel = 0; channel < 8; channel++) {
      const { darkMw } = world.truth.photodiodes.get(`meter-0.${channel}`)!
      expect(meter.powerMw(channel)).toBeCloseTo(darkMw, 9)
      const record = meter.captureMw(channel, 50, 1)
      expect(statistics(record).mean).toBeCloseTo(darkMw, 9)
    }
  })

  test('shows taps and bias controllers nothing', () => {
    const { world } = setUp({ tapNoiseMv: 0 })
    expect(world.port('voltage-monitor', 'taps').voltageV(0)).toBe(0)
    expect(world.port('bias-controller', 'bias-0').tapMw()).toBe(0)
  })

  test('a lane that is lit does not light the other one', () => {
    const { world, light } = setUp(noiseless, { lanes: 2 })
    light(1)
    // Lane 0 is on meter-0, lane 1 on meter-1.
    expect(world.port('power-meter', 'meter-0').powerMw(0)).toBe(0)
    expect(world.port('power-meter', 'meter-1').powerMw(0)).toBeGreaterThan(0.01)
  })
})

describe('the optical world, lit', () => {
  test('balanced couplers: the sum is the light, the difference the field along the local oscillator', () => {
    const { world, light, lockBiases, clock } = setUp(noiseless)
    light()
    lockBiases()
    const drives = [0.3, -0.2, 0.1, 0.4]
    world.port('symbol-generator', 'awg-0').rest(drives)
    const bank = world.port('phase-shifter-bank', 'heaters')
    for (let heater = 0; heater < world.truth.chip.layout.heaters.length; heater++) bank.setVoltageV(heater, heater % 7)
    clock.moveTo(1e9)
    const { signal, lo } = expected(
      world,
      (port) => drives[port]!,
      (port) => world.truth.modulators[0]![port]!.lockBiasV,
    )
    for (const [port, { plus, minus }] of readPairs(world).entries()) {
      const gain = (sign: number): number => world.truth.photodiodes.get(`meter-0.${2 * port + sign}`)!.gain
      const [s, l] = [signal[port]!, lo[port]!]
      // Shot noise over 0.2 s is a few picowatts.
      expect(plus / gain(0) + minus / gain(1)).toBeCloseTo(power(s) + power(l), 6)
      expect(plus / gain(0) - minus / gain(1)).toBeCloseTo(2 * (s.re * l.re + s.im * l.im), 6)
    }
  })

  test('gives out no more light than the laser puts in', () => {
    const { world, light } = setUp(noiseless)
    light()
    // Bias at full transmission: the null plus Vπ.
    for (const [port, { nullBiasV, vpiV }] of world.truth.modulators[0]!.entries()) {
      world.port('bias-controller', `bias-${port}`).setBiasV(nullBiasV + vpiV)
    }
    const total = readPairs(world).reduce((sum, { plus, minus }) => sum + plus + minus, 0)
    expect(total).toBeLessThan(LASER_MW / 3)
    expect(total).toBeGreaterThan(LASER_MW / 100)
  })

  test('twice the laser’s power is twice the reading', () => {
    const { world, light } = setUp(noiseless)
    light(0, 10)
    const single = readPairs(world)
    light(0, 20)
    for (const [port, { plus }] of readPairs(world).entries()) expect(plus / single[port]!.plus).toBeCloseTo(2, 6)
  })

  test('taps between the meshes show 1 % of the light of their waveguide, through gains of their own', () => {
    const { world, light, lockBiases } = setUp({ ...noiseless, tapGainSpread: 0 })
    light()
    lockBiases()
    const drives = [0.4, 0, 0, -0.3]
    world.port('symbol-generator', 'awg-0').rest(drives)
    const { taps } = expected(
      world,
      (port) => drives[port]!,
      (port) => world.truth.modulators[0]![port]!.lockBiasV,
    )
    const monitor = world.port('voltage-monitor', 'taps')
    for (const [waveguide, field] of taps.entries()) {
      expect(monitor.voltageV(waveguide)).toBeCloseTo(0.01 * power(field) * 500, 12)
    }
    // An analog input without a tap.
    expect(monitor.voltageV(SIZE)).toBe(0)
  })

  test('the tap’s noise is 0.05 mV rms', () => {
    const { world } = setUp()
    const monitor = world.port('voltage-monitor', 'taps')
    const { mean, meanTolerance, sigma, sigmaTolerance } = statistics(
      Array.from({ length: 5000 }, () => monitor.voltageV(1)),
    )
    expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - 0.05e-3)).toBeLessThan(sigmaTolerance)
  })

  test('light follows the heaters with their time constant, not at once', async () => {
    const { world, light, lockBiases, clock } = setUp(noiseless)
    light()
    lockBiases()
    world.port('symbol-generator', 'awg-0').rest([0.4, 0.4, 0.4, 0.4])
    const lo = world.truth.chip.layout.lo[0]![0]!
    const before = readPairs(world)[0]!
    world.port('phase-shifter-bank', 'heaters').setVoltageV(lo, 5)
    expect(readPairs(world)[0]!.plus).toBeCloseTo(before.plus, 6)
    await clock.sleep(5.6e-3, signal)
    const midway = readPairs(world)[0]!
    await clock.sleep(1, signal)
    const after = readPairs(world)[0]!
    expect(Math.abs(midway.plus - before.plus)).toBeGreaterThan(1e-4)
    expect(Math.abs(after.plus - midway.plus)).toBeGreaterThan(1e-4)
  })

  test('relative intensity noise: σ² = RIN·B, the same on both detectors of a pair, so that it cancels in balance', () => {
    const { world, light } = setUp({ ...noiseless, laserRinDbPerHz: -110 })
    light()
    const meter = world.port('power-meter', 'meter-0')
    const [plus, minus] = [0, 1].map((channel) => meter.captureMw(channel, 10_000, 1e-3)) as [
      Float64Array,
      Float64Array,
    ]
    const { mean } = statistics(plus)
    const relative = statistics(plus.map((value) => value / mean))
    const expectedSigma = Math.sqrt(10 ** (-110 / 10) / (2 * 1e-3))
    expect(Math.abs(relative.sigma - expectedSigma)).toBeLessThan(relative.sigmaTolerance)
    const ratio = statistics(plus.map((value, i) => value / minus[i]!))
    expect(ratio.sigma / ratio.mean).toBeLessThan(expectedSigma / 30)
  })
})

describe('records of a frame', () => {
  const PERIOD_S = 40e-6
  const POINT_S = 10e-6

  function armed(changes: Partial<MeshImperfections> = {}, seed = 1): Setup {
    const setup = setUp(changes, { seed })
    setup.light()
    setup.lockBiases()
    const frame = Array.from({ length: 4 }, (_, channel) => Float64Array.of(0.4, channel === 0 ? -0.4 : 0, 0.1))
    setup.world.port('symbol-generator', 'awg-0').load(frame, PERIOD_S)
    return setup
  }
  const record = ({ world }: Setup, channel: number, points = 20): Float64Array =>
    world.port('power-meter', 'meter-0').captureMw(channel, points, POINT_S)

  test('follow the symbols, four points each, and then the rest level', () => {
    const setup = armed({ ...noiseless, laserRinDbPerHz: -200 })
    setup.world.port('symbol-generator', 'awg-0').start()
    const points = record(setup, 0)
    const means = Array.from({ length: 5 }, (_, symbol) => statistics(points.subarray(4 * symbol, 4 * symbol + 4)))
    // Shot noise of 0.2 mW over 10 µs is 2 nW.
    for (const { sigma } of means) expect(sigma).toBeLessThan(1e-5)
    expect(new Set(means.slice(0, 4).map(({ mean }) => mean.toFixed(4))).size).toBe(4)
    expect(Math.abs(means[3]!.mean - means[4]!.mean)).toBeLessThan(1e-5)
  })

  test('without a trigger show the outputs at rest', () => {
    const setup = armed(noiseless)
    const { sigma } = statistics(record(setup, 0))
    expect(sigma).toBeLessThan(1e-5)
  })

  test('of one trigger are one record, however often they are read; the next trigger brings new noise', () => {
    const setup = armed()
    const generator = setup.world.port('symbol-generator', 'awg-0')
    generator.start()
    const first = record(setup, 2)
    expect(record(setup, 2)).toEqual(first)
    generator.start()
    const second = record(setup, 2)
    expect(second).not.toEqual(first)
    for (const [i, value] of second.entries()) expect(Math.abs(value - first[i]!)).toBeLessThan(1e-4)
  })

  test('do not depend on the order in which instruments are read', () => {
    const [forth, back] = [armed(), armed()]
    for (const { world } of [forth, back]) world.port('symbol-generator', 'awg-0').start()
    const channels = [...Array(8).keys()]
    const [a, b] = [
      channels.map((channel) => record(forth, channel)),
      channels.toReversed().map((channel) => record(back, channel)),
    ]
    expect(b.reverse()).toEqual(a)
  })

  test('a longer record begins like a shorter one', () => {
    const setup = armed()
    setup.world.port('symbol-generator', 'awg-0').start()
    expect(record(setup, 1, 20).subarray(0, 8)).toEqual(record(setup, 1, 8))
  })

  test('the same seed gives the same record and another seed another one', () => {
    const [one, same, other] = [armed({}, 3), armed({}, 3), armed({}, 4)]
    for (const { world } of [one, same, other]) world.port('symbol-generator', 'awg-0').start()
    expect(record(same, 0)).toEqual(record(one, 0))
    expect(record(other, 0)).not.toEqual(record(one, 0))
  })

  test('of a port without a fibre are dark', () => {
    const { world } = setUp({}, { lanes: 1 })
    const spare = world.port('power-meter', 'meter-0')
    expect([...spare.captureMw(9, 3, POINT_S)]).toEqual([0, 0, 0])
    expect(spare.powerMw(9)).toBe(0)
  })
})

describe('single readings', () => {
  test('do not depend on the order in which instruments are read', () => {
    const [forth, back] = [setUp(), setUp()]
    for (const { light } of [forth, back]) light()
    const meters = (world: MeshWorld) => world.port('power-meter', 'meter-0')
    const taps = (world: MeshWorld) => world.port('voltage-monitor', 'taps')
    const a = [meters(forth.world).powerMw(0), taps(forth.world).voltageV(0), meters(forth.world).powerMw(1)]
    const b = [meters(back.world).powerMw(1), taps(back.world).voltageV(0), meters(back.world).powerMw(0)]
    expect(b.reverse()).toEqual(a)
  })

  test('of one port bring new noise every time, and so do neighbouring taps', () => {
    const { world } = setUp()
    const meter = world.port('power-meter', 'meter-0')
    expect(meter.powerMw(0)).not.toBe(meter.powerMw(0))
    const taps = world.port('voltage-monitor', 'taps')
    expect(new Set([taps.voltageV(0), taps.voltageV(1), taps.voltageV(0), taps.voltageV(1)]).size).toBe(4)
  })
})

describe('the trigger cable', () => {
  test('runs from the source to everything on it, and from nothing else', () => {
    const { world } = setUp({}, { lanes: 2 })
    const pulses: string[] = []
    for (const name of ['awg-0', 'awg-1'] as const) {
      world.port('symbol-generator', name).onTrigger(() => pulses.push(name))
    }
    for (const name of ['meter-0', 'meter-1']) world.port('power-meter', name).onTrigger(() => pulses.push(name))
    world.port('symbol-generator', 'awg-1').start()
    expect(pulses).toEqual([])
    world.port('symbol-generator', 'awg-0').start()
    // Generators first: what meters record from the pulse on has begun.
    expect(pulses).toEqual(['awg-1', 'meter-0', 'meter-1'])
  })
})

describe('electrical power', () => {
  test('at the mains is the instruments, the lasers by their efficiency, the heaters and the ovens', () => {
    const { world, light } = setUp()
    expect(world.port('energy-meter', 'mains').powerW()).toBe(900)
    light(0, 20)
    expect(world.mainsPowerW()).toBeCloseTo(900 + 0.02 / 0.2, 12)
    world.port('phase-shifter-bank', 'heaters').setVoltageV(0, 6)
    expect(world.mainsPowerW()).toBeCloseTo(900.1 + 0.024, 12)
    expect(world.port('phase-shifter-bank', 'heaters').currentMa(0)).toBeCloseTo(4, 12)
    world.port('temperature-controller', 'oven').setSetPointC(33, true)
    expect(world.mainsPowerW()).toBeCloseTo(900.124 + 3, 12)
  })

  test('is counted in kWh by what was drawn while it was drawn', async () => {
    const { world, light, clock } = setUp({ instrumentsIdleW: 1000 })
    const mains = world.port('energy-meter', 'mains')
    const oven = world.port('temperature-controller', 'oven')
    const hour = (): Promise<void> => clock.sleep(3600e3, signal)
    const start = mains.energyKwh()
    const used: number[] = []
    const phase = async (change: () => void): Promise<void> => {
      const before = mains.energyKwh()
      await hour()
      // The change comes after the hour and must not be charged for it.
      change()
      used.push(mains.energyKwh() - before)
    }
    await phase(() => light(0, 20_000))
    await phase(() => oven.setSetPointC(123, true))
    await phase(() => world.port('phase-shifter-bank', 'heaters').setVoltageV(0, 12))
    await phase(() => oven.setSetPointC(123, false))
    await phase(() => light(0, 0))
    const expectedKwh = [1, 1.1, 1.13, 1.130096, 1.100096]
    expect(used).toEqual(expectedKwh.map(close(9)))
    expect(start).toBeGreaterThan(100)
    expect(mains.energyKwh()).toBe(mains.energyKwh())
  })

  test('a channel of the bank without a heater is an open circuit', () => {
    const { world } = setUp()
    const bank = world.port('phase-shifter-bank', 'heaters')
    bank.setVoltageV(1000, 5)
    expect(bank.currentMa(1000)).toBe(0)
    expect(world.heaters.totalPowerW()).toBe(0)
  })
})

describe('the wiring', () => {
  test.each([
    ['laser', 'laser-9'],
    ['symbol-generator', 'awg-9'],
    ['bias-controller', 'bias-99'],
    ['phase-shifter-bank', 'shifters'],
    ['temperature-controller', 'fridge'],
    ['power-meter', 'meter-9'],
    ['voltage-monitor', 'daq'],
    ['energy-meter', 'meter-0'],
  ] as const)('knows no %s called %s', (kind, name) => {
    expect(() => setUp().world.port(kind, name)).toThrow(`${name} is not wired to this optical world`)
  })

  test('two chips of one seed are one chip; of two seeds, two', () => {
    const [one, same, other] = [setUp(), setUp(), setUp({}, { seed: 2 })]
    expect(same.world.truth).toEqual(one.world.truth)
    expect(other.world.truth.paths).not.toEqual(one.world.truth.paths)
  })

  test('paths lose what their parameters say: 6 dB before the mesh, spread by 0.3 dB a port', () => {
    const losses = Array.from({ length: 60 }, (_, seed) => {
      const { inRe, inIm } = setUp({ loShare: 0.5 }, { seed }).world.truth.paths[0]!
      // Half of the light for the signal, shared by the ports.
      return Array.from(inRe, (re, port) => -10 * Math.log10((re * re + inIm[port]! ** 2) / (0.5 / SIZE)))
    }).flat()
    const { mean, meanTolerance, sigma, sigmaTolerance } = statistics(losses)
    expect(Math.abs(mean - 6)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - 0.3)).toBeLessThan(sigmaTolerance)
  })
})
