import type { Clock } from '../../../core/clock.ts'

/**
 * How old the optical world is, as what drifts in it sees it: held for `holdS` at a time, counted from its beginning.
 *
 * A capture is far shorter than that and so meets one world; folds and passbands are computed once a hold.
 */
export class BenchAge {
  readonly #clock: Clock
  readonly #startNs: number
  readonly #startS: number
  readonly #holdS: number

  /** `startS`: how old the world is when its clock is where it is now. */
  constructor(clock: Clock, { startS, holdS }: { readonly startS: number; readonly holdS: number }) {
    this.#clock = clock
    this.#startNs = clock.monotonicNs()
    this.#startS = startS
    this.#holdS = holdS
  }

  /** Age when the hold under way began. */
  heldS(): number {
    return this.heldAtS(this.#clock.monotonicNs())
  }

  /** As `heldS`, at a time of the clock. */
  heldAtS(monotonicNs: number): number {
    return this.#startS + this.#holdS * this.#holdAt(monotonicNs)
  }

  /** When the hold that is under way at a time of the clock will end. */
  holdEndNs(monotonicNs: number): number {
    return this.#startNs + (this.#holdAt(monotonicNs) + 1) * this.#holdS * 1e9
  }

  #holdAt(monotonicNs: number): number {
    return Math.floor((monotonicNs - this.#startNs) / 1e9 / this.#holdS)
  }
}
