import type { Clock } from '../../core/clock.ts'
import type { B2900Channel } from './b2900-channel.ts'

export interface TriggerLayer {
  count: number
  delayS: number
  source: string
  periodS: number
  /** Runs through the arm layer: so often as many triggers. */
  arms: number
}

export type Action = 'ACQ' | 'TRAN'

interface Run {
  readonly actions: readonly Action[]
  readonly levels: readonly number[]
  readonly steps: number
  readonly startNs: number
  /** Undefined: every step waits for a trigger. */
  readonly stepNs: number | undefined
  /** Nothing in this twin ever triggers it. */
  readonly deaf: boolean
  done: number
}

const layer = (): TriggerLayer => ({ count: 1, delayS: 0, source: 'AINT', periodS: 10e-6, arms: 1 })

/**
 * Trigger system of one channel: once initiated, it steps the source and measures at each step.
 *
 * What was due since the last look is done at the next one, at no cost of time.
 * Source: B2900 reference, trigger subsystem; sources other than AINT, TIM and BUS are accepted and never come.
 */
export class B2900Trigger {
  layers: Record<Action, TriggerLayer> = { ACQ: layer(), TRAN: layer() }
  readonly #channel: B2900Channel
  readonly #clock: Clock
  readonly #onSample: (overRange: boolean) => void
  #run: Run | undefined

  constructor(channel: B2900Channel, clock: Clock, onSample: (overRange: boolean) => void) {
    this.#channel = channel
    this.#clock = clock
    this.#onSample = onSample
  }

  reset(): void {
    this.layers = { ACQ: layer(), TRAN: layer() }
    this.#run = undefined
  }

  runs(action: Action): boolean {
    this.advance()
    return this.#run?.actions.includes(action) === true
  }

  get running(): boolean {
    this.advance()
    return this.#run !== undefined
  }

  get waitsForBus(): boolean {
    this.advance()
    return this.#run !== undefined && this.#run.stepNs === undefined && !this.#run.deaf
  }

  /** When it will be idle, as far as time alone decides. */
  get endNs(): number | undefined {
    const run = this.#run
    return run?.stepNs === undefined ? undefined : run.startNs + run.steps * run.stepNs
  }

  /** Time from one step to the next. */
  stepS(actions: readonly Action[]): number {
    const { apertureS } = this.#channel.settings
    const busyS = actions.reduce((sum, action) => sum + this.layers[action].delayS, 0)
    const paced = actions.map((action) => this.layers[action]).filter(({ source }) => source === 'TIM')
    return Math.max(busyS + (actions.includes('ACQ') ? apertureS : 0), ...paced.map(({ periodS }) => periodS))
  }

  initiate(actions: readonly Action[]): void {
    const layers = actions.map((action) => this.layers[action])
    const sources = layers.map(({ source }) => source)
    const timed = sources.every((source) => source === 'AINT' || source === 'TIM')
    if (actions.includes('ACQ')) this.#channel.samples.length = 0
    this.#run = {
      actions,
      levels: this.#channel.levels(),
      steps: Math.max(...layers.map(({ count, arms }) => count * arms)),
      startNs: this.#clock.monotonicNs(),
      stepNs: timed ? this.stepS(actions) * 1e9 : undefined,
      deaf: !timed && !sources.includes('BUS'),
      done: 0,
    }
  }

  abort(): void {
    this.advance()
    if (this.#run === undefined) return
    this.#run = undefined
    this.#channel.apply()
  }

  /** *TRG: one step. */
  busTrigger(): void {
    if (this.waitsForBus) this.#step(this.#run!)
    this.#endIfDone()
  }

  /** Does what is due by now. */
  advance(): void {
    const run = this.#run
    if (run?.stepNs === undefined) return
    // One nanosecond less: who sleeps exactly as long finds it done, whatever the rounding.
    const due = Math.floor((this.#clock.monotonicNs() + 1 - run.startNs) / run.stepNs)
    while (run.done < Math.min(due, run.steps)) this.#step(run)
    this.#endIfDone()
  }

  #step(run: Run): void {
    const { ACQ, TRAN } = this.layers
    const { settings, source } = this.#channel
    const transition = Math.min(run.done, TRAN.count * TRAN.arms - 1)
    const steps = run.actions.includes('TRAN')
    const level = steps ? run.levels[transition % run.levels.length]! : source.level
    if (steps) this.#channel.step(level)
    if (steps && source.mode === 'FIX') settings.source[settings.force].level = level
    if (run.actions.includes('ACQ') && run.done < ACQ.count * ACQ.arms) {
      const { STAT } = this.#channel.measure(level)
      this.#onSample((STAT & OVER_RANGE) !== 0)
    }
    run.done++
  }

  /** Then the source is back at the level that is set. */
  #endIfDone(): void {
    if (this.#run === undefined || this.#run.done < this.#run.steps) return
    this.#run = undefined
    this.#channel.apply()
  }
}

const OVER_RANGE = 1 << 13
