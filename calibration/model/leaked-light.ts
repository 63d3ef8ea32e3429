import type { MeshCalibration } from '../calibration-record.ts'
import { codeForField } from './modulator-curve.ts'

/** Codes from −127 to 127. */
const CODES = 255
const CODE_OF_ZERO = 127

/**
 * What modulators leak is a quarter turn from what they send, and the less of it the more they send: cos u beside
 * sin u. So through the quadrature of a tile, which no detector should see, light comes that has no sign.
 */
export class LeakedLight {
  readonly #size: number
  /** [lane × ports + port][code + 127] beside that of silence, for an input of 1. */
  readonly #leaked: readonly Float64Array[]

  /** `fieldPerInput`: field of a modulator for an input of 1. */
  constructor(modulators: MeshCalibration['modulators'], fieldPerInput: (lane: number, port: number) => number) {
    const { radPerCode, biasRad, leak } = modulators
    this.#size = leak[0]!.length
    this.#leaked = leak.flatMap((ports, lane) =>
      ports.map((share, port) => {
        const at = (code: number): number => share * Math.cos(radPerCode[lane]![port]! * code + biasRad[lane]![port]!)
        const silence = at(codeForField(modulators, lane, port, 0))
        return Float64Array.from(
          { length: CODES },
          (_, i) => (at(i - CODE_OF_ZERO) - silence) / fieldPerInput(lane, port),
        )
      }),
    )
  }

  /**
   * Takes what the symbols of a frame leaked from their products.
   *
   * Shapes: products [symbol, output], codes [port][symbol], with the silence in front; quadrature [output, input].
   */
  takeFrom(products: Float64Array, lane: number, codes: readonly Int8Array[], quadrature: Float64Array): void {
    const size = this.#size
    for (let port = 0; port < size; port++) {
      const leaked = this.#leaked[lane * size + port]!
      const played = codes[port]!
      for (let symbol = 0, first = 0; first < products.length; symbol++, first += size) {
        const field = leaked[played[symbol + 1]! + CODE_OF_ZERO]!
        for (let output = 0; output < size; output++) {
          products[first + output]! += quadrature[output * size + port]! * field
        }
      }
    }
  }
}
