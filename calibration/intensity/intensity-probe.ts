import type { IntensityReading } from './intensity-model.ts'
import type { FrameCodes } from '../../orchestrator/frames/frame-runner.ts'
import type { CalibrationContext } from '../steps/calibration-context.ts'
import { PROBE_CODE } from '../steps/probe-codes.ts'

/** Looks at the chip: `lit` inputs one at a time, at any voltages; [lit, output] powers of one unit. */
export type IntensityLook = (voltagesV: Float64Array, lit: readonly number[]) => Promise<IntensityReading>

/** What a setting shows with its inputs lit by both signs. */
export interface LoneReading {
  /** By the positive sign alone, what dark modulators leave over included: as in `read`. */
  readonly asLit: IntensityReading
  /** [lit, output] powers without what dark modulators leave over, mW. */
  readonly alone: Float64Array
}

/** Symbols that `readAlone` plays. */
export const loneSymbols = (inputs: number): number => 2 * inputs + 1

/** Looks at a mesh whose outputs are photodiodes: one input lit after the other, at any setting of its heaters. */
export class IntensityProbe {
  readonly #context: CalibrationContext
  /** [output] what its photodiode shows without light. */
  readonly #darkMw: readonly number[]
  /** [symbols, as text] codes made once, so that the same frame is not uploaded again. */
  readonly #codes = new Map<string, FrameCodes>()

  constructor(context: CalibrationContext, darkMw: readonly number[]) {
    this.#context = context
    this.#darkMw = darkMw
  }

  /** Powers in mW, the dark taken off. Leaves the heaters there. */
  async read(voltagesV: Float64Array, lit: readonly number[], signal: AbortSignal): Promise<IntensityReading> {
    const powers = await this.#play(
      voltagesV,
      lit.map((input) => ({ input, code: PROBE_CODE })),
      signal,
    )
    return { voltagesV: voltagesV.slice(), lit, powers }
  }

  /**
   * The same with each input lit by either sign, and all dark once. What dark modulators leave over is the same in all
   * three: d beats with the light that is meant as |d ± s|², so that the mean of both signs less |d|² is |s|².
   *
   * Leaves the heaters there.
   */
  async readAlone(voltagesV: Float64Array, lit: readonly number[], signal: AbortSignal): Promise<LoneReading> {
    const { size } = this.#context.bench.layout
    const by = (code: number) => lit.map((input) => ({ input, code }))
    const shown = await this.#play(voltagesV, [...by(PROBE_CODE), ...by(-PROBE_CODE), { input: 0, code: 0 }], signal)
    const half = lit.length * size
    const [plus, minus, left] = [shown.slice(0, half), shown.subarray(half, 2 * half), shown.subarray(2 * half)]
    const alone = plus.map((power, at) => (power + minus[at]!) / 2 - left[at % size]!)
    return { asLit: { voltagesV: voltagesV.slice(), lit, powers: plus }, alone }
  }

  /** [symbol, output] powers in mW, everything dark but one input a symbol. */
  async #play(voltagesV: Float64Array, symbols: readonly LitSymbol[], signal: AbortSignal): Promise<Float64Array> {
    const { heaters, frames, bench } = this.#context
    const { size } = bench.layout
    await heaters.set(voltagesV, signal)
    const { plusMw } = await frames.run(this.#codesFor(symbols), signal)
    const powers = new Float64Array(symbols.length * size)
    for (const [output, series] of plusMw[0]!.entries()) {
      for (const symbol of symbols.keys()) powers[symbol * size + output] = series[symbol]! - this.#darkMw[output]!
    }
    return powers
  }

  /** Only lane 0 is lit. */
  #codesFor(symbols: readonly LitSymbol[]): FrameCodes {
    const key = symbols.map(({ input, code }) => `${input}:${code}`).join()
    const known = this.#codes.get(key)
    if (known !== undefined) return known
    const { lanes, layout } = this.#context.bench
    const codes = lanes.map((_, lane) =>
      Array.from({ length: layout.size }, (_, port) =>
        Int8Array.from(symbols, ({ input, code }) => (lane === 0 && input === port ? code : 0)),
      ),
    )
    this.#codes.set(key, codes)
    return codes
  }
}

interface LitSymbol {
  readonly input: number
  readonly code: number
}

/** All ports of a mesh. */
export const everyPort = (size: number): readonly number[] => Array.from({ length: size }, (_, port) => port)
