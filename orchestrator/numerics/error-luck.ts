import { AlikeReadings } from './alike-readings.ts'
import type { MadeTile } from './made-tiles.ts'
import type { RowErrors, SentInputs } from './row-errors.ts'

/** What tells how far the squared error of one job may be from what is expected of it. */
export interface ErrorSpread {
  /** Variance of the mean over the elements of C of (known error)·(reading). */
  readonly knownByReadings: number
  /**
   * Variance of the mean of 2·(known error)·(what unknown weights add). What codes miss of largest values, which are
   * sent as ±1, is the same in every row, as is what a weight is off by: the two meet in all rows alike.
   */
  readonly knownByWeights: number
  /** Half the variance of the mean square of readings. */
  readonly readings: number
  /** Outputs and lanes that have a reading of silence of their own. */
  readonly silences: number
  /** Weights that are off, as far as rows can tell them apart. */
  readonly weights: number
  /** Variance of the mean of what is known, because some rows and tiles stand for all. */
  readonly sampled: number
}

/**
 * Of the square of what weights are off by, the part that whole rows and columns of a tile have in common: gains of
 * ports that are a little wrong. Assumption, near what two chips of the default bench showed.
 */
export const GAIN_SHARE = 0.5

/** Adds up what one job may have more or less of than is expected, row by row of each column of tiles. */
export class ErrorLuck {
  readonly #innerShare: number
  #knownByWeights = 0
  readonly #alike = new Map<string, AlikeReadings>()
  /** Of rows through columns of tiles: mean square of what is known, its sum and the sum of its squares. */
  #cells = 0
  #cellSum = 0
  #cellSquares = 0

  /** `innerShare`: partial sums of an element for each one that is looked at. */
  constructor(innerShare: number) {
    this.#innerShare = innerShare
  }

  /** `light`: what rows have in common whose readings are of the same light. */
  addRow(row: RowErrors, light: string): void {
    const { outputs, codes, model, guessed } = row
    let cell = guessed
    for (const output of outputs) cell += (codes[output]! + model[output]!) ** 2
    const alike = this.#alike.get(light) ?? new AlikeReadings(codes.length)
    this.#alike.set(light, alike)
    alike.addRow(row)
    const mean = (this.#innerShare * cell) / outputs.length
    this.#cells++
    this.#cellSum += mean
    this.#cellSquares += mean ** 2
  }

  addMeetings(meetings: readonly WeightMeetings[]): void {
    for (const met of meetings) this.#knownByWeights += this.#innerShare ** 2 * met.square()
  }

  /** `count`: elements that were looked at, of `elements`; `share`: the part of all partial sums that they are. */
  over(
    { count, elements, share }: { readonly count: number; readonly elements: number; readonly share: number },
    weightsOff: number,
  ): Pick<ErrorSpread, 'knownByReadings' | 'knownByWeights' | 'readings' | 'sampled'> {
    if (count === 0) return { knownByReadings: 0, knownByWeights: 0, readings: 0, sampled: 0 }
    let [knownByReadings, readings] = [0, 0]
    for (const alike of this.#alike.values()) {
      // A light that was seen twice is one of few, whatever rows were left out; others would have brought new ones.
      const unit = this.#innerShare ** 2 / count / (alike.rows > 1 ? count : elements)
      knownByReadings += unit * alike.squaredMeetings
      readings += unit * alike.squaredSquares
    }
    return {
      knownByReadings,
      knownByWeights: (weightsOff / count) ** 2 * 4 * this.#knownByWeights,
      readings,
      sampled: this.#varianceOfMean(share),
    }
  }

  /** Of cells that stand for all of them. */
  #varianceOfMean(share: number): number {
    const [count, sum, squares] = [this.#cells, this.#cellSum, this.#cellSquares]
    if (count < 2 || share >= 1) return 0
    const variance = (squares - sum ** 2 / count) / (count - 1)
    return (Math.max(0, variance) / count) * (1 - share)
  }
}

/** Where known errors meet the weights of one tile, over all rows. */
export class WeightMeetings {
  readonly #tile: MadeTile
  readonly #range: number
  /** [output, input] sum over rows of (known error)·(input) */
  readonly #met: Float64Array

  constructor(tile: MadeTile, range: number) {
    this.#tile = tile
    this.#range = range
    this.#met = new Float64Array(tile.cut.tile.weights.length)
  }

  addRow({ outputs, codes, model }: RowErrors, { values, scale }: SentInputs): void {
    const inputs = values.length
    for (const output of outputs) {
      const known = (scale * (codes[output]! + model[output]!)) / this.#range
      for (let i = 0; i < inputs; i++) this.#met[output * inputs + i]! += known * values[i]!
    }
  }

  /** Square of what weights that are off add to products with the known error, for weights off by 1. */
  square(): number {
    const { cut, weightSquare } = this.#tile
    const { tile, scale } = cut
    const inputs = tile.weights.length / scale.length
    const byInput = new Float64Array(inputs)
    let [single, gains] = [0, 0]
    for (let output = 0; output < scale.length; output++) {
      let byOutput = 0
      for (let i = 0; i < inputs; i++) {
        const met = scale[output]! * this.#met[output * inputs + i]!
        single += weightSquare * met ** 2
        byOutput += tile.weights[output * inputs + i]! * met
        byInput[i]! += tile.weights[output * inputs + i]! * met
      }
      gains += byOutput ** 2
    }
    for (const met of byInput) gains += met ** 2
    return (1 - GAIN_SHARE) * single + (GAIN_SHARE * gains) / 2
  }
}
