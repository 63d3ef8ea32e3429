import { lossDbToPowerRatio } from '../../core/quantities.ts'
import { CounterRandom } from '../../core/random.ts'
import { Photodiode } from './photodiode.ts'
import type { MeterPort, WorldSpec } from './world-spec.ts'

/** Captures of one trigger get sample numbers of their own, so that noise never repeats. */
const SAMPLES_PER_TRIGGER = 2 ** 21
/** Far above: single readings never share a sample number with captures. */
const FIRST_READING = 2 ** 51
/** Averaging time of a reading that is no log. */
const SINGLE_READING_S = 0.2

/** Power on each detector from each laser in one time slot. Shape: [laser, detector]. */
export type SlotPowers = Float64Array

/** From light on the photodiodes to what their meters report: intensity noise of the lasers, then each diode's own. */
export class Detection {
  /** By `meter.port`. */
  readonly photodiodes: ReadonlyMap<string, Photodiode>
  readonly #spec: WorldSpec
  /** `meter.port` to detector. */
  readonly #detectors: ReadonlyMap<string, number>
  /** [laser] */
  readonly #rin: readonly CounterRandom[]
  /** [input]: how often it was read. Each counts for itself, so that the order among inputs changes no noise. */
  readonly #readings = new Map<string, number>()

  constructor(spec: WorldSpec, seed: number) {
    this.#spec = spec
    this.#detectors = new Map(spec.detectors.map((at, detector) => [portKey(at), detector]))
    this.photodiodes = new Map(spec.detectors.map((at) => [portKey(at), new Photodiode(portKey(at), spec.light, seed)]))
    this.#rin = spec.lasers.map((_, laser) => new CounterRandom(seed, `laser/${laser}/rin`))
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
    const photodiode = this.photodiodes.get(portKey(at))!
    const sigma = Math.sqrt(lossDbToPowerRatio(-this.#spec.light.laserRinDbPerHz) / (2 * averagingS))
    const first = trigger * SAMPLES_PER_TRIGGER
    const count = this.#spec.detectors.length
    const kept = Math.exp(-averagingS * 2 * Math.PI * this.#spec.light.receiverBandwidthMhz * 1e6)
    let seenMw: number | undefined
    for (const [point, powers] of slots.entries()) {
      let powerMw = 0
      for (const [laser, rin] of this.#rin.entries()) {
        const lightMw = powers[laser * count + detector]!
        if (lightMw !== 0) powerMw += lightMw * (1 + sigma * rin.normal(first + point))
      }
      // The amplifier's one pole: what it showed a point ago, it still shows in part.
      powerMw += ((seenMw ?? powerMw) - powerMw) * kept
      seenMw = powerMw
      series[point] = photodiode.reportMw(powerMw, averagingS, first + point)
    }
    return series
  }

  /** One slow reading of one meter input. */
  read(at: MeterPort, powers: SlotPowers): number {
    const detector = this.#detectors.get(portKey(at))
    if (detector === undefined) return 0
    const count = this.#spec.detectors.length
    let powerMw = 0
    for (let laser = 0; laser < this.#rin.length; laser++) powerMw += powers[laser * count + detector]!
    const photodiode = this.photodiodes.get(portKey(at))!
    return photodiode.reportMw(powerMw, SINGLE_READING_S, FIRST_READING + this.nextReading(portKey(at)))
  }

  /** How often this input was read before. */
  nextReading(input: string): number {
    const reading = this.#readings.get(input) ?? 0
    this.#readings.set(input, reading + 1)
    return reading
  }
}

const portKey = ({ meter, port }: MeterPort): string => `${meter}.${port}`
