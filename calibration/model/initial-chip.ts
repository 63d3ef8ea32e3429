import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import { projectOnto, strongestRow } from '../fit/complex-vectors.ts'
import type { ComplexVector } from '../fit/complex-vectors.ts'
import { parameterBlocks } from './chip-parameters.ts'

/** What the fringes say of lane 0 with the attenuators open and every other heater cold. */
export interface FirstLook {
  /** Transfer matrix, both quadratures, in the phases of the local oscillators. */
  readonly matrix: ComplexMatrix
  /** [heater]: the part of the matrix that passes under this heater; it turns with the heater's phase, 0 at 0 V. */
  readonly under: readonly ComplexMatrix[]
  /** [waveguide] phase of each open attenuator's MZI at 0 V, and its voltage. */
  readonly attenuatorRad: Float64Array
  readonly attenuatorV: Float64Array
  /** [heater] */
  readonly radPerV2: Float64Array
}

/**
 * A first guess of all phases of the chip, column by column along the light.
 *
 * What passes under one heater is an outer product: light from the inputs to that spot, times light from that spot to
 * the outputs. So each fringe hands out the field row r at its heater, up to a factor. Inside an MZI,
 * r_θ ∝ e^{iφ}·r_top + i·r_bottom gives φ; behind it, the next heater's row T·r gives θ with its sign. Nothing is
 * nulled and no error grows on the way: rows are only split over the rows before them.
 *
 * Shapes: the result is a parameter vector as in `parameterBlocks`; splitters ideal, port phases of lane 0's inputs 0.
 */
export function guessChip(layout: SvdCoreLayout, look: FirstLook): Float64Array {
  const { size } = layout
  const blocks = parameterBlocks(layout)
  const parameters = new Float64Array(blocks.count)
  parameters.set(look.radPerV2, blocks.radPerV2)
  parameters[blocks.logNeighbour] = Math.log(0.005)
  parameters[blocks.logMziField] = Math.log(0.99)
  const gains = portGains(look.matrix)
  const rows = Array.from({ length: size }, (_, port): ComplexVector => {
    const row = { re: new Float64Array(size), im: new Float64Array(size) }
    row.re[port] = gains.input[port]!
    return row
  })
  const field = (heater: number): ComplexVector => strongestRow(look.under[heater]!)

  solveMesh(layout, 'first', rows, field, (waveguide) => field(layout.sigma.phi[waveguide]!), parameters)
  for (const [waveguide, heater] of layout.sigma.theta.entries()) {
    const offset = look.attenuatorRad[waveguide]!
    parameters[blocks.offset + heater] = offset
    // An MZI seen from its upper input to its lower output: i·e^{iθ/2}·cos(θ/2).
    const half = (offset + look.radPerV2[heater]! * look.attenuatorV[waveguide]! ** 2) / 2
    scale(rows[waveguide]!, -Math.sin(half) * Math.cos(half), Math.cos(half) ** 2)
  }
  solveMesh(layout, 'second', rows, field, (port) => rowOf(look.matrix, port), parameters)

  for (let port = 0; port < size; port++) {
    const seen = rowOf(look.matrix, port)
    const { re, im } = innerProduct(rows[port]!, seen)
    parameters[blocks.offset + layout.lo[0]![port]!] = -Math.atan2(im, re)
    parameters[blocks.logIn + port] = Math.log(gains.input[port]!)
    parameters[blocks.logOut + port] = Math.log(Math.hypot(re, im) / innerProduct(rows[port]!, rows[port]!).re)
  }
  return parameters
}

/** Finds φ and θ of one mesh, column by column, and takes `rows` from its inputs to its outputs. */
function solveMesh(
  layout: SvdCoreLayout,
  mesh: 'first' | 'second',
  rows: ComplexVector[],
  field: (heater: number) => ComplexVector,
  behind: (waveguide: number) => ComplexVector,
  parameters: Float64Array,
): void {
  const { size, mzis } = layout
  const { theta, phi } = layout[mesh]
  const { offset } = parameterBlocks(layout)
  // One before the end for two ports, which have one MZI.
  const lastColumn = mzis.at(-1)!.column
  const at = (column: number, top: number): number =>
    mzis.findIndex((place) => place.column === column && place.top === top)
  for (let column = 0; column < size; column++) {
    const found: { k: number; top: number; thetaRad: number; phiRad: number }[] = []
    for (const [k, place] of mzis.entries()) {
      if (place.column !== column) continue
      const { top } = place
      const pair = [rows[top]!, rows[top + 1]!]
      const [a, b] = projectOnto(field(theta[k]!), pair)
      // a/b = e^{iφ}/i
      const phiRad = Math.atan2(a!.im, a!.re) - Math.atan2(b!.im, b!.re) + Math.PI / 2
      found.push({ k, top, phiRad, thetaRad: internalPhase(top, phiRad, column) })
    }
    for (const { k, top, thetaRad, phiRad } of found) {
      parameters[offset + theta[k]!] = thetaRad
      parameters[offset + phi[k]!] = phiRad
      passMzi(rows[top]!, rows[top + 1]!, thetaRad, phiRad)
    }
  }

  /** θ from how the light behind the MZI is made of the light before it. */
  function internalPhase(top: number, phiRad: number, column: number): number {
    const pair = [rows[top]!, rows[top + 1]!]
    if (column === lastColumn) return lowerOutput(projectOnto(behind(top + 1), pair), phiRad)
    const below = at(column + 1, top + 1)
    if (below >= 0) return lowerOutput(projectOnto(field(phi[below]!), pair), phiRad)
    // Nothing sits on the lower output; the upper one is the lower input of the next MZI, mixed with its neighbour.
    const above = at(column + 1, top - 1)
    const others = [rows[top - 1]!, ...(top >= 2 ? [rows[top - 2]!] : [])]
    return upperOutput(projectOnto(field(theta[above]!), [...pair, ...others]), phiRad)
  }
}

interface Coefficient {
  readonly re: number
  readonly im: number
}

/** (T21, T22) ∝ (e^{iφ} cos(θ/2), −sin(θ/2)) */
function lowerOutput([a, b]: readonly Coefficient[], phiRad: number): number {
  const { cross, difference } = compare(a!, b!, phiRad)
  return Math.atan2(-2 * cross, difference)
}

/** (T11, T12) ∝ (e^{iφ} sin(θ/2), cos(θ/2)) */
function upperOutput([a, b]: readonly Coefficient[], phiRad: number): number {
  const { cross, difference } = compare(a!, b!, phiRad)
  return Math.atan2(2 * cross, -difference)
}

/** Re(a·e^{−iφ}·b*) and |a|² − |b|² */
function compare(a: Coefficient, b: Coefficient, phiRad: number): { cross: number; difference: number } {
  const [c, s] = [Math.cos(phiRad), Math.sin(phiRad)]
  const [re, im] = [a.re * c + a.im * s, a.im * c - a.re * s]
  return { cross: re * b.re + im * b.im, difference: re * re + im * im - b.re ** 2 - b.im ** 2 }
}

/** Lets two rows pass an ideal MZI, i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]. */
function passMzi(top: ComplexVector, bottom: ComplexVector, theta: number, phi: number): void {
  const [s, c] = [Math.sin(theta / 2), Math.cos(theta / 2)]
  const [cp, sp] = [Math.cos(phi), Math.sin(phi)]
  const [gr, gi] = [-Math.sin(theta / 2), Math.cos(theta / 2)]
  for (let i = 0; i < top.re.length; i++) {
    const [ur, ui] = [top.re[i]! * cp - top.im[i]! * sp, top.re[i]! * sp + top.im[i]! * cp]
    const [lr, li] = [bottom.re[i]!, bottom.im[i]!]
    const [tr, ti] = [s * ur + c * lr, s * ui + c * li]
    const [br, bi] = [c * ur - s * lr, c * ui - s * li]
    top.re[i] = gr * tr - gi * ti
    top.im[i] = gr * ti + gi * tr
    bottom.re[i] = gr * br - gi * bi
    bottom.im[i] = gr * bi + gi * br
  }
}

const BALANCING_ROUNDS = 200

/**
 * Field gains of the ports from the powers of a matrix that is unitary but for them: its powers are scaled until all
 * rows and columns sum to one. Source: Sinkhorn and Knopp, Pacific J. Math. 21, 343 (1967).
 */
function portGains({ size, re, im }: ComplexMatrix): { input: Float64Array; output: Float64Array } {
  const input = new Float64Array(size).fill(1)
  const output = new Float64Array(size).fill(1)
  const power = re.map((value, i) => value * value + im[i]! ** 2)
  for (let round = 0; round < BALANCING_ROUNDS; round++) {
    for (let row = 0; row < size; row++) {
      let sum = 0
      for (let c = 0; c < size; c++) sum += power[row * size + c]! / input[c]!
      output[row] = sum
    }
    for (let c = 0; c < size; c++) {
      let sum = 0
      for (let row = 0; row < size; row++) sum += power[row * size + c]! / output[row]!
      input[c] = sum
    }
  }
  return { input: input.map(Math.sqrt), output: output.map(Math.sqrt) }
}

function rowOf({ size, re, im }: ComplexMatrix, row: number): ComplexVector {
  return { re: re.slice(row * size, (row + 1) * size), im: im.slice(row * size, (row + 1) * size) }
}

/** Σ conj(left)·right */
function innerProduct(left: ComplexVector, right: ComplexVector): Coefficient {
  let [re, im] = [0, 0]
  for (let i = 0; i < left.re.length; i++) {
    re += left.re[i]! * right.re[i]! + left.im[i]! * right.im[i]!
    im += left.re[i]! * right.im[i]! - left.im[i]! * right.re[i]!
  }
  return { re, im }
}

function scale(row: ComplexVector, re: number, im: number): void {
  for (let i = 0; i < row.re.length; i++) {
    const [a, b] = [row.re[i]!, row.im[i]!]
    row.re[i] = re * a - im * b
    row.im[i] = re * b + im * a
  }
}
