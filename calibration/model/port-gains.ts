import type { ComplexMatrix } from '../fit/complex-matrix.ts'

/** [port] field gains. */
export interface PortGains {
  readonly input: Float64Array
  readonly output: Float64Array
}

const BALANCING_ROUNDS = 200

/**
 * Field gains of the ports from the powers of a matrix that is unitary but for them: its powers are scaled until all
 * rows and columns sum to one. Source: Sinkhorn and Knopp, Pacific J. Math. 21, 343 (1967).
 */
export function portGains({ size, re, im }: ComplexMatrix): PortGains {
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
