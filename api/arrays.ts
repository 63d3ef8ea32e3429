import { BenchError } from '../core/errors.ts'
import { DenseArray, elementCount } from '../orchestrator/arrays/dense-array.ts'

/** Numbers of any real type that converts to float64 without loss. */
export type Numbers =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | readonly number[]

/**
 * A matrix in memory, or matrices side by side.
 *
 * Shapes: [...leading, rows, columns], row-major. Complex elements are pairs of numbers, real part first.
 */
export interface NumericArray<Data = Numbers> {
  readonly shape: readonly number[]
  readonly data: Data
  /** Left out: real. */
  readonly isComplex?: boolean
}

/** Throws: ARRAY_FILE_INVALID naming the element that is not finite; SHAPE_MISMATCH where data and shape differ. */
export function denseArray(name: string, { shape, data, isComplex = false }: NumericArray): DenseArray {
  if (!shape.every((size) => Number.isSafeInteger(size) && size > 0) || shape.length < 2) {
    const right = 'give at least two dimensions, each a whole number from 1 on'
    throw new BenchError('SHAPE_MISMATCH', `${name} has shape [${shape.join(', ')}]; ${right}`)
  }
  const expected = elementCount(shape) * (isComplex ? 2 : 1)
  if (data.length !== expected) {
    const right = `${shape.join(' × ')}${isComplex ? ' complex' : ''} elements are ${expected} numbers`
    throw new BenchError('SHAPE_MISMATCH', `${name} holds ${data.length} numbers; ${right}`)
  }
  // A copy: the job must not see what its caller does to the array meanwhile.
  const values = Float64Array.from(data)
  const bad = values.findIndex((value) => !Number.isFinite(value))
  if (bad === -1) return new DenseArray(name, shape, isComplex, values)
  throw new BenchError('ARRAY_FILE_INVALID', `${name} number ${bad} is ${values[bad]}; every number must be finite`, {
    context: { number: bad },
  })
}
