import type { MeshCalibration } from '../calibration-record.ts'
import { fieldAtCode } from '../model/modulator-curve.ts'
import type { CalibrationContext, PortTable } from './calibration-context.ts'
import { PROBE_CODE, probeCodes, probedMatrix } from './probe-codes.ts'
import type { FrameCodes } from '../../orchestrator/frames/frame-runner.ts'

/** One quadrature of the chip at one setting of its heaters. */
export interface ChipReading {
  /** [heater] */
  readonly voltagesV: Float64Array
  /** [lane] of [output, input], row-major. */
  readonly lanes: readonly Float64Array[]
}

/** Looks at the chip at any heater setting, with the detectors and modulators already calibrated. */
export class ChipProbe {
  readonly #context: CalibrationContext
  readonly #calibration: Pick<MeshCalibration, 'detectors' | 'modulators'>
  readonly #codes: FrameCodes
  readonly #loRadPerV2: PortTable
  /** What a heater of this chip turns by, from the local oscillators; rad/V². */
  readonly nominalRadPerV2: number
  /** Heaters of one chip are alike: fringes are looked for around the nominal one. */
  readonly fringeRange: { readonly min: number; readonly max: number }

  constructor(
    context: CalibrationContext,
    calibration: Pick<MeshCalibration, 'detectors' | 'modulators'>,
    loRadPerV2: PortTable,
  ) {
    this.#context = context
    this.#calibration = calibration
    this.#codes = probeCodes(context.bench, () => PROBE_CODE)
    this.#loRadPerV2 = loRadPerV2
    const all = loRadPerV2.flat()
    this.nominalRadPerV2 = all.reduce((sum, k) => sum + k, 0) / all.length
    this.fringeRange = { min: 0.6 * this.nominalRadPerV2, max: 1.5 * this.nominalRadPerV2 }
  }

  async read(voltagesV: Float64Array, signal: AbortSignal): Promise<ChipReading> {
    const { heaters, frames } = this.#context
    const { detectors, modulators } = this.#calibration
    await heaters.set(voltagesV, signal)
    const reading = await frames.run(this.#codes, signal)
    const step = (lane: number, port: number): number =>
      fieldAtCode(modulators, lane, port, PROBE_CODE) - fieldAtCode(modulators, lane, port, -PROBE_CODE)
    return { voltagesV: voltagesV.slice(), lanes: probedMatrix(reading, detectors, step) }
  }

  /** Both quadratures: as given, then with every local oscillator turned by about a quarter turn. */
  async readQuadratures(voltagesV: Float64Array, signal: AbortSignal): Promise<readonly [ChipReading, ChipReading]> {
    const first = await this.read(voltagesV, signal)
    return [first, await this.read(this.quarterTurn(voltagesV), signal)]
  }

  /** These voltages with the local oscillators a quarter turn on, or three quarters back where on is out of reach. */
  quarterTurn(voltagesV: Float64Array): Float64Array {
    const { bench } = this.#context
    const turned = voltagesV.slice()
    for (const [lane, ports] of bench.layout.lo.entries()) {
      for (const [port, heater] of ports.entries()) {
        const quarterV2 = Math.PI / 2 / this.#loRadPerV2[lane]![port]!
        const onV2 = voltagesV[heater]! ** 2 + quarterV2
        turned[heater] = Math.sqrt(onV2 <= bench.heaterLimitsV.max ** 2 ? onV2 : onV2 - 4 * quarterV2)
      }
    }
    return turned
  }
}
