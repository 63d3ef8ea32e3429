import type { RowErrors } from './row-errors.ts'

/**
 * Readings of the same light. The meters round them off alike, for noise is far below a step of theirs: where rows play
 * the same codes through the same weights, one reading is in all of their products. Assumption, as verification of the
 * default bench showed; noise above a step would make them independent.
 */
export class AlikeReadings {
  rows = 0
  /** [output] sum of mean squares, and of known errors times the RMS of readings. */
  readonly #squares: Float64Array
  readonly #met: Float64Array

  constructor(outputs: number) {
    this.#squares = new Float64Array(outputs)
    this.#met = new Float64Array(outputs)
  }

  addRow({ outputs, codes, model, readings }: RowErrors): void {
    this.rows++
    for (const output of outputs) {
      const reading = readings[output]!
      this.#squares[output]! += reading
      this.#met[output]! += (codes[output]! + model[output]!) * Math.sqrt(reading)
    }
  }

  get squaredSquares(): number {
    return sumOfSquares(this.#squares)
  }

  get squaredMeetings(): number {
    return sumOfSquares(this.#met)
  }
}

/** Equal numbers have equal ones, and others next to never: powers of a number that is no root of any whole ones. */
export function fingerprint(values: Float64Array, before = 0): number {
  let sum = before
  for (const value of values) sum = sum * Math.LN2 + value
  return sum
}

const sumOfSquares = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0)
