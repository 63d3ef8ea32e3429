import type { Clock } from '../../core/clock.ts'
import type { DrivePort } from '../optics/world-ports.ts'
import { ScpiFault } from '../protocols/scpi-fault.ts'
import { FACTORY_RATE_HZ, RECALIBRATION_MS, durationS, voltsPerCode } from './m8195a-levels.ts'
import { M8195aMemory } from './m8195a-memory.ts'
import { M8195aSequencer, segmentStaircase } from './m8195a-sequencer.ts'

const DARK: readonly number[] = [0, 0, 0, 0]

const IDLE = 0
const WAITS_FOR_TRIGGER = 1
const RUNNING = 2
const STATE_SHIFT = 2 ** 25

export interface M8195aSettings {
  dacMode: string
  divider: string
  /** [channel] */
  readonly memoryModes: string[]
  rateHz: number
  /** [channel]: peak to peak. */
  readonly amplitudesVpp: number[]
  readonly offsetsV: number[]
  readonly outputs: boolean[]
  mode: string
  segment: number
  firstEntry: number
  /** What plays next is chosen, and what is not in use is written, while it runs. */
  dynamic: boolean
  dynamicEntry: number
  continuous: boolean
  gated: boolean
  enable: string
  triggerSource: string
  triggerInputOff: boolean
}

const factorySettings = (): M8195aSettings => ({
  dacMode: 'SING',
  divider: 'DIV1',
  memoryModes: ['EXT', 'EXT', 'EXT', 'EXT'],
  rateHz: FACTORY_RATE_HZ,
  amplitudesVpp: [0.5, 0.5, 0.5, 0.5],
  offsetsV: [0, 0, 0, 0],
  outputs: [false, false, false, false],
  mode: 'ARB',
  segment: 1,
  firstEntry: 0,
  dynamic: false,
  dynamicEntry: 0,
  continuous: true,
  gated: false,
  enable: 'SELF',
  triggerSource: 'TRIG',
  triggerInputOff: false,
})

/** Shape of `levelsV`: [channel] of [step]. */
interface Levels {
  /** Of the sequence table; without meaning in arbitrary mode. */
  readonly entry: number
  readonly levelsV: readonly Float64Array[]
  readonly stepS: number
}

type Run =
  | { readonly state: 'stopped' }
  | { readonly state: 'waiting' }
  /** `endNs` is Infinity when it repeats. */
  | { readonly state: 'running'; readonly startNs: number; readonly endNs: number; readonly plays: Levels }

/**
 * What an M8195A plays and when: settings, memory and sequence table in, voltages on the drive port out.
 *
 * Output: code / 127 × half the amplitude, which is peak to peak. 0 V when stopped, waiting, or switched off.
 * Triggered runs wait for their next trigger when they end. A repeated run of one level is a rest at that level; one of
 * many levels is played once, because the drive port knows no end of time. A level changed during a triggered frame
 * shows in the next one; an output switched during it cuts it off. In dynamic mode another sequence can be selected at
 * any time: it plays when the one under way has ended, and the next trigger has come.
 * Throws: ScpiFault -213 when started twice, -221 when what is selected cannot be played, or is changed while in use.
 * Source: M8195A User's Guide rev. 2 §3.3 (trigger and arm modes), §3.9 and §4.2 (dynamic modes, memory ping-pong), §6.8.
 */
export class M8195aPlayer {
  readonly memory = new M8195aMemory()
  readonly table = new M8195aSequencer()
  #settings = factorySettings()
  readonly #port: DrivePort
  readonly #clock: Clock
  #run: Run = { state: 'stopped' }
  #enabled = false
  #busyUntilNs = 0
  #dark = true
  #levels: { readonly key: string; readonly of: Levels } | undefined
  /** What the drive port plays when it is started. */
  #loaded: Levels | undefined

  constructor(port: DrivePort, clock: Clock) {
    this.#port = port
    this.#clock = clock
    port.onTrigger(() => {
      if (!this.#settings.triggerInputOff && this.#settings.triggerSource === 'TRIG') this.trigger()
    })
  }

  get settings(): M8195aSettings {
    return this.#settings
  }

  reset(): void {
    this.stop()
    this.memory.clear()
    this.table.reset()
    this.#settings = factorySettings()
  }

  idle(signal: AbortSignal): Promise<void> | undefined {
    const waitNs = this.#busyUntilNs - this.#clock.monotonicNs()
    return waitNs > 0 ? this.#clock.sleep(waitNs / 1e6, signal) : undefined
  }

  setRate(rateHz: number): void {
    if (rateHz !== this.#settings.rateHz) this.#busyUntilNs = this.#clock.monotonicNs() + RECALIBRATION_MS * 1e6
    this.#settings.rateHz = rateHz
  }

  /** Modes change only in program mode; so do memory and table, but for what dynamic mode does not use. */
  requireStopped(): void {
    if (this.#current().state !== 'stopped') throw new ScpiFault(-221, 'stop first')
  }

  requireSegmentUnused(id: number): void {
    this.#requireUnused((entry) => this.table.segmentsOf(entry).has(id))
  }

  requireEntriesUnused(first: number, count: number): void {
    this.#requireUnused((entry) => entry < first + count && first < entry + this.table.lengthOf(entry))
  }

  /** Plays after what is under way. */
  selectNext(entry: number): void {
    this.#settings.dynamicEntry = entry
    const run = this.#current()
    if (run.state === 'waiting') this.levelsChanged()
    else if (run.state === 'running' && run.endNs === Infinity) this.#repeat()
    else if (run.state === 'running') this.#foresee()
  }

  start(): void {
    if (this.#current().state !== 'stopped') throw new ScpiFault(-213)
    const { dacMode, divider, memoryModes, continuous, gated, enable, dynamic, mode } = this.#settings
    if (dacMode !== 'FOUR' || divider !== 'DIV4' || memoryModes.includes('INT')) {
      throw new ScpiFault(-221, 'this twin plays four channels from extended memory at DIV4')
    }
    if (gated && !continuous) throw new ScpiFault(-221, 'this twin has no gate')
    if (dynamic && enable !== 'SELF') throw new ScpiFault(-221, 'dynamic mode is self-armed')
    if (dynamic && mode === 'ARB') throw new ScpiFault(-221, 'this twin selects sequences, not segments')
    this.#play()
    this.#enabled = enable === 'SELF'
    this.#run = { state: 'waiting' }
    if (continuous && this.#enabled) this.#repeat()
    else this.levelsChanged()
  }

  stop(): void {
    const { state } = this.#current()
    this.#run = { state: 'stopped' }
    this.#enabled = false
    this.#rest(DARK, state === 'running')
  }

  /** Ignored unless it is waited for. */
  trigger(): void {
    if (this.#current().state !== 'waiting' || !this.#enabled || this.#settings.continuous) return
    const plays = this.#play()
    const startNs = this.#clock.monotonicNs()
    this.#run = { state: 'running', startNs, endNs: startNs + plays.levelsV[0]!.length * plays.stepS * 1e9, plays }
    if (plays !== this.#loaded) this.#load(plays)
    this.#port.start()
  }

  /** What an armed generator waits for before it listens to triggers, or before it repeats. */
  enableEvent(): void {
    if (this.#current().state !== 'waiting') return
    this.#enabled = true
    if (this.#settings.continuous) this.#repeat()
  }

  levelsChanged(): void {
    const run = this.#current()
    if (run.state === 'stopped') return
    if (run.state === 'running') {
      if (run.endNs === Infinity) this.#repeat()
      return
    }
    this.#rest(DARK)
    this.#load(this.#play())
  }

  outputsChanged(): void {
    const run = this.#current()
    if (run.state === 'running' && run.endNs !== Infinity) this.#rest(DARK, true)
    else this.levelsChanged()
  }

  /** Bits 26:25 execution state, 24:0 table entry under way. */
  sequenceState(): number {
    const run = this.#current()
    if (run.state === 'stopped') return IDLE
    if (run.state === 'waiting') return WAITS_FOR_TRIGGER * STATE_SHIFT
    const { entry, levelsV, stepS } = run.plays
    const steps = Math.floor((this.#clock.monotonicNs() - run.startNs) / (stepS * 1e9))
    return RUNNING * STATE_SHIFT + entry + (steps % levelsV[0]!.length)
  }

  #repeat(): void {
    const plays = this.#play()
    const startNs = this.#run.state === 'running' ? this.#run.startNs : this.#clock.monotonicNs()
    this.#run = { state: 'running', startNs, endNs: Infinity, plays }
    if (plays.levelsV[0]!.length === 1) return this.#rest(plays.levelsV.map((levels) => levels[0]!))
    this.#load(plays)
    this.#port.start()
  }

  #load(levels: Levels): void {
    this.#loaded = levels
    this.#port.load(levels.levelsV, levels.stepS)
  }

  #rest(levelsV: readonly number[], evenIfDark = false): void {
    const dark = levelsV.every((levelV) => levelV === 0)
    if (dark && this.#dark && !evenIfDark) return
    this.#dark = dark
    this.#port.rest(levelsV)
  }

  #current(): Run {
    if (this.#run.state === 'running' && this.#clock.monotonicNs() >= this.#run.endNs) this.#run = { state: 'waiting' }
    return this.#run
  }

  /** Whether a sequence that runs, or is selected to, keeps anything from being changed. */
  #requireUnused(uses: (entry: number) => boolean): void {
    const run = this.#current()
    if (run.state === 'stopped') return
    const { dynamic, dynamicEntry } = this.#settings
    if (!dynamic) throw new ScpiFault(-221, 'stop first')
    const inUse = run.state === 'running' ? [dynamicEntry, run.plays.entry] : [dynamicEntry]
    if (inUse.some(uses)) throw new ScpiFault(-221, 'in use')
  }

  /** Works out while a frame plays what the next trigger would have to wait for. */
  #foresee(): void {
    try {
      this.#play()
    } catch (error) {
      // What cannot be played is refused when it is triggered: until then it may still change.
      if (!(error instanceof ScpiFault)) throw error
    }
  }

  /** Voltages of what is selected to play; worked out again only after a change. */
  #play(): Levels {
    const { mode, segment, dynamic, amplitudesVpp, offsetsV, outputs, rateHz } = this.#settings
    const entry = dynamic ? this.#settings.dynamicEntry : this.#settings.firstEntry
    const what = mode === 'ARB' ? `segment ${segment}` : `sequence ${entry} ${this.table.version}`
    const segments = mode === 'ARB' ? [segment] : [...this.table.segmentsOf(entry)]
    const samples = segments.map((id) => this.memory.versionOf(id)).join()
    const key = `${what} ${samples} ${amplitudesVpp.join()} ${offsetsV.join()} ${outputs.join()} ${rateHz}`
    if (this.#levels?.key === key) return this.#levels.of
    const { codes, samplesPerStep } =
      mode === 'ARB' ? segmentStaircase(segment, this.memory) : this.table.staircase(entry, this.memory)
    const levelsV = codes.map((steps, channel) => {
      const perCodeV = outputs[channel] === true ? voltsPerCode(amplitudesVpp[channel]!) : 0
      const offsetV = outputs[channel] === true ? offsetsV[channel]! : 0
      for (let step = 0; step < steps.length; step++) steps[step] = steps[step]! * perCodeV + offsetV
      return steps
    })
    this.#levels = { key, of: { entry, levelsV, stepS: durationS(samplesPerStep, rateHz) } }
    return this.#levels.of
  }
}
