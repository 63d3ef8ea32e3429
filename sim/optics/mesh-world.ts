import type { Clock } from '../../core/clock.ts'
import { svdCoreLayout } from '../../core/mesh-layout.ts'
import { lossDbToPowerRatio } from '../../core/quantities.ts'
import { CounterRandom, RandomStream } from '../../core/random.ts'
import type { WorldPorts } from '../sim-entry.ts'
import { fabricateChip } from './chip.ts'
import type { ChipTruth } from './chip.ts'
import { HeaterArray } from './heater-array.ts'
import type { MeshImperfections } from './imperfections.ts'
import type { MeshWorldSpec } from './mesh-world-spec.ts'
import { fabricateLanePath } from './lane-path.ts'
import type { LanePath } from './lane-path.ts'
import { fabricateModulator, modulatorField } from './modulator.ts'
import type { ModulatorTruth } from './modulator.ts'
import { Oven } from './oven.ts'
import { Photodiode } from './photodiode.ts'
import { ResistiveLoads } from './resistive-loads.ts'
import { GeneratorOutput } from './generator-output.ts'
import { chipTransfer } from './transfer.ts'
import type { ChipTransfer } from './transfer.ts'
import { WavelengthFilter } from './wavelength-filter.ts'

/** Captures of one trigger get sample numbers of their own, so that noise never repeats. */
const SAMPLES_PER_TRIGGER = 2 ** 21
/** Averaging time of a reading that is no log. */
const SINGLE_READING_S = 0.2

/** Everything about the twin that a calibration may not see. For tests and for the oracle. */
export interface MeshWorldTruth {
  readonly chip: ChipTruth
  readonly modulators: readonly (readonly ModulatorTruth[])[]
  readonly paths: readonly LanePath[]
  readonly photodiodes: ReadonlyMap<string, Photodiode>
}

/** Optical powers at the two detectors of every lane and output, in one time slot. */
interface SlotPowers {
  /** [lane × size + port] */
  readonly plusMw: Float64Array
  readonly minusMw: Float64Array
}

/**
 * The shared optical world of a bench with a U·Σ·V† mesh core:
 * lasers → modulators → input trimmers → mux → V† → taps → Σ → U → demux → balanced couplers ← local oscillators.
 *
 * Instruments act on it and read from it through their ports; time is the injected clock's.
 */
export class MeshWorld {
  readonly truth: MeshWorldTruth
  readonly heaters: HeaterArray
  readonly #spec: MeshWorldSpec
  readonly #what: MeshImperfections
  readonly #clock: Clock
  readonly #lasers = new Map<string, { powerMw: number; frequencyThz: number }>()
  readonly #generators = new Map<string, GeneratorOutput>()
  readonly #biasV = new Map<string, number>()
  readonly #ovens = new Map<string, Oven>()
  /** Beside the mesh: one a source meter, made when it is plugged in. */
  readonly #loads = new Map<string, ResistiveLoads>()
  /** Beside the mesh: one a programmable filter, made when it is plugged in. */
  readonly filters = new Map<string, WavelengthFilter>()
  readonly #detectors = new Map<string, { meter: string; lane: number; port: number; sign: 'plusMw' | 'minusMw' }>()
  readonly #meterTriggers = new Map<string, () => void>()
  readonly #rin: readonly CounterRandom[]
  readonly #tapGainVPerMw: Float64Array
  readonly #tapNoise: CounterRandom
  #triggers = 0
  /** [input]: how often it was read. Each counts for itself, so that the order among inputs changes no noise. */
  readonly #readings = new Map<string, number>()
  #folded: { version: number; transfer: ChipTransfer; phasesRad: Float64Array } | undefined
  #capture: { key: string; powers: readonly SlotPowers[] } | undefined
  #energyKwh: number
  #energyReadNs: number

  constructor(spec: MeshWorldSpec, seed: number, clock: Clock) {
    this.#spec = spec
    this.#what = spec.imperfections
    this.#clock = clock
    const layout = svdCoreLayout(spec.size, spec.lanes.length)
    const chip = fabricateChip(layout, this.#what, seed)
    this.heaters = new HeaterArray(chip, this.#what.heaterTimeConstantUs, clock)
    const photodiodes = new Map<string, Photodiode>()
    const modulators = spec.lanes.map(({ modulators }) =>
      modulators.map(({ bias }) => fabricateModulator(bias, this.#what, seed)),
    )
    for (const [lane, { detectors, modulators }] of spec.lanes.entries()) {
      for (const [port, { plus, minus }] of detectors.entries()) {
        this.#detectors.set(portKey(plus), { meter: plus.meter, lane, port, sign: 'plusMw' })
        this.#detectors.set(portKey(minus), { meter: minus.meter, lane, port, sign: 'minusMw' })
        for (const at of [plus, minus]) photodiodes.set(portKey(at), new Photodiode(portKey(at), this.#what, seed))
      }
      for (const { generator, channel, bias } of modulators) {
        const output = this.#generators.get(generator) ?? new GeneratorOutput()
        output.restV[channel] = 0
        this.#generators.set(generator, output)
        this.#biasV.set(bias, 0)
      }
    }
    for (const name of spec.ovens) this.#ovens.set(name, new Oven(clock))
    this.truth = {
      chip,
      modulators,
      paths: spec.lanes.map((_, lane) => fabricateLanePath(lane, spec.size, this.#what, seed)),
      photodiodes,
    }
    this.#rin = spec.lanes.map((_, lane) => new CounterRandom(seed, `laser/${lane}/rin`))
    const taps = new RandomStream(seed, 'taps')
    this.#tapGainVPerMw = Float64Array.from(
      { length: spec.size },
      () => this.#what.tapGainVPerMw * taps.normal(1, this.#what.tapGainSpread),
    )
    this.#tapNoise = new CounterRandom(seed, 'taps/noise')
    this.#energyKwh = new RandomStream(seed, 'mains').uniform(100, 9000)
    this.#energyReadNs = clock.monotonicNs()
  }

  /** The connector of one instrument. Throws when the wiring does not know the name. */
  port<Kind extends keyof WorldPorts>(kind: Kind, name: string): WorldPorts[Kind] {
    return this.#ports[kind](name)
  }

  /** Electrical power from the mains now. */
  mainsPowerW(): number {
    let powerW = this.#what.instrumentsIdleW + this.heaters.totalPowerW()
    for (const { powerMw } of this.#lasers.values()) powerW += powerMw / 1e3 / this.#what.laserWallEfficiency
    for (const oven of this.#ovens.values()) powerW += oven.powerW()
    for (const loads of this.#loads.values()) powerW += loads.powerW()
    return powerW
  }

  readonly #ports: { readonly [Kind in keyof WorldPorts]: (name: string) => WorldPorts[Kind] } = {
    laser: (name) => {
      requireWired(
        name,
        this.#spec.lanes.some(({ laser }) => laser === name),
      )
      return {
        setOutput: ({ powerMw, frequencyThz }) => {
          this.#meterEnergy()
          this.#lasers.set(name, { powerMw, frequencyThz })
        },
      }
    },
    'symbol-generator': (name) => {
      const output = known(this.#generators, name)
      return {
        rest: (levelsV) => output.rest(levelsV),
        load: (levelsV, symbolPeriodS) => output.load(levelsV, symbolPeriodS),
        start: () => this.#start(name, output),
        onTrigger: (listener) => (output.onTrigger = listener),
      }
    },
    'bias-controller': (name) => {
      const truth = this.#modulatorBehind(name)
      return {
        setBiasV: (biasV) => void this.#biasV.set(name, biasV),
        nullBiasV: () => truth.mzm.lockBiasV,
        tapMw: () => 0.01 * this.laserMw(truth.lane),
      }
    },
    'phase-shifter-bank': (name) => {
      requireWired(name, name === this.#spec.heaters.bank)
      const heaterOf = new Map(this.#spec.heaters.channels.map((channel, heater) => [channel, heater]))
      return {
        setVoltageV: (channel, voltageV) => {
          const heater = heaterOf.get(channel)
          if (heater === undefined) return
          this.#meterEnergy()
          this.heaters.setVoltageV(heater, voltageV)
        },
        // A channel without a heater is an open circuit.
        currentMa: (channel) => {
          const heater = heaterOf.get(channel)
          return heater === undefined ? 0 : this.heaters.currentMa(heater)
        },
      }
    },
    'temperature-controller': (name) => {
      const oven = known(this.#ovens, name)
      return {
        setSetPointC: (setPointC, running) => {
          this.#meterEnergy()
          oven.setSetPointC(setPointC, running)
        },
        temperatureC: () => oven.temperatureC(),
      }
    },
    'power-meter': (name) => {
      requireWired(
        name,
        [...this.#detectors.values()].some(({ meter }) => meter === name),
      )
      return {
        powerMw: (channel) => this.#readMw(name, channel),
        captureMw: (channel, points, averagingS) => this.#captureMw(name, channel, points, averagingS),
        onTrigger: (listener) => void this.#meterTriggers.set(name, listener),
      }
    },
    'voltage-monitor': (name) => {
      const { monitor, firstChannel } = this.#spec.taps
      requireWired(name, name === monitor)
      return { voltageV: (channel) => this.#tapV(channel - firstChannel) }
    },
    'source-meter': (name) => {
      const loads = this.#loads.get(name) ?? new ResistiveLoads()
      this.#loads.set(name, loads)
      return {
        forceV: (channel, voltageV) => {
          this.#meterEnergy()
          return loads.forceV(channel, voltageV)
        },
        forceA: (channel, currentA) => {
          this.#meterEnergy()
          return loads.forceA(channel, currentA)
        },
      }
    },
    'optical-filter': (name) => {
      const filter = this.filters.get(name) ?? new WavelengthFilter()
      this.filters.set(name, filter)
      return filter
    },
    'energy-meter': (name) => {
      requireWired(name, name === this.#spec.mains)
      return {
        powerW: () => this.mainsPowerW(),
        energyKwh: () => {
          this.#meterEnergy()
          return this.#energyKwh
        },
      }
    },
  }

  /** One generator begins its frame; from the trigger source, a pulse goes to everything cabled to it. */
  #start(name: string, output: GeneratorOutput): void {
    output.playing = true
    const { source, targets } = this.#spec.trigger
    if (name !== source) return
    this.#triggers++
    this.#capture = undefined
    for (const target of targets) this.#generators.get(target)?.onTrigger?.()
    for (const target of targets) this.#meterTriggers.get(target)?.()
  }

  #captureMw(meter: string, channel: number, points: number, averagingS: number): Float64Array {
    const at = this.#detectors.get(portKey({ meter, port: channel }))
    const series = new Float64Array(points)
    if (at === undefined) return series
    const key = `${points}/${averagingS}`
    if (this.#capture?.key !== key) this.#capture = { key, powers: this.#play(points, averagingS) }
    const photodiode = known(this.truth.photodiodes, portKey({ meter, port: channel }))
    const slot = at.lane * this.#spec.size + at.port
    const first = this.#triggers * SAMPLES_PER_TRIGGER
    const rin = this.#rinSigma(averagingS)
    for (let point = 0; point < points; point++) {
      const common = 1 + rin * this.#rin[at.lane]!.normal(first + point)
      const powerMw = this.#capture.powers[point]![at.sign][slot]! * common
      series[point] = photodiode.reportMw(powerMw, averagingS, first + point)
    }
    return series
  }

  #readMw(meter: string, channel: number): number {
    const at = this.#detectors.get(portKey({ meter, port: channel }))
    if (at === undefined) return 0
    const powers = this.#powers((output, channelOfIt) => output.restV[channelOfIt] ?? 0)
    const powerMw = powers[at.sign][at.lane * this.#spec.size + at.port]!
    const photodiode = known(this.truth.photodiodes, portKey({ meter, port: channel }))
    // Far above: readings never share a sample number with captures.
    return photodiode.reportMw(
      powerMw,
      SINGLE_READING_S,
      2 ** 51 + this.#nextReading(portKey({ meter, port: channel })),
    )
  }

  /** One entry a point; points within the same symbol of every generator share it. */
  #play(points: number, averagingS: number): SlotPowers[] {
    const powers: SlotPowers[] = []
    const outputs = [...this.#generators.values()]
    let symbols = ''
    for (let point = 0; point < points; point++) {
      const timeS = (point + 0.5) * averagingS
      const now = outputs.map((output) => output.symbolAt(timeS)).join()
      if (now === symbols && powers.length > 0) powers.push(powers[point - 1]!)
      else powers.push(this.#powers((output, channel) => output.levelV(channel, timeS)))
      symbols = now
    }
    return powers
  }

  /** Light through everything, for one set of drive voltages. */
  #powers(driveV: (output: GeneratorOutput, channel: number) => number): SlotPowers {
    const { size, lanes } = this.#spec
    const { transfer, phasesRad } = this.#fold()
    const { re, im } = transfer.through
    const powers = { plusMw: new Float64Array(lanes.length * size), minusMw: new Float64Array(lanes.length * size) }
    const fields = { re: new Float64Array(size), im: new Float64Array(size) }
    for (const [lane, path] of this.truth.paths.entries()) {
      const amplitude = Math.sqrt(this.laserMw(lane))
      if (amplitude === 0) continue
      this.#inputFields(lane, amplitude, driveV, phasesRad, fields)
      for (let port = 0; port < size; port++) {
        let [er, ei] = [0, 0]
        for (let from = 0, at = port * size; from < size; from++, at++) {
          er += re[at]! * fields.re[from]! - im[at]! * fields.im[from]!
          ei += re[at]! * fields.im[from]! + im[at]! * fields.re[from]!
        }
        const [or, oi] = [path.outRe[port]!, path.outIm[port]!]
        const [sr, si] = [er * or - ei * oi, er * oi + ei * or]
        const lo = rotate(path.loRe[port]!, path.loIm[port]!, phasesRad[this.truth.chip.layout.lo[lane]![port]!]!)
        const [lr, li] = [amplitude * lo.re, amplitude * lo.im]
        const sum = (sr * sr + si * si + lr * lr + li * li) / 2
        const beat = sr * lr + si * li
        powers.plusMw[lane * size + port] = sum + beat
        powers.minusMw[lane * size + port] = sum - beat
      }
    }
    return powers
  }

  #inputFields(
    lane: number,
    amplitude: number,
    driveV: (output: GeneratorOutput, channel: number) => number,
    phasesRad: Float64Array,
    out: { re: Float64Array; im: Float64Array },
  ): void {
    const path = this.truth.paths[lane]!
    for (const [port, { generator, channel, bias }] of this.#spec.lanes[lane]!.modulators.entries()) {
      const mzm = this.truth.modulators[lane]![port]!
      const field = modulatorField(mzm, driveV(known(this.#generators, generator), channel), this.#biasV.get(bias)!)
      const trimmed = rotate(path.inRe[port]!, path.inIm[port]!, phasesRad[this.truth.chip.layout.input[lane]![port]!]!)
      out.re[port] = amplitude * (field.re * trimmed.re - field.im * trimmed.im)
      out.im[port] = amplitude * (field.re * trimmed.im + field.im * trimmed.re)
    }
  }

  /** Voltage of one monitor tap at rest; all lanes fall on its photodiode. */
  #tapV(waveguide: number): number {
    const { size } = this.#spec
    if (waveguide < 0 || waveguide >= size) return 0
    const { transfer, phasesRad } = this.#fold()
    const fields = { re: new Float64Array(size), im: new Float64Array(size) }
    let powerMw = 0
    for (const lane of this.truth.paths.keys()) {
      this.#inputFields(lane, Math.sqrt(this.laserMw(lane)), (o, channel) => o.restV[channel] ?? 0, phasesRad, fields)
      let [er, ei] = [0, 0]
      for (let from = 0, at = waveguide * size; from < size; from++, at++) {
        er += transfer.toTaps.re[at]! * fields.re[from]! - transfer.toTaps.im[at]! * fields.im[from]!
        ei += transfer.toTaps.re[at]! * fields.im[from]! + transfer.toTaps.im[at]! * fields.re[from]!
      }
      powerMw += (er * er + ei * ei) * this.truth.chip.tapPowerRatio
    }
    const noiseV =
      (this.#what.tapNoiseMv / 1e3) * this.#tapNoise.normal(waveguide * 2 ** 40 + this.#nextReading(`tap ${waveguide}`))
    return powerMw * this.#tapGainVPerMw[waveguide]! + noiseV
  }

  #nextReading(input: string): number {
    const reading = this.#readings.get(input) ?? 0
    this.#readings.set(input, reading + 1)
    return reading
  }

  #fold(): { transfer: ChipTransfer; phasesRad: Float64Array } {
    if (this.#folded?.version === this.heaters.version) return this.#folded
    const phasesRad = this.heaters.phasesRad()
    const folded = { version: this.heaters.version, transfer: chipTransfer(this.truth.chip, phasesRad), phasesRad }
    // While heaters still move the next look may differ.
    this.#folded = this.heaters.settled ? folded : undefined
    return folded
  }

  /** What the laser of a lane emits now; 0 when dark. */
  laserMw(lane: number): number {
    return this.#lasers.get(this.#spec.lanes[lane]!.laser)?.powerMw ?? 0
  }

  #rinSigma(averagingS: number): number {
    return Math.sqrt(lossDbToPowerRatio(-this.#what.laserRinDbPerHz) / (2 * averagingS))
  }

  #modulatorBehind(bias: string): { lane: number; mzm: ModulatorTruth } {
    for (const [lane, { modulators }] of this.#spec.lanes.entries()) {
      const port = modulators.findIndex((modulator) => modulator.bias === bias)
      if (port >= 0) return { lane, mzm: this.truth.modulators[lane]![port]! }
    }
    throw unknownName(bias)
  }

  /** Adds what was drawn since the last change of load to the mains counter. */
  #meterEnergy(): void {
    const nowNs = this.#clock.monotonicNs()
    this.#energyKwh += (this.mainsPowerW() * (nowNs - this.#energyReadNs)) / 1e9 / 3.6e6
    this.#energyReadNs = nowNs
  }
}

const portKey = ({ meter, port }: { meter: string; port: number }): string => `${meter}.${port}`

function rotate(re: number, im: number, phaseRad: number): { re: number; im: number } {
  const [cos, sin] = [Math.cos(phaseRad), Math.sin(phaseRad)]
  return { re: re * cos - im * sin, im: re * sin + im * cos }
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name)
  if (value === undefined) throw unknownName(name)
  return value
}

function requireWired(name: string, wired: boolean): void {
  if (!wired) throw unknownName(name)
}

const unknownName = (name: string): Error => new Error(`${name} is not wired to this optical world`)
