import type { AwgrLayout } from '../../core/awgr-layout.ts'
import type { ThermalLaw } from './awgr-record.ts'

/** Distances between rings, and what the law of a decay makes of them. */
export class ThermalMap {
  readonly count: number
  /** [victim, aggressor] in heater pitches. */
  readonly #distances: Float64Array
  /** Of the law asked for last: all readings of a fit have the same. */
  #last: { readonly law: ThermalLaw; readonly matrix: Float64Array } | undefined

  constructor({ heaters }: AwgrLayout) {
    this.count = heaters.length
    this.#distances = Float64Array.from(
      heaters.flatMap(({ x, y }) => heaters.map((from) => Math.hypot(x - from.x, y - from.y))),
    )
  }

  /** Share of each aggressor's shift that each victim sees; 1 on the diagonal. Shape: [victim, aggressor]. */
  matrix({ neighbourShare, decayPitch }: ThermalLaw): Float64Array {
    const { law, matrix } = this.#last ?? {}
    if (matrix && law?.neighbourShare === neighbourShare && law.decayPitch === decayPitch) return matrix
    const made = this.#distances.map((d) => (d === 0 ? 1 : neighbourShare * Math.exp((1 - d) / decayPitch)))
    this.#last = { law: { neighbourShare, decayPitch }, matrix: made }
    return made
  }

  /** exp(−(d − 1)/decay), and its derivative to log decay; 0 on the diagonal. Shape: [victim, aggressor]. */
  shape(decayPitch: number): { readonly value: Float64Array; readonly slope: Float64Array } {
    const value = this.#distances.map((d) => (d === 0 ? 0 : Math.exp((1 - d) / decayPitch)))
    return { value, slope: value.map((v, at) => (v * (this.#distances[at]! - 1)) / decayPitch) }
  }

  /** Matrix times vector. */
  spread(matrix: Float64Array, own: Float64Array): Float64Array {
    return Float64Array.from(own, (_, victim) => this.spreadTo(victim, matrix, own))
  }

  /** One element of it. */
  spreadTo(victim: number, matrix: Float64Array, own: Float64Array): number {
    let sum = 0
    for (let from = 0, at = victim * this.count; from < this.count; from++, at++) sum += matrix[at]! * own[from]!
    return sum
  }
}
