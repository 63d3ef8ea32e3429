import type { IntensityReading } from './intensity-model.ts'
import type { FrameCodes } from '../../orchestrator/frames/frame-runner.ts'
import type { CalibrationContext } from '../steps/calibration-context.ts'
import { PROBE_CODE } from '../steps/probe-codes.ts'

/** Looks at a mesh whose outputs are photodiodes: one input lit after the other, at any setting of its heaters. */
export class IntensityProbe {
  readonly #context: CalibrationContext
  /** [output] what its photodiode shows without light. */
  readonly #darkMw: readonly number[]
  /** [lit ports, as text] codes made once, so that the same frame is not uploaded again. */
  readonly #codes = new Map<string, FrameCodes>()

  constructor(context: CalibrationContext, darkMw: readonly number[]) {
    this.#context = context
    this.#darkMw = darkMw
  }

  /** Powers in mW, the dark taken off. Leaves the heaters there. */
  async read(voltagesV: Float64Array, lit: readonly number[], signal: AbortSignal): Promise<IntensityReading> {
    const { heaters, frames, bench } = this.#context
    const { size } = bench.layout
    await heaters.set(voltagesV, signal)
    const { plusMw } = await frames.run(this.#codesFor(lit), signal)
    const powers = new Float64Array(lit.length * size)
    for (const [output, series] of plusMw[0]!.entries()) {
      for (const symbol of lit.keys()) powers[symbol * size + output] = series[symbol]! - this.#darkMw[output]!
    }
    return { voltagesV: voltagesV.slice(), lit, powers }
  }

  /** Everything dark but one input a symbol; only lane 0 is lit. */
  #codesFor(lit: readonly number[]): FrameCodes {
    const key = lit.join()
    const known = this.#codes.get(key)
    if (known !== undefined) return known
    const { lanes, layout } = this.#context.bench
    const codes = lanes.map((_, lane) =>
      Array.from({ length: layout.size }, (_, port) =>
        Int8Array.from(lit, (input) => (lane === 0 && input === port ? PROBE_CODE : 0)),
      ),
    )
    this.#codes.set(key, codes)
    return codes
  }
}

/** All ports of a mesh. */
export const everyPort = (size: number): readonly number[] => Array.from({ length: size }, (_, port) => port)
