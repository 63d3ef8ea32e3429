import { Matrix, QrDecomposition, inverse } from 'ml-matrix'
import type { FrameResult, KnownErrors, OpticalCore } from '../../core/optical-core.ts'

/**
 * Takes errors of known products apart. Inputs come in pairs of both signs, and codes are known: half the difference of
 * a pair is linear in its inputs, by weights that came out wrong, or a reading; half the sum is what light adds whatever
 * its sign, or a reading.
 */
export class ErrorParts {
  readonly #core: OpticalCore
  readonly #weights = { squares: 0, squaredErrors: 0 }
  /** Mean squares of halves of pairs, without what is known of them, summed over outputs. */
  readonly #readings = { oddMw2: 0, evenMw2: 0, outputs: 0 }
  readonly #evens = { squaresMw2: 0, signalsMw4: 0 }

  constructor(core: OpticalCore) {
    this.#core = core
  }

  /** Every symbol of an odd number is the one before it, with the other sign. */
  add({ frame, lanes }: FrameResult): void {
    const { knowledge, shape } = this.#core
    if (knowledge === undefined) return
    const { inputs: size, outputs } = shape
    const made = knowledge.made(frame.tile)
    const signalMw = knowledge.signalMw(frame.tile.weights)
    // Lanes share the optics, so they share what is wrong with the weights.
    const off = Matrix.zeros(size, outputs)
    let noise = 0
    for (const [lane, products] of lanes.entries()) {
      const played = knowledge.played(lane, frame.lanes[lane]!)
      const { odd: inputs } = halves(played, size)
      const known = inputs.mmul(Matrix.from1DArray(outputs, size, made).transpose())
      const { odd, even } = halves(products, outputs)
      const left = Matrix.sub(odd, known)
      const found = new QrDecomposition(inputs).solve(left)
      off.add(Matrix.div(found, lanes.length))
      const rest = Matrix.sub(left, inputs.mmul(found))
      const freedom = rest.rows - size
      // Codes of both signs are not quite opposite: what their sum should show is known.
      const { even: sums } = halves(played, size)
      const lit = Matrix.sub(even, sums.mmul(Matrix.from1DArray(outputs, size, made).transpose()))
      // What noise alone makes of a fitted weight: the diagonal of the inverse normal matrix.
      const spread = meanOf(inverse(inputs.transpose().mmul(inputs)).diagonal())
      for (let output = 0; output < outputs; output++) {
        const unit = signalMw[output]! ** 2
        const squares = sumOfSquares(rest.getColumn(output))
        noise += (size * spread * squares) / freedom / lanes.length ** 2
        const shown = lit.getColumn(output)
        const mean = meanOf(shown)
        const even = sumOfSquares(shown.map((value) => value - mean)) / (shown.length - 1)
        this.#readings.oddMw2 += (squares / freedom) * unit
        this.#readings.evenMw2 += even * unit
        this.#readings.outputs++
        this.#evens.squaresMw2 += (even - squares / freedom) * (shown.length - 1) * unit
        this.#evens.signalsMw4 += odd.getColumn(output).reduce((sum, value) => sum + value ** 4, 0) * unit ** 2
      }
    }
    this.#weights.squaredErrors += sumOfSquares(off.to1DArray()) - noise
    this.#weights.squares += sumOfSquares(made)
  }

  /** Nothing for a core that knows nothing of its errors. */
  found(): { readonly errors?: KnownErrors } {
    const { squares, squaredErrors } = this.#weights
    if (squares === 0) return {}
    const { oddMw2, evenMw2, outputs } = this.#readings
    return {
      errors: {
        weights: Math.sqrt(Math.max(0, squaredErrors) / squares),
        // A reading has as much in the sum of its pair as in the difference, unless both signs are the same two symbols,
        // rounded off alike: then the difference has all of it. More in the sum is light that comes with either sign.
        readingMw: Math.sqrt((oddMw2 + Math.min(oddMw2, evenMw2)) / outputs),
        evenPerMw: Math.sqrt(Math.max(0, this.#evens.squaresMw2) / this.#evens.signalsMw4),
      },
    }
  }
}

/** Half the difference and half the sum of each pair of rows. Shapes: [pair, column]. */
function halves(values: Float64Array, columns: number): { readonly odd: Matrix; readonly even: Matrix } {
  const half = (sign: 1 | -1): Matrix =>
    new Matrix(
      Array.from({ length: values.length / columns / 2 }, (_, pair) =>
        Array.from({ length: columns }, (_, column) => {
          const at = 2 * pair * columns + column
          return (values[at]! + sign * values[at + columns]!) / 2
        }),
      ),
    )
  return { odd: half(-1), even: half(1) }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const sumOfSquares = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value * value, 0)
