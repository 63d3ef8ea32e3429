import { Matrix, solve } from 'ml-matrix'
import type { ComplexMatrix } from './complex-matrix.ts'

export interface ComplexVector {
  readonly re: Float64Array
  readonly im: Float64Array
}

const POWER_ROUNDS = 12

/**
 * The row r of the outer product l·rᵀ that comes nearest to a matrix, by power iteration.
 *
 * Scale and phase of r are arbitrary.
 */
export function strongestRow({ size, re, im }: ComplexMatrix): ComplexVector {
  let row = { re: new Float64Array(size), im: new Float64Array(size) }
  let strongest = 0
  for (let i = 0; i < size; i++) {
    let power = 0
    for (let j = 0; j < size; j++) power += re[i * size + j]! ** 2 + im[i * size + j]! ** 2
    if (power <= strongest) continue
    strongest = power
    row = { re: re.slice(i * size, (i + 1) * size), im: im.slice(i * size, (i + 1) * size) }
  }
  for (let round = 0; round < POWER_ROUNDS; round++) {
    const next = { re: new Float64Array(size), im: new Float64Array(size) }
    let norm = 0
    for (let i = 0; i < size; i++) {
      // How much of the row is in line i, then that much of the line.
      let [cr, ci] = [0, 0]
      for (let j = 0; j < size; j++) {
        const at = i * size + j
        cr += re[at]! * row.re[j]! + im[at]! * row.im[j]!
        ci += re[at]! * row.im[j]! - im[at]! * row.re[j]!
      }
      for (let j = 0; j < size; j++) {
        const at = i * size + j
        next.re[j]! += cr * re[at]! - ci * im[at]!
        next.im[j]! += cr * im[at]! + ci * re[at]!
      }
    }
    for (let j = 0; j < size; j++) norm += next.re[j]! ** 2 + next.im[j]! ** 2
    if (norm === 0) return row
    norm = Math.sqrt(norm)
    row = { re: next.re.map((value) => value / norm), im: next.im.map((value) => value / norm) }
  }
  return row
}

/** Coefficients c with Σ c_k·basis_k nearest to `vector`, by least squares. */
export function projectOnto(
  vector: ComplexVector,
  basis: readonly ComplexVector[],
): { readonly re: number; readonly im: number }[] {
  const n = vector.re.length
  const system = Matrix.zeros(2 * n, 2 * basis.length)
  for (const [k, { re, im }] of basis.entries()) {
    for (let i = 0; i < n; i++) {
      system.set(i, 2 * k, re[i]!)
      system.set(i, 2 * k + 1, -im[i]!)
      system.set(n + i, 2 * k, im[i]!)
      system.set(n + i, 2 * k + 1, re[i]!)
    }
  }
  const right = Matrix.columnVector([...vector.re, ...vector.im])
  const solved = solve(system, right)
  return basis.map((_, k) => ({ re: solved.get(2 * k, 0), im: solved.get(2 * k + 1, 0) }))
}
