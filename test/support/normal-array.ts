import { RandomStream } from '../../core/random.ts'
import { DenseArray, elementCount } from '../../orchestrator/arrays/dense-array.ts'

const SEED = 7

/** Normal numbers, others for each name. */
export function normalArray(name: string, shape: readonly number[], isComplex = false): DenseArray {
  const random = new RandomStream(SEED, name)
  const count = elementCount(shape) * (isComplex ? 2 : 1)
  const data = Float64Array.from({ length: count }, () => random.normal())
  return new DenseArray(name, shape, isComplex, data)
}
