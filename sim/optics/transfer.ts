import type { MziPlace } from '../../core/mesh-layout.ts'
import type { ChipTruth, MziTruth } from './chip.ts'
import { mziMatrix } from './mzi.ts'

/** Complex matrix, row-major: element (row, column) at row × size + column of both arrays. */
export interface ComplexMatrix {
  readonly size: number
  readonly re: Float64Array
  readonly im: Float64Array
}

/** What the chip does to light at one setting of its heaters. */
export interface ChipTransfer {
  /** Inputs of V† to the waveguides between the meshes, where the taps are. Of a unitary core: all of it. */
  readonly toTaps: ComplexMatrix
  /** Inputs of V† to outputs of U. */
  readonly through: ComplexMatrix
}

/** Folds the chip into its transfer matrices. Shape of `phaseRad`: [heater]. */
export function chipTransfer(chip: ChipTruth, phaseRad: Float64Array): ChipTransfer {
  const { layout } = chip
  const matrix = identity(layout.size)
  meshColumns(matrix, layout.mzis, chip.first, layout.first, phaseRad)
  const toTaps: ComplexMatrix = { size: layout.size, re: matrix.re.slice(), im: matrix.im.slice() }
  if (layout.design.form === 'unitary') return { toTaps, through: matrix }
  attenuate(matrix, chip, phaseRad)
  meshColumns(matrix, layout.mzis, chip.second, layout.second, phaseRad)
  return { toTaps, through: matrix }
}

function identity(size: number): ComplexMatrix {
  const matrix = { size, re: new Float64Array(size * size), im: new Float64Array(size * size) }
  for (let i = 0; i < size; i++) matrix.re[i * size + i] = 1
  return matrix
}

/** Lets all columns of `matrix` pass one mesh. */
function meshColumns(
  matrix: ComplexMatrix,
  places: readonly MziPlace[],
  mzis: readonly MziTruth[],
  heaters: { readonly phi: readonly number[]; readonly theta: readonly number[] },
  phaseRad: Float64Array,
): void {
  const { size, re, im } = matrix
  const t = new Float64Array(8)
  for (const [k, { top }] of places.entries()) {
    mziMatrix(mzis[k]!, phaseRad[heaters.theta[k]!]!, phaseRad[heaters.phi[k]!]!, t)
    const [a, b, c, d, e, f, g, h] = t as unknown as [number, number, number, number, number, number, number, number]
    for (let upper = top * size, lower = upper + size, end = lower; upper < end; upper++, lower++) {
      const [ur, ui, lr, li] = [re[upper]!, im[upper]!, re[lower]!, im[lower]!]
      re[upper] = a * ur - b * ui + c * lr - d * li
      im[upper] = a * ui + b * ur + c * li + d * lr
      re[lower] = e * ur - f * ui + g * lr - h * li
      im[lower] = e * ui + f * ur + g * li + h * lr
    }
  }
}

/** Taps, then on each waveguide the phase shifter and the crossed output of the attenuating MZI. */
function attenuate(matrix: ComplexMatrix, chip: ChipTruth, phaseRad: Float64Array): void {
  const { size, re, im } = matrix
  const t = new Float64Array(8)
  for (let row = 0; row < size; row++) {
    const { theta, phi } = chip.layout.sigma
    mziMatrix(chip.sigma[row]!, phaseRad[theta[row]!]!, phaseRad[phi[row]!]!, t)
    const [gr, gi] = [t[4]! * chip.tapFieldRatio, t[5]! * chip.tapFieldRatio]
    for (let at = row * size; at < (row + 1) * size; at++) {
      const [fr, fi] = [re[at]!, im[at]!]
      re[at] = gr * fr - gi * fi
      im[at] = gr * fi + gi * fr
    }
  }
}
