import type { ComplexMatrix } from '../../calibration/fit/complex-matrix.ts'
import type { MeshPhases } from '../../calibration/model/local-correction.ts'
import type { Splitters } from '../../calibration/model/mzi-match.ts'
import type { MeshDesign } from '../../core/mesh-design.ts'
import { meshCoreLayout, meshPlaces } from '../../core/mesh-layout.ts'
import type { MziPlace } from '../../core/mesh-layout.ts'
import { fabricateChip } from '../../sim/optics/chip.ts'
import type { ChipTruth } from '../../sim/optics/chip.ts'
import { MESH_PARAMETERS } from '../../sim/optics/parameters/mesh-parameters.ts'
import type { MeshImperfections } from '../../sim/optics/parameters/mesh-parameters.ts'
import { valuesOf } from '../../sim/optics/parameters/parameter.ts'
import { chipTransfer } from '../../sim/optics/transfer.ts'
import { haarUnitary } from '../kernels/clements-figures.ts'

/** One lossless chip of the twin, and a random unitary that it is asked for. */
export interface MeshTrial {
  readonly unitary: ComplexMatrix
  readonly chip: ChipTruth
  readonly places: readonly MziPlace[]
  /** [mzi]: what the twin hides and a law takes as known. */
  readonly splitters: readonly Splitters[]
}

/** `alike`: both splitters of an MZI are off by the same angle, as a wrong etch depth or wavelength makes them. */
export function meshTrial(
  size: number,
  seed: number,
  { alike = false, ...design }: Pick<MeshDesign, 'arrangement' | 'mzi'> & { readonly alike?: boolean },
  imperfections: Partial<MeshImperfections>,
): MeshTrial {
  const layout = meshCoreLayout(size, 1, { ...design, form: 'unitary' })
  const lossless = { mziLossDb: 0, mziLossSpreadDb: 0, splitterSigmaRad: 0, ...imperfections }
  const chip = fabricateChip(layout, valuesOf(MESH_PARAMETERS, lossless), seed)
  const first = alike ? chip.first.map((mzi) => ({ ...mzi, betaRad: mzi.alphaRad })) : chip.first
  const places = meshPlaces(size, design.arrangement)
  return { unitary: haarUnitary(size, seed), chip: { ...chip, first }, places, splitters: first }
}

/** What the chip makes of these phases, screen included. */
export function madeBy({ chip }: MeshTrial, { thetaRad, phiRad, outputRad }: MeshPhases): ComplexMatrix {
  const { layout } = chip
  const phases = new Float64Array(layout.heaters.length)
  for (const [k, heater] of layout.first.theta.entries()) phases[heater] = thetaRad[k]!
  for (const [k, heater] of layout.first.phi.entries()) phases[heater] = phiRad[k]!
  const { size, re, im } = chipTransfer(chip, phases).through
  for (let at = 0; at < re.length; at++) {
    const screen = outputRad[Math.floor(at / size)]!
    const [c, s] = [Math.cos(screen), Math.sin(screen)]
    const [a, b] = [re[at]!, im[at]!]
    re[at] = a * c - b * s
    im[at] = a * s + b * c
  }
  return { size, re, im }
}

/** E = ‖U_made − U‖_F / √N. */
export function matrixError(made: ComplexMatrix, wanted: ComplexMatrix): number {
  let sum = 0
  for (const [at, re] of made.re.entries()) sum += (re - wanted.re[at]!) ** 2 + (made.im[at]! - wanted.im[at]!) ** 2
  return Math.sqrt(sum / made.size)
}

/** F = |tr(U†·U_made)|² / N². */
export function fidelity(made: ComplexMatrix, wanted: ComplexMatrix): number {
  let [re, im] = [0, 0]
  for (let at = 0; at < made.re.length; at++) {
    const [a, b, c, d] = [wanted.re[at]!, wanted.im[at]!, made.re[at]!, made.im[at]!]
    re += a * c + b * d
    im += a * d - b * c
  }
  return (re * re + im * im) / made.size ** 2
}
