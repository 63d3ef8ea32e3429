import { SingularValueDecomposition, Matrix } from 'ml-matrix'
import { WEIGHT_HEADROOM } from '../../core/mesh-design.ts'
import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import { complexFromReal } from '../fit/complex-matrix.ts'
import type { ChipModel } from './chip-model.ts'
import { clementsPhases } from './clements.ts'
import type { MeshPhases } from './local-correction.ts'
import { meshPhases } from './mesh-phases.ts'
import { perfectSplitters } from './mzi-match.ts'
import { orthogonalScale } from './orthogonal-weights.ts'

/** Where the polish of a tile begins. */
export interface TileStart {
  /** θ and φ of V†, Σ and U in the order of `coreHeaters`, then λ of each output. */
  readonly start: Float64Array
  /** [output] The chip is asked to make weights × this, before the gains of the ports. */
  readonly fieldPerWeight: Float64Array
}

/**
 * Phases with which a chip without splitter errors would make these weights.
 *
 * Shapes: `weights` is [output, input] row-major.
 * Throws: RANGE_EXCEEDED when a unitary core is asked for weights that are not orthogonal.
 */
export function startFor(model: ChipModel, parameters: Float64Array, weights: Float64Array): TileStart {
  return model.layout.design.form === 'svd'
    ? svdStart(model, parameters, weights)
    : unitaryStart(model, parameters, weights)
}

/** [output] The field that `startFor` asks of the chip for a weight of 1, without phases for it. */
export function fieldPerWeight(model: ChipModel, parameters: Float64Array, weights: Float64Array): Float64Array {
  const { layout } = model
  if (layout.design.form !== 'svd') return unitaryStart(model, parameters, weights).fieldPerWeight
  const valuesOnly = { computeLeftSingularVectors: false, computeRightSingularVectors: false, autoTranspose: false }
  const { diagonal } = new SingularValueDecomposition(Matrix.from1DArray(layout.size, layout.size, weights), valuesOnly)
  const reach = reachOf(model, parameters)
  return new Float64Array(layout.size).fill(diagonal[0]! > 0 ? reach / diagonal[0]! : reach)
}

/** Every MZI on the longest way, and the attenuator. */
const reachOf = ({ layout, blocks }: ChipModel, parameters: Float64Array): number =>
  WEIGHT_HEADROOM * Math.exp(parameters[blocks.logMziField]! * (2 * layout.columns + 1))

/** Singular values in the attenuators, their vectors in the meshes. */
function svdStart(model: ChipModel, parameters: Float64Array, weights: Float64Array): TileStart {
  const { layout } = model
  const { size } = layout
  const svd = new SingularValueDecomposition(Matrix.from1DArray(size, size, weights), { autoTranspose: false })
  const largest = svd.diagonal[0]!
  const reach = reachOf(model, parameters)
  const second = idealPhases(layout, svd.leftSingularVectors)
  const first = idealPhases(layout, svd.rightSingularVectors.transpose())
  const sigmaTheta = svd.diagonal.map((value) => 2 * Math.acos(largest > 0 ? (WEIGHT_HEADROOM * value) / largest : 0))
  const sigmaPhi = sigmaTheta.map((theta, k) => first.outputRad[k]! - theta / 2 - Math.PI / 2)
  const start = Float64Array.from([
    ...first.phiRad,
    ...first.thetaRad,
    ...sigmaPhi,
    ...sigmaTheta,
    ...second.phiRad,
    ...second.thetaRad,
    // M = diag(e^{i·output})·T…: the local oscillator follows what the mesh leaves out.
    ...second.outputRad.map((phase) => -phase),
  ])
  return { start, fieldPerWeight: new Float64Array(size).fill(largest > 0 ? reach / largest : reach) }
}

/** Nothing in a single mesh can be turned down: its weights are as strong as what the losses to each output leave over. */
function unitaryStart(model: ChipModel, parameters: Float64Array, weights: Float64Array): TileStart {
  const { layout } = model
  const { size, first } = layout
  const scale = orthogonalScale(weights, size)
  const matrix = Matrix.from1DArray(
    size,
    size,
    weights.map((weight) => weight / scale),
  )
  const { phiRad, thetaRad, outputRad } = idealPhases(layout, matrix)
  const phases = new Float64Array(layout.heaters.length)
  for (const [k, heater] of first.phi.entries()) phases[heater] = phiRad[k]!
  for (const [k, heater] of first.theta.entries()) phases[heater] = thetaRad[k]!
  const { re, im } = model.transfer(parameters, phases)
  const rowOf = (values: Float64Array, output: number): Float64Array =>
    values.subarray(output * size, (output + 1) * size)
  const left = Float64Array.from({ length: size }, (_, output) =>
    Math.hypot(...rowOf(re, output), ...rowOf(im, output)),
  )
  const start = Float64Array.from([...phiRad, ...thetaRad, ...outputRad.map((phase) => -phase)])
  return { start, fieldPerWeight: left.map((level) => level / scale) }
}

function idealPhases({ size, design, mzis }: SvdCoreLayout, orthogonal: Matrix): MeshPhases {
  const unitary = complexFromReal(size, Float64Array.from(orthogonal.to1DArray()))
  if (design.arrangement === 'clements') return clementsPhases(unitary)
  const splitters = perfectSplitters('plain')
  return meshPhases(
    unitary,
    design.arrangement,
    mzis.map(() => splitters),
  )
}
