/** So many bits below the leading one of the largest sum: sums of a few such values stay within a double's 53. */
const BITS = 50

/**
 * Energies as whole multiples of one power of two, so that doubles add them without rounding, in any order: parts sum
 * to their total to the last digit, whoever adds them up.
 */
export class EnergyGrid {
  readonly #unitJ: number

  /** `largestJ`: no sum will be larger than twice this. */
  constructor(largestJ: number) {
    this.#unitJ = largestJ > 0 ? 2 ** (Math.floor(Math.log2(largestJ)) - BITS) : 1
  }

  /** The nearest multiple: off by 10⁻¹⁵ of the largest sum at most. */
  snap(joules: number): number {
    return Math.round(joules / this.#unitJ) * this.#unitJ
  }

  /**
   * Cuts a total of this grid into parts in proportion to their weights: what rounding leaves over goes to those that
   * lost most.
   *
   * `weights` are not negative; where all are 0, the parts are alike.
   */
  allocate(totalJ: number, weights: readonly number[]): number[] {
    if (weights.length === 0) return []
    const units = Math.round(totalJ / this.#unitJ)
    const sum = weights.reduce((all, weight) => all + weight, 0)
    const exact = weights.map((weight) => (sum > 0 ? (weight / sum) * units : units / weights.length))
    const parts = exact.map(Math.floor)
    const left = units - parts.reduce((all, part) => all + part, 0)
    const byLoss = [...exact.keys()].sort((i, j) => exact[j]! - parts[j]! - (exact[i]! - parts[i]!))
    for (let at = 0; at < Math.abs(left); at++) parts[byLoss[at % byLoss.length]!]! += Math.sign(left)
    return parts.map((part) => part * this.#unitJ)
  }
}
