import type { Frame, OpticalCore } from '../../core/optical-core.ts'
import { joinPasses, passCount, playedOn, sendRows } from '../numerics/passes.ts'
import type { Passes } from '../numerics/passes.ts'
import type { CutInputs, CutTile, RealMatrix } from './tile-product.ts'

/** Rows of A on their way through one tile, and what makes products of them again. */
export interface CodedFrame {
  readonly frame: Frame
  readonly cut: CutTile
  readonly inputs: CutInputs
  readonly passes: Passes
  /** Everything is sent this much weaker than it could be. */
  readonly gain: number
  /** [lane][slot]: of the last slice. */
  readonly fineScale: readonly Float64Array[]
}

/** Lane of a row within its frame, and its place among the rows of that lane. */
export const placeOfRow = (row: number, lanes: number): { lane: number; slot: number } => ({
  lane: row % lanes,
  slot: Math.floor(row / lanes),
})

/** Known inputs first, then the rows, dealt out to the lanes in turn. Shape of `probes`: [probe, input]. */
export function codeFrame(
  core: OpticalCore,
  cut: CutTile,
  inputs: CutInputs,
  { passes, probes, gain }: { readonly passes: Passes; readonly probes: Float64Array; readonly gain: number },
): CodedFrame {
  const { inputs: size } = core.shape
  const slots = Math.ceil(inputs.rows / core.lanes)
  // Nobody has to know what codes play as long as rows are sent once.
  const knowledge = passCount(passes) > 1 ? core.knowledge : undefined
  const fineScale: Float64Array[] = []
  const lanes = Array.from({ length: core.lanes }, (_, lane) => {
    const values = new Float64Array(slots * size)
    for (let row = lane; row < inputs.rows; row += core.lanes) {
      const [from, to] = [row * size, placeOfRow(row, core.lanes).slot * size]
      for (let i = 0; i < size; i++) values[to + i] = inputs.values[from + i]!
    }
    const weak = (vectors: Float64Array): Float64Array => (gain === 1 ? vectors : vectors.map((value) => gain * value))
    const sent = sendRows(weak(values), size, passes, playedOn(knowledge, lane))
    fineScale.push(sent.fineScale)
    const symbols = new Float64Array(probes.length + sent.symbols.length)
    symbols.set(weak(probes))
    symbols.set(sent.symbols, probes.length)
    return symbols
  })
  return { frame: { tile: cut.tile, lanes, probes: probes.length / size }, cut, inputs, passes, gain, fineScale }
}

/** Adds what a frame made of its rows to the product. Shape of `shared`: [lane][output], off all symbols alike. */
export function addProducts(
  product: RealMatrix,
  coded: CodedFrame,
  lanes: readonly Float64Array[],
  shared: readonly Float64Array[],
): void {
  const { frame, cut, inputs, passes, gain, fineScale } = coded
  const outputs = cut.scale.length
  const count = passCount(passes)
  for (let row = 0; row < inputs.rows; row++) {
    const { lane, slot } = placeOfRow(row, lanes.length)
    const results = lanes[lane]!
    const off = shared[lane]!
    const first = ((frame.probes ?? 0) + slot * count) * outputs
    const to = (inputs.firstRow + row) * product.columns + cut.firstColumn
    const scale = inputs.scale[row]!
    const fine = fineScale[lane]![slot]
    for (let output = 0; output < cut.columns; output++) {
      const joined = joinPasses(results, { first: first + output, step: outputs, off: off[output]! }, passes, fine)
      product.data[to + output]! += (joined / gain) * (scale * cut.scale[output]!)
    }
  }
}

/** Adds what zero points took off A and B: two sums, for light carries only what is left. */
export function addOffsets(product: RealMatrix, cut: CutTile, inputs: CutInputs): void {
  for (let row = 0; row < inputs.rows; row++) {
    const to = (inputs.firstRow + row) * product.columns + cut.firstColumn
    for (let output = 0; output < cut.columns; output++) {
      if (inputs.offset[row] !== 0) product.data[to + output]! += inputs.offset[row]! * cut.sum[output]!
      if (cut.offset[output] !== 0) product.data[to + output]! += cut.offset[output]! * inputs.sum[row]!
    }
  }
}
