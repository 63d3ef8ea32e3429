import type { Frame, FrameResult } from '../../core/optical-core.ts'

/** Which half of a frame is played: through its weights, or through those of opposite sign. */
export interface Half {
  readonly whole: Frame
  readonly sign: 1 | -1
  readonly isFirst: boolean
}

/**
 * Every frame twice, through its weights and through their opposites: half the difference is the product, free of what
 * all weights of the core are off by alike, whatever they are.
 *
 * A frame begins with the sign that the one before ended with, so that heaters move once a frame where the tile stays.
 */
export class BothSigns {
  readonly #halves = new WeakMap<Frame, Half>()

  /** Undefined for a frame that is played once. */
  halfOf(frame: Frame): Half | undefined {
    return this.#halves.get(frame)
  }

  async *split(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
    let sign: 1 | -1 = 1
    for await (const whole of frames) {
      yield this.#half({ whole, sign, isFirst: true })
      sign = sign === 1 ? -1 : 1
      yield this.#half({ whole, sign, isFirst: false })
    }
  }

  /** Results of the halves, in their order, as those of the whole frames. */
  async *join(results: AsyncIterable<FrameResult>): AsyncGenerator<FrameResult> {
    let first: FrameResult | undefined
    for await (const result of results) {
      if (first === undefined) {
        first = result
        continue
      }
      yield this.#joined(first, result)
      first = undefined
    }
  }

  #half(half: Half): Frame {
    const frame = { ...half.whole }
    this.#halves.set(frame, half)
    return frame
  }

  #joined(first: FrameResult, second: FrameResult): FrameResult {
    const { whole: frame, sign } = this.#halves.get(first.frame)!
    const overRange = first.overRange ?? second.overRange
    if (overRange !== undefined) return { frame, lanes: [], overRange }
    const lanes = first.lanes.map((lane, l) => lane.map((value, i) => (sign * (value - second.lanes[l]![i]!)) / 2))
    return { frame, lanes }
  }
}
