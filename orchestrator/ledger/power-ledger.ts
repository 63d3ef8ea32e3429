import { BenchError, isBenchError } from '../../core/errors.ts'
import type { LightBench } from '../../core/light-bench.ts'
import type { Sample } from '../journal/records.ts'
import type { StepLog } from '../plans/engine.ts'
import { benchPower } from './bench-power.ts'
import type { PowerChannel, PowerComponent } from './bench-power.ts'
import type { Heading } from './energy.ts'
import { benchTemperatures } from './sampled-channel.ts'
import type { SampledChannel } from './sampled-channel.ts'

/** Where readings go, and what the ledger takes its time from: in a replay both are what they were. */
export interface LedgerLog extends StepLog {
  /** Keeps a reading and returns its time, ns since the run began. */
  sample(sample: Sample): number
  /** Time of the step or frame that was journalled last, ns since the run began. */
  readonly journalledNs: number
}

/** Time of one kind. */
export interface HeadingSpan {
  readonly heading: Heading
  readonly fromNs: number
  toNs: number
}

/** What a stretch of the job's time was spent on. */
export interface JobSpan {
  readonly part: string
  readonly tile: number
  readonly fromNs: number
  toNs: number
  /** [lane]: input vectors that were sent, among which the energy is shared. */
  readonly vectors: number[]
  /** [lane]: multiply-accumulates that came of it. */
  readonly macs: number[]
}

/** A frame that has just been journalled. */
export interface FrameOfJob {
  readonly part: string
  readonly tile: number
  readonly vectors: readonly number[]
  readonly macs: readonly number[]
}

/** Meters renew their values about once a second. */
const LEAST_APART_NS = 1e9
/** Looks take a fiftieth of the time at most. */
const APART_PER_LOOK = 50
/** A meter that stays silent is asked ever less often: its timeouts are the job's time. */
const MOST_LOOKS_PASSED_OVER = 63

/** What a meter does that has stopped to answer, whatever the reason. */
const SILENCE = [
  'TRANSPORT_TIMEOUT',
  'TRANSPORT_LOST',
  'PROTOCOL_CHECKSUM',
  'PROTOCOL_UNEXPECTED_REPLY',
  'INSTRUMENT_REFUSED',
] as const

/**
 * Looks at all power meters and ovens of a bench while a plan runs, and remembers what its time was for.
 *
 * Looks happen where the plan says: between its steps and between frames, never on timers, so that what is on a wire
 * depends on the plan and the replies alone. Times are those of the journal, so that a replay counts the same joules.
 * An instrument that does not answer stops nothing.
 */
export class PowerLedger {
  readonly components: readonly PowerComponent[]
  /** In their order, without a gap. */
  readonly headings: HeadingSpan[] = []
  readonly jobSpans: JobSpan[] = []
  readonly #channels: readonly PowerChannel[]
  readonly #temperatures: readonly SampledChannel[]
  readonly #log: LedgerLog
  readonly #measured = new Set<SampledChannel>()
  /** [silent meter] */
  readonly #silences = new Map<SampledChannel, { readonly failures: number; readonly passOver: number }>()
  #hasLight = false
  #heading: Heading = 'idle'
  #nowNs = 0
  /** Until when time has its heading; undefined before the first one. */
  #spentNs: number | undefined
  /** Until when the job's time belongs to a frame. */
  #sharedNs = 0
  #lookedNs = -Infinity
  #lookTookNs = 0
  #framesBegun = 0

  constructor(bench: LightBench, log: LedgerLog) {
    const { channels, components } = benchPower(bench)
    this.components = components
    this.#channels = channels
    this.#temperatures = benchTemperatures(bench)
    this.#log = log
  }

  /**
   * From here on time is for something else; a job ends with its last frame. The account begins with its first heading.
   *
   * Throws: ENERGY_UNMEASURED before a job.
   */
  begin(heading: Heading): void {
    this.#reach(this.#log.journalledNs)
    this.#spentNs ??= this.#nowNs
    if (this.#heading === 'job') {
      this.#spend('job', this.#sharedNs)
      this.#heading = 'idle'
    }
    this.#spend(this.#heading, this.#nowNs)
    if (heading === 'job') {
      this.requireReadings()
      this.#sharedNs = this.#nowNs
      this.#framesBegun = 0
    }
    this.#heading = heading
    for (const { series } of this.#channels) series.mark(this.#nowNs)
  }

  /** Between two frames of the job comes something else, until `resumeJob`. */
  interruptJob(heading: Heading): void {
    this.#reach(this.#log.journalledNs)
    this.#spend('job', this.#nowNs)
    this.#heading = heading
  }

  resumeJob(): void {
    this.#reach(this.#log.journalledNs)
    this.#spend(this.#heading, this.#nowNs)
    this.#sharedNs = this.#nowNs
    this.#heading = 'job'
  }

  /** Lasers were dark until now. */
  lightOn(): void {
    this.#reach(this.#log.journalledNs)
    this.#hasLight = true
    for (const { needsLight, series } of this.#channels) if (needsLight) series.add(this.#nowNs, 0)
  }

  /** Asks every meter and every oven, the mains first. Throws what is worse than silence. */
  async look(signal: AbortSignal): Promise<void> {
    await this.#ask([...this.#channels, ...this.#temperatures], signal)
    this.#lookedNs = this.#nowNs
  }

  /**
   * Before a frame whose step was just journalled: looks when it is time. Once the job's first tile stands it asks the
   * heaters alone: other meters have just been asked, and may want their silence.
   */
  async between(signal: AbortSignal): Promise<void> {
    this.#reach(this.#log.journalledNs)
    const beganNs = this.#nowNs
    const apartNs = Math.max(LEAST_APART_NS, APART_PER_LOOK * this.#lookTookNs)
    const isFirstTile = ++this.#framesBegun === 2
    if (beganNs - this.#lookedNs >= apartNs) {
      await this.look(signal)
      this.#lookTookNs = this.#nowNs - beganNs
    } else if (isFirstTile) {
      await this.#ask(
        this.#channels.filter(({ series }) => series.path === 'held'),
        signal,
      )
    }
  }

  /** A frame of the job was just journalled: the time since the one before went into it. */
  frame({ part, tile, vectors, macs }: FrameOfJob): void {
    this.#reach(this.#log.journalledNs)
    const last = this.jobSpans.at(-1)
    if (last?.part === part && last.tile === tile && last.toNs === this.#sharedNs) {
      last.toNs = this.#nowNs
      for (const lane of vectors.keys()) {
        last.vectors[lane]! += vectors[lane]!
        last.macs[lane]! += macs[lane]!
      }
    } else {
      const [fromNs, toNs] = [this.#sharedNs, this.#nowNs]
      this.jobSpans.push({ part, tile, fromNs, toNs, vectors: [...vectors], macs: [...macs] })
    }
    this.#sharedNs = this.#nowNs
  }

  /** Closes the account, and keeps what is modelled beside the readings. */
  end(): void {
    this.begin('idle')
    for (const { component, constantW, from, source, series } of this.components) {
      if (source === 'measured' || series.length > 0) continue
      this.#log.sample({ quantity: `power of ${component}`, unit: 'W', value: constantW, source: from })
    }
  }

  /** Throws: ENERGY_UNMEASURED naming the meters that have not answered once. */
  requireReadings(): void {
    const never = this.#channels.filter(
      (channel) => !this.#measured.has(channel) && (this.#hasLight || !channel.needsLight),
    )
    if (never.length === 0) return
    const sources = never.map(({ source }) => source)
    throw new BenchError(
      'ENERGY_UNMEASURED',
      `no power was measured yet by: ${sources.join(', ')}. Check its wire: energy cannot be counted from nothing`,
      { context: { sources } },
    )
  }

  async #ask(channels: readonly SampledChannel[], signal: AbortSignal): Promise<void> {
    this.#reach(this.#log.journalledNs)
    const asked = channels.filter((channel) => this.#isAsked(channel))
    const [first, ...others] = asked
    const failures = new Map<SampledChannel, unknown>()
    const ask = async (channel: SampledChannel): Promise<void> => {
      try {
        this.#keep(channel, await channel.read(signal))
      } catch (error) {
        failures.set(channel, error)
      }
    }
    if (first !== undefined) await ask(first)
    await Promise.all(others.map(ask))
    // In the order of the meters, whichever gave up first.
    for (const channel of asked) if (failures.has(channel)) this.#miss(channel, failures.get(channel))
  }

  #isAsked(channel: SampledChannel): boolean {
    if (channel.needsLight && !this.#hasLight) return false
    const silence = this.#silences.get(channel)
    if (silence === undefined || silence.passOver === 0) return true
    this.#silences.set(channel, { ...silence, passOver: silence.passOver - 1 })
    return false
  }

  #keep(channel: SampledChannel, value: number): void {
    const { quantity, unit, source, series } = channel
    const timeNs = this.#log.sample({ quantity, unit, value, source })
    this.#reach(timeNs)
    series?.add(timeNs, value)
    this.#measured.add(channel)
    this.#silences.delete(channel)
  }

  #miss(channel: SampledChannel, error: unknown): void {
    if (!isBenchError(error, ...SILENCE)) throw error
    const { quantity, source, series } = channel
    this.#log.step('no reading', { quantity, source, code: error.code })
    this.#reach(this.#log.journalledNs)
    series?.miss()
    const failures = (this.#silences.get(channel)?.failures ?? 0) + 1
    this.#silences.set(channel, { failures, passOver: Math.min(2 ** failures - 1, MOST_LOOKS_PASSED_OVER) })
  }

  #reach(timeNs: number): void {
    this.#nowNs = Math.max(this.#nowNs, timeNs)
  }

  #spend(heading: Heading, toNs: number): void {
    const fromNs = this.#spentNs ?? toNs
    if (toNs <= fromNs) return
    const last = this.headings.at(-1)
    if (last?.heading === heading) last.toNs = toNs
    else this.headings.push({ heading, fromNs, toNs })
    this.#spentNs = toNs
  }
}
