import { randomOrthogonal } from '../../steps/verification.ts'
import type { RandomStream } from '../../../core/random.ts'
import type { AwgrLayout } from '../../../core/awgr-layout.ts'

/** Any weights in −1…1 that the core can hold: circulant where all ports share one bank. */
export function randomWeights({ size, form }: AwgrLayout, random: RandomStream): Float64Array {
  if (form === 'per-port') return Float64Array.from({ length: size * size }, () => random.uniform(-1, 1))
  return circulant(Float64Array.from({ length: size }, () => random.uniform(-1, 1)))
}

/** Each row is the one before it, turned by one place. */
export function circulant(row: Float64Array): Float64Array {
  const size = row.length
  return Float64Array.from(
    { length: size * size },
    (_, at) => row[((at % size) - Math.floor(at / size) + size) % size]!,
  )
}

/** Orthogonal matrices that a bank can make. */
export const verificationMatrices = (form: AwgrLayout['form']): typeof randomOrthogonal =>
  form === 'shared' ? randomCirculantOrthogonal : randomOrthogonal

/** An orthogonal matrix that is circulant: a real spectrum of random phases. */
export function randomCirculantOrthogonal(size: number, random: RandomStream): Float64Array {
  const phases = new Float64Array(size)
  for (let k = 1; 2 * k < size; k++) phases[k] = random.uniform(0, 2 * Math.PI)
  for (let k = 1; 2 * k < size; k++) phases[size - k] = -phases[k]!
  return circulant(
    Float64Array.from({ length: size }, (_, n) => {
      let sum = 0
      for (let k = 0; k < size; k++) sum += Math.cos((2 * Math.PI * k * n) / size + phases[k]!)
      return sum / size
    }),
  )
}
