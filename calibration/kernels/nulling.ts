import type { ComplexMatrix } from '../fit/complex-matrix.ts'

/** What takes a unitary to a diagonal, and the diagonal. */
export interface NulledUnitary {
  /** [step][sin θ/2, cos θ/2, re, im of e^{−iφ}], diagonal by diagonal; the sine has the branch's sign. */
  readonly turns: Float64Array
  /** [port][re, im] */
  readonly diagonal: Float64Array
}

/** `signs` [step]: +1 for θ in 0…π, −1 for θ in −π…0. The unitary stays as it is; the turns are lent until the next call. */
export type NullUnitary = (unitary: ComplexMatrix, signs: Int8Array) => NulledUnitary
