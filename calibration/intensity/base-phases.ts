import { fitSharedFringe } from '../fit/fringe.ts'
import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexVector } from './complex-vectors.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'

/** One heater swept from where all others are, every input lit alone in turn. */
export interface WholeFringe {
  /** [point] V² of the heater beyond where the base matrix was read; the first is 0. */
  readonly voltagesSquared: Float64Array
  /** [point] of [output, input]: powers in units that make all rows and columns of the base sum to one. */
  readonly powers: readonly Float64Array[]
}

/** Light that passes under one heater, against the light that does not: M = a + b·e^{iδ}, b of rank one. */
interface SplitLight {
  /** [output, input] arg b − arg M, and how far it is to be trusted. */
  readonly phaseRad: Float64Array
  readonly weight: Float64Array
  /** |b| */
  readonly amplitude: Float64Array
}

const ROOT_ROUNDS = 20
const PHASE_ROUNDS = 60
const POWER_ROUNDS = 30

/** Where the fit of a base matrix starts (`fitBase`). */
export interface BaseStart {
  /** Up to phases of rows and columns. */
  readonly fields: ComplexMatrix
  /** [heater] what the light under it brings to the outputs, of length one. */
  readonly passing: readonly ComplexVector[]
}

/**
 * Phases of all elements of a matrix of which only powers are seen, up to phases of its rows and of its columns.
 *
 * Under a heater passes b_ij = l_i·r_j of an element, of rank one: its fringe |a + b·e^{iδ}|² shows |a|, |b| and the
 * angle between them, so arg M_ij = arg l_i + arg r_j − (arg b_ij − arg M_ij). Several heaters cover what one leaves dark.
 *
 * Shapes: `base` is [output, input] powers. `radPerV2`: range in which the heaters' frequencies are looked for.
 */
export function basePhases(
  size: number,
  base: Float64Array,
  fringes: readonly WholeFringe[],
  radPerV2: { readonly min: number; readonly max: number },
): BaseStart {
  const lights = fringes.map((fringe) => splitLight(size, base, fringe, radPerV2))
  let phases = lights[0]!.phaseRad.map((rad) => -rad)
  let screens: Screens[] = []
  for (let round = 0; round < 8; round++) {
    screens = lights.map((light) => alignScreens(size, phases, light))
    const sumRe = new Float64Array(size * size)
    const sumIm = new Float64Array(size * size)
    for (const [h, { phaseRad, weight }] of lights.entries()) {
      const { rowRad, columnRad } = screens[h]!
      for (let at = 0; at < sumRe.length; at++) {
        const rad = rowRad[Math.floor(at / size)]! + columnRad[at % size]! - phaseRad[at]!
        sumRe[at]! += weight[at]! * Math.cos(rad)
        sumIm[at]! += weight[at]! * Math.sin(rad)
      }
    }
    phases = sumRe.map((re, at) => Math.atan2(sumIm[at]!, re))
  }
  const matrix = complexZeros(size)
  for (let at = 0; at < phases.length; at++) {
    const amplitude = Math.sqrt(Math.max(0, base[at]!))
    matrix.re[at] = amplitude * Math.cos(phases[at]!)
    matrix.im[at] = amplitude * Math.sin(phases[at]!)
  }
  return { fields: matrix, passing: lights.map((light) => passingLight(size, phases, light)) }
}

/** l of b_ij = l_i·r_j, by powers of b·b†. */
function passingLight(size: number, phases: Float64Array, { amplitude, phaseRad }: SplitLight): ComplexVector {
  const none = (): ComplexVector => ({ re: new Float64Array(size), im: new Float64Array(size) })
  const b = {
    re: amplitude.map((a, at) => a * Math.cos(phases[at]! + phaseRad[at]!)),
    im: amplitude.map((a, at) => a * Math.sin(phases[at]! + phaseRad[at]!)),
  }
  let l = none()
  l.re.fill(1 / Math.sqrt(size))
  for (let round = 0; round < POWER_ROUNDS; round++) {
    const next = none()
    for (let j = 0; j < size; j++) {
      let [wr, wi] = [0, 0]
      for (let i = 0; i < size; i++) {
        const at = i * size + j
        wr += b.re[at]! * l.re[i]! + b.im[at]! * l.im[i]!
        wi += b.re[at]! * l.im[i]! - b.im[at]! * l.re[i]!
      }
      for (let i = 0; i < size; i++) {
        const at = i * size + j
        next.re[i]! += b.re[at]! * wr - b.im[at]! * wi
        next.im[i]! += b.re[at]! * wi + b.im[at]! * wr
      }
    }
    const norm = Math.hypot(...next.re, ...next.im) || 1
    l = { re: next.re.map((v) => v / norm), im: next.im.map((v) => v / norm) }
  }
  return l
}

function splitLight(
  size: number,
  base: Float64Array,
  { voltagesSquared, powers }: WholeFringe,
  radPerV2: { readonly min: number; readonly max: number },
): SplitLight {
  const channels = Array.from(base, (_, at) => Float64Array.from(powers, (point) => point[at]!))
  const fringe = fitSharedFringe(voltagesSquared, channels, radPerV2)
  const small = new Float64Array(base.length)
  const large = new Float64Array(base.length)
  for (const [at, { mean, cos, sin }] of fringe.channels.entries()) {
    // |a|² and |b|² have this sum and this product.
    const product = (cos * cos + sin * sin) / 4
    const half = Math.max(0, mean) / 2
    const root = Math.sqrt(Math.max(0, half * half - product))
    small[at] = half - root
    large[at] = half + root
  }
  const shares = rankOneShares(size, small, large)
  const phaseRad = new Float64Array(base.length)
  const weight = new Float64Array(base.length)
  for (const [at, { cos, sin }] of fringe.channels.entries()) {
    // b·M* = b·a* + |b|²; cos and sin are 2·Re and −2·Im of a*·b.
    const [re, im] = [cos / 2 + shares[at]!, -sin / 2]
    phaseRad[at] = Math.atan2(im, re)
    weight[at] = Math.hypot(re, im)
  }
  return { phaseRad, weight, amplitude: shares.map(Math.sqrt) }
}

/** |b|², of the two roots of each element the one nearer to a product of an output's and an input's share. */
function rankOneShares(size: number, small: Float64Array, large: Float64Array): Float64Array {
  const rows = new Float64Array(size)
  const columns = new Float64Array(size).fill(1)
  const chosen = small.slice()
  for (let round = 0; round < ROOT_ROUNDS; round++) {
    for (const [to, from, stepTo, stepFrom] of [
      [rows, columns, size, 1],
      [columns, rows, 1, size],
    ] as const) {
      const power = from.reduce((sum, value) => sum + value * value, 0)
      for (let i = 0; i < size; i++) {
        let sum = 0
        for (let j = 0; j < size; j++) sum += chosen[i * stepTo + j * stepFrom]! * from[j]!
        to[i] = sum / power
      }
    }
    for (let at = 0; at < chosen.length; at++) {
      const product = rows[Math.floor(at / size)]! * columns[at % size]!
      chosen[at] = Math.abs(product - small[at]!) <= Math.abs(product - large[at]!) ? small[at]! : large[at]!
    }
  }
  return chosen
}

interface Screens {
  readonly rowRad: Float64Array
  readonly columnRad: Float64Array
}

/** Row and column phases with which one heater's light agrees best with known phases. */
function alignScreens(size: number, phases: Float64Array, { phaseRad, weight }: SplitLight): Screens {
  const rowRad = new Float64Array(size)
  const columnRad = new Float64Array(size)
  for (let round = 0; round < PHASE_ROUNDS; round++) {
    for (const [to, from, stepTo, stepFrom] of [
      [rowRad, columnRad, size, 1],
      [columnRad, rowRad, 1, size],
    ] as const) {
      for (let i = 0; i < size; i++) {
        let [re, im] = [0, 0]
        for (let j = 0; j < size; j++) {
          const at = i * stepTo + j * stepFrom
          const rad = phases[at]! + phaseRad[at]! - from[j]!
          re += weight[at]! * Math.cos(rad)
          im += weight[at]! * Math.sin(rad)
        }
        to[i] = Math.atan2(im, re)
      }
    }
  }
  return { rowRad, columnRad }
}
