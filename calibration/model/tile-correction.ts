import type { PortCorrections } from './port-corrections.ts'
import type { ProgrammedTile } from './programming.ts'

/** How far ports may be from what a calibration knew, one standard deviation: fibres and lasers of a day. Assumptions. */
const TURN_RAD = 0.3
const LOG_GAIN = 0.05

/** What measuring a tile has taught beyond the fitted chip. */
export interface TileCorrection {
  /** [output, input] what the chip makes beside what the fitted one would, of all lanes alike, in units of the weights. */
  readonly beyond: Float64Array
  readonly ports: PortCorrections
}

export const nothingKnown = (lanes: number, size: number): TileCorrection => ({
  beyond: new Float64Array(size * size),
  ports: { turnRad: new Float64Array(lanes * size), logGain: new Float64Array(lanes * size) },
})

/**
 * What is known of a tile once its matrix has been read: where lanes differ their ports have changed, for they share the
 * chip; what they have in common is the chip's.
 *
 * `shown`: [lane] of [output, input] as it was read with `known.ports` in force, each off by `noise`, standard deviation.
 */
export function corrected(
  known: TileCorrection,
  { detected, quadrature }: Pick<ProgrammedTile, 'detected' | 'quadrature'>,
  shown: readonly Float64Array[],
  noise: number,
): TileCorrection {
  const size = Math.sqrt(detected.length)
  const expected = detected.map((value, i) => value + known.beyond[i]!)
  const common = meanOf(shown)
  const turnRad = known.ports.turnRad.slice()
  const logGain = known.ports.logGain.slice()
  const unexplained = shown.map((matrix, lane) => {
    const left = matrix.map((value, i) => value - expected[i]!)
    for (let output = 0; output < size; output++) {
      const row = (of: Float64Array): Float64Array => of.subarray(output * size, (output + 1) * size)
      const [ofCommon, along, across] = [row(common), row(expected), row(quadrature)]
      const differs = row(matrix).map((value, i) => value - ofCommon[i]!)
      const fit = fitPort(differs, along, across, noise)
      const at = lane * size + output
      turnRad[at]! += Math.atan2(fit.across, 1 + fit.along)
      logGain[at]! += Math.log(Math.hypot(fit.across, 1 + fit.along))
      for (const [i, value] of along.entries()) {
        left[output * size + i]! -= fit.along * value + fit.across * across[i]!
      }
    }
    return left
  })
  const more = meanOf(unexplained)
  return { beyond: known.beyond.map((value, i) => value + more[i]!), ports: { turnRad, logGain } }
}

/** How much of either quadrature of a row explains what differs in it; least squares with what is likely. */
function fitPort(
  differs: Float64Array,
  along: Float64Array,
  across: Float64Array,
  noise: number,
): { readonly along: number; readonly across: number } {
  let [aa, ac, cc, da, dc] = [(noise / LOG_GAIN) ** 2, 0, (noise / TURN_RAD) ** 2, 0, 0]
  for (const [i, value] of differs.entries()) {
    const [a, c] = [along[i]!, across[i]!]
    aa += a * a
    ac += a * c
    cc += c * c
    da += value * a
    dc += value * c
  }
  const determinant = aa * cc - ac * ac
  // A row of zeros, read without noise, tells nothing.
  if (!(determinant > 0)) return { along: 0, across: 0 }
  return { along: (da * cc - dc * ac) / determinant, across: (dc * aa - da * ac) / determinant }
}

/** Of several lanes, element by element. */
export const meanOf = (matrices: readonly Float64Array[]): Float64Array =>
  matrices[0]!.map((_, i) => matrices.reduce((sum, matrix) => sum + matrix[i]!, 0) / matrices.length)
