import { Subject } from 'rxjs'
import type { Clock } from '../core/clock.ts'
import { estimateRemaining } from '../orchestrator/operators/estimate-remaining.ts'
import type { Progress, ProgressWithEta } from '../orchestrator/operators/estimate-remaining.ts'
import type { PlanStep } from '../orchestrator/plans/plan.ts'
import type { PlanEvent } from '../orchestrator/plans/engine.ts'

/** Slower than the eye, faster than a doubt. */
const REDRAW_NS = 1e8

/** Where a line can be drawn over. */
export interface LineTerminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** One line on a terminal that says what a job does and when it will be done. Draws nothing in a pipe. */
export class ProgressLine {
  readonly #terminal: LineTerminal
  readonly #clock: Clock
  #title = ''
  #step = ''
  #progress$: Subject<Progress> | undefined
  /** Of all steps together, where the plan says what share of its work each is. */
  #whole$: Subject<Progress> | undefined
  #share: PlanStep['share']
  #whole: ProgressWithEta | undefined
  #note = ''
  #drawnNs = -Infinity
  #isDrawn = false

  constructor(terminal: LineTerminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
  }

  /** What the following steps belong to. */
  begin(title: string): void {
    this.#title = title
    this.#whole$?.complete()
    this.#whole$ = undefined
    this.#whole = undefined
  }

  onEvent(event: PlanEvent<unknown>): void {
    switch (event.kind) {
      case 'step':
        this.#step = event.name
        this.#progress$?.complete()
        this.#progress$ = new Subject()
        this.#progress$.pipe(estimateRemaining(this.#clock)).subscribe((progress) => this.#draw(progress))
        this.#share = event.share
        this.#note = ''
        this.#tellWhole(0)
        return this.#draw()
      case 'progress':
        this.#note = event.note === undefined ? '' : `, ${event.note}`
        this.#tellWhole(event.done / event.total)
        return this.#progress$?.next(event)
      case 'result':
        return this.clear()
    }
  }

  /** Takes the line away, so that something else can be written there. */
  clear(): void {
    if (this.#isDrawn) this.#terminal.write('\r\x1b[K')
    this.#isDrawn = false
    this.#drawnNs = -Infinity
  }

  #tellWhole(ofStep: number): void {
    if (this.#share === undefined) return
    if (this.#whole$ === undefined) {
      this.#whole$ = new Subject()
      this.#whole$.pipe(estimateRemaining(this.#clock)).subscribe((whole) => (this.#whole = whole))
    }
    const { from, to } = this.#share
    this.#whole$.next({ done: from + ofStep * (to - from), total: 1 })
  }

  #draw(progress?: ProgressWithEta): void {
    if (this.#terminal.isTTY !== true) return
    const nowNs = this.#clock.monotonicNs()
    if (progress !== undefined && progress.done < progress.total && nowNs - this.#drawnNs < REDRAW_NS) return
    this.#drawnNs = nowNs
    const left = this.#share === undefined ? remainingText(progress) : wholeText(this.#whole)
    const count = progress === undefined ? '' : ` ${progress.done}/${progress.total}`
    const text = `${this.#title}: ${this.#step}${count}${this.#note}${left}`
    // A terminal that does not know its width says 0.
    const { columns = 0 } = this.#terminal
    const width = columns > 0 ? columns : 80
    this.#terminal.write(`\r\x1b[K${text.slice(0, width - 1)}`)
    this.#isDrawn = true
  }
}

function remainingText(progress: ProgressWithEta | undefined): string {
  return progress?.remainingS === undefined ? '' : `, ${timeText(progress.remainingS)} left`
}

function wholeText(whole: ProgressWithEta | undefined): string {
  return whole === undefined ? '' : `; ${Math.floor(100 * whole.done)} % of all${remainingText(whole)}`
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 100) return `${whole} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 100 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`
}
