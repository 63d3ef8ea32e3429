import type { SvdCoreLayout } from '../../core/mesh-layout.ts'
import type { ChipReading } from '../steps/chip-readings.ts'
import { ChipModel } from './chip-model.ts'

const SWEEPS = 30

/**
 * First guess of the port phases of one more lane, the chip being known from another.
 *
 * Every reading is Re(e^{i(ψ_j − λ_i)}·z_ij) with z_ij known at that setting. For fixed ψ the best λ_i is a linear
 * least-squares problem in cos λ_i and sin λ_i, and the other way round; the two are solved in turn. ψ starts from the
 * ratio of columns at one output.
 *
 * Leaves: offsets of the lane's trimmers and local oscillators in `parameters`.
 */
export function alignLanePhases(
  layout: SvdCoreLayout,
  parameters: Float64Array,
  readings: readonly ChipReading[],
  lane: number,
): void {
  const { size } = layout
  const known = predictFields(layout, parameters, readings, lane)
  const psi = new Float64Array(size)
  const lambda = new Float64Array(size)
  // Output 0 defines the phases: ψ_j − λ_0 of each column by itself.
  for (let j = 0; j < size; j++)
    psi[j] = bestPhase(readings, known, size, lane, (i, k) => (i === 0 && k === j ? 0 : undefined))
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let i = 0; i < size; i++) {
      lambda[i] = -bestPhase(readings, known, size, lane, (at, j) => (at === i ? psi[j]! : undefined))
    }
    for (let j = 0; j < size; j++) {
      psi[j] = bestPhase(readings, known, size, lane, (i, at) => (at === j ? -lambda[i]! : undefined))
    }
  }
  const { blocks } = new ChipModel(layout)
  for (let port = 0; port < size; port++) {
    parameters[blocks.offset + layout.input[lane]![port]!] = psi[port]!
    parameters[blocks.offset + layout.lo[lane]![port]!] = lambda[port]!
  }
}

/** Per reading, what each element would be as a complex number with the lane's own offsets at 0; re and im in turn. */
function predictFields(
  layout: SvdCoreLayout,
  parameters: Float64Array,
  readings: readonly ChipReading[],
  lane: number,
): Float64Array[] {
  const model = new ChipModel(layout)
  const { size } = layout
  const bare = Float64Array.from(parameters)
  for (const heater of [...layout.input[lane]!, ...layout.lo[lane]!]) bare[model.blocks.offset + heater] = 0
  const crosstalk = model.crosstalk(bare)
  return readings.map(({ voltagesV }) => {
    const phases = model.phases(bare, crosstalk, voltagesV)
    const { re, im } = model.transfer(bare, phases)
    const fields = new Float64Array(2 * size * size)
    for (let element = 0; element < size * size; element++) {
      const [i, j] = [Math.floor(element / size), element % size]
      const gain = Math.exp(bare[model.blocks.logOut + lane * size + i]! + bare[model.blocks.logIn + lane * size + j]!)
      const turn = phases[layout.input[lane]![j]!]! - phases[layout.lo[lane]![i]!]!
      const [c, s] = [gain * Math.cos(turn), gain * Math.sin(turn)]
      fields[2 * element] = c * re[element]! - s * im[element]!
      fields[2 * element + 1] = c * im[element]! + s * re[element]!
    }
    return fields
  })
}

/** The phase χ that best makes Re(e^{i(χ + rest)}·z) the readings, over the elements for which `rest` is given. */
function bestPhase(
  readings: readonly ChipReading[],
  known: readonly Float64Array[],
  size: number,
  lane: number,
  rest: (output: number, input: number) => number | undefined,
): number {
  let [cc, cs, ss, cy, sy] = [0, 0, 0, 0, 0]
  for (let output = 0; output < size; output++) {
    for (let input = 0; input < size; input++) {
      const turn = rest(output, input)
      if (turn === undefined) continue
      const element = output * size + input
      const [c, s] = [Math.cos(turn), Math.sin(turn)]
      for (const [r, { lanes }] of readings.entries()) {
        const [re, im] = [known[r]![2 * element]!, known[r]![2 * element + 1]!]
        const inPhase = c * re - s * im
        const quadrature = -(c * im + s * re)
        const y = lanes[lane]![element]!
        cc += inPhase * inPhase
        cs += inPhase * quadrature
        ss += quadrature * quadrature
        cy += inPhase * y
        sy += quadrature * y
      }
    }
  }
  const det = cc * ss - cs * cs
  return Math.atan2((cc * sy - cs * cy) / det, (ss * cy - cs * sy) / det)
}
