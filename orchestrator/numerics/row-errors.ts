import type { KnownErrors } from '../../core/optical-core.ts'
import type { MadeTile } from './made-tiles.ts'

/** One row's share of one tile, as it is sent. */
export interface SentInputs {
  /** [input] */
  readonly values: Float64Array
  /** [input] what codes miss of them. */
  readonly missed: Float64Array
  /** [input] as codes bring them. */
  readonly played: Float64Array
  readonly scale: number
  /** Sum of squares of `values`. */
  readonly light: number
}

/** What turns what a core knows of its errors into those of a product. */
export interface ErrorLaws {
  readonly errors: KnownErrors
  /** Mean square of what tiles that were not compiled are off by, relative to their weights'. */
  readonly elsewhere: number
  /** Of the exact product; 1 where it has none. */
  readonly range: number
  readonly lanes: number
}

/** The mean fourth power of a normal number of variance 1: a product is a sum of many terms. */
const KURTOSIS = 3

/** What one row of A through one column of tiles will be off by, kind by kind, relative to the range of C. */
export class RowErrors {
  /** Outputs whose products anybody wants. */
  readonly outputs: readonly number[]
  /** [output] with their signs: what codes miss, and what the optics are known to miss. */
  readonly codes: Float64Array
  readonly model: Float64Array
  /** [output] mean square. */
  readonly readings: Float64Array
  /** Mean squares, summed over the outputs: of tiles that were not compiled, … */
  guessed = 0
  even = 0
  /** … of weights that are off by themselves, and of whole rows and columns of them, for weights off by 1, … */
  single = 0
  gains = 0
  /** … and of weights once they were measured. */
  mended = 0
  readonly #laws: ErrorLaws

  constructor(outputs: readonly number[], laws: ErrorLaws) {
    this.outputs = outputs
    const width = Math.max(0, ...outputs) + 1
    this.codes = new Float64Array(width)
    this.model = new Float64Array(width)
    this.readings = new Float64Array(width)
    this.#laws = laws
  }

  clear(): void {
    for (const sum of [this.codes, this.model, this.readings]) sum.fill(0)
    this.guessed = this.even = this.single = this.gains = this.mended = 0
  }

  /** Partial sums of one element add with their signs; what is random adds in squares. */
  addTile({ cut, off, signalMw, weightSquare }: MadeTile, { values, missed, played, scale, light }: SentInputs): void {
    const { errors, elsewhere, range, lanes } = this.#laws
    const { weights } = cut.tile
    const inputs = values.length
    for (const output of this.outputs) {
      const factor = (scale * cut.scale[output]!) / range
      let [code, signal, terms, modelled] = [0, 0, 0, 0]
      for (let i = 0; i < inputs; i++) {
        const at = output * inputs + i
        const term = weights[at]! * values[i]!
        code -= weights[at]! * missed[i]!
        signal += term
        terms += term * term
        if (off !== undefined) modelled += off[at]! * played[i]!
      }
      const unit = factor ** 2
      const reading = unit * (errors.readingMw / signalMw[output]!) ** 2
      this.codes[output]! += factor * code
      this.model[output]! += factor * modelled
      this.readings[output]! += reading
      if (off === undefined) this.guessed += unit * elsewhere * weightSquare * light
      this.even += unit * KURTOSIS * (errors.evenPerMw * signalMw[output]! * terms) ** 2
      this.single += unit * weightSquare * light
      this.gains += (unit * (terms + signal * signal)) / 2
      this.mended += (reading * light) / (inputs * lanes)
    }
  }
}
