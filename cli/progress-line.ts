import { Subject } from 'rxjs'
import type { Clock } from '../core/clock.ts'
import { estimateRemaining } from '../orchestrator/operators/estimate-remaining.ts'
import type { Progress, ProgressWithEta } from '../orchestrator/operators/estimate-remaining.ts'
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
  #drawnNs = -Infinity
  #isDrawn = false

  constructor(terminal: LineTerminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
  }

  /** What the following steps belong to. */
  begin(title: string): void {
    this.#title = title
  }

  onEvent(event: PlanEvent<unknown>): void {
    switch (event.kind) {
      case 'step':
        this.#step = event.name
        this.#progress$?.complete()
        this.#progress$ = new Subject()
        this.#progress$.pipe(estimateRemaining(this.#clock)).subscribe((progress) => this.#draw(progress))
        return this.#draw()
      case 'progress':
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

  #draw(progress?: ProgressWithEta): void {
    if (this.#terminal.isTTY !== true) return
    const nowNs = this.#clock.monotonicNs()
    if (progress !== undefined && progress.done < progress.total && nowNs - this.#drawnNs < REDRAW_NS) return
    this.#drawnNs = nowNs
    const text = `${this.#title}: ${this.#step}${progressText(progress)}`
    // A terminal that does not know its width says 0.
    const { columns = 0 } = this.#terminal
    const width = columns > 0 ? columns : 80
    this.#terminal.write(`\r\x1b[K${text.slice(0, width - 1)}`)
    this.#isDrawn = true
  }
}

function progressText(progress: ProgressWithEta | undefined): string {
  if (progress === undefined) return ''
  const { done, total, remainingS } = progress
  const left = remainingS === undefined ? '' : `, ${remainingText(remainingS)} left`
  return ` ${done}/${total}${left}`
}

function remainingText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 100) return `${whole} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 100 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`
}
