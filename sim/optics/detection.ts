import { CounterRandom } from '../../core/random.ts'
import { FibreAmplifier } from './amplifier.ts'
import type { Amplified } from './amplifier.ts'
import { Fibres } from './fibre.ts'
import { LaserNoise } from './laser-noise.ts'
import { Photodiode } from './photodiode.ts'
import type { SlotPowers } from './slot-powers.ts'
import type { MeterPort, WorldSpec } from './world-spec.ts'

/** Captures of one trigger get sample numbers of their own, so that noise never repeats. */
const SAMPLES_PER_TRIGGER = 2 ** 21
/** Far above: single readings never share a sample number with captures. */
const FIRST_READING = 2 ** 51
/** Averaging time of a reading that is no log. */
const SINGLE_READING_S = 0.2

/**
 * From light on its way to the photodiodes to what their meters report: noise of the lasers, fibre, amplifier, receiver,
 * then each diode's own.
 */
export class Detection {
  /** By `meter.port`. */
  readonly photodiodes: ReadonlyMap<string, Photodiode>
  readonly #spec: WorldSpec
  /** `meter.port` to detector. */
  readonly #detectors: ReadonlyMap<string, number>
  readonly #lasers: LaserNoise
  /** Power that the fibre to the detectors leaves over. */
  readonly #passed: number
  readonly #amplifier: FibreAmplifier | undefined
  /** `meter.port` whose fibre is off. */
  readonly #dark: ReadonlySet<string>
  /** By meter: when it really takes its points. */
  readonly #clocks: ReadonlyMap<string, CounterRandom>
  /** [input]: how often it was read. Each counts for itself, so that the order among inputs changes no noise. */
  readonly #readings = new Map<string, number>()

  constructor(spec: WorldSpec, seed: number) {
    this.#spec = spec
    this.#detectors = new Map(spec.detectors.map((at, detector) => [portKey(at), detector]))
    this.photodiodes = new Map(
      spec.detectors.map((at) => [portKey(at), new Photodiode(portKey(at), lightAt(spec, at), seed, at.side)]),
    )
    this.#dark = new Set((spec.defects?.darkPorts ?? []).map(portKey))
    this.#lasers = new LaserNoise(spec.lasers.length, spec.light, seed)
    this.#passed = new Fibres(spec.light).toDetectors
    this.#amplifier = spec.light.edfaGainDb > 0 ? new FibreAmplifier(spec.light) : undefined
    const meters = new Set(spec.detectors.map(({ meter }) => meter))
    this.#clocks = new Map([...meters].map((meter) => [meter, new CounterRandom(seed, `meter/${meter}/clock`)]))
  }

  /** Whether this meter sees any light of the core. */
  has(meter: string): boolean {
    return this.#spec.detectors.some((at) => at.meter === meter)
  }

  /** A record of one meter input. Shape: [point]; `slots` is one entry a point. */
  record(at: MeterPort, slots: readonly SlotPowers[], averagingS: number, trigger: number): Float64Array {
    const detector = this.#detectors.get(portKey(at))
    const series = new Float64Array(slots.length)
    if (detector === undefined) return series
    const { light } = this.#spec
    const photodiode = this.photodiodes.get(portKey(at))!
    const clock = this.#clocks.get(at.meter)!
    const noise = this.#lasers.over(averagingS)
    const first = trigger * SAMPLES_PER_TRIGGER
    const count = this.#spec.detectors.length
    const kept = Math.exp(-averagingS * 2 * Math.PI * light.receiverBandwidthMhz * 1e6)
    const jitterShare = (light.adcJitterFs * 1e-15) / averagingS
    const isDark = this.#dark.has(portKey(at))
    let seenMw: number | undefined
    for (const [point, slot] of slots.entries()) {
      const sample = first + point
      const arriving = this.#arriving(isDark ? 0 : noise.powerMw(slot, detector, count, sample))
      let { powerMw } = arriving
      const beforeMw = seenMw ?? powerMw
      // The amplifier's one pole: what it showed a point ago, it still shows in part.
      powerMw += (beforeMw - powerMw) * kept
      seenMw = powerMw
      // A point taken late sees more of the change that is under way.
      if (jitterShare !== 0) powerMw += (powerMw - beforeMw) * jitterShare * clock.normal(sample)
      series[point] = photodiode.reportMw(powerMw, averagingS, sample, arriving.varianceMw2PerHz)
    }
    return series
  }

  /** One slow reading of one meter input. */
  read(at: MeterPort, slot: SlotPowers): number {
    const detector = this.#detectors.get(portKey(at))
    if (detector === undefined) return 0
    const sample = FIRST_READING + this.nextReading(portKey(at))
    const lightMw = this.#dark.has(portKey(at))
      ? 0
      : this.#lasers.slowMw(slot, detector, this.#spec.detectors.length, SINGLE_READING_S)
    const { powerMw, varianceMw2PerHz } = this.#arriving(lightMw)
    return this.photodiodes.get(portKey(at))!.reportMw(powerMw, SINGLE_READING_S, sample, varianceMw2PerHz)
  }

  /** How often this input was read before. */
  nextReading(input: string): number {
    const reading = this.#readings.get(input) ?? 0
    this.#readings.set(input, reading + 1)
    return reading
  }

  #arriving(powerMw: number): Amplified {
    const passedMw = powerMw * this.#passed
    return this.#amplifier?.amplify(passedMw) ?? { powerMw: passedMw, varianceMw2PerHz: 0 }
  }
}

/** A photodiode that is broken has a saturation of its own. */
function lightAt({ light, defects }: WorldSpec, at: MeterPort): WorldSpec['light'] {
  const saturated = defects?.saturatedPorts.find((port) => portKey(port) === portKey(at))
  return saturated === undefined ? light : { ...light, photodiodeSaturationMw: saturated.saturationMw }
}

const portKey = ({ meter, port }: MeterPort): string => `${meter}.${port}`
