import type { Clock } from '../../core/clock.ts'
import type { SourceMeterPort } from '../optics/world-ports.ts'
import type { Sample } from './b2900-data.ts'
import { largestBeside, other, rangeEnd, rangeFor } from './b2900-ranges.ts'
import type { Quantity } from './b2900-ranges.ts'

/** Assumption: the meter resolves six and a half digits of every range. */
const STEPS_OF_RANGE = 1e6
/** Assumption: European mains. */
export const MAINS_PERIOD_S = 0.02

const SOURCE_IS_CURRENT = 1 << 0
/** Assumption: which of bits 1 and 2 is which. */
const CURRENT_LIMITED = 1 << 1
const VOLTAGE_LIMITED = 1 << 2
const OVER_RANGE = 1 << 13

interface SourceSettings {
  level: number
  /** What a trigger sets it to. */
  triggered: number
  range: number
  autoRange: boolean
  mode: 'FIX' | 'SWE' | 'LIST'
  start: number
  stop: number
  points: number
  list: number[]
}

interface SenseSettings {
  /** Compliance of this quantity while the other one is forced. */
  limit: number
  range: number
  autoRange: boolean
}

interface Point {
  readonly VOLT: number
  readonly CURR: number
  readonly limited: boolean
}

const OFF: Point = { VOLT: 0, CURR: 0, limited: false }

const sourceDefaults = (quantity: Quantity): SourceSettings => ({
  level: 0,
  triggered: 0,
  range: rangeFor(quantity, 0),
  autoRange: true,
  mode: 'FIX',
  start: 0,
  stop: 0,
  points: 1,
  list: [0],
})

const defaults = () => ({
  force: 'VOLT' as Quantity,
  source: { VOLT: sourceDefaults('VOLT'), CURR: sourceDefaults('CURR') } satisfies Record<Quantity, SourceSettings>,
  sense: {
    VOLT: { limit: 2, range: 2, autoRange: true },
    CURR: { limit: 1e-4, range: 1e-4, autoRange: true },
  } satisfies Record<Quantity, SenseSettings>,
  /** Of VOLT, CURR and RES. */
  measured: new Set<string>(['VOLT', 'CURR']),
  apertureS: 0.1 * MAINS_PERIOD_S,
  remoteSense: false,
  output: false,
  autoOn: true,
  offMode: 'NORM',
  protection: false,
  highCapacitance: false,
  low: 'GRO',
  spacing: 'LIN',
  stair: 'SING',
})

/**
 * One source and meter: forces a level into the load, or the limit where the level would go beyond it, and measures.
 *
 * The limit is never more than the output stage carries beside the level. Pulses, filters and guard are not in this
 * twin; off means 0 V, or 0 A in HIZ.
 */
export class B2900Channel {
  settings = defaults()
  readonly samples: Sample[] = []
  readonly #index: number
  readonly #port: SourceMeterPort
  readonly #clock: Clock
  #point: Point = OFF

  constructor(index: number, port: SourceMeterPort, clock: Clock) {
    this.#index = index
    this.#port = port
    this.#clock = clock
  }

  reset(): void {
    this.settings = defaults()
    this.samples.length = 0
    this.apply()
  }

  get source(): SourceSettings {
    return this.settings.source[this.settings.force]
  }

  /** The limit is what is forced. */
  get limited(): boolean {
    return this.#point.limited
  }

  /** Brings the output to what is set. */
  apply(): void {
    this.#point = this.#forced()
  }

  /** Levels that a run steps through, one after the other. */
  levels(): readonly number[] {
    const { mode, triggered, start, stop, points, list } = this.source
    if (mode === 'LIST') return list
    if (mode === 'FIX') return [triggered]
    const { spacing, stair } = this.settings
    const up = Array.from({ length: points }, (_, index) => {
      const share = points === 1 ? 0 : index / (points - 1)
      return spacing === 'LOG' ? start * (stop / start) ** share : start + (stop - start) * share
    })
    return stair === 'DOUB' ? [...up, ...up.toReversed()] : up
  }

  /** Forces another level than the one that is set, until the next `apply`. */
  step(level: number): void {
    this.#point = this.#forced(level)
  }

  measure(source: number): Sample {
    const { force, measured, output } = this.settings
    const point = this.#point
    const [voltage, current] = [this.#read('VOLT', point.VOLT), this.#read('CURR', point.CURR)]
    const limited = force === 'VOLT' ? CURRENT_LIMITED : VOLTAGE_LIMITED
    const overRange = [voltage, current].some((value) => Math.abs(value) === Infinity)
    const sample: Sample = {
      VOLT: measured.has('VOLT') ? voltage : NaN,
      CURR: measured.has('CURR') ? current : NaN,
      RES: measured.has('RES') && output && current !== 0 ? voltage / current : NaN,
      TIME: this.#clock.monotonicNs() / 1e9,
      STAT: (force === 'CURR' ? SOURCE_IS_CURRENT : 0) | (point.limited ? limited : 0) | (overRange ? OVER_RANGE : 0),
      SOUR: source,
    }
    this.samples.push(sample)
    return sample
  }

  #forced(level = this.source.level): Point {
    const { force, sense, output, offMode } = this.settings
    const limited = other(force)
    if (!output) {
      if (offMode === 'HIZ') this.#drive('CURR', 0)
      else this.#drive('VOLT', 0)
      return OFF
    }
    const limit = Math.min(sense[limited].limit, largestBeside(force, level))
    const free = this.#drive(force, level)
    if (Math.abs(free) <= limit) return at(force, level, free, false)
    const held = Math.sign(free) * limit
    return at(force, this.#drive(limited, held), held, true)
  }

  #drive(quantity: Quantity, level: number): number {
    return quantity === 'VOLT' ? this.#port.forceV(this.#index, level) : this.#port.forceA(this.#index, level)
  }

  /** What is forced is read in the range of the source; the other quantity in the range of its meter. */
  #read(quantity: Quantity, value: number): number {
    const { force, source, sense } = this.settings
    const { autoRange, range: fixed } = quantity === force ? source[quantity] : sense[quantity]
    const range = autoRange ? rangeFor(quantity, value) : fixed
    if (Math.abs(value) > rangeEnd(quantity, range)) return Math.sign(value) * Infinity
    const quantum = range / STEPS_OF_RANGE
    return Math.round(value / quantum) * quantum
  }
}

const at = (force: Quantity, forced: number, answered: number, limited: boolean): Point =>
  force === 'VOLT' ? { VOLT: forced, CURR: answered, limited } : { VOLT: answered, CURR: forced, limited }
