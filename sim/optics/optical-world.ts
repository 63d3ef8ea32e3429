import type { Clock } from '../../core/clock.ts'
import type { WorldPorts } from '../sim-entry.ts'
import type { CoreOptics, Light } from './core-optics.ts'
import { heaterCables } from './defects.ts'
import { BenchAge } from './drift/bench-age.ts'
import { LaserDrift } from './drift/laser-drift.ts'
import type { LaserOutput } from './drift/laser-drift.ts'
import { Room } from './drift/room.ts'
import { Detection } from './detection.ts'
import { Fibres } from './fibre.ts'
import { FrequencyComb } from './frequency-comb.ts'
import { Mains } from './mains.ts'
import { ModulatorArray } from './modulator-array.ts'
import type { ModulatorTruth } from './modulator.ts'
import { Oven } from './oven.ts'
import { mismatchS } from './phase-noise.ts'
import type { Photodiode } from './photodiode.ts'
import { playSlots } from './playback.ts'
import { ResistiveLoads } from './resistive-loads.ts'
import { slotWithBeat } from './slot-powers.ts'
import type { SlotPowers } from './slot-powers.ts'
import { TapAmplifiers } from './tap-amplifiers.ts'
import { WavelengthFilter } from './wavelength-filter.ts'
import type { WorldSpec } from './world-spec.ts'

/** Everything about the light of a twin that a calibration may not see. For tests and for the oracle. */
export interface LightTruth {
  /** [modulator] */
  readonly modulators: readonly ModulatorTruth[]
  /** By `meter.port`. */
  readonly photodiodes: ReadonlyMap<string, Photodiode>
}

/** Share of a laser's light on the tap of each bias controller. Assumption. */
const BIAS_TAP_RATIO = 0.01

const DARK: LaserOutput = { powerMw: 0, frequencyThz: 0 }

/**
 * The shared optical world of a bench: lasers → modulators → the optics of its core → detectors.
 *
 * Instruments act on it and read from it through their ports; time is the injected clock's.
 */
export class OpticalWorld<Core extends CoreOptics = CoreOptics> {
  readonly core: Core
  /** Beside the core: one a programmable filter, made when it is plugged in. */
  readonly filters = new Map<string, WavelengthFilter>()
  readonly #spec: WorldSpec
  /** As they were set. */
  readonly #lasers = new Map<string, LaserOutput>()
  /** [laser] */
  readonly #laserDrift: readonly LaserDrift[]
  readonly #age: BenchAge
  readonly #room: Room
  readonly #comb: FrequencyComb | undefined
  readonly #fibres: Fibres
  readonly #modulators: ModulatorArray
  readonly #detection: Detection
  readonly #tapAmplifiers: TapAmplifiers | undefined
  readonly #mains: Mains
  readonly #ovens: ReadonlyMap<string, Oven>
  /** Beside the core: one a source meter, made when it is plugged in. */
  readonly #loads = new Map<string, ResistiveLoads>()
  readonly #meterTriggers = new Map<string, () => void>()
  #triggers = 0
  #capture: { key: string; slots: readonly SlotPowers[] } | undefined

  /** `age` is the core's, too. */
  constructor(spec: WorldSpec, core: Core, seed: number, clock: Clock, age: BenchAge) {
    this.core = core
    this.#spec = spec
    const { light } = spec
    this.#age = age
    this.#room = new Room(spec.drift, seed)
    this.#comb = light.frequencyCombSpacingGhz > 0 ? new FrequencyComb(spec.firstChannelThz, light, seed) : undefined
    // Lines of one comb wander together.
    const source = (name: string): string => (this.#comb === undefined ? name : 'comb')
    this.#laserDrift = spec.lasers.map((name) => new LaserDrift(source(name), spec.drift, seed))
    this.#fibres = new Fibres(light)
    this.#modulators = new ModulatorArray(spec, seed, age)
    this.#detection = new Detection(spec, seed)
    this.#tapAmplifiers = spec.taps && new TapAmplifiers(core.taps, spec.taps.amplifier, seed)
    this.#ovens = new Map(spec.ovens.map((name) => [name, new Oven(clock, () => this.#room.temperatureC(age.heldS()))]))
    this.#mains = new Mains((ageS) => this.mainsPowerW(ageS), seed, clock, age)
  }

  /** For tests and for the oracle. */
  get truth(): Core['truth'] & LightTruth {
    return {
      ...(this.core.truth as Core['truth']),
      modulators: this.#modulators.truth,
      photodiodes: this.#detection.photodiodes,
    }
  }

  /** The connector of one instrument. Throws when the wiring does not know the name. */
  port<Kind extends keyof WorldPorts>(kind: Kind, name: string): WorldPorts[Kind] {
    return this.#ports[kind](name)
  }

  /** Electrical power from the mains with the settings of now. */
  mainsPowerW(ageS = this.#age.heldS()): number {
    const { instrumentsIdleW, laserWallEfficiency } = this.#spec.light
    const roomC = this.#room.temperatureC(ageS)
    let powerW = instrumentsIdleW + this.core.heaters.totalPowerW(ageS)
    for (const { powerMw } of this.#lasers.values()) powerW += powerMw / 1e3 / laserWallEfficiency
    for (const oven of this.#ovens.values()) powerW += oven.powerW(roomC)
    for (const loads of this.#loads.values()) powerW += loads.powerW()
    return powerW
  }

  /** How far beside its null a modulator is held by its controller now, V. For the oracle. */
  lockErrorV(modulator: number): number {
    return this.#modulators.lockErrorV(modulator)
  }

  /** What a laser emits now; 0 when dark. */
  laserMw(laser: number): number {
    return this.#emitted(laser).powerMw
  }

  readonly #ports: { readonly [Kind in keyof WorldPorts]: (name: string) => WorldPorts[Kind] } = {
    laser: (name) => {
      requireWired(name, this.#spec.lasers.includes(name))
      return {
        setOutput: (output) => {
          this.#mains.energyKwh()
          const { powerMw, frequencyThz } = this.#comb?.line(output) ?? output
          const offThz = (this.#spec.defects?.laserOffsetsGhz[name] ?? 0) / 1e3
          this.#lasers.set(name, { powerMw, frequencyThz: frequencyThz + offThz })
        },
      }
    },
    'symbol-generator': (name) => {
      const output = known(this.#modulators.generators, name)
      return {
        rest: (levelsV) => output.rest(levelsV),
        load: (levelsV, symbolPeriodS) => output.load(levelsV, symbolPeriodS),
        start: () => {
          output.start()
          if (name === this.#spec.trigger.source) this.#trigger()
        },
        onTrigger: (listener) => (output.onTrigger = listener),
      }
    },
    'bias-controller': (name) => {
      const modulator = this.#modulators.biasedBy(name)
      requireWired(name, modulator >= 0)
      return {
        setBiasV: (biasV) => this.#modulators.setBiasV(modulator, biasV),
        followNull: () => this.#modulators.followNull(modulator),
        nullBiasV: () => this.#modulators.lockBiasV(modulator),
        tapMw: () => BIAS_TAP_RATIO * this.#lightOn(modulator),
      }
    },
    'phase-shifter-bank': (name) => {
      requireWired(name, name === this.#spec.heaters.bank)
      const { heaters } = this.core
      const metered = {
        setVoltageV: (heater: number, voltageV: number) => {
          this.#mains.energyKwh()
          heaters.setVoltageV(heater, voltageV)
        },
        currentMa: (heater: number) => heaters.currentMa(heater),
      }
      return heaterCables(this.#spec.heaters.channels, metered, this.#spec.defects)
    },
    'temperature-controller': (name) => {
      const oven = known(this.#ovens, name)
      return {
        setSetPointC: (setPointC, running) => {
          this.#mains.energyKwh()
          oven.setSetPointC(setPointC, running)
        },
        temperatureC: () => oven.temperatureC(),
      }
    },
    'power-meter': (name) => {
      requireWired(name, this.#detection.has(name))
      return {
        powerMw: (port) => this.#detection.read({ meter: name, port }, this.#powersAtRest()),
        captureMw: (port, points, averagingS) =>
          this.#detection.record({ meter: name, port }, this.#played(points, averagingS), averagingS, this.#triggers),
        onTrigger: (listener) => void this.#meterTriggers.set(name, listener),
      }
    },
    'voltage-monitor': (name) => {
      const { taps } = this.#spec
      requireWired(name, name === taps?.monitor)
      return {
        voltageV: (channel) => {
          const tap = channel - (taps?.firstChannel ?? 0)
          if (this.#tapAmplifiers === undefined || tap < 0 || tap >= this.core.taps) return 0
          const powersMw = this.core.tapPowersMw(this.#light(this.#modulators.fieldsAtRest()))
          return this.#tapAmplifiers.voltageV(tap, powersMw, this.#detection.nextReading(`tap ${tap}`))
        },
      }
    },
    'source-meter': (name) => {
      const loads = this.#loads.get(name) ?? new ResistiveLoads()
      this.#loads.set(name, loads)
      return {
        forceV: (channel, voltageV) => {
          this.#mains.energyKwh()
          return loads.forceV(channel, voltageV)
        },
        forceA: (channel, currentA) => {
          this.#mains.energyKwh()
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
      return this.#mains
    },
  }

  /** The trigger source began its frame: a pulse goes to everything cabled to it. */
  #trigger(): void {
    const { targets } = this.#spec.trigger
    this.#triggers++
    this.#capture = undefined
    for (const target of targets) this.#modulators.generators.get(target)?.onTrigger?.()
    for (const target of targets) this.#meterTriggers.get(target)?.()
  }

  /** Light on the detectors since the last trigger. One entry a point; points within one symbol share it. */
  #played(points: number, averagingS: number): readonly SlotPowers[] {
    const key = `${points}/${averagingS}`
    if (this.#capture?.key === key) return this.#capture.slots
    const { frequenciesThz } = this.#light(this.#modulators.fieldsAtRest())
    const slots = playSlots(points, averagingS, this.#fibres.delaysS(frequenciesThz), {
      stateAt: (timeS) => this.#modulators.symbolsAt(timeS),
      slotAt: (timeS) => this.#slot(this.#light(this.#modulators.fieldsAt(timeS))),
    })
    this.#capture = { key, slots }
    return slots
  }

  #powersAtRest(): SlotPowers {
    return this.#slot(this.#light(this.#modulators.fieldsAtRest()))
  }

  #slot(light: Light): SlotPowers {
    const noisyBeat = this.#spec.light.laserLinewidthKhz > 0 && mismatchS(this.#spec.light) > 0
    if (!noisyBeat || !this.core.localOscillators) return { mw: this.core.detectorPowersMw(light) }
    return slotWithBeat((loTurnRad) => this.core.detectorPowersMw({ ...light, loTurnRad }))
  }

  #light(fields: Pick<Light, 'fieldRe' | 'fieldIm'>): Light {
    const lasers = this.#spec.lasers.map((_, laser) => this.#emitted(laser))
    const passed = Math.sqrt(this.#fibres.toCore)
    return {
      fieldRe: passed === 1 ? fields.fieldRe : fields.fieldRe.map((re) => passed * re),
      fieldIm: passed === 1 ? fields.fieldIm : fields.fieldIm.map((im) => passed * im),
      powersMw: Float64Array.from(lasers, ({ powerMw }) => powerMw),
      frequenciesThz: Float64Array.from(lasers, ({ frequencyThz }) => frequencyThz),
    }
  }

  #emitted(laser: number): LaserOutput {
    const set = this.#lasers.get(this.#spec.lasers[laser]!)
    return set === undefined ? DARK : this.#laserDrift[laser]!.emitted(set, this.#age.heldS())
  }

  /** Light before one modulator: of the laser of its lane, or of all where they share their modulators. */
  #lightOn(modulator: number): number {
    const { lasers, modulators } = this.#spec
    if (this.core.sharedModulators) return lasers.reduce((sum, _, laser) => sum + this.laserMw(laser), 0)
    return this.laserMw(Math.floor((modulator * lasers.length) / modulators.length))
  }
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
