import { awgrOutput } from '../../../core/awgr-layout.ts'
import type { FrameCodes } from '../../../orchestrator/frames/frame-runner.ts'
import type { IntensityCodes } from '../intensity-codes.ts'
import type { AwgrContext } from './awgr-context.ts'

/** Light behind the AWGR with every input alone at full scale, heaters at one setting. */
export interface RingReading {
  /** Squares of all heaters' voltages, V². Shape: [heater]. */
  readonly squaredV: Float64Array
  /** At the output of each wavelength. Shape: [port, wavelength], mW, silence taken off. */
  readonly dropMw: Float64Array
  readonly throughMw: Float64Array
}

/** Light at all outputs, silence taken off. Shapes: [output][port], mW. */
interface OutputReading {
  readonly drop: readonly Float64Array[]
  readonly through: readonly Float64Array[]
}

/** Reads all rings at once: one frame lights one input after the other, and every output sees one wavelength of it. */
export class RingProbe {
  readonly #context: AwgrContext
  readonly #codes: FrameCodes

  constructor(context: AwgrContext, codes: IntensityCodes) {
    const { size } = context.bench.layout
    this.#context = context
    this.#codes = [
      Array.from({ length: size }, (_, port) => {
        const symbols = new Int8Array(1 + size).fill(codes.silent[port]!)
        symbols[1 + port] = codes.codeOf(port, 1)
        return symbols
      }),
    ]
  }

  async read(voltagesV: Float64Array, signal: AbortSignal): Promise<RingReading> {
    const { size } = this.#context.bench.layout
    const { drop, through } = await this.readOutputs(voltagesV, signal)
    const own = (outputs: readonly Float64Array[]): Float64Array =>
      Float64Array.from({ length: size * size }, (_, path) => {
        const [port, wavelength] = [Math.floor(path / size), path % size]
        return outputs[awgrOutput(size, port, wavelength)]![port]!
      })
    return { squaredV: voltagesV.map((v) => v * v), dropMw: own(drop), throughMw: own(through) }
  }

  async readOutputs(voltagesV: Float64Array, signal: AbortSignal): Promise<OutputReading> {
    const { frames, heaters } = this.#context
    await heaters.set(voltagesV, signal)
    const { plusMw, minusMw } = await frames.run(this.#codes, signal)
    const lit = (series: Float64Array): Float64Array => series.subarray(1).map((mw) => mw - series[0]!)
    return { drop: plusMw[0]!.map(lit), through: minusMw[0]!.map(lit) }
  }
}
