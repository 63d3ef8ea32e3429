import { inverse, Matrix } from 'ml-matrix'
import { AccuracySum } from '../../core/accuracy.ts'
import type { Frame, FrameResult, OpticalCore } from '../../core/optical-core.ts'

/** What the known inputs of a frame show. */
export interface ProbeReading {
  readonly squaredError: number
  readonly squared: number
  /** RMS error of the probes, relative to their RMS. */
  readonly relative: number
  /** RMS error of the probes, relative to the range of what they should be. */
  readonly nrmse: number
  /** [lane][output] what all symbols are off by alike. */
  readonly shared: readonly Float64Array[]
  /** [output, input] what the weights are off by, mean over the lanes. Undefined unless it was asked for. */
  readonly weightErrors: Float64Array | undefined
}

/** Reads the probes of frames. What codes really play is worked out once for all frames. */
export class ProbeReader {
  readonly #core: OpticalCore
  readonly #played = new Map<string, Float64Array>()
  readonly #solvers = new Map<string, Matrix>()

  constructor(core: OpticalCore) {
    this.#core = core
  }

  read({ frame, lanes }: FrameResult, gain: number, measuresWeights: boolean): ProbeReading {
    const { outputs, inputs } = this.#core.shape
    const { weights } = frame.tile
    // Near the tile's largest weight, because squares of very large or small ones leave a double's range; a power of
    // two, because dividing by it rounds nothing.
    const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1
    const unit = 2 ** Math.floor(Math.log2(largest))
    let [squaredError, squared] = [0, 0]
    const found = Matrix.zeros(outputs, inputs)
    const accuracy = new AccuracySum()
    const shared = lanes.map((results, lane) => {
      const given = this.#playedProbes(frame, lane, gain)
      const probes = given.length / inputs
      const [expected, left] = [new Matrix(probes, outputs), new Matrix(probes, outputs)]
      for (let probe = 0; probe < probes; probe++) {
        for (let output = 0; output < outputs; output++) {
          let sum = 0
          for (let i = 0; i < inputs; i++) sum += (weights[output * inputs + i]! / unit) * given[probe * inputs + i]!
          expected.set(probe, output, sum)
          left.set(probe, output, results[probe * outputs + output]! / unit - sum)
        }
      }
      const off = this.#core.knowledge?.readsSilence === true ? left.mean('column') : new Array<number>(outputs).fill(0)
      const errors = left.subRowVector(off)
      squared += sumOfSquares(expected)
      squaredError += sumOfSquares(errors)
      const [exact, missed] = [expected.to1DArray(), errors.to1DArray()]
      for (let i = 0; i < exact.length; i++) accuracy.add(exact[i]!, missed[i]!)
      if (measuresWeights) found.add(this.#solver(frame, lane, gain).mmul(errors).transpose().div(lanes.length))
      return Float64Array.from(off, (value) => value * unit)
    })
    // A tile of zeros has no scale to be compared with.
    const relative = squared > 0 ? Math.sqrt(squaredError / squared) : 0
    const weightErrors = measuresWeights ? Float64Array.from(found.mul(unit).to1DArray()) : undefined
    return { squaredError, squared, relative, nrmse: accuracy.accuracy.nrmse, shared, weightErrors }
  }

  /** Shape: [probe, input]. */
  #playedProbes(frame: Frame, lane: number, gain: number): Float64Array {
    return remembered(this.#played, keyOf(frame, lane, gain), () => {
      const probes = frame.lanes[lane]!.slice(0, (frame.probes ?? 0) * this.#core.shape.inputs)
      return this.#core.knowledge?.played(lane, probes) ?? probes
    })
  }

  /** Least squares: what makes weights of probes' errors. */
  #solver(frame: Frame, lane: number, gain: number): Matrix {
    return remembered(this.#solvers, keyOf(frame, lane, gain), () => {
      const { inputs } = this.#core.shape
      const given = this.#playedProbes(frame, lane, gain)
      const sent = Matrix.from1DArray(given.length / inputs, inputs, given)
      const centred = sent.subRowVector(sent.mean('column'))
      const turned = centred.transpose()
      return inverse(turned.mmul(centred)).mmul(turned)
    })
  }
}

const keyOf = ({ probes = 0 }: Frame, lane: number, gain: number): string => `${probes} on ${lane} by ${gain}`

const sumOfSquares = (matrix: Matrix): number => matrix.to1DArray().reduce((sum, value) => sum + value * value, 0)

function remembered<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  const before = known.get(key)
  if (before !== undefined) return before
  const made = make()
  known.set(key, made)
  return made
}
