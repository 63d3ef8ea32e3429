import type { ComplexMatrix } from '../fit/complex-matrix.ts'

/** One stop of the light: an MZI on two waveguides, or an attenuator that lets through one of them. */
export interface Stop {
  /** Its upper waveguide. */
  readonly top: number
  /** Light enters the upper waveguide and leaves from its lower output. */
  readonly single: boolean
}

/**
 * Light through the stops of a chip in turn, how it changes, and weights back through them.
 *
 * Shapes: numbers of a stop are re, im of 11, 12, 21, 22.
 */
export interface ChipSweeps {
  /** [stop][8]: what each does to the light. Filled in before `forward`. */
  readonly values: Float64Array
  /** [stop][8]: how much each of them changes. Filled in before `tangent`. */
  readonly changes: Float64Array
  /** [stop][8], from `backward`: Σ over inputs of weight·x*, x what entered the stop; only 21 of a single one. */
  readonly gradients: Float64Array
  /** The whole matrix. Leaves what the others need. */
  forward(): ComplexMatrix
  /** Change of the matrix of the last `forward`. */
  tangent(): ComplexMatrix
  /** Σ Re(weight_ij*·M_ij) of the last `forward`, by the stops' numbers: sets `gradients`. */
  backward(weight: ComplexMatrix): void
  /** What entered a stop's upper waveguide from each input, in the last `forward`. */
  entered(stop: number): { readonly re: Float64Array; readonly im: Float64Array }
}
