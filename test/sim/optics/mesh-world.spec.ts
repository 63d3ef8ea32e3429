import { describe, expect, test } from 'vitest'
import type { MeshWorld } from '../../../sim/optics/mesh-world.ts'
import { modulatorField } from '../../../sim/optics/modulator.ts'
import { chipTransfer } from '../../../sim/optics/transfer.ts'
import { LASER_MW, noiseless, SIZE, smallWorld } from '../../support/small-world.ts'
import { statistics } from '../../support/statistics.ts'

const { signal } = new AbortController()

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
  const phases = world.core.heaters.phasesRad()
  const transfer = chipTransfer(chip, phases)
  const path = paths[0]!
  const amplitude = Math.sqrt(LASER_MW)
  const inputs = Array.from({ length: SIZE }, (_, port) => {
    const field = modulatorField(modulators[port]!, driveV(port), biasV(port))
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
    const { world } = smallWorld({ thermalNoisePaPerRtHz: 0 })
    const meter = world.port('power-meter', 'meter-0')
    for (let channel = 0; channel < 8; channel++) {
      const { darkMw } = world.truth.photodiodes.get(`meter-0.${channel}`)!
      expect(meter.powerMw(channel)).toBeCloseTo(darkMw, 9)
      const record = meter.captureMw(channel, 50, 1)
      expect(statistics(record).mean).toBeCloseTo(darkMw, 9)
    }
  })

  test('shows taps and bias controllers nothing', () => {
    const { world } = smallWorld({ tapNoiseMv: 0 })
    expect(world.port('voltage-monitor', 'taps').voltageV(0)).toBe(0)
    expect(world.port('bias-controller', 'bias-0').tapMw()).toBe(0)
  })

  test('a lane that is lit does not light the other one', () => {
    const { world, light } = smallWorld({ ...noiseless, muxAdjacentIsolationDb: 100 }, { lanes: 2 })
    light(1)
    // Lane 0 is on meter-0, lane 1 on meter-1.
    expect(world.port('power-meter', 'meter-0').powerMw(0)).toBeLessThan(1e-6)
    expect(world.port('power-meter', 'meter-1').powerMw(0)).toBeGreaterThan(0.01)
  })
})

describe('multiplexers, in the world', () => {
  const read = (world: MeshWorld, meter: number): number[] =>
    Array.from({ length: 8 }, (_, port) => world.port('power-meter', `meter-${meter}`).powerMw(port))

  test('leak a lane’s light to its neighbour at the isolation: as much on either side of a pair', () => {
    const { world, light } = smallWorld({ ...noiseless, loShare: 0.01, responsivitySpread: 0 }, { lanes: 2 })
    light(1)
    const [leaked, own] = [read(world, 0), read(world, 1)]
    for (let port = 0; port < SIZE; port++) {
      const [plus, minus] = [leaked[2 * port]!, leaked[2 * port + 1]!]
      expect(plus).toBeCloseTo(minus, 6)
      // Of what reaches the pair of its own lane a part is the local oscillator's: the leak is less than 25 dB below.
      expect(plus).toBeGreaterThan(0)
      expect(plus + minus).toBeLessThan((own[2 * port]! + own[2 * port + 1]!) * 10 ** -2.5)
    }
  })

  test('take the light of a laser beside its channel: 37.5 GHz off, 3 dB before and 3 dB behind the mesh', () => {
    const { world, lockBiases, light } = smallWorld({ ...noiseless, responsivitySpread: 0 })
    lockBiases()
    light()
    world.port('symbol-generator', 'awg-0').rest([0.4, 0.2, -0.3, 0.1])
    const field = (): number[] => {
      const readings = read(world, 0)
      return Array.from({ length: SIZE }, (_, port) => readings[2 * port]! - readings[2 * port + 1]!)
    }
    const on = field()
    world.port('laser', 'laser-0').setOutput({ powerMw: LASER_MW, frequencyThz: 193.1375 })
    // 3 dB of field lost twice: √(10^−0.3) each.
    for (const [port, difference] of field().entries()) expect(difference / on[port]!).toBeCloseTo(10 ** -0.3, 3)
  })
})

describe('the optical world, lit', () => {
  test('balanced couplers: the sum is the light, the difference the field along the local oscillator', () => {
    const { world, light, lockBiases, clock } = smallWorld(noiseless)
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
      (port) => world.truth.modulators[port]!.lockBiasV,
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
    const { world, light } = smallWorld(noiseless)
    light()
    // Bias at full transmission: the null plus Vπ.
    for (const [port, { nullBiasV, vpiV }] of world.truth.modulators.entries()) {
      world.port('bias-controller', `bias-${port}`).setBiasV(nullBiasV + vpiV)
    }
    const total = readPairs(world).reduce((sum, { plus, minus }) => sum + plus + minus, 0)
    expect(total).toBeLessThan(LASER_MW / 3)
    expect(total).toBeGreaterThan(LASER_MW / 100)
  })

  test('twice the laser’s power is twice the reading', () => {
    const { world, light } = smallWorld(noiseless)
    light(0, 10)
    const single = readPairs(world)
    light(0, 20)
    for (const [port, { plus }] of readPairs(world).entries()) expect(plus / single[port]!.plus).toBeCloseTo(2, 6)
  })

  test('taps between the meshes show 1 % of the light of their waveguide, through gains of their own', () => {
    const { world, light, lockBiases } = smallWorld({ ...noiseless, tapGainSpread: 0 })
    light()
    lockBiases()
    const drives = [0.4, 0, 0, -0.3]
    world.port('symbol-generator', 'awg-0').rest(drives)
    const { taps } = expected(
      world,
      (port) => drives[port]!,
      (port) => world.truth.modulators[port]!.lockBiasV,
    )
    const monitor = world.port('voltage-monitor', 'taps')
    for (const [waveguide, field] of taps.entries()) {
      expect(monitor.voltageV(waveguide)).toBeCloseTo(0.01 * power(field) * 500, 12)
    }
    // An analog input without a tap.
    expect(monitor.voltageV(SIZE)).toBe(0)
  })

  test('the tap’s noise is 0.05 mV rms', () => {
    const { world } = smallWorld()
    const monitor = world.port('voltage-monitor', 'taps')
    const { mean, meanTolerance, sigma, sigmaTolerance } = statistics(
      Array.from({ length: 5000 }, () => monitor.voltageV(1)),
    )
    expect(Math.abs(mean)).toBeLessThan(meanTolerance)
    expect(Math.abs(sigma - 0.05e-3)).toBeLessThan(sigmaTolerance)
  })

  test('light follows the heaters with their time constant, not at once', async () => {
    const { world, light, lockBiases, clock } = smallWorld(noiseless)
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
    const { world, light } = smallWorld({ ...noiseless, laserRinDbPerHz: -110 })
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
