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
    return this.#ageS(this.#holdAt(this.#clock.monotonicNs()))
  }

  /** The holds between two times of the clock, each with its age and how much of it lies there. */
  *holdsBetween(fromNs: number, toNs: number): Generator<{ readonly ageS: number; readonly durationNs: number }> {
    const last = this.#holdAt(toNs)
    let atNs = fromNs
    for (let hold = this.#holdAt(fromNs); hold <= last; hold++) {
      const endNs = hold === last ? toNs : Math.max(atNs, this.#startNs + (hold + 1) * this.#holdS * 1e9)
      yield { ageS: this.#ageS(hold), durationNs: endNs - atNs }
      atNs = endNs
    }
  }

  #ageS(hold: number): number {
    return this.#startS + this.#holdS * hold
  }

  #holdAt(monotonicNs: number): number {
    return Math.floor((monotonicNs - this.#startNs) / 1e9 / this.#holdS)
  }
}
