import { complexZeros } from '../fit/complex-matrix.ts'
import type { ComplexMatrix } from '../fit/complex-matrix.ts'
import type { RandomStream } from '../../core/random.ts'

/** Haar-distributed, by Gram–Schmidt on complex normal numbers. */
export function randomUnitary(size: number, random: RandomStream): ComplexMatrix {
  const { re, im } = complexZeros(size)
  for (let i = 0; i < size * size; i++) [re[i], im[i]] = [random.normal(), random.normal()]
  for (let row = 0; row < size; row++) {
    const at = row * size
    for (let before = 0; before < row; before++) {
      const from = before * size
      let [sr, si] = [0, 0]
      for (let k = 0; k < size; k++) {
        sr += re[from + k]! * re[at + k]! + im[from + k]! * im[at + k]!
        si += re[from + k]! * im[at + k]! - im[from + k]! * re[at + k]!
      }
      for (let k = 0; k < size; k++) {
        re[at + k]! -= re[from + k]! * sr - im[from + k]! * si
        im[at + k]! -= re[from + k]! * si + im[from + k]! * sr
      }
    }
    const norm = Math.hypot(...re.subarray(at, at + size), ...im.subarray(at, at + size))
    for (let k = 0; k < size; k++) {
      re[at + k]! /= norm
      im[at + k]! /= norm
    }
  }
  return { size, re, im }
}
