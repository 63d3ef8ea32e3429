import type { Frame, FrameResult, OpticalCore } from '../../core/optical-core.ts'

export interface ExactCoreOptions {
  readonly outputs?: number
  readonly inputs?: number
  readonly lanes?: number
  readonly maxSymbolsPerFrame?: number
  /** What the optics make of the exact products of one lane; `count` numbers the frames from 0. */
  readonly spoil?: (exact: Float64Array, frame: Frame, count: number) => Float64Array
}

/** An optical core that multiplies exactly, for tests of what is done with its results. */
export class ExactCore implements OpticalCore {
  readonly shape: { readonly outputs: number; readonly inputs: number }
  readonly lanes: number
  readonly maxSymbolsPerFrame: number
  /** Every frame that came, in order. */
  readonly frames: Frame[] = []
  readonly #spoil: NonNullable<ExactCoreOptions['spoil']>

  constructor(options: ExactCoreOptions = {}) {
    const {
      outputs = 4,
      inputs = 4,
      lanes = 1,
      maxSymbolsPerFrame = 16,
      spoil = (exact: Float64Array) => exact,
    } = options
    this.shape = { outputs, inputs }
    this.lanes = lanes
    this.maxSymbolsPerFrame = maxSymbolsPerFrame
    this.#spoil = spoil
  }

  async program(): Promise<void> {}

  async *stream(frames: AsyncIterable<Frame>, signal: AbortSignal): AsyncGenerator<FrameResult> {
    for await (const frame of frames) {
      signal.throwIfAborted()
      const count = this.frames.push(frame) - 1
      yield { frame, lanes: frame.lanes.map((inputs) => this.#spoil(this.#multiply(frame, inputs), frame, count)) }
    }
  }

  async safe(): Promise<void> {}

  #multiply({ tile }: Frame, given: Float64Array): Float64Array {
    const { outputs, inputs } = this.shape
    const symbols = given.length / inputs
    const result = new Float64Array(symbols * outputs)
    for (let symbol = 0; symbol < symbols; symbol++) {
      for (let output = 0; output < outputs; output++) {
        for (let i = 0; i < inputs; i++) {
          result[symbol * outputs + output]! += tile.weights[output * inputs + i]! * given[symbol * inputs + i]!
        }
      }
    }
    return result
  }
}
