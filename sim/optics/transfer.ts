import type { MziPlace } from '../../core/mesh-layout.ts'
import { bareWaveguides } from './bare-waveguides.ts'
import type { BareMesh } from './bare-waveguides.ts'
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

/**
 * Folds the chip into its transfer matrices. Shapes: `phaseRad` [heater]; `bareRad` [bare waveguide], nothing where they
 * stay cold.
 */
export function chipTransfer(chip: ChipTruth, phaseRad: Float64Array, bareRad: Float64Array = COLD): ChipTransfer {
  const { layout } = chip
  const warm = (mesh: 'first' | 'second'): WarmMesh | undefined =>
    bareRad.length === 0 ? undefined : { ...bareWaveguides(layout)[mesh], bareRad }
  const matrix = identity(layout.size)
  meshColumns(matrix, layout.mzis, chip.first, layout.first, phaseRad, warm('first'))
  const toTaps: ComplexMatrix = { size: layout.size, re: matrix.re.slice(), im: matrix.im.slice() }
  if (layout.design.form === 'unitary') return { toTaps, through: matrix }
  attenuate(matrix, chip, phaseRad)
  meshColumns(matrix, layout.mzis, chip.second, layout.second, phaseRad, warm('second'))
  return { toTaps, through: matrix }
}

const COLD = new Float64Array()

/** Bare waveguides of one mesh with the phases that they have. */
type WarmMesh = BareMesh & { readonly bareRad: Float64Array }

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
  warm: WarmMesh | undefined,
): void {
  const { size, re, im } = matrix
  const t = new Float64Array(8)
  let passed = 0
  for (const [k, { column, top }] of places.entries()) {
    const [theta, phi] = [phaseRad[heaters.theta[k]!]!, phaseRad[heaters.phi[k]!]!]
    if (warm === undefined) mziMatrix(mzis[k]!, theta, phi, t)
    else {
      while (passed < column) passBare(matrix, warm, passed++)
      const at = warm.lower[k]!
      const [besidePhi, besideTheta] = [warm.bareRad[at]!, warm.bareRad[at + 1]!]
      // diag(e^{iθ}, e^{ib}) is e^{ib} times diag(e^{i(θ−b)}, 1).
      mziMatrix(mzis[k]!, theta - besideTheta, phi - besidePhi, t)
      const [c, s] = turnOf(besidePhi + besideTheta)
      for (let i = 0; i < 8; i += 2) turn(t, t, i, i + 1, c, s)
    }
    const [a, b, c, d, e, f, g, h] = t as unknown as [number, number, number, number, number, number, number, number]
    for (let upper = top * size, lower = upper + size, end = lower; upper < end; upper++, lower++) {
      const [ur, ui, lr, li] = [re[upper]!, im[upper]!, re[lower]!, im[lower]!]
      re[upper] = a * ur - b * ui + c * lr - d * li
      im[upper] = a * ui + b * ur + c * li + d * lr
      re[lower] = e * ur - f * ui + g * lr - h * li
      im[lower] = e * ui + f * ur + g * li + h * lr
    }
  }
  if (warm !== undefined) while (passed < warm.passing.length) passBare(matrix, warm, passed++)
}

/** Waveguides that meet no interferometer in this column. No other of the column touches them. */
function passBare({ size, re, im }: ComplexMatrix, { passing, bareRad }: WarmMesh, column: number): void {
  for (const { row, bare } of passing[column]!) {
    const [c, s] = turnOf(bareRad[bare]! + bareRad[bare + 1]!)
    for (let at = row * size; at < (row + 1) * size; at++) turn(re, im, at, at, c, s)
  }
}

const turnOf = (rad: number): readonly [number, number] => [Math.cos(rad), Math.sin(rad)]

function turn(re: Float64Array, im: Float64Array, atRe: number, atIm: number, c: number, s: number): void {
  const [a, b] = [re[atRe]!, im[atIm]!]
  re[atRe] = c * a - s * b
  im[atIm] = s * a + c * b
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
