import { CounterRandom } from '../../../core/random.ts'

/** Ages between 0 and this are known: 194 days, more than the clock counts exactly. */
export const OLDEST_S = 2 ** 24
/** Nothing happens between two points this close: the path is straight there. */
const FINEST_S = 2 ** -6

/**
 * A quantity that wanders away from what it was at age 0 and is held back: Ornstein and Uhlenbeck's process, begun at 0.
 *
 * With ρ(t) = e^{−t/τ}: mean 0, variance σ²·(1 − ρ(t)²), covariance of two ages s < t σ²·(ρ(t − s) − ρ(t + s)). Within
 * far less than τ it is a random walk of variance 2σ²·t/τ; after a few τ it is stationary, of standard deviation σ.
 *
 * A pure function of (seed, stream, age): the path is drawn at the end of time first and then halved towards the age
 * asked for, each middle given its two ends, at the cost of at most 30 normal numbers. So it does not matter who looks, how
 * often and in which order, and a night is skipped to at once.
 *
 * Source: Lévy's construction of Brownian motion with numbers that are found again by their place, as in the virtual
 * Brownian tree of Li et al., AISTATS 2020 (arXiv 2001.01328), with the bridge of this process in place of
 * Brownian motion's: a middle at h from both ends has mean (left + right)/(2 cosh(h/τ)) and variance σ²·tanh(h/τ).
 */
export class OrnsteinUhlenbeck {
  readonly #random: CounterRandom
  readonly #sigma: number
  readonly #tauS: number
  /** Where it was last looked at: what drifts is held, and looked at once a symbol. */
  #last = { ageS: 0, value: 0 }

  constructor(seed: number, stream: string, { sigma, tauS }: { readonly sigma: number; readonly tauS: number }) {
    this.#random = new CounterRandom(seed, stream)
    this.#sigma = sigma
    this.#tauS = tauS
  }

  /** The deviation at an age of 0 to `OLDEST_S`; older is as old as that. */
  at(ageS: number): number {
    if (this.#sigma === 0 || ageS <= 0) return 0
    if (ageS !== this.#last.ageS) this.#last = { ageS, value: this.#walk(ageS) }
    return this.#last.value
  }

  #walk(ageS: number): number {
    let [fromS, toS] = [0, OLDEST_S]
    let [from, to] = [0, this.#sigma * Math.sqrt(-Math.expm1((-2 * OLDEST_S) / this.#tauS)) * this.#random.normal(0)]
    // Nodes are numbered like those of a heap: the middle of all is 1, those of its halves are 2 and 3.
    for (let node = 1; ageS < toS && toS - fromS > FINEST_S;) {
      const middleS = (fromS + toS) / 2
      const apart = (middleS - fromS) / this.#tauS
      const spread = this.#sigma * Math.sqrt(Math.tanh(apart))
      const middle = (from + to) / (2 * Math.cosh(apart)) + spread * this.#random.normal(node)
      if (ageS === middleS) return middle
      if (ageS < middleS) [toS, to, node] = [middleS, middle, 2 * node]
      else [fromS, from, node] = [middleS, middle, 2 * node + 1]
    }
    return ageS >= toS ? to : from + ((to - from) * (ageS - fromS)) / (toS - fromS)
  }
}
