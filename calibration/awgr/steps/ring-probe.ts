import type { RandomStream } from '../../../core/random.ts'
import type { FrameCodes } from '../../../orchestrator/frames/frame-runner.ts'
import { probePatterns } from '../../steps/probe-patterns.ts'
import type { IntensityCodes } from '../intensity-codes.ts'
import type { AwgrContext } from './awgr-context.ts'

/**
 * Symbols of a reading, at most: as few as will do where lines are only looked for; enough for codes of the meter to average
 * out where a fit learns from it; a whole frame where weights are judged. Assumption: heaters take longer than a frame.
 */
export const PROBE_SYMBOLS = { look: 0, learn: 128, judge: 512 } as const

/** Light that each input at full scale adds at each output, heaters at one setting. */
export interface OutputReading {
  /** Squares of all heaters' voltages, V². Shape: [heater]. */
  readonly squaredV: Float64Array
  /** mW. Shapes: [output][port]. */
  readonly drop: readonly Float64Array[]
  readonly through: readonly Float64Array[]
}

/** The same as light of each path, one wavelength from one input. */
export interface RingReading {
  readonly squaredV: Float64Array
  /** mW. Shapes: [port × size + wavelength]. */
  readonly dropMw: Float64Array
  readonly throughMw: Float64Array
}

/** What a reading takes of the bench. */
type ProbeParts = Pick<AwgrContext, 'bench' | 'frames' | 'heaters'>

/**
 * Reads all rings at once: every output sees one wavelength of each input.
 *
 * Half of the inputs are lit in every symbol, by the rows of a Hadamard matrix: each path is read from all symbols, with
 * less noise and far finer than a code of the meter. What every symbol carries alike, dark and silence, falls out.
 */
export class RingProbe {
  readonly #context: ProbeParts
  readonly #patterns: readonly Int8Array[]
  readonly #codes: FrameCodes

  /** With `random` the inputs take any rows of the matrix, so that a meter rounds other sums than it did for other rows. */
  constructor(
    context: ProbeParts,
    codes: IntensityCodes,
    symbols: number = PROBE_SYMBOLS.learn,
    random?: RandomStream,
  ) {
    const { layout, timing } = context.bench
    const most = Math.min(symbols, timing.maxSymbolsPerFrame)
    const rows = probePatterns(layout.size, most)
    this.#context = context
    this.#patterns = random === undefined ? rows : anyRows(layout.size, rows[0]!.length, random)
    this.#codes = [
      this.#patterns.map((pattern, port) =>
        pattern.map((sign) => (sign > 0 ? codes.codeOf(port, 1) : codes.silent[port]!)),
      ),
    ]
  }

  async read(voltagesV: Float64Array, signal: AbortSignal): Promise<OutputReading> {
    const { frames, heaters } = this.#context
    await heaters.set(voltagesV, signal)
    const { plusMw, minusMw } = await frames.run(this.#codes, signal)
    const lit = (series: Float64Array): Float64Array =>
      Float64Array.from(this.#patterns, (pattern) => {
        let sum = 0
        for (let symbol = 0; symbol < series.length; symbol++) sum += pattern[symbol]! * series[symbol]!
        return (2 * sum) / series.length
      })
    return { squaredV: voltagesV.map((v) => v * v), drop: plusMw[0]!.map(lit), through: minusMw[0]!.map(lit) }
  }
}

/** Different ones for each input, out of all that the matrix has. */
function anyRows(size: number, symbols: number, random: RandomStream): readonly Int8Array[] {
  const rows = probePatterns(symbols - 1, symbols).map((row) => ({ row, at: random.uniform() }))
  return rows
    .sort((left, right) => left.at - right.at)
    .slice(0, size)
    .map(({ row }) => row)
}
