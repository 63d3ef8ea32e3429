import type { FrameResult, OpticalCore } from '../../core/optical-core.ts'
import type { Numerics } from '../numerics/choose-numerics.ts'
import { ProbeReader } from '../numerics/probe-check.ts'
import type { ProbeReading } from '../numerics/probe-check.ts'
import type { ProbeSums } from '../numerics/probe-sums.ts'
import { addOffsets, addProducts } from '../tiles/frame-coding.ts'
import type { CutTile, RealMatrix } from '../tiles/tile-product.ts'
import type { FrameJob } from './frame-queue.ts'

/** Where the results of frames become C, and what their probes showed. */
export class ProductSum {
  readonly product: RealMatrix
  readonly #core: OpticalCore
  readonly #isMended: boolean
  readonly #reader: ProbeReader
  readonly #probes = { squaredError: 0, squared: 0 }
  /** [tile][output, input] sums over its frames. */
  readonly #weightErrors = new Map<number, { readonly sum: Float64Array; frames: number }>()

  constructor(core: OpticalCore, a: RealMatrix, b: RealMatrix, { remedy }: Numerics) {
    this.product = { rows: a.rows, columns: b.columns, data: new Float64Array(a.rows * b.columns) }
    this.#core = core
    this.#isMended = remedy.isMended
    this.#reader = new ProbeReader(core)
  }

  get probes(): ProbeSums {
    return this.#probes
  }

  read({ coded, stage }: FrameJob, result: FrameResult): ProbeReading {
    return this.#reader.read(result, coded.gain, this.#isMended && stage === 'tile')
  }

  add({ coded, stage }: FrameJob, { lanes }: FrameResult, reading: ProbeReading): void {
    this.#probes.squaredError += reading.squaredError
    this.#probes.squared += reading.squared
    addProducts(this.product, coded, lanes, reading.shared)
    if (stage === 'mending') return
    addOffsets(this.product, coded.cut, coded.inputs)
    if (reading.weightErrors !== undefined) this.#addWeightErrors(coded.cut.tile.id, reading.weightErrors)
  }

  /** What the optics should have added to what they made of a tile; nothing beyond the edges of B. */
  missedWeights({ tile, inner, columns }: CutTile): Float64Array {
    const { outputs, inputs } = this.#core.shape
    const { sum, frames } = this.#weightErrors.get(tile.id)!
    const missed = new Float64Array(outputs * inputs)
    for (let output = 0; output < columns; output++) {
      for (let i = 0; i < inner; i++) missed[output * inputs + i] = -sum[output * inputs + i]! / frames
    }
    return missed
  }

  #addWeightErrors(tile: number, errors: Float64Array): void {
    const known = this.#weightErrors.get(tile) ?? { sum: new Float64Array(errors.length), frames: 0 }
    for (const [i, error] of errors.entries()) known.sum[i]! += error
    known.frames++
    this.#weightErrors.set(tile, known)
  }
}
